package elbv2

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"fastness/internal/api/elbv2api"
	"fastness/internal/store"
)

// maxForwardGroups is how many target groups an action forwards to.
const maxForwardGroups = 5

// contentTypes are those of fixed responses.
var contentTypes = []string{"text/plain", "text/css", "text/html", "application/javascript", "application/json"}

var (
	redirectPort = regexp.MustCompile(`^[1-9][0-9]{0,4}$`)
	placeholder  = regexp.MustCompile(`#\{[^}]*\}?`)
)

// actions checks the actions of a rule or a listener and gives them AWS's form. There is one: those
// that come before it, to authenticate, are not supported. groups are the target groups it forwards
// to.
func (s *Service) actions(r store.Reader, account, region string, in []elbv2api.Action) (out []elbv2api.Action, groups []string, err error) {
	if len(in) == 0 {
		return nil, nil, invalid("At least one action must be specified")
	}
	for i := range in {
		switch t := value(in[i].Type); t {
		case elbv2api.ActionTypeEnumForward, elbv2api.ActionTypeEnumRedirect, elbv2api.ActionTypeEnumFixedResponse:
		default:
			return nil, nil, unsupported("Actions of the type '%s' are not supported", t)
		}
	}
	if len(in) != 1 {
		return nil, nil, &elbv2api.InvalidLoadBalancerActionException{Message: new("Exactly one of the actions must be a forward, redirect or fixed-response action, and it must be the last one")}
	}
	a := in[0]
	set := 0
	for _, given := range []bool{a.TargetGroupArn != nil || a.ForwardConfig != nil, a.RedirectConfig != nil, a.FixedResponseConfig != nil} {
		if given {
			set++
		}
	}
	if set != 1 || a.AuthenticateOidcConfig != nil || a.AuthenticateCognitoConfig != nil || a.JwtValidationConfig != nil {
		return nil, nil, &elbv2api.InvalidLoadBalancerActionException{Message: new(fmt.Sprintf("An action of the type '%s' must have its own configuration, and no other", value(a.Type)))}
	}
	switch {
	case value(a.Type) == elbv2api.ActionTypeEnumForward && set == 1 && (a.TargetGroupArn != nil || a.ForwardConfig != nil):
		groups, err = s.forward(r, account, region, &a)
	case value(a.Type) == elbv2api.ActionTypeEnumRedirect && a.RedirectConfig != nil:
		a.RedirectConfig = new(*a.RedirectConfig)
		err = redirect(a.RedirectConfig)
	case value(a.Type) == elbv2api.ActionTypeEnumFixedResponse && a.FixedResponseConfig != nil:
		err = fixedResponse(a.FixedResponseConfig)
	default:
		err = &elbv2api.InvalidLoadBalancerActionException{Message: new(fmt.Sprintf("An action of the type '%s' must have its own configuration, and no other", value(a.Type)))}
	}
	a.Order = nil
	return []elbv2api.Action{a}, groups, err
}

// forward checks an action that forwards. Both forms of it are answered: the ARN where there is one
// target group, and the configuration.
func (s *Service) forward(r store.Reader, account, region string, a *elbv2api.Action) (groups []string, err error) {
	f := new(elbv2api.ForwardActionConfig) // what is filled in is not filled into the request
	if a.ForwardConfig != nil {
		*f = *a.ForwardConfig
		f.TargetGroups = slices.Clone(f.TargetGroups)
	}
	if len(f.TargetGroups) == 0 {
		f.TargetGroups = []elbv2api.TargetGroupTuple{{TargetGroupArn: a.TargetGroupArn}}
	}
	if a.TargetGroupArn != nil && (len(f.TargetGroups) != 1 || value(f.TargetGroups[0].TargetGroupArn) != *a.TargetGroupArn) {
		return nil, invalid("The target group ARN and the forward configuration must name the same target group")
	}
	if len(f.TargetGroups) > maxForwardGroups {
		return nil, &elbv2api.TooManyUniqueTargetGroupsPerLoadBalancerException{Message: new("You've reached the limit on the number of unique target groups per load balancer across all listeners.")}
	}
	protocol := ""
	for i := range f.TargetGroups {
		t := &f.TargetGroups[i]
		n, ok := parseARN(value(t.TargetGroupArn), kindTargetGroup, account, region)
		if !ok {
			return nil, malformed(kindTargetGroup, value(t.TargetGroupArn))
		}
		g, err := s.tables.group(r, n)
		if err != nil {
			return nil, err
		}
		if slices.Contains(groups, n.arn()) {
			return nil, invalid("Target group '%s' is specified more than once", n.arn())
		}
		if protocol != "" && protocol != g.Version {
			return nil, &elbv2api.IncompatibleProtocolsException{Message: new("The target groups of an action must have the same protocol version")}
		}
		protocol = g.Version
		groups = append(groups, n.arn())
		if t.Weight == nil {
			t.Weight = new(int32(1))
		}
		if w := *t.Weight; w < 0 || w > 999 {
			return nil, invalid("Weight '%d' must be between 0 and 999", w)
		}
	}
	st := f.TargetGroupStickinessConfig
	if st == nil {
		st = &elbv2api.TargetGroupStickinessConfig{Enabled: new(false)}
		f.TargetGroupStickinessConfig = st
	}
	if d := value(st.DurationSeconds); value(st.Enabled) && (d < 1 || d > 604_800) {
		return nil, invalid("The stickiness duration '%d' must be between 1 and 604800 seconds", d)
	}
	a.ForwardConfig = f
	if a.TargetGroupArn = nil; len(groups) == 1 {
		a.TargetGroupArn = &groups[0]
	}
	return groups, nil
}

// redirect checks a redirection, and fills in what it keeps of the request.
func redirect(c *elbv2api.RedirectActionConfig) error {
	for _, d := range []struct {
		at        **string
		otherwise string
	}{{&c.Protocol, "#{protocol}"}, {&c.Port, "#{port}"}, {&c.Host, "#{host}"}, {&c.Path, "/#{path}"}, {&c.Query, "#{query}"}} {
		if *d.at == nil {
			*d.at = new(d.otherwise)
		}
	}
	switch {
	case !slices.Contains([]string{"HTTP", "HTTPS", "#{protocol}"}, *c.Protocol):
		return invalid("Redirect protocol '%s' must be HTTP, HTTPS or #{protocol}", *c.Protocol)
	case *c.Port != "#{port}" && (!redirectPort.MatchString(*c.Port) || !between(1, 65_535)(*c.Port)):
		return invalid("Redirect port '%s' must be a number from 1 to 65535 or #{port}", *c.Port)
	case !strings.HasPrefix(*c.Path, "/"):
		return invalid("Redirect path '%s' must begin with a '/' character", *c.Path)
	}
	for _, text := range []string{*c.Host, *c.Path, *c.Query} {
		for _, p := range placeholder.FindAllString(text, -1) {
			if !slices.Contains([]string{"#{protocol}", "#{port}", "#{host}", "#{path}", "#{query}"}, p) {
				return invalid("'%s' is not a component of a URI that can be kept", p)
			}
		}
		if strings.ContainsAny(text, "\r\n\x00") {
			return invalid("A redirect cannot have control characters")
		}
	}
	if *c.Protocol == "#{protocol}" && *c.Port == "#{port}" && *c.Host == "#{host}" && *c.Path == "/#{path}" {
		return invalid("The redirect configuration is not valid because it creates a loop.")
	}
	return nil
}

func fixedResponse(c *elbv2api.FixedResponseActionConfig) error {
	switch {
	case c.ContentType != nil && !slices.Contains(contentTypes, *c.ContentType):
		return invalid("Content type '%s' must be one of '%s'", *c.ContentType, strings.Join(contentTypes, ", "))
	case len(value(c.MessageBody)) > 1024:
		return invalid("The message body cannot be longer than '1024' characters")
	}
	return nil
}
