package ssm

import (
	"context"
	"errors"
	"slices"
	"strings"

	"fastness/internal/api/ssmapi"
	"fastness/internal/call"
	"fastness/internal/policy"
	"fastness/internal/wire"
)

// CloudTrail's names for what Parameter Store touches.
const (
	typeParameter = "AWS::SSM::Parameter"
	typeSetting   = "AWS::SSM::ServiceSetting"
)

// target is a parameter that a call names, with what is there under the name.
type target struct {
	reference
	// found is nil if there is no such parameter here, or if the name is one of those below.
	found *parameter
	// public is set for parameters under /aws/service.
	public *PublicParameter

	conditions conditions // of the access to it
}

// resolved is what Resolve leaves for the operation.
type resolved struct {
	targets []target

	// What authorization asks about the parameter, in one piece of memory with the rest, for
	// the many calls that name one.
	one    [1]target
	access [1]call.Access
}

// target is the one parameter of the call in ctx.
func targetOf(ctx context.Context) (*call.Call, *target, error) {
	c := call.From(ctx)
	r, ok := c.Resolved.(*resolved)
	if !ok || len(r.targets) != 1 {
		return nil, nil, errUnresolved
	}
	return c, &r.targets[0], nil
}

var errUnresolved = errors.New("ssm: the call was not resolved")

// Resolve implements the door's resolver.
func (s *Service) Resolve(ctx context.Context, c *call.Call) ([]call.Access, error) {
	switch in := c.Input.(type) {
	case *ssmapi.PutParameterRequest:
		return s.resolvePut(ctx, c, in)
	case *ssmapi.GetParametersByPathRequest:
		return s.resolvePath(c, in)
	case *ssmapi.DescribeParametersRequest:
		return []call.Access{{Action: "ssm:DescribeParameters", Resource: "arn:" + call.Partition + ":ssm:" + c.Region + ":" + c.Account + ":*", Account: c.Account, Unlogged: true}}, nil
	case *ssmapi.GetParameterRequest:
		return s.resolveNames(ctx, c, value(in.Name))
	case *ssmapi.GetParametersRequest:
		return s.resolveNames(ctx, c, in.Names...)
	case *ssmapi.GetParameterHistoryRequest:
		return s.resolveNames(ctx, c, value(in.Name))
	case *ssmapi.DeleteParameterRequest:
		return s.resolveNames(ctx, c, value(in.Name))
	case *ssmapi.DeleteParametersRequest:
		return s.resolveNames(ctx, c, in.Names...)
	case *ssmapi.LabelParameterVersionRequest:
		return s.resolveNames(ctx, c, value(in.Name))
	case *ssmapi.UnlabelParameterVersionRequest:
		return s.resolveNames(ctx, c, value(in.Name))
	case *ssmapi.AddTagsToResourceRequest:
		return s.resolveTagging(ctx, c, in.ResourceType, value(in.ResourceId), tagsOf(in.Tags), nil)
	case *ssmapi.RemoveTagsFromResourceRequest:
		return s.resolveTagging(ctx, c, in.ResourceType, value(in.ResourceId), nil, in.TagKeys)
	case *ssmapi.ListTagsForResourceRequest:
		return s.resolveTagging(ctx, c, in.ResourceType, value(in.ResourceId), nil, nil)
	case *ssmapi.PutResourcePolicyRequest:
		return s.resolveShared(ctx, c, value(in.ResourceArn))
	case *ssmapi.GetResourcePoliciesRequest:
		return s.resolveShared(ctx, c, value(in.ResourceArn))
	case *ssmapi.DeleteResourcePolicyRequest:
		return s.resolveShared(ctx, c, value(in.ResourceArn))
	case *ssmapi.GetServiceSettingRequest:
		return resolveSetting(c, value(in.SettingId))
	case *ssmapi.UpdateServiceSettingRequest:
		return resolveSetting(c, value(in.SettingId))
	case *ssmapi.ResetServiceSettingRequest:
		return resolveSetting(c, value(in.SettingId))
	}
	return nil, errUnresolved
}

// crossAccount lists the operations that may name a parameter of another account, which
// its resource policy shares (AWS Systems Manager user guide, "Working with shared
// parameters").
var crossAccount = map[string]bool{
	"GetParameter": true, "GetParameters": true, "GetParameterHistory": true, "ListTagsForResource": true,
}

// resolveNames finds every parameter that the call names.
func (s *Service) resolveNames(ctx context.Context, c *call.Call, names ...string) ([]call.Access, error) {
	r := new(resolved)
	accesses := r.access[:0]
	if r.targets = r.one[:0]; len(names) > 1 {
		r.targets, accesses = make([]target, 0, len(names)), make([]call.Access, 0, len(names))
	}
	for _, name := range names {
		ref, err := parseReference(c, name)
		if err != nil {
			return nil, err
		}
		t, err := s.locate(ctx, c, ref)
		if err != nil {
			return nil, err
		}
		r.targets = append(r.targets, t)
		accesses = append(accesses, s.access(c, &r.targets[len(r.targets)-1], actions[c.Operation.Name]))
	}
	c.Resolved = r
	return accesses, nil
}

// locate looks a parameter up. A name that is none is no error here: who may not read
// it learns no more than that.
func (s *Service) locate(ctx context.Context, c *call.Call, ref reference) (t target, err error) {
	t.reference = ref
	switch {
	case strings.HasPrefix(ref.name, referencePrefix) || ref.region != c.Region:
	case isPublic(ref.name):
		t.public = s.public.get(c.Region, ref.name)
	case ref.account == "":
	default:
		if t.found, err = s.directory.parameter(ctx, ref.key()); err != nil {
			return t, err
		}
	}
	return t, err
}

// actions are the IAM actions by operation.
var actions = func() map[string]string {
	m := make(map[string]string)
	for i := range ssmapi.API.Operations {
		name := ssmapi.API.Operations[i].Name
		m[name] = "ssm:" + name
	}
	return m
}()

// access is the access of one action to one parameter. It points to t.
func (s *Service) access(c *call.Call, t *target, action string) call.Access {
	a := call.Access{Action: action, ResourceType: typeParameter, Account: t.account}
	if t.found != nil {
		a.Resource = t.found.arn
	} else {
		a.Resource = t.arn()
	}
	if t.account == "" {
		a.Account = c.Account
	}
	t.conditions.parameter = t.found
	a.Context = &t.conditions
	if t.found != nil {
		a.ResourceTags = t.found.tags
		if t.account == c.Account || crossAccount[c.Operation.Name] {
			a.Policy, a.Mode = t.found.sharing, policy.ResourceOptional
		}
	}
	return a
}

func (s *Service) resolvePut(ctx context.Context, c *call.Call, in *ssmapi.PutParameterRequest) ([]call.Access, error) {
	name := strings.TrimSpace(value(in.Name))
	if err := checkNewName(c.Account, c.Region, name); err != nil {
		return nil, err
	}
	ref := reference{given: value(in.Name), account: c.Account, region: c.Region, name: name}
	t, err := s.locate(ctx, c, ref)
	if err != nil {
		return nil, err
	}
	c.Resolved = &resolved{targets: []target{t}}
	a := s.access(c, &t, "ssm:PutParameter")
	a.RequestTags = tagsOf(in.Tags)
	a.Context = &conditions{
		parameter: t.found, overwrite: new(value(in.Overwrite)), policies: new(value(in.Policies) != ""),
	}
	accesses := []call.Access{a}
	if len(in.Tags) > 0 {
		a.Action, a.Unlogged = "ssm:AddTagsToResource", true
		accesses = append(accesses, a)
	}
	return accesses, nil
}

// resolvePath: the action must be allowed on the path, whatever is allowed or denied
// below it (AWS Systems Manager user guide, "Restricting access to Parameter Store
// parameters using IAM policies").
func (s *Service) resolvePath(c *call.Call, in *ssmapi.GetParametersByPathRequest) ([]call.Access, error) {
	path := strings.TrimSpace(value(in.Path))
	if _, err := normalPath(path); err != nil {
		return nil, err
	}
	owner := c.Account
	if isPublic(strings.TrimSuffix(path, "/")) {
		owner = ""
	}
	return []call.Access{{
		Action: "ssm:GetParametersByPath", Resource: parameterARN(owner, c.Region, path), ResourceType: typeParameter,
		Account: c.Account, Context: &conditions{recursive: new(value(in.Recursive))},
	}}, nil
}

func (s *Service) resolveTagging(ctx context.Context, c *call.Call, kind *ssmapi.ResourceTypeForTagging, id string, set map[string]string, remove []string) ([]call.Access, error) {
	switch k := value(kind); {
	case !slices.Contains(k.Values(), k):
		return nil, &ssmapi.InvalidResourceType{Message: new("The resource type isn't valid: " + string(k))}
	case k != ssmapi.ResourceTypeForTaggingParameter:
		// Nothing but parameters is kept here.
		return nil, &ssmapi.InvalidResourceId{Message: new("Invalid Resource Id")}
	}
	accesses, err := s.resolveNames(ctx, c, id)
	if common, ok := errors.AsType[*wire.CommonError](err); ok && common.Kind == wire.Validation {
		return nil, &ssmapi.InvalidResourceId{Message: new("Invalid Resource Id")}
	}
	if err != nil {
		return nil, err
	}
	accesses[0].RequestTags, accesses[0].TagKeys = set, remove
	return accesses, nil
}

// resolveShared reads the ARN of the operations on resource policies.
func (s *Service) resolveShared(ctx context.Context, c *call.Call, arn string) ([]call.Access, error) {
	ref, err := parseReference(c, arn)
	if err != nil || !ref.full || ref.selector != "" || ref.account == "" {
		return nil, &ssmapi.ResourcePolicyInvalidParameterException{
			Message: new("The resource ARN is not that of a parameter: " + arn), ParameterNames: []string{"ResourceArn"},
		}
	}
	return s.resolveNames(ctx, c, arn)
}

func tagsOf(tags []ssmapi.Tag) map[string]string {
	if len(tags) == 0 {
		return nil
	}
	m := make(map[string]string, len(tags))
	for _, t := range tags {
		m[value(t.Key)] = value(t.Value)
	}
	return m
}

// conditions answers the ssm: condition keys (Service Authorization Reference, "Condition
// keys for AWS Systems Manager"). Names are in lower case, as package policy asks for
// them.
type conditions struct {
	parameter                      *parameter // nil if there is none
	overwrite, policies, recursive *bool      // nil where the key does not apply
}

const tagPrefix = "ssm:resourcetag/"

// Lookup implements policy.Context.
func (k *conditions) Lookup(name string) (policy.Values, bool) {
	if tag, ok := strings.CutPrefix(name, tagPrefix); ok && k.parameter != nil {
		for key, v := range k.parameter.tags {
			if strings.EqualFold(key, tag) {
				return policy.One(v), true
			}
		}
		return policy.Values{}, false
	}
	var flag *bool
	switch name {
	case "ssm:overwrite":
		flag = k.overwrite
	case "ssm:policies":
		flag = k.policies
	case "ssm:recursive":
		flag = k.recursive
	}
	if flag == nil {
		return policy.Values{}, false
	}
	return policy.Flag(*flag), true
}
