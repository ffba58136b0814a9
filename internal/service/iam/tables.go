package iam

import (
	"errors"
	"fmt"
	"strings"

	"fastness/internal/store"
	"fastness/internal/store/table"
)

// tables are the room's. Records belong to no Region, and the account is the first
// part of their ids rather than their scope: so everything of the room lies together,
// and can be read in one scan.
type tables struct {
	users    *table.Table[user]
	groups   *table.Table[group]
	roles    *table.Table[role]
	policies *table.Table[managed]
	profiles *table.Table[instanceProfile]
	keys     *table.Table[accessKey]
	accounts *table.Table[account]
	uses     *table.Table[lastUse]
}

const tableService = "iam"

// The indexes: holders of policies by policy, users by group, instance profiles by role, accounts
// by alias.
const (
	indexPolicy = "policy"
	indexGroup  = "group"
	indexRole   = "role"
	indexAlias  = "alias"
)

// global is the scope of all records.
var global = table.Scope{}

func parts(account string, names ...string) []table.Part {
	p := []table.Part{table.String(account)}
	for _, n := range names {
		p = append(p, table.String(n))
	}
	return p
}

func newTables(reg *table.Registry) (*tables, error) {
	t := new(tables)
	steps := []func() error{
		func() (err error) {
			t.users, err = register(reg, userKind.segment, holderIndexes(func(u *user) [][]table.Part {
				var keys [][]table.Part
				for _, id := range u.Groups {
					keys = append(keys, parts(u.Account, id))
				}
				return keys
			}))
			return err
		},
		func() (err error) {
			t.groups, err = register(reg, groupKind.segment, holderIndexes[group](nil))
			return err
		},
		func() (err error) {
			t.roles, err = register(reg, roleKind.segment, holderIndexes[role](nil))
			return err
		},
		func() (err error) { t.policies, err = register[managed](reg, policyKind.segment, nil); return err },
		func() (err error) {
			t.profiles, err = register(reg, profileKind.segment, []table.Index[instanceProfile]{{Name: indexRole, Keys: func(p *instanceProfile) [][]table.Part {
				var keys [][]table.Part
				for _, id := range p.Roles {
					keys = append(keys, parts(p.Account, id))
				}
				return keys
			}}})
			return err
		},
		func() (err error) { t.keys, err = register[accessKey](reg, segmentKey, nil); return err },
		func() (err error) {
			t.accounts, err = register(reg, segmentAccount, []table.Index[account]{{Name: indexAlias, Keys: func(a *account) [][]table.Part {
				if a.Alias == "" {
					return nil
				}
				return [][]table.Part{parts(a.Alias)}
			}}})
			return err
		},
		func() (err error) { t.uses, err = register[lastUse](reg, segmentUse, nil); return err },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, fmt.Errorf("iam: %w", err)
		}
	}
	return t, nil
}

func register[T any](reg *table.Registry, kind string, indexes []table.Index[T]) (*table.Table[T], error) {
	return table.Register(reg, table.Def[T]{
		Service: tableService, Kind: kind, Indexes: indexes,
		Scope: func(*T) table.Scope { return global },
		ID:    func(record *T) []table.Part { return refOf(record).id() },
	})
}

// holderIndexes are the indexes of users, groups and roles.
func holderIndexes[T any](groups func(*T) [][]table.Part) []table.Index[T] {
	indexes := []table.Index[T]{{Name: indexPolicy, Keys: func(record *T) [][]table.Part {
		h, ok := any(record).(holder)
		if !ok {
			return nil
		}
		var keys [][]table.Part
		for _, arn := range h.held().used() {
			keys = append(keys, parts(h.base().Account, arn))
		}
		return keys
	}}}
	if groups != nil {
		indexes = append(indexes, table.Index[T]{Name: indexGroup, Keys: groups})
	}
	return indexes
}

// put writes a record into its table.
func (t *tables) put(tx store.Txn, record any) error {
	switch r := record.(type) {
	case *user:
		return t.users.Put(tx, r)
	case *group:
		return t.groups.Put(tx, r)
	case *role:
		return t.roles.Put(tx, r)
	case *managed:
		return t.policies.Put(tx, r)
	case *instanceProfile:
		return t.profiles.Put(tx, r)
	case *accessKey:
		return t.keys.Put(tx, r)
	case *account:
		return t.accounts.Put(tx, r)
	case *lastUse:
		return t.uses.Put(tx, r)
	}
	return fmt.Errorf("iam: no table for %T", record)
}

// remove deletes the record under a ref.
func (t *tables) remove(tx store.Txn, r ref) error {
	id := parts(r.account, r.name)
	switch r.segment {
	case userKind.segment:
		return t.users.Delete(tx, global, id...)
	case groupKind.segment:
		return t.groups.Delete(tx, global, id...)
	case roleKind.segment:
		return t.roles.Delete(tx, global, id...)
	case policyKind.segment:
		return t.policies.Delete(tx, global, id...)
	case profileKind.segment:
		return t.profiles.Delete(tx, global, id...)
	case segmentKey:
		return t.keys.Delete(tx, global, id...)
	case segmentUse:
		return t.uses.Delete(tx, global, id...)
	}
	return fmt.Errorf("iam: no table for %s", r.segment)
}

// all gives every record in the store to f.
func (t *tables) all(r store.Reader, f func(change)) error {
	return firstError(
		func() error { return scan(t.users, r, f) }, func() error { return scan(t.groups, r, f) },
		func() error { return scan(t.roles, r, f) }, func() error { return scan(t.policies, r, f) },
		func() error { return scan(t.profiles, r, f) },
		func() error { return scan(t.keys, r, f) }, func() error { return scan(t.accounts, r, f) },
		func() error { return scan(t.uses, r, f) },
	)
}

func scan[T any](tab *table.Table[T], r store.Reader, f func(change)) error {
	for row, err := range tab.Scan(r, global, table.Page{}) {
		if err != nil {
			return err
		}
		f(change{refOf(row.Record), row.Record})
	}
	return nil
}

// read reads the record under a ref as it is now; there may be none.
func (t *tables) read(r store.Reader, at ref) (change, error) {
	switch at.segment {
	case userKind.segment:
		return read(t.users, r, at)
	case groupKind.segment:
		return read(t.groups, r, at)
	case roleKind.segment:
		return read(t.roles, r, at)
	case policyKind.segment:
		return read(t.policies, r, at)
	case profileKind.segment:
		return read(t.profiles, r, at)
	case segmentKey:
		return read(t.keys, r, at)
	case segmentAccount:
		return read(t.accounts, r, at)
	case segmentUse:
		return read(t.uses, r, at)
	}
	return change{}, fmt.Errorf("iam: no table for %q", at.segment)
}

func read[T any](tab *table.Table[T], r store.Reader, at ref) (change, error) {
	record, err := tab.Get(r, global, at.id()...)
	if errors.Is(err, store.ErrNotFound) {
		return change{ref: at}, nil
	}
	return change{at, record}, err
}

// id is where the record lies in its table.
func (r ref) id() []table.Part {
	if r.name == "" {
		return parts(r.account)
	}
	return parts(r.account, r.name)
}

// refAt names the record at a place in the store.
func refAt(p table.Place) ref {
	r := ref{segment: p.Kind}
	if len(p.Parts) > 0 {
		r.account, _ = p.Parts[0].Str()
	}
	if len(p.Parts) > 1 {
		r.name, _ = p.Parts[1].Str()
	}
	return r
}

func firstError(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// indexed tells whether an index has an entry of the account under a value.
func indexed[T any](tab *table.Table[T], r store.Reader, index, account, value string) (bool, error) {
	for _, err := range tab.ScanIndex(r, global, index, table.Page{Prefix: parts(account, value), Limit: 1}) {
		return err == nil, err
	}
	return false, nil
}

// lower is the form of names in ids.
func lower(name string) string { return strings.ToLower(name) }
