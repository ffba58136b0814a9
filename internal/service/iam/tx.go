package iam

import (
	"context"
	"errors"
	"time"

	"fastness/internal/call"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

// tx is the transaction of a call, with the room's records. What it writes reaches
// the directory when it has committed.
type tx struct {
	store.Txn
	call    *call.Call
	account string
	now     time.Time
	dir     *Directory
	changes *[]change
}

// change is a record that a transaction wrote, or deleted (nil).
type change struct {
	ref    ref
	record any
}

var errNoTransaction = errors.New("iam: a changing operation runs without a transaction")

// begin gives the transaction of the call in ctx.
func (s *Service) begin(ctx context.Context) (*tx, error) {
	c := call.From(ctx)
	if c == nil || c.Txn() == nil {
		return nil, errNoTransaction
	}
	return newTx(c.Txn(), s.dir, c, c.Account, c.Time), nil
}

func newTx(t store.Txn, d *Directory, c *call.Call, account string, now time.Time) *tx {
	changes := new([]change)
	d.memory.OnCommit(t, func(r store.Revision) { d.committed(r, *changes) })
	// AWS's dates are whole seconds.
	return &tx{Txn: t, call: c, account: account, now: now.UTC().Truncate(time.Second), dir: d, changes: changes}
}

// find reads a record, nil if there is none.
func find[T any](t *tx, tab *table.Table[T], names ...string) (*T, error) {
	record, err := tab.Get(t.Txn, global, parts(t.account, names...)...)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return record, err
}

// write stores a record.
func (t *tx) write(record any) error {
	if err := t.dir.tables.put(t.Txn, record); err != nil {
		return err
	}
	*t.changes = append(*t.changes, change{refOf(record), record})
	return nil
}

// remove deletes a record.
func (t *tx) remove(r ref) error {
	if err := t.dir.tables.remove(t.Txn, r); err != nil {
		return err
	}
	*t.changes = append(*t.changes, change{ref: r})
	return nil
}

// named reads the entity of a kind by its exact name.
func named[T any](t *tx, tab *table.Table[T], k *kind, name string) (*T, error) {
	record, err := find(t, tab, lower(name))
	if err != nil {
		return nil, err
	}
	if record == nil || any(record).(entity).base().Name != name {
		return nil, noSuchEntity(k, name)
	}
	return record, nil
}

func (t *tx) user(name string) (*user, error) { return named(t, t.dir.tables.users, userKind, name) }
func (t *tx) group(name string) (*group, error) {
	return named(t, t.dir.tables.groups, groupKind, name)
}
func (t *tx) role(name string) (*role, error) { return named(t, t.dir.tables.roles, roleKind, name) }

// exists tells whether an entity has the name, in whatever case.
func (t *tx) exists(k *kind, name string) (bool, error) {
	id, tabs := parts(t.account, lower(name)), t.dir.tables
	switch k {
	case userKind:
		return tabs.users.Has(t.Txn, global, id...)
	case groupKind:
		return tabs.groups.Has(t.Txn, global, id...)
	case roleKind:
		return tabs.roles.Has(t.Txn, global, id...)
	case profileKind:
		return tabs.profiles.Has(t.Txn, global, id...)
	}
	return tabs.policies.Has(t.Txn, global, id...)
}

// holder loads a user, group or role.
func (t *tx) holder(k *kind, name string) (holder, error) {
	var h holder
	var err error
	switch k {
	case userKind:
		h, err = t.user(name)
	case groupKind:
		h, err = t.group(name)
	default:
		h, err = t.role(name)
	}
	if err != nil {
		return nil, err
	}
	return h, t.authorized(h)
}

// own begins the change of a user, group or role of the caller's account.
func own[H holder](ctx context.Context, s *Service, k *kind, name string) (t *tx, h H, err error) {
	if t, err = s.begin(ctx); err != nil {
		return nil, h, err
	}
	found, err := t.holder(k, name)
	if err != nil {
		return nil, h, err
	}
	return t, found.(H), nil
}

// authorized makes sure that an entity is the one that policies were asked about: it
// could have been deleted and made again, elsewhere, between that question and this
// transaction.
func (t *tx) authorized(e entity) error {
	if t.call == nil || len(t.call.Accesses) == 0 || t.call.Accesses[0].Resource == arnOf(e) {
		return nil
	}
	return concurrent()
}

// managed loads a policy by ARN: a customer's from the store, one of AWS's from the
// table. The error for an unknown one is made by missing.
func (t *tx) managed(arn string, missing func(string) error) (*managed, error) {
	if m := t.dir.awsPolicy(arn); m != nil {
		return m, nil
	}
	name, ok := policyName(t.account, arn)
	if !ok {
		return nil, missing(arn)
	}
	m, err := find(t, t.dir.tables.policies, lower(name))
	if err != nil {
		return nil, err
	}
	if m == nil || arnOf(m) != arn {
		return nil, missing(arn)
	}
	return m, nil
}

// save writes an entity back.
func (t *tx) save(e entity) error { return t.write(e) }

// accountRecord reads the account's own record. An account that has none is as new.
func (t *tx) accountRecord() (*account, error) {
	a, err := find(t, t.dir.tables.accounts)
	if err != nil {
		return nil, err
	}
	if a == nil {
		a = &account{ID: t.account, Created: t.now}
	}
	if a.Counts == nil {
		a.Counts = make(map[string]int)
	}
	return a, nil
}

func (t *tx) saveAccount(a *account) error { return t.write(a) }

// create stores a new entity within its quota.
func (t *tx) create(e entity, exists error) error {
	k, h := e.kind(), e.base()
	if taken, err := t.exists(k, h.Name); err != nil {
		return err
	} else if taken {
		return exists
	}
	a, err := t.accountRecord()
	if err != nil {
		return err
	}
	if a.Counts[k.segment] >= k.perAccount {
		return overQuota(k.perAccountQuota, k.perAccount)
	}
	a.Counts[k.segment]++
	if err := t.saveAccount(a); err != nil {
		return err
	}
	return t.write(e)
}

// destroy removes an entity.
func (t *tx) destroy(e entity) error {
	a, err := t.accountRecord()
	if err != nil {
		return err
	}
	a.Counts[e.kind().segment]--
	if err := t.saveAccount(a); err != nil {
		return err
	}
	return t.remove(refOf(e))
}

// newHead begins a new entity.
func (t *tx) newHead(k *kind, path *string, name string, tags []tag) head {
	h := head{ID: newID(k.idPrefix), Account: t.account, Name: name, Path: "/", Created: t.now, Tags: tags}
	if path != nil && *path != "" {
		h.Path = *path
	}
	return h
}

// moveTo renames an entity or changes its path.
func (t *tx) moveTo(e entity, newPath, newName *string) error {
	k, h, old := e.kind(), e.base(), refOf(e)
	if newPath != nil && *newPath != "" {
		h.Path = *newPath
	}
	if newName != nil && *newName != "" {
		h.Name = *newName
	}
	if refOf(e) == old {
		return t.save(e)
	}
	if taken, err := t.exists(k, h.Name); err != nil {
		return err
	} else if taken {
		return alreadyExists("%s with name %s already exists.", k.title, h.Name)
	}
	if err := t.remove(old); err != nil {
		return err
	}
	return t.save(e)
}
