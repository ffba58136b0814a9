package elbv2

import (
	"context"
	"errors"
	"slices"
	"strings"

	"fastness/internal/api/elbv2api"
	"fastness/internal/call"
	"fastness/internal/policy"
	"fastness/internal/store"
)

// resourceTypes are CloudTrail's names for what Elastic Load Balancing touches.
var resourceTypes = map[kind]string{
	kindLoadBalancer: "AWS::ElasticLoadBalancingV2::LoadBalancer", kindTargetGroup: "AWS::ElasticLoadBalancingV2::TargetGroup",
	kindListener: "AWS::ElasticLoadBalancingV2::Listener", kindRule: "AWS::ElasticLoadBalancingV2::ListenerRule",
}

var errUnresolved = errors.New("elbv2: the call was not resolved")

// resolved is what Resolve leaves for the operation.
type resolved struct {
	// of are what the call names, in its order; a call that makes something has the new name last.
	of []name
}

// one is the only, or the first, thing that the call in ctx names.
func one(ctx context.Context) (*call.Call, name, error) {
	c := call.From(ctx)
	r, ok := c.Resolved.(*resolved)
	if !ok || len(r.of) == 0 {
		return nil, name{}, errUnresolved
	}
	return c, r.of[0], nil
}

// Resolve implements the door's resolver.
func (s *Service) Resolve(ctx context.Context, c *call.Call) (accesses []call.Access, err error) {
	err = s.store.View(ctx, func(r store.Reader) error {
		accesses, err = s.resolve(r, c)
		return err
	})
	return accesses, err
}

func (s *Service) resolve(r store.Reader, c *call.Call) ([]call.Access, error) {
	switch in := c.Input.(type) {
	case *elbv2api.CreateLoadBalancerInput:
		return s.resolveNew(c, name{kind: kindLoadBalancer, of: value(in.Name) + "/" + newID()}, in.Tags, &conditions{
			scheme: string(value(in.Scheme)), subnets: subnetsOf(in.Subnets, in.SubnetMappings), groups: in.SecurityGroups,
		})
	case *elbv2api.CreateTargetGroupInput:
		return s.resolveNew(c, name{kind: kindTargetGroup, of: value(in.Name) + "/" + newID()}, in.Tags, &conditions{})
	case *elbv2api.CreateListenerInput:
		return s.resolveBelow(r, c, in.LoadBalancerArn, kindLoadBalancer, in.Tags, &conditions{protocol: string(value(in.Protocol)), policy: value(in.SslPolicy)})
	case *elbv2api.CreateRuleInput:
		return s.resolveBelow(r, c, in.ListenerArn, kindListener, in.Tags, &conditions{})
	case *elbv2api.DeleteLoadBalancerInput:
		return s.resolveOne(r, c, in.LoadBalancerArn, kindLoadBalancer, &conditions{})
	case *elbv2api.ModifyLoadBalancerAttributesInput:
		return s.resolveOne(r, c, in.LoadBalancerArn, kindLoadBalancer, &conditions{})
	case *elbv2api.SetIpAddressTypeInput:
		return s.resolveOne(r, c, in.LoadBalancerArn, kindLoadBalancer, &conditions{})
	case *elbv2api.SetSecurityGroupsInput:
		return s.resolveOne(r, c, in.LoadBalancerArn, kindLoadBalancer, &conditions{groups: in.SecurityGroups})
	case *elbv2api.SetSubnetsInput:
		return s.resolveOne(r, c, in.LoadBalancerArn, kindLoadBalancer, &conditions{subnets: subnetsOf(in.Subnets, in.SubnetMappings)})
	case *elbv2api.ModifyTargetGroupInput:
		return s.resolveOne(r, c, in.TargetGroupArn, kindTargetGroup, &conditions{})
	case *elbv2api.ModifyTargetGroupAttributesInput:
		return s.resolveOne(r, c, in.TargetGroupArn, kindTargetGroup, &conditions{})
	case *elbv2api.DeleteTargetGroupInput:
		return s.resolveOne(r, c, in.TargetGroupArn, kindTargetGroup, &conditions{})
	case *elbv2api.RegisterTargetsInput:
		return s.resolveOne(r, c, in.TargetGroupArn, kindTargetGroup, &conditions{})
	case *elbv2api.DeregisterTargetsInput:
		return s.resolveOne(r, c, in.TargetGroupArn, kindTargetGroup, &conditions{})
	case *elbv2api.ModifyListenerInput:
		return s.resolveOne(r, c, in.ListenerArn, kindListener, &conditions{protocol: string(value(in.Protocol)), policy: value(in.SslPolicy)})
	case *elbv2api.ModifyListenerAttributesInput:
		return s.resolveOne(r, c, in.ListenerArn, kindListener, &conditions{})
	case *elbv2api.DeleteListenerInput:
		return s.resolveOne(r, c, in.ListenerArn, kindListener, &conditions{})
	case *elbv2api.AddListenerCertificatesInput:
		return s.resolveOne(r, c, in.ListenerArn, kindListener, &conditions{})
	case *elbv2api.RemoveListenerCertificatesInput:
		return s.resolveOne(r, c, in.ListenerArn, kindListener, &conditions{})
	case *elbv2api.ModifyRuleInput:
		return s.resolveOne(r, c, in.RuleArn, kindRule, &conditions{})
	case *elbv2api.DeleteRuleInput:
		return s.resolveOne(r, c, in.RuleArn, kindRule, &conditions{})
	case *elbv2api.SetRulePrioritiesInput:
		var rules []string
		for _, p := range in.RulePriorities {
			rules = append(rules, value(p.RuleArn))
		}
		return s.resolveList(r, c, rules, kindRule)
	case *elbv2api.AddTagsInput:
		accesses, err := s.resolveList(r, c, in.ResourceArns, "")
		for i := range accesses {
			accesses[i].RequestTags = tagsOf(in.Tags)
		}
		return accesses, err
	case *elbv2api.RemoveTagsInput:
		accesses, err := s.resolveList(r, c, in.ResourceArns, "")
		for i := range accesses {
			accesses[i].TagKeys = in.TagKeys
		}
		return accesses, err
	}
	if strings.HasPrefix(c.Operation.Name, "Describe") {
		// Actions without a resource.
		return []call.Access{{Action: "elasticloadbalancing:" + c.Operation.Name, Resource: "*"}}, nil
	}
	return nil, errUnresolved
}

// access is the access of the call's action to something, which may not exist.
func (s *Service) access(r store.Reader, c *call.Call, n name, k *conditions) (call.Access, error) {
	tags, err := s.tagsAt(r, n)
	own := *k
	own.tags = tags
	return call.Access{
		Action: "elasticloadbalancing:" + c.Operation.Name, Resource: n.arn(), ResourceType: resourceTypes[n.kind], Account: n.account,
		ResourceTags: tags, Context: &own,
	}, err
}

// resolveOne authorizes a call about what an ARN names.
func (s *Service) resolveOne(r store.Reader, c *call.Call, text *string, k kind, conditions *conditions) ([]call.Access, error) {
	n, ok := parseARN(value(text), k, c.Account, c.Region)
	if !ok {
		return nil, malformed(k, value(text))
	}
	c.Resolved = &resolved{of: []name{n}}
	a, err := s.access(r, c, n, conditions)
	return []call.Access{a}, err
}

// resolveList authorizes a call about several things, of a kind unless that is empty.
func (s *Service) resolveList(r store.Reader, c *call.Call, texts []string, k kind) (accesses []call.Access, err error) {
	of := new(resolved)
	for _, text := range texts {
		n, ok := parseAny(text, c.Account, c.Region)
		if !ok || k != "" && n.kind != k {
			return nil, malformed(kindRule, text)
		}
		a, err := s.access(r, c, n, &conditions{})
		if err != nil {
			return nil, err
		}
		of.of, accesses = append(of.of, n), append(accesses, a)
	}
	c.Resolved = of
	return accesses, nil
}

// resolveNew authorizes making something of the name that it will have.
func (s *Service) resolveNew(c *call.Call, n name, tags []elbv2api.Tag, k *conditions) ([]call.Access, error) {
	n.account, n.region = c.Account, c.Region
	c.Resolved = &resolved{of: []name{n}}
	a := call.Access{
		Action: "elasticloadbalancing:" + c.Operation.Name, Resource: n.arn(), ResourceType: resourceTypes[n.kind], Account: c.Account,
		RequestTags: tagsOf(tags), Context: k,
	}
	return withTagging(c, []call.Access{a}, n, tags, k), nil
}

// withTagging adds the permission to tag what is made.
func withTagging(c *call.Call, accesses []call.Access, n name, tags []elbv2api.Tag, k *conditions) []call.Access {
	if len(tags) == 0 {
		return accesses
	}
	own := *k
	own.createAction = c.Operation.Name
	return append(accesses, call.Access{
		Action: "elasticloadbalancing:AddTags", Resource: n.arn(), ResourceType: resourceTypes[n.kind], Account: n.account, RequestTags: tagsOf(tags), Context: &own, Unlogged: true,
	})
}

// resolveBelow authorizes making a listener of a load balancer, or a rule of a listener.
func (s *Service) resolveBelow(r store.Reader, c *call.Call, text *string, of kind, tags []elbv2api.Tag, k *conditions) ([]call.Access, error) {
	accesses, err := s.resolveOne(r, c, text, of, k)
	if err != nil {
		return nil, err
	}
	accesses[0].RequestTags = tagsOf(tags)
	up := c.Resolved.(*resolved)
	made := up.of[0]
	if of == kindLoadBalancer {
		made.kind, made.listener = kindListener, newID()
	} else {
		made.kind, made.rule = kindRule, newID()
	}
	up.of = append(up.of, made)
	return withTagging(c, accesses, made, tags, k), nil
}

// conditions answers the condition keys of the service (Service Authorization Reference, "Condition
// keys for AWS Elastic Load Balancing V2").
type conditions struct {
	tags                                   map[string]string
	scheme, protocol, policy, createAction string
	subnets, groups                        []string
}

const tagPrefix = "elasticloadbalancing:resourcetag/"

// Lookup implements policy.Context. Names are in lower case, as package policy asks for them.
func (k *conditions) Lookup(name string) (policy.Values, bool) {
	if key, ok := strings.CutPrefix(name, tagPrefix); ok {
		for have, v := range k.tags {
			if strings.EqualFold(have, key) {
				return policy.One(v), true
			}
		}
		return policy.Values{}, false
	}
	one := func(v string) (policy.Values, bool) { return policy.One(v), v != "" }
	many := func(v []string) (policy.Values, bool) { return policy.Many(slices.Clone(v)), len(v) > 0 }
	switch name {
	case "elasticloadbalancing:scheme":
		return one(k.scheme)
	case "elasticloadbalancing:listenerprotocol":
		return one(k.protocol)
	case "elasticloadbalancing:securitypolicy":
		return one(k.policy)
	case "elasticloadbalancing:createaction":
		return one(k.createAction)
	case "elasticloadbalancing:subnet":
		return many(k.subnets)
	case "elasticloadbalancing:securitygroup":
		return many(k.groups)
	}
	return policy.Values{}, false
}
