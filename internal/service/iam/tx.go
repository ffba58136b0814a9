package iam

import (
	"context"
	"errors"
	"fmt"
	"time"

	"fastness/internal/call"
	"fastness/internal/store"
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
	key    string
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
	t.OnCommit(func(r store.Revision) { d.committed(r, *changes) })
	// AWS's dates are whole seconds.
	return &tx{Txn: t, call: c, account: account, now: now.UTC().Truncate(time.Second), dir: d, changes: changes}
}

// read decodes the record under k into record and tells whether there is one.
func (t *tx) read(k string, record any) (bool, error) {
	item, err := t.Get([]byte(k))
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := decode(item.Value, record); err != nil {
		return false, fmt.Errorf("iam: record %q: %w", k, err)
	}
	return true, nil
}

// write stores a record.
func (t *tx) write(k string, record any) error {
	b, err := encode(record)
	if err != nil {
		return err
	}
	if err := t.Put([]byte(k), b); err != nil {
		return err
	}
	*t.changes = append(*t.changes, change{k, record})
	return nil
}

// remove deletes a record.
func (t *tx) remove(k string) error {
	if err := t.Delete([]byte(k)); err != nil {
		return err
	}
	*t.changes = append(*t.changes, change{key: k})
	return nil
}

// mark and unmark keep index entries, which have no record.
func (t *tx) mark(k string) error   { return t.Put([]byte(k), []byte{schema}) }
func (t *tx) unmark(k string) error { return t.Delete([]byte(k)) }

// any tells whether a key begins with prefix.
func (t *tx) any(prefix string) (bool, error) {
	r := store.Prefix([]byte(prefix))
	r.Limit = 1
	for _, err := range t.Scan(r) {
		return err == nil, err
	}
	return false, nil
}

// load reads the entity of a kind by its name.
func load[E entity](t *tx, name string, into E) error {
	found, err := t.read(nameKey(t.account, into.kind(), name), into)
	if err != nil {
		return err
	}
	if !found || into.base().Name != name {
		return noSuchEntity(into.kind(), name)
	}
	return nil
}

func (t *tx) user(name string) (*user, error) {
	u := new(user)
	return u, load(t, name, u)
}

func (t *tx) group(name string) (*group, error) {
	g := new(group)
	return g, load(t, name, g)
}

func (t *tx) role(name string) (*role, error) {
	r := new(role)
	return r, load(t, name, r)
}

// holder loads a user, group or role.
func (t *tx) holder(k *kind, name string) (holder, error) {
	var h holder
	switch k {
	case userKind:
		h = new(user)
	case groupKind:
		h = new(group)
	default:
		h = new(role)
	}
	if err := load[entity](t, name, h); err != nil {
		return nil, err
	}
	return h, t.authorized(h)
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
	m := new(managed)
	found, err := t.read(nameKey(t.account, policyKind, name), m)
	if err != nil {
		return nil, err
	}
	if !found || arnOf(m) != arn {
		return nil, missing(arn)
	}
	return m, nil
}

// save writes an entity back.
func (t *tx) save(e entity) error {
	return t.write(nameKey(e.base().Account, e.kind(), e.base().Name), e)
}

// accountRecord reads the account's own record. An account that has none is as new.
func (t *tx) accountRecord() (*account, error) {
	a := new(account)
	found, err := t.read(key(t.account, segmentAccount), a)
	if err != nil {
		return nil, err
	}
	if !found {
		*a = account{ID: t.account, Created: t.now}
	}
	if a.Counts == nil {
		a.Counts = make(map[string]int)
	}
	return a, nil
}

func (t *tx) saveAccount(a *account) error { return t.write(key(t.account, segmentAccount), a) }

// create stores a new entity within its quota.
func (t *tx) create(e entity, exists error) error {
	k, h := e.kind(), e.base()
	at := nameKey(t.account, k, h.Name)
	if _, err := t.Get([]byte(at)); err == nil {
		return exists
	} else if !errors.Is(err, store.ErrNotFound) {
		return err
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
	return t.write(at, e)
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
	return t.remove(nameKey(t.account, e.kind(), e.base().Name))
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
	k, h := e.kind(), e.base()
	old := nameKey(t.account, k, h.Name)
	if newPath != nil && *newPath != "" {
		h.Path = *newPath
	}
	if newName != nil && *newName != "" && *newName != h.Name {
		at := nameKey(t.account, k, *newName)
		if at != old {
			if _, err := t.Get([]byte(at)); err == nil {
				return alreadyExists("%s with name %s already exists.", k.title, *newName)
			} else if !errors.Is(err, store.ErrNotFound) {
				return err
			}
			if err := t.remove(old); err != nil {
				return err
			}
		}
		h.Name = *newName
	}
	return t.save(e)
}
