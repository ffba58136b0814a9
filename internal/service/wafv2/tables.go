package wafv2

import (
	"errors"
	"fmt"

	"fastness/internal/api/wafv2api"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

// tables are the room's records in the store.
type tables struct {
	entities     *table.Table[entity]
	references   *table.Table[referenceRecord]
	associations *table.Table[associationRecord]
	logging      *table.Table[loggingRecord]
	policies     *table.Table[policyRecord]
	apiKeys      *table.Table[apiKeyRecord]
	vendors      *table.Table[vendorRecord]
}

// associationsByWebACL finds the resources of a web ACL.
const associationsByWebACL = "webacl"

func newTables(reg *table.Registry) (*tables, error) {
	t := new(tables)
	err := errors.Join(
		register(reg, &t.entities, table.Def[entity]{
			Kind:  "entity",
			Scope: func(e *entity) table.Scope { return scope(e.Account, e.Region) },
			ID:    func(e *entity) []table.Part { return parts(string(e.Kind), string(e.Scope), e.Name) },
		}),
		register(reg, &t.references, table.Def[referenceRecord]{
			Kind:  "reference",
			Scope: func(r *referenceRecord) table.Scope { return table.Scope{Region: r.Region} },
			ID:    func(r *referenceRecord) []table.Part { return parts(r.Target, r.From) },
		}),
		register(reg, &t.associations, table.Def[associationRecord]{
			Kind:  "association",
			Scope: func(a *associationRecord) table.Scope { return scope(a.Account, a.Region) },
			ID:    func(a *associationRecord) []table.Part { return parts(a.Resource) },
			Indexes: []table.Index[associationRecord]{
				{Name: associationsByWebACL, Keys: func(a *associationRecord) [][]table.Part { return [][]table.Part{parts(a.WebACL)} }},
			},
		}),
		register(reg, &t.logging, table.Def[loggingRecord]{
			Kind:  "logging",
			Scope: func(l *loggingRecord) table.Scope { return scope(l.Account, l.Region) },
			ID:    func(l *loggingRecord) []table.Part { return parts(string(l.Scope), l.Name, string(l.LogScope)) },
		}),
		register(reg, &t.policies, table.Def[policyRecord]{
			Kind:  "policy",
			Scope: func(p *policyRecord) table.Scope { return scope(p.Account, p.Region) },
			ID:    func(p *policyRecord) []table.Part { return parts(p.RuleGroup) },
		}),
		register(reg, &t.apiKeys, table.Def[apiKeyRecord]{
			Kind:  "apikey",
			Scope: func(k *apiKeyRecord) table.Scope { return scope(k.Account, k.Region) },
			ID:    func(k *apiKeyRecord) []table.Part { return parts(string(k.Scope), k.ID) },
		}),
		register(reg, &t.vendors, table.Def[vendorRecord]{
			Kind:  "vendor",
			Scope: func(v *vendorRecord) table.Scope { return table.Scope{Region: v.Region} },
			ID:    func(v *vendorRecord) []table.Part { return parts(string(v.Scope), v.Vendor, v.Name) },
		}),
	)
	if err != nil {
		return nil, fmt.Errorf("wafv2: %w", err)
	}
	return t, nil
}

func register[T any](reg *table.Registry, place **table.Table[T], def table.Def[T]) (err error) {
	def.Service = "wafv2"
	*place, err = table.Register(reg, def)
	return err
}

// Register defines the room's tables for whoever examines a store without opening the
// room; New does it by itself.
func Register(reg *table.Registry) error {
	_, err := newTables(reg)
	return err
}

func scope(account, region string) table.Scope { return table.Scope{Account: account, Region: region} }

func parts(names ...string) []table.Part {
	p := make([]table.Part, len(names))
	for i, n := range names {
		p[i] = table.String(n)
	}
	return p
}

func isNotFound(err error) bool { return errors.Is(err, store.ErrNotFound) }

// entity returns the entity of a name, or WAFNonexistentItemException. The id must be the
// entity's, unless it is empty.
func (t *tables) entity(r store.Reader, n entityName) (*entity, error) {
	e, err := t.entities.Get(r, scope(n.account, n.region), parts(string(n.kind), string(n.scope), n.name)...)
	if isNotFound(err) || err == nil && n.id != "" && e.ID != n.id {
		return nil, nonexistent()
	}
	return e, err
}

// list returns a page of the entities of a kind in the order of their names, and the name after
// which the next page begins.
func (t *tables) list(r store.Reader, account, region string, s wafv2api.Scope, k kind, after string, limit int) (all []*entity, next string, err error) {
	at := table.Page{Prefix: parts(string(k), string(s)), Limit: limit + 1}
	if after != "" {
		at.After = table.AppendKey(nil, parts(string(k), string(s), after)...)
	}
	for row, err := range t.entities.Scan(r, scope(account, region), at) {
		if err != nil {
			return nil, "", err
		}
		if len(all) == limit {
			return all, all[limit-1].Name, nil
		}
		all = append(all, row.Record)
	}
	return all, "", nil
}

// isReferenced tells whether any entity names the one with the ARN.
func (t *tables) isReferenced(r store.Reader, region, target string) (bool, error) {
	for _, err := range t.references.Scan(r, table.Scope{Region: region}, table.Page{Prefix: parts(target), Limit: 1}) {
		return err == nil, err
	}
	return false, nil
}

// referrers are the ARNs of the entities that name the one with the ARN.
func (t *tables) referrers(r store.Reader, region, target string) (all []string, err error) {
	for row, err := range t.references.Scan(r, table.Scope{Region: region}, table.Page{Prefix: parts(target)}) {
		if err != nil {
			return nil, err
		}
		all = append(all, row.Record.From)
	}
	return all, nil
}
