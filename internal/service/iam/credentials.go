package iam

import (
	"context"
	"strings"
	"sync/atomic"
	"time"

	"fastness/internal/call"
	"fastness/internal/policy"
	"fastness/internal/wire"
)

// credential is what an active access key stands for, ready to be handed out.
type credential struct {
	call.Credential
}

// credential derives what an access key stands for from its record and its user's.
// The caller holds the write lock.
func (d *Directory) credential(a *accountView, id string) {
	k := a.keysByID[id]
	if k == nil || !k.Active {
		d.keys.Delete(id)
		return
	}
	p := rootPrincipal(a.id)
	if k.UserID != "" {
		u := a.users.byID[k.UserID]
		if u == nil {
			d.keys.Delete(id)
			return
		}
		p = userPrincipal(u)
	}
	p.AccessKeyID = id
	d.keys.Store(id, &credential{call.Credential{Principal: p, Secret: k.Secret}})
}

func rootPrincipal(account string) *call.Principal {
	return &call.Principal{Kind: call.Root, Account: account, ARN: rootARN(account), ID: account}
}

func userPrincipal(u *user) *call.Principal {
	return &call.Principal{Kind: call.User, Account: u.Account, ARN: arnOf(u), ID: u.ID, UserName: u.Name, Tags: tagMap(u.Tags)}
}

func rolePrincipal(r *role) *call.Principal {
	return &call.Principal{Kind: call.AssumedRole, Account: r.Account, Tags: tagMap(r.Tags), Session: &call.Session{
		RoleARN: arnOf(r), RoleID: r.ID, RoleName: r.Name,
	}}
}

// Credential returns what a long-term access key stands for. Keys of sessions are
// unknown here; a long-term key with a session token is call.ErrInvalidToken.
func (d *Directory) Credential(_ context.Context, accessKeyID, token string) (call.Credential, error) {
	v, ok := d.keys.Load(accessKeyID)
	if !ok {
		return call.Credential{}, call.ErrUnknownAccessKey
	}
	if token != "" {
		return call.Credential{}, call.ErrInvalidToken
	}
	return v.(*credential).Credential, nil
}

// noPolicies surround whoever has no identity policies. It is never changed.
var noPolicies = &policy.Policies{}

// errGone refuses a principal that was deleted while its call was under way.
func errGone() error {
	return &wire.CommonError{Kind: wire.InvalidToken, Message: "The security token included in the request is invalid."}
}

// Policies returns the policies around what p does. The result is shared. It also
// takes note of the use of p's access key or role, if ctx carries a call.
func (d *Directory) Policies(ctx context.Context, p *call.Principal) (*policy.Policies, error) {
	switch p.Kind {
	case call.User:
		of, err := d.policiesOf(p.Account, p.ID)
		if err != nil {
			return nil, err
		}
		d.used(ctx, p.Account, p.AccessKeyID)
		return of, nil
	case call.AssumedRole:
		of, err := d.policiesOf(p.Account, p.Session.RoleID)
		if err != nil {
			return nil, err
		}
		d.used(ctx, p.Account, p.Session.RoleID)
		return limited(of, p), nil
	case call.FederatedUser:
		if p.Session.IssuerID == p.Account { // of the root user
			return limited(noPolicies, p), nil
		}
		of, err := d.policiesOf(p.Account, p.Session.IssuerID)
		if err != nil {
			return nil, err
		}
		return limited(of, p), nil
	case call.Root:
		d.used(ctx, p.Account, p.AccessKeyID)
	}
	return noPolicies, nil
}

// limited adds the session policies of p.
func limited(of *policy.Policies, p *call.Principal) *policy.Policies {
	if len(p.Session.Policies) == 0 {
		return of
	}
	with := *of
	with.Session = p.Session.Policies
	return &with
}

// policiesOf are the policies of the user or role with a unique id.
func (d *Directory) policiesOf(account, id string) (*policy.Policies, error) {
	v, ok := d.accounts.Load(account)
	if !ok {
		return nil, errGone()
	}
	a := v.(*accountView)
	if v, ok := a.policies.Load(id); ok {
		return v.(*policy.Policies), nil
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	of := new(policy.Policies)
	var g *grants
	if u := a.users.byID[id]; u != nil {
		g = &u.grants
		for _, member := range u.Groups {
			if group := a.groups.byID[member]; group != nil {
				if err := d.gather(a, group, of); err != nil {
					return nil, err
				}
			}
		}
		if err := d.gather(a, u, of); err != nil {
			return nil, err
		}
	} else if r := a.roles.byID[id]; r != nil {
		g = &r.grants
		if err := d.gather(a, r, of); err != nil {
			return nil, err
		}
	} else {
		return nil, errGone()
	}
	if g.Boundary != "" {
		b, err := d.compile(a, g.Boundary)
		if err != nil {
			return nil, err
		}
		of.Boundary = b
	}
	a.policies.Store(id, of)
	return of, nil
}

// gather adds the policies of one holder. One that cannot be read is an error: to
// leave it out could leave out a deny.
func (d *Directory) gather(a *accountView, h holder, of *policy.Policies) error {
	for _, p := range h.held().Inline {
		c, err := p.Doc.policy(policy.IdentityInline, p.Name)
		if err != nil {
			return err
		}
		of.Identity = append(of.Identity, c)
	}
	for _, arn := range h.held().Attached {
		c, err := d.compile(a, arn)
		if err != nil {
			return err
		}
		of.Identity = append(of.Identity, c)
	}
	return nil
}

// useGrain is how exact times of last use are.
const useGrain = time.Minute

// useCell holds the last use of one access key or role.
type useCell struct {
	last atomic.Pointer[lastUse]
	// dirty: not written down yet.
	dirty atomic.Bool
}

func (c *useCell) advance(u *lastUse) {
	for {
		have := c.last.Load()
		if have != nil && !u.Time.After(have.Time) || c.last.CompareAndSwap(have, u) {
			return
		}
	}
}

func (a *accountView) use(id string) *useCell {
	if v, ok := a.uses.Load(id); ok {
		return v.(*useCell)
	}
	v, _ := a.uses.LoadOrStore(id, new(useCell))
	return v.(*useCell)
}

// used takes note that an access key or role made the call in ctx. What a service calls on
// its behalf is no use of its own: the service that was asked is the last one.
func (d *Directory) used(ctx context.Context, account, id string) {
	c := call.From(ctx)
	if c == nil || c.Operation == nil || c.Parent != nil || id == "" || strings.HasPrefix(id, temporaryPrefix) {
		return
	}
	v, ok := d.accounts.Load(account)
	if !ok {
		return
	}
	cell := v.(*accountView).use(id)
	service := c.Operation.API().SigningName
	if u := cell.last.Load(); u != nil && u.Service == service && u.Region == c.Region && c.Time.Sub(u.Time) < useGrain {
		return
	}
	cell.advance(&lastUse{Account: account, ID: id, Time: c.Time.UTC().Truncate(time.Second), Service: service, Region: c.Region})
	cell.dirty.Store(true)
}
