package iam

import (
	"context"
	"maps"
	"reflect"
	"strings"

	"fastness/internal/api/iamapi"
	"fastness/internal/arn"
	"fastness/internal/call"
	"fastness/internal/policy"
	"fastness/internal/wire"
)

// Resolve says what a call touches: the user, group, role, policy or instance profile of the operation's
// IAM action, under the name and path it has now. One that does not exist is named as
// if it had no path.
func (s *Service) Resolve(_ context.Context, c *call.Call) ([]call.Access, error) {
	if p := c.Principal; p.Session != nil && !p.Session.MFA && (p.Kind == call.User || p.Kind == call.Root || p.Kind == call.FederatedUser) {
		// "You cannot call any IAM API operations unless MFA authentication information
		// is included" (GetSessionToken), nor at all as a federated user.
		return nil, &wire.CommonError{Kind: wire.InvalidToken, Message: "The security token included in the request is invalid"}
	}
	action := c.Operation.Actions[0]
	in := membersOf(c.Input)
	access := call.Access{Action: action.Name, Resource: "*", Account: c.Account, Named: refusalName(c, in)}
	keys := conditionKeys{}
	access.Context = keys
	if policyARN := in.text("PolicyArn"); policyARN != "" {
		keys["iam:policyarn"] = policy.One(policyARN)
	}
	if boundary := in.text("PermissionsBoundary"); boundary != "" {
		keys["iam:permissionsboundary"] = policy.One(boundary)
	}
	in.tags(&access)
	if len(action.Resources) == 0 {
		return []call.Access{access}, nil
	}
	var accesses []call.Access
	err := s.dir.read(c.Account, func(a *accountView) error {
		k, e, name, err := s.target(c, a, action.Resources[0].Type, in)
		if err != nil {
			return err
		}
		access.ResourceType = k.cloudTrail
		if e != nil && in.creates() {
			e, name = nil, in.future(c, k, e.base().Name)
		}
		if e == nil {
			access.Resource = name
			accesses = append(append(accesses, access), passing(c, a, in)...)
			return nil
		}
		access.Resource, access.ResourceTags = arnOf(e), tagMap(e.base().Tags)
		for t, v := range access.ResourceTags {
			keys["iam:resourcetag/"+strings.ToLower(t)] = policy.One(v)
		}
		if h, ok := e.(holder); ok && h.held().Boundary != "" {
			if _, set := keys["iam:permissionsboundary"]; !set {
				keys["iam:permissionsboundary"] = policy.One(h.held().Boundary)
			}
		}
		accesses = append(append(accesses, access), passing(c, a, in)...)
		// Renaming needs permission for what it was and for what it becomes.
		if moved := in.moved(e); moved != "" {
			to := access
			to.Resource, to.Named, to.Unlogged, to.Context = moved, "", true, maps.Clone(keys)
			accesses = append(accesses, to)
		}
		return nil
	})
	return accesses, err
}

// target finds what an operation is about; for what does not exist, e is nil and name
// the ARN it would have.
func (s *Service) target(c *call.Call, a *accountView, resource string, in members) (k *kind, e entity, name string, err error) {
	switch resource {
	case "policy":
		if policyARN := in.text("PolicyArn"); policyARN != "" {
			if m := s.dir.policyByARN(a, policyARN); m != nil {
				return policyKind, m, "", nil
			}
			if !arn.Is(policyARN) {
				return nil, nil, "", invalid("ARN %s is not valid.", policyARN)
			}
			return policyKind, nil, policyARN, nil
		}
		return policyKind, nil, in.future(c, policyKind, in.text("PolicyName")), nil
	case "group":
		name := in.text("GroupName")
		if g, ok := a.groups.named(name); ok {
			return groupKind, g, "", nil
		}
		return groupKind, nil, in.future(c, groupKind, name), nil
	case "role":
		name := in.text("RoleName")
		if r, ok := a.roles.named(name); ok {
			return roleKind, r, "", nil
		}
		return roleKind, nil, in.future(c, roleKind, name), nil
	case "instance-profile":
		name := in.text("InstanceProfileName")
		if p, ok := a.profiles.named(name); ok {
			return profileKind, p, "", nil
		}
		return profileKind, nil, in.future(c, profileKind, name), nil
	}
	if _, ok := c.Input.(*iamapi.GetAccessKeyLastUsedRequest); ok {
		if k := a.keysByID[in.text("AccessKeyId")]; k != nil {
			if u := a.users.byID[k.UserID]; u != nil {
				return userKind, u, "", nil
			}
			return userKind, nil, rootARN(c.Account), nil
		}
		return userKind, nil, entityARN(c.Account, userKind, "/", "*"), nil
	}
	userName := in.text("UserName")
	if userName == "" {
		switch c.Principal.Kind {
		case call.Root:
			return userKind, nil, rootARN(c.Account), nil
		case call.User:
			userName = c.Principal.UserName
		default:
			return nil, nil, "", invalid("Must specify userName when calling with non-User credentials")
		}
	}
	if u, ok := a.users.named(userName); ok {
		return userKind, u, "", nil
	}
	return userKind, nil, in.future(c, userKind, userName), nil
}

// conditionKeys are the service's own condition keys, in lower case.
type conditionKeys map[string]policy.Values

// Lookup implements policy.Context.
func (k conditionKeys) Lookup(key string) (policy.Values, bool) {
	v, ok := k[key]
	return v, ok
}

// members reads an input struct by the names of its members.
type members struct{ v reflect.Value }

// membersOf takes a pointer to an input struct, or nil for operations without input.
func membersOf(input any) members {
	if input == nil {
		return members{reflect.ValueOf(struct{}{})}
	}
	return members{reflect.ValueOf(input).Elem()}
}

// text is a string member, or "" when the input has none or it is absent.
func (m members) text(name string) string {
	f := m.v.FieldByName(name)
	if !f.IsValid() || f.Kind() != reflect.Pointer || f.IsNil() || f.Elem().Kind() != reflect.String {
		return ""
	}
	return f.Elem().String()
}

// creates tells whether the operation makes what it names: only then it takes a path.
func (m members) creates() bool { return m.v.FieldByName("Path").IsValid() }

// future is the ARN of something that does not exist: with the path the input gives
// it, if it is to be made.
func (m members) future(c *call.Call, k *kind, name string) string {
	path := m.text("Path")
	if path == "" {
		path = "/"
	}
	return entityARN(c.Account, k, path, name)
}

// moved is the ARN that an update gives an entity, or "".
func (m members) moved(e entity) string {
	path, name := m.text("NewPath"), m.text("NewUserName")
	if name == "" {
		name = m.text("NewGroupName")
	}
	if path == "" && name == "" {
		return ""
	}
	h := e.base()
	if path == "" {
		path = h.Path
	}
	if name == "" {
		name = h.Name
	}
	return entityARN(h.Account, e.kind(), path, name)
}

// tags adds the tags that the call sets or removes.
func (m members) tags(a *call.Access) {
	if f := m.v.FieldByName("Tags"); f.IsValid() {
		if tags, ok := f.Interface().([]iamapi.Tag); ok && len(tags) > 0 {
			a.RequestTags = make(map[string]string, len(tags))
			for _, t := range tags {
				a.RequestTags[*t.Key] = *t.Value
			}
		}
	}
	if f := m.v.FieldByName("TagKeys"); f.IsValid() {
		a.TagKeys, _ = f.Interface().([]string)
	}
}
