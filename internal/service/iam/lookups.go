package iam

import (
	"strings"
	"time"

	"fastness/internal/arn"
	"fastness/internal/call"
	"fastness/internal/policy"
)

// The methods of this file are what other rooms ask of the directory; they declare
// interfaces for them and receive the Directory from the composition root. Principals
// they return are shared and must not be changed.

// AssumableRole finds a role by its ARN: the principal that a session of it becomes
// (without a session's own ARN, ID, access key and times), the compiled trust policy
// and the longest session.
func (d *Directory) AssumableRole(roleARN string) (template *call.Principal, trust *policy.Policy, maxSession time.Duration, err error) {
	parsed, perr := arn.Parse(roleARN)
	if perr != nil {
		return nil, nil, 0, nil
	}
	err = d.read(parsed.Account, func(a *accountView) error {
		r := a.roleByARN(roleARN)
		if r == nil {
			return nil
		}
		var err error
		if trust, err = r.Trust.policy(policy.RoleTrust, roleARN); err != nil {
			return err
		}
		template, maxSession = rolePrincipal(r), time.Duration(r.MaxSession)*time.Second
		return nil
	})
	return template, trust, maxSession, err
}

// SessionRole is the principal template of the role with a unique id, if it exists.
func (d *Directory) SessionRole(account, roleID string) (*call.Principal, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if r := d.peek(account).roles.byID[roleID]; r != nil {
		return rolePrincipal(r), true
	}
	return nil, false
}

// SessionUser is the principal of the user with a unique id, without an access key,
// if it exists. The id of an account stands for its root user.
func (d *Directory) SessionUser(account, userID string) (*call.Principal, bool) {
	if userID == account {
		return rootPrincipal(account), true
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	if u := d.peek(account).users.byID[userID]; u != nil {
		return userPrincipal(u), true
	}
	return nil, false
}

// ManagedPolicy is the version in force of a managed policy that the account can
// use: its own or one of AWS's. It is nil if there is none.
func (d *Directory) ManagedPolicy(account, policyARN string) (compiled *policy.Policy, err error) {
	err = d.read(account, func(a *accountView) error {
		m := d.policyByARN(a, policyARN)
		if m == nil {
			return nil
		}
		var err error
		compiled, err = m.inForce().policy(policy.IdentityManaged, policyARN)
		return err
	})
	return compiled, err
}

// Generation changes whenever anything of the account changes. It does not lock.
func (d *Directory) Generation(account string) uint64 {
	if v, ok := d.accounts.Load(account); ok {
		return v.(*accountView).generation.Load()
	}
	return 0
}

// HasAccount tells whether the account has been made here.
func (d *Directory) HasAccount(account string) bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	v, ok := d.accounts.Load(account)
	return ok && v.(*accountView).record != nil
}

// AccountOf reads the account from any access key id made here (or by AWS since 2019).
func (*Directory) AccountOf(accessKeyID string) (account string, ok bool) {
	return accountOf(accessKeyID)
}

// NewSessionKeyID makes an access key id for temporary credentials of the account.
func (*Directory) NewSessionKeyID(account string) (string, error) {
	return newAccessKeyID(temporaryPrefix, account)
}

// PrincipalID is the unique id behind the ARN of a user, role or role session: what
// policy.StorePrincipals asks for.
func (d *Directory) PrincipalID(principalARN string) (id string, ok bool) {
	parsed, err := arn.Parse(principalARN)
	if err != nil || parsed.Partition != call.Partition {
		return "", false
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	v, ok := d.accounts.Load(parsed.Account)
	if !ok {
		return "", false
	}
	a := v.(*accountView)
	kind, rest, _ := strings.Cut(parsed.Resource, "/")
	switch {
	case parsed.Service == "sts" && kind == "assumed-role":
		name, session, ok := strings.Cut(rest, "/")
		if !ok {
			return "", false
		}
		if r, ok := a.roles.named(name); ok {
			return r.ID + ":" + session, true
		}
	case parsed.Service == "iam" && kind == userKind.segment:
		if u, ok := a.users.named(lastPart(rest)); ok && arnOf(u) == principalARN {
			return u.ID, true
		}
	case parsed.Service == "iam" && kind == roleKind.segment:
		if r := a.roleByARN(principalARN); r != nil {
			return r.ID, true
		}
	}
	return "", false
}

// PrincipalARN is the way back, for policy.ShowPrincipals. It searches all accounts,
// because an id does not name its own.
func (d *Directory) PrincipalARN(id string) (principalARN string, ok bool) {
	id, session, isSession := strings.Cut(id, ":")
	d.mu.RLock()
	defer d.mu.RUnlock()
	d.accounts.Range(func(_, v any) bool {
		a := v.(*accountView)
		if u := a.users.byID[id]; u != nil && !isSession {
			principalARN, ok = arnOf(u), true
		} else if r := a.roles.byID[id]; r != nil {
			principalARN, ok = arnOf(r), true
			if isSession {
				principalARN = "arn:" + call.Partition + ":sts::" + a.id + ":assumed-role/" + r.Name + "/" + session
			}
		}
		return !ok
	})
	return principalARN, ok
}

func (a *accountView) roleByARN(roleARN string) *role {
	r, ok := a.roles.named(lastPart(roleARN))
	if !ok || arnOf(r) != roleARN {
		return nil
	}
	return r
}

// lastPart is what follows the last '/'.
func lastPart(s string) string { return s[strings.LastIndexByte(s, '/')+1:] }
