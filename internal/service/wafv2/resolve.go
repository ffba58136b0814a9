package wafv2

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"

	"fastness/internal/api/wafv2api"
	"fastness/internal/call"
	"fastness/internal/policy"
	"fastness/internal/store"
)

// resourceTypes are CloudTrail's names for what AWS WAF touches.
var resourceTypes = map[kind]string{
	kindWebACL: "AWS::WAFv2::WebACL", kindRuleGroup: "AWS::WAFv2::RuleGroup", kindIPSet: "AWS::WAFv2::IPSet",
	kindRegexPatternSet: "AWS::WAFv2::RegexPatternSet", kindManagedRuleSet: "AWS::WAFv2::ManagedRuleSet",
}

// target is the entity that a call is about.
type target struct {
	name entityName
	// entity is nil if there is none of the name and the id. It is what reading calls answer with;
	// those that write read it again.
	entity *entity
}

var errUnresolved = errors.New("wafv2: the call was not resolved")

// targetOf is the entity that the call in ctx is about.
func targetOf(ctx context.Context) (*call.Call, *target, error) {
	c := call.From(ctx)
	t, ok := c.Resolved.(*target)
	if !ok {
		return nil, nil, errUnresolved
	}
	return c, t, nil
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
	if sc, ok := scopeOf(c.Input); ok {
		if err := checkScope(c, sc); err != nil {
			return nil, err
		}
	}
	switch in := c.Input.(type) {
	case *wafv2api.CreateWebACLRequest:
		return s.resolveCreate(r, c, kindWebACL, in.Scope, in.Name, in.Tags, in.Rules)
	case *wafv2api.CreateRuleGroupRequest:
		return s.resolveCreate(r, c, kindRuleGroup, in.Scope, in.Name, in.Tags, in.Rules)
	case *wafv2api.CreateIPSetRequest:
		return s.resolveCreate(r, c, kindIPSet, in.Scope, in.Name, in.Tags, nil)
	case *wafv2api.CreateRegexPatternSetRequest:
		return s.resolveCreate(r, c, kindRegexPatternSet, in.Scope, in.Name, in.Tags, nil)
	case *wafv2api.UpdateWebACLRequest:
		return s.resolveNamed(r, c, kindWebACL, in.Scope, in.Name, in.Id, in.Rules)
	case *wafv2api.UpdateRuleGroupRequest:
		return s.resolveNamed(r, c, kindRuleGroup, in.Scope, in.Name, in.Id, in.Rules)
	case *wafv2api.UpdateIPSetRequest:
		return s.resolveNamed(r, c, kindIPSet, in.Scope, in.Name, in.Id, nil)
	case *wafv2api.UpdateRegexPatternSetRequest:
		return s.resolveNamed(r, c, kindRegexPatternSet, in.Scope, in.Name, in.Id, nil)
	case *wafv2api.UpdateManagedRuleSetVersionExpiryDateRequest:
		return s.resolveNamed(r, c, kindManagedRuleSet, in.Scope, in.Name, in.Id, nil)
	case *wafv2api.PutManagedRuleSetVersionsRequest:
		return s.resolvePublish(r, c, in)
	case *wafv2api.DeleteWebACLRequest:
		return s.resolveNamed(r, c, kindWebACL, in.Scope, in.Name, in.Id, nil)
	case *wafv2api.DeleteRuleGroupRequest:
		return s.resolveNamed(r, c, kindRuleGroup, in.Scope, in.Name, in.Id, nil)
	case *wafv2api.DeleteIPSetRequest:
		return s.resolveNamed(r, c, kindIPSet, in.Scope, in.Name, in.Id, nil)
	case *wafv2api.DeleteRegexPatternSetRequest:
		return s.resolveNamed(r, c, kindRegexPatternSet, in.Scope, in.Name, in.Id, nil)
	case *wafv2api.GetIPSetRequest:
		return s.resolveNamed(r, c, kindIPSet, in.Scope, in.Name, in.Id, nil)
	case *wafv2api.GetRegexPatternSetRequest:
		return s.resolveNamed(r, c, kindRegexPatternSet, in.Scope, in.Name, in.Id, nil)
	case *wafv2api.GetManagedRuleSetRequest:
		return s.resolveNamed(r, c, kindManagedRuleSet, in.Scope, in.Name, in.Id, nil)
	case *wafv2api.GetRateBasedStatementManagedKeysRequest:
		return s.resolveNamed(r, c, kindWebACL, in.Scope, in.WebACLName, in.WebACLId, nil)
	case *wafv2api.GetWebACLRequest:
		return s.resolveGet(r, c, kindWebACL, in.ARN, in.Scope, in.Name, in.Id)
	case *wafv2api.GetRuleGroupRequest:
		return s.resolveGet(r, c, kindRuleGroup, in.ARN, in.Scope, in.Name, in.Id)
	}
	return s.resolveMore(r, c)
}

// resolveMore goes on with what is named by an ARN, or by nothing.
func (s *Service) resolveMore(r store.Reader, c *call.Call) ([]call.Access, error) {
	switch in := c.Input.(type) {
	case *wafv2api.TagResourceRequest:
		accesses, err := s.resolveARN(r, c, value(in.ResourceARN), "")
		if err == nil {
			accesses[0].RequestTags = tagsOf(in.Tags)
		}
		return accesses, err
	case *wafv2api.UntagResourceRequest:
		accesses, err := s.resolveARN(r, c, value(in.ResourceARN), "")
		if err == nil {
			accesses[0].TagKeys = in.TagKeys
		}
		return accesses, err
	case *wafv2api.ListTagsForResourceRequest:
		return s.resolveARN(r, c, value(in.ResourceARN), "")
	case *wafv2api.PutPermissionPolicyRequest:
		return s.resolveARN(r, c, value(in.ResourceArn), kindRuleGroup)
	case *wafv2api.GetPermissionPolicyRequest:
		return s.resolveARN(r, c, value(in.ResourceArn), kindRuleGroup)
	case *wafv2api.DeletePermissionPolicyRequest:
		return s.resolveARN(r, c, value(in.ResourceArn), kindRuleGroup)
	case *wafv2api.DeleteFirewallManagerRuleGroupsRequest:
		return s.resolveARN(r, c, value(in.WebACLArn), kindWebACL)
	case *wafv2api.ListResourcesForWebACLRequest:
		return s.resolveARN(r, c, value(in.WebACLArn), kindWebACL)
	case *wafv2api.GetSampledRequestsRequest:
		return s.resolveARN(r, c, value(in.WebAclArn), kindWebACL)
	case *wafv2api.GetTopPathStatisticsByTrafficRequest:
		return s.resolveARN(r, c, value(in.WebAclArn), kindWebACL)
	case *wafv2api.PutLoggingConfigurationRequest:
		accesses, err := s.resolveARN(r, c, value(in.LoggingConfiguration.ResourceArn), kindWebACL)
		if err == nil {
			accesses[0].Context = &logConditions{scope: logScope(in.LoggingConfiguration.LogScope), destinations: in.LoggingConfiguration.LogDestinationConfigs}
		}
		return accesses, err
	case *wafv2api.GetLoggingConfigurationRequest:
		return s.resolveLogging(r, c, in.ResourceArn, in.LogScope)
	case *wafv2api.DeleteLoggingConfigurationRequest:
		return s.resolveLogging(r, c, in.ResourceArn, in.LogScope)
	case *wafv2api.ListLoggingConfigurationsRequest:
		return []call.Access{{Action: "wafv2:ListLoggingConfigurations", Resource: "*", Context: &logConditions{scope: logScope(in.LogScope)}}}, nil
	case *wafv2api.AssociateWebACLRequest:
		return s.resolveAssociate(r, c, in)
	case *wafv2api.DisassociateWebACLRequest:
		return s.resolveResource(r, c, value(in.ResourceArn))
	case *wafv2api.GetWebACLForResourceRequest:
		return s.resolveWebACLFor(r, c, value(in.ResourceArn))
	case *wafv2api.CheckCapacityRequest, *wafv2api.CreateAPIKeyRequest, *wafv2api.DeleteAPIKeyRequest, *wafv2api.GetDecryptedAPIKeyRequest,
		*wafv2api.ListAPIKeysRequest, *wafv2api.ListIPSetsRequest, *wafv2api.ListRegexPatternSetsRequest, *wafv2api.ListRuleGroupsRequest,
		*wafv2api.ListWebACLsRequest, *wafv2api.ListManagedRuleSetsRequest, *wafv2api.ListAvailableManagedRuleGroupsRequest,
		*wafv2api.ListAvailableManagedRuleGroupVersionsRequest, *wafv2api.DescribeManagedRuleGroupRequest, *wafv2api.DescribeAllManagedProductsRequest,
		*wafv2api.DescribeManagedProductsByVendorRequest, *wafv2api.ListMobileSdkReleasesRequest, *wafv2api.GetMobileSdkReleaseRequest,
		*wafv2api.GenerateMobileSdkReleaseUrlRequest:
		// Actions without a resource.
		return []call.Access{{Action: "wafv2:" + c.Operation.Name, Resource: "*"}}, nil
	}
	return nil, errUnresolved
}

// scopeOf is the scope that an input names, if it does. Most inputs have a member of that
// name; which ones, the generated structs say.
func scopeOf(input any) (*wafv2api.Scope, bool) {
	v := reflect.ValueOf(input)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return nil, false
	}
	f := v.Elem().FieldByName("Scope")
	if !f.IsValid() {
		return nil, false
	}
	sc, ok := f.Interface().(*wafv2api.Scope)
	return sc, ok
}

// access is the access of one action to one entity, which may not exist.
func (s *Service) access(r store.Reader, c *call.Call, action string, n entityName, e *entity) (call.Access, error) {
	a := call.Access{Action: action, Resource: n.arn(), ResourceType: resourceTypes[n.kind], Account: n.account}
	if e == nil {
		return a, nil
	}
	a.ResourceTags = tagMap(e.Tags)
	if n.kind == kindRuleGroup && n.account != c.Account {
		p, err := s.sharing(r, e)
		if err != nil {
			return a, err
		}
		a.Policy, a.Mode = p, policy.ResourceOptional
	}
	return a, nil
}

// lookup finds an entity; it is nil if there is none of the name and the id.
func (s *Service) lookup(r store.Reader, n entityName) (*entity, error) {
	e, err := s.tables.entity(r, n)
	if _, absent := errors.AsType[*wafv2api.WAFNonexistentItemException](err); absent {
		return nil, nil
	}
	return e, err
}

// resolveCreate authorizes making an entity, with the id that it will have, and the use of what
// its rules refer to.
func (s *Service) resolveCreate(r store.Reader, c *call.Call, k kind, sc *wafv2api.Scope, name *string, tags []wafv2api.Tag, rules []wafv2api.Rule) ([]call.Access, error) {
	n := entityName{account: c.Account, region: c.Region, scope: value(sc), kind: k, name: value(name), id: newUUID()}
	c.Resolved = &target{name: n}
	action := "wafv2:" + c.Operation.Name
	a := call.Access{Action: action, Resource: n.arn(), ResourceType: resourceTypes[k], Account: c.Account, RequestTags: tagsOf(tags)}
	accesses := []call.Access{a}
	if len(tags) > 0 {
		a.Action, a.Unlogged = "wafv2:TagResource", true
		accesses = append(accesses, a)
	}
	return s.withReferences(r, c, accesses, action, rules)
}

// resolveNamed authorizes a call about an entity that is named by its scope, name and id.
func (s *Service) resolveNamed(r store.Reader, c *call.Call, k kind, sc *wafv2api.Scope, name, id *string, rules []wafv2api.Rule) ([]call.Access, error) {
	n := entityName{account: c.Account, region: c.Region, scope: value(sc), kind: k, name: value(name), id: value(id)}
	accesses, err := s.resolveOne(r, c, n)
	if err != nil {
		return nil, err
	}
	return s.withReferences(r, c, accesses, accesses[0].Action, rules)
}

func (s *Service) resolveOne(r store.Reader, c *call.Call, n entityName) ([]call.Access, error) {
	e, err := s.lookup(r, n)
	if err != nil {
		return nil, err
	}
	c.Resolved = &target{name: n, entity: e}
	a, err := s.access(r, c, "wafv2:"+c.Operation.Name, n, e)
	return []call.Access{a}, err
}

// withReferences adds the use of what rules refer to.
func (s *Service) withReferences(r store.Reader, c *call.Call, accesses []call.Access, action string, rules []wafv2api.Rule) ([]call.Access, error) {
	for _, text := range namedIn(rules) {
		n, ok := parseARN(text)
		if !ok {
			continue // the operation refuses it
		}
		e, err := s.lookup(r, n)
		if err != nil {
			return nil, err
		}
		a, err := s.access(r, c, action, n, e)
		if err != nil {
			return nil, err
		}
		a.Unlogged = true
		accesses = append(accesses, a)
	}
	return accesses, nil
}

// resolveGet authorizes reading by ARN, or by scope, name and id.
func (s *Service) resolveGet(r store.Reader, c *call.Call, k kind, text *string, sc *wafv2api.Scope, name, id *string) ([]call.Access, error) {
	if text != nil {
		return s.resolveARN(r, c, *text, k)
	}
	if sc == nil || name == nil || id == nil {
		return nil, invalid(wafv2api.ParameterExceptionFieldResourceARN, "ARN", reasonExactlyOne)
	}
	return s.resolveNamed(r, c, k, sc, name, id, nil)
}

// resolveARN authorizes a call about the entity of an ARN, which must be of a kind unless that
// is empty. Only rule groups are shared with other accounts.
func (s *Service) resolveARN(r store.Reader, c *call.Call, text string, k kind) ([]call.Access, error) {
	n, ok := parseARN(text)
	if !ok || n.region != c.Region || k != "" && n.kind != k {
		return nil, invalid(wafv2api.ParameterExceptionFieldResourceARN, text, reasonARN)
	}
	if n.account != c.Account && c.Operation.Name != "GetRuleGroup" {
		return nil, nonexistent()
	}
	return s.resolveOne(r, c, n)
}

func (s *Service) resolvePublish(r store.Reader, c *call.Call, in *wafv2api.PutManagedRuleSetVersionsRequest) ([]call.Access, error) {
	accesses, err := s.resolveNamed(r, c, kindManagedRuleSet, in.Scope, in.Name, in.Id, nil)
	if err != nil {
		return nil, err
	}
	var groups []string
	for _, v := range in.VersionsToPublish {
		groups = append(groups, value(v.AssociatedRuleGroupArn))
	}
	slices.Sort(groups)
	for _, text := range slices.Compact(groups) {
		n, ok := parseARN(text)
		if !ok {
			continue // the operation refuses it
		}
		e, err := s.lookup(r, n)
		if err != nil {
			return nil, err
		}
		a, err := s.access(r, c, accesses[0].Action, n, e)
		if err != nil {
			return nil, err
		}
		a.Unlogged = true
		accesses = append(accesses, a)
	}
	return accesses, nil
}

func (s *Service) resolveLogging(r store.Reader, c *call.Call, text *string, sc *wafv2api.LogScope) ([]call.Access, error) {
	accesses, err := s.resolveARN(r, c, value(text), kindWebACL)
	if err == nil {
		accesses[0].Context = &logConditions{scope: logScope(sc)}
	}
	return accesses, err
}

// namedIn are the ARNs that rules refer to, sorted.
func namedIn(rules []wafv2api.Rule) (all []string) {
	var walk func(s *wafv2api.Statement)
	list := func(list []wafv2api.Statement) {
		for i := range list {
			walk(&list[i])
		}
	}
	walk = func(s *wafv2api.Statement) {
		if s == nil {
			return
		}
		if x := s.IPSetReferenceStatement; x != nil {
			all = append(all, value(x.ARN))
		}
		if x := s.RegexPatternSetReferenceStatement; x != nil {
			all = append(all, value(x.ARN))
		}
		if x := s.RuleGroupReferenceStatement; x != nil {
			all = append(all, value(x.ARN))
		}
		if x := s.NotStatement; x != nil {
			walk(x.Statement)
		}
		if x := s.RateBasedStatement; x != nil {
			walk(x.ScopeDownStatement)
		}
		if x := s.ManagedRuleGroupStatement; x != nil {
			walk(x.ScopeDownStatement)
		}
		if x := s.AndStatement; x != nil {
			list(x.Statements)
		}
		if x := s.OrStatement; x != nil {
			list(x.Statements)
		}
	}
	for i := range rules {
		walk(rules[i].Statement)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// logConditions answers the condition keys wafv2:LogScope and wafv2:LogDestinationResource.
type logConditions struct {
	scope        wafv2api.LogScope
	destinations []string
}

// Lookup implements policy.Context.
func (l *logConditions) Lookup(name string) (policy.Values, bool) {
	switch strings.ToLower(name) {
	case "wafv2:logscope":
		return policy.One(string(l.scope)), true
	case "wafv2:logdestinationresource":
		if len(l.destinations) == 1 {
			return policy.One(l.destinations[0]), true
		}
	}
	return policy.Values{}, false
}
