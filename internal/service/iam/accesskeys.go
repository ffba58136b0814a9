package iam

import (
	"context"
	"slices"
	"time"

	"fastness/internal/api/iamapi"
	"fastness/internal/call"
)

// keyOwner is the user, or (with user nil) the root user, whose keys an operation is
// about.
type keyOwner struct {
	user *user
	root *account
}

func (o *keyOwner) keys() *[]string {
	if o.user != nil {
		return &o.user.Keys
	}
	return &o.root.Keys
}

func (o *keyOwner) id() string {
	if o.user != nil {
		return o.user.ID
	}
	return ""
}

func (o *keyOwner) save(t *tx) error {
	if o.user != nil {
		return t.save(o.user)
	}
	return t.saveAccount(o.root)
}

// ownRoot tells whether an operation on keys is about those of the root user.
func ownRoot(c *call.Call, name *string) bool { return name == nil && c.Principal.Kind == call.Root }

func (t *tx) keyOwner(name *string) (*keyOwner, error) {
	if ownRoot(t.call, name) {
		a, err := t.accountRecord()
		return &keyOwner{root: a}, err
	}
	u, err := t.user(selfName(t.call, name))
	if err != nil {
		return nil, err
	}
	return &keyOwner{user: u}, t.authorized(u)
}

func noSuchKey(id string) error { return noSuch("The Access Key with id %s cannot be found.", id) }

// ownKey loads a key of an owner.
func (t *tx) ownKey(o *keyOwner, id string) (*accessKey, error) {
	k, err := find(t, t.dir.tables.keys, id)
	if err != nil {
		return nil, err
	}
	if k == nil || k.UserID != o.id() {
		return nil, noSuchKey(id)
	}
	return k, nil
}

// CreateAccessKey makes an access key; its answer is the only place where the secret
// appears.
func (s *Service) CreateAccessKey(ctx context.Context, in *iamapi.CreateAccessKeyRequest) (*iamapi.CreateAccessKeyResponse, error) {
	t, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	o, err := t.keyOwner(in.UserName)
	if err != nil {
		return nil, err
	}
	k, err := t.newKey(o)
	if err != nil {
		return nil, err
	}
	out := &iamapi.AccessKey{
		UserName: new(""), AccessKeyId: new(k.ID), Status: new(iamapi.StatusTypeActive),
		SecretAccessKey: new(string(k.Secret)), CreateDate: new(k.Created),
	}
	if o.user != nil {
		out.UserName = new(o.user.Name)
	}
	return &iamapi.CreateAccessKeyResponse{AccessKey: out}, nil
}

// newKey makes an active key and stores it.
func (t *tx) newKey(o *keyOwner) (*accessKey, error) {
	keys := o.keys()
	if len(*keys) >= maxKeysPerUser {
		return nil, overQuota("AccessKeysPerUser", maxKeysPerUser)
	}
	k := &accessKey{Account: t.account, UserID: o.id(), Active: true, Created: t.now, Secret: newSecret()}
	for {
		id, err := newAccessKeyID(longTermPrefix, t.account)
		if err != nil {
			return nil, err
		}
		taken, err := find(t, t.dir.tables.keys, id)
		if err != nil {
			return nil, err
		}
		if taken == nil {
			k.ID = id
			break
		}
	}
	*keys = append(*keys, k.ID)
	// The owner first: the directory looks it up when the key arrives.
	if err := o.save(t); err != nil {
		return nil, err
	}
	return k, t.write(k)
}

// UpdateAccessKey activates or deactivates a key.
func (s *Service) UpdateAccessKey(ctx context.Context, in *iamapi.UpdateAccessKeyRequest) (*iamapi.UpdateAccessKeyOutput, error) {
	if *in.Status != iamapi.StatusTypeActive && *in.Status != iamapi.StatusTypeInactive {
		return nil, invalid("The status of an access key can be set to Active or Inactive.")
	}
	t, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	o, err := t.keyOwner(in.UserName)
	if err != nil {
		return nil, err
	}
	k, err := t.ownKey(o, *in.AccessKeyId)
	if err != nil {
		return nil, err
	}
	k.Active = *in.Status == iamapi.StatusTypeActive
	return &iamapi.UpdateAccessKeyOutput{}, t.write(k)
}

// DeleteAccessKey deletes a key; the next request signed with it is refused.
func (s *Service) DeleteAccessKey(ctx context.Context, in *iamapi.DeleteAccessKeyRequest) (*iamapi.DeleteAccessKeyOutput, error) {
	t, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	o, err := t.keyOwner(in.UserName)
	if err != nil {
		return nil, err
	}
	k, err := t.ownKey(o, *in.AccessKeyId)
	if err != nil {
		return nil, err
	}
	keys := o.keys()
	*keys = slices.DeleteFunc(*keys, func(id string) bool { return id == k.ID })
	if err := o.save(t); err != nil {
		return nil, err
	}
	if err := t.forgetUse(k.ID); err != nil {
		return nil, err
	}
	return &iamapi.DeleteAccessKeyOutput{}, t.remove(refOf(k))
}

// ListAccessKeys lists the keys of a user, by default of the caller.
func (s *Service) ListAccessKeys(ctx context.Context, in *iamapi.ListAccessKeysRequest) (*iamapi.ListAccessKeysResponse, error) {
	c := call.From(ctx)
	keys := []iamapi.AccessKeyMetadata{}
	err := s.dir.read(c.Account, func(a *accountView) error {
		ids, name := []string(nil), ""
		if ownRoot(c, in.UserName) {
			if a.record != nil {
				ids = a.record.Keys
			}
		} else {
			u, err := a.user(selfName(c, in.UserName))
			if err != nil {
				return err
			}
			ids, name = u.Keys, u.Name
		}
		for _, id := range ids {
			if k := a.keysByID[id]; k != nil {
				keys = append(keys, iamapi.AccessKeyMetadata{
					UserName: new(name), AccessKeyId: new(id), Status: new(status(k)), CreateDate: new(k.Created),
				})
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := new(iamapi.ListAccessKeysResponse)
	out.AccessKeyMetadata, out.IsTruncated, out.Marker, err = pageOf(ctx, s, paging{in.Marker, in.MaxItems, []string{selfName(c, in.UserName)}}, keys,
		func(k iamapi.AccessKeyMetadata) string { return k.CreateDate.Format(time.RFC3339) + *k.AccessKeyId })
	return out, err
}

func status(k *accessKey) iamapi.StatusType {
	if k.Active {
		return iamapi.StatusTypeActive
	}
	return iamapi.StatusTypeInactive
}

// GetAccessKeyLastUsed tells when, where and with which service a key was last used.
func (s *Service) GetAccessKeyLastUsed(ctx context.Context, in *iamapi.GetAccessKeyLastUsedRequest) (*iamapi.GetAccessKeyLastUsedResponse, error) {
	out := &iamapi.GetAccessKeyLastUsedResponse{
		AccessKeyLastUsed: &iamapi.AccessKeyLastUsed{ServiceName: new("N/A"), Region: new("N/A")},
	}
	id := *in.AccessKeyId
	return out, s.dir.read(call.From(ctx).Account, func(a *accountView) error {
		k := a.keysByID[id]
		if k == nil {
			return noSuchKey(id)
		}
		if u := a.users.byID[k.UserID]; u != nil {
			out.UserName = new(u.Name)
		}
		if u := a.use(id).last.Load(); u != nil {
			out.AccessKeyLastUsed = &iamapi.AccessKeyLastUsed{LastUsedDate: new(u.Time), ServiceName: new(u.Service), Region: new(u.Region)}
		}
		return nil
	})
}

// forgetUse deletes the last use of a key or role that is going to be deleted.
func (t *tx) forgetUse(id string) error {
	r := ref{segmentUse, t.account, id}
	if written, err := t.dir.tables.uses.Has(t.Txn, global, parts(r.account, r.name)...); err != nil || !written {
		return err
	}
	return t.remove(r)
}
