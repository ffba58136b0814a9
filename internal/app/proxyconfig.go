package app

import (
	"context"
	"fmt"
	"strconv"

	"fastness/internal/api/elbv2api"
	"fastness/internal/engine/waf/rate"
	"fastness/internal/proxy"
	"fastness/internal/service/acm"
	"fastness/internal/service/elbv2"
	"fastness/internal/service/wafv2"
	"fastness/internal/store"
	"fastness/internal/wire"
)

// proxyRooms are the rooms whose state makes up the configuration of proxies.
type proxyRooms struct {
	balancing    *elbv2.Service
	firewall     *wafv2.Service
	certificates *acm.Service
	// keys are the keys of the proxies for a purpose (tokenKeys, cookieKeys, countKeys), the one that is used
	// first.
	keys func(of string) ([][]byte, error)
}

// configuration reads the configuration of proxies from one state of the store. bind is the address
// that listeners listen on. An error means that there is none: what was published before stays, so
// that nothing goes unprotected.
func (p *proxyRooms) configuration(ctx context.Context, s store.Store, bind string) (c proxy.Config, revision store.Revision, err error) {
	if c.TokenKeys, err = p.keys(tokenKeys); err != nil {
		return c, 0, err
	}
	if c.CookieKeys, err = p.keys(cookieKeys); err != nil {
		return c, 0, err
	}
	counts, err := p.keys(countKeys)
	if err != nil {
		return c, 0, err
	}
	err = s.View(ctx, func(r store.Reader) error {
		revision = r.Revision()
		published, err := p.balancing.Publish(r)
		if err != nil {
			return err
		}
		protected, err := p.firewall.Associations(r)
		if err != nil {
			return err
		}
		acls, certificates := make(map[string]struct{}), make(map[string]struct{})
		for i := range published.LoadBalancers {
			b := &published.LoadBalancers[i]
			lb := proxy.LoadBalancer{ARN: b.ARN, WebACL: protected[b.ARN], Attributes: balancerAttributes(b.Attributes)}
			if lb.WebACL != "" {
				acls[lb.WebACL] = struct{}{}
			}
			for j := range b.Listeners {
				lb.Listeners = append(lb.Listeners, listener(&b.Listeners[j], bind))
				for _, arn := range b.Listeners[j].Certificates {
					certificates[arn] = struct{}{}
				}
			}
			c.LoadBalancers = append(c.LoadBalancers, lb)
		}
		for i := range published.TargetGroups {
			c.TargetGroups = append(c.TargetGroups, targetGroup(&published.TargetGroups[i]))
		}
		owners := make(map[string]struct{})
		for arn := range acls {
			spec, err := p.firewall.Specification(r, arn)
			if err != nil {
				return err
			}
			keys, owner, err := p.firewall.APIKeys(r, arn)
			if err != nil {
				return err
			}
			if _, known := owners[owner]; !known {
				owners[owner] = struct{}{}
				c.APIKeys = append(c.APIKeys, keys...)
			}
			c.WebACLs = append(c.WebACLs, proxy.WebACL{
				ARN: arn, ACL: spec.ACL, Sets: spec.Sets, Logging: spec.Logging, CountSecret: counts[0][:rate.SecretSize], APIKeys: owner,
			})
		}
		for arn := range certificates {
			chain, key, err := p.certificates.KeyPair(r, arn)
			if err != nil {
				return err
			}
			c.Certificates = append(c.Certificates, proxy.Certificate{ARN: arn, Chain: chain, Key: string(key)})
			clear(key)
		}
		return nil
	})
	if err != nil {
		err = fmt.Errorf("app: configuration of the proxies: %w", err)
	}
	return c, revision, err
}

// number reads an attribute that was checked when it was set.
func number(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}

func balancerAttributes(a map[string]string) proxy.Attributes {
	on := func(key string) bool { return a[key] == "true" }
	return proxy.Attributes{
		IdleTimeoutSeconds: number(a["idle_timeout.timeout_seconds"]), ClientKeepAliveSeconds: number(a["client_keep_alive.seconds"]),
		DropInvalidFields: on("routing.http.drop_invalid_header_fields.enabled"), PreserveHost: on("routing.http.preserve_host_header.enabled"),
		ForwardedFor: a["routing.http.xff_header_processing.mode"], ClientPort: on("routing.http.xff_client_port.enabled"),
		TLSFields: on("routing.http.x_amzn_tls_version_and_cipher_suite.enabled"), NoHTTP2: !on("routing.http2.enabled"),
		FailOpen: on("waf.fail_open.enabled"),
	}
}

func listener(l *elbv2.PublishedListener, bind string) proxy.Listener {
	out := proxy.Listener{
		ARN: l.ARN, Protocol: l.Protocol, Bind: bind, Port: l.Port, Certificates: l.Certificates, MinTLS: l.MinTLS, Default: listenerAction(&l.Default),
	}
	for i := range l.Rules {
		r := &l.Rules[i]
		x := proxy.Rule{ARN: r.ARN, Priority: r.Priority, Action: listenerAction(&r.Action)}
		for j := range r.Conditions {
			x.Conditions = append(x.Conditions, condition(&r.Conditions[j]))
		}
		out.Rules = append(out.Rules, x)
	}
	return out
}

func condition(c *elbv2api.RuleCondition) proxy.Condition {
	out := proxy.Condition{Field: wire.Value(c.Field)}
	switch {
	case c.HostHeaderConfig != nil:
		out.Values, out.Regex = c.HostHeaderConfig.Values, c.HostHeaderConfig.RegexValues
	case c.PathPatternConfig != nil:
		out.Values, out.Regex = c.PathPatternConfig.Values, c.PathPatternConfig.RegexValues
	case c.HttpHeaderConfig != nil:
		out.Name, out.Values, out.Regex = wire.Value(c.HttpHeaderConfig.HttpHeaderName), c.HttpHeaderConfig.Values, c.HttpHeaderConfig.RegexValues
	case c.HttpRequestMethodConfig != nil:
		out.Values = c.HttpRequestMethodConfig.Values
	case c.SourceIpConfig != nil:
		out.Values = c.SourceIpConfig.Values
	case c.QueryStringConfig != nil:
		for _, p := range c.QueryStringConfig.Values {
			out.Query = append(out.Query, proxy.Pair{Key: wire.Value(p.Key), Value: wire.Value(p.Value)})
		}
	}
	return out
}

func listenerAction(a *elbv2api.Action) (out proxy.Action) {
	switch {
	case a.ForwardConfig != nil:
		f := &proxy.Forward{}
		for _, g := range a.ForwardConfig.TargetGroups {
			f.Groups = append(f.Groups, proxy.WeightedGroup{Group: wire.Value(g.TargetGroupArn), Weight: int(wire.Value(g.Weight))})
		}
		if s := a.ForwardConfig.TargetGroupStickinessConfig; s != nil && wire.Value(s.Enabled) {
			f.StickinessSeconds = int(wire.Value(s.DurationSeconds))
		}
		out.Forward = f
	case a.FixedResponseConfig != nil:
		r := a.FixedResponseConfig
		out.Fixed = &proxy.FixedResponse{Status: number(wire.Value(r.StatusCode)), ContentType: wire.Value(r.ContentType), Body: wire.Value(r.MessageBody)}
	case a.RedirectConfig != nil:
		r := a.RedirectConfig
		out.Redirect = &proxy.Redirect{
			Status: 301, Protocol: wire.Value(r.Protocol), Host: wire.Value(r.Host), Port: wire.Value(r.Port), Path: wire.Value(r.Path), Query: wire.Value(r.Query),
		}
		if wire.Value(r.StatusCode) == elbv2api.RedirectActionStatusCodeEnumHTTP302 {
			out.Redirect.Status = 302
		}
	}
	return out
}

func targetGroup(g *elbv2.PublishedTargetGroup) proxy.TargetGroup {
	a := g.Attributes
	out := proxy.TargetGroup{
		ARN: g.ARN, Protocol: g.Protocol, Version: g.Version,
		Health: proxy.HealthCheck{
			Protocol: g.Health.Protocol, Port: g.Health.Port, Path: g.Health.Path, IntervalSeconds: g.Health.Interval, TimeoutSeconds: g.Health.Timeout,
			Healthy: g.Health.Healthy, Unhealthy: g.Health.Unhealthy, Matcher: g.Health.Matcher,
		},
		DeregistrationDelaySeconds: number(a["deregistration_delay.timeout_seconds"]), SlowStartSeconds: number(a["slow_start.duration_seconds"]),
		Algorithm: a["load_balancing.algorithm.type"],
	}
	if a["stickiness.enabled"] == "true" {
		if a["stickiness.type"] == "app_cookie" {
			out.Stickiness = &proxy.Stickiness{Seconds: number(a["stickiness.app_cookie.duration_seconds"]), Cookie: a["stickiness.app_cookie.cookie_name"]}
		} else {
			out.Stickiness = &proxy.Stickiness{Seconds: number(a["stickiness.lb_cookie.duration_seconds"])}
		}
	}
	for _, t := range g.Targets {
		out.Targets = append(out.Targets, proxy.Target{IP: t.IP, Port: t.Port, Draining: t.Draining})
	}
	return out
}
