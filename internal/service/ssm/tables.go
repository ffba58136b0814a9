package ssm

import (
	"errors"
	"fmt"
	"strings"

	"fastness/internal/store"
	"fastness/internal/store/table"
)

// tables are the room's records in the store.
type tables struct {
	parameters *table.Table[parameterRecord]
	versions   *table.Table[versionRecord]
	pending    *table.Table[pendingRecord]
	shares     *table.Table[shareRecord]
	settings   *table.Table[settingRecord]
}

// tableService names the service of the tables.
const tableService = "ssm"

// kindParameter is the table that the directory has snapshots of.
const kindParameter = "parameter"

// The indexes.
const (
	parametersByParent = "parent" // the path above; "/" for names without one
	versionsByLabel    = "label"  // the parameter's id and the label; unique
	sharesByGrantee    = "grantee"
)

func newTables(reg *table.Registry) (*tables, error) {
	t := new(tables)
	err := errors.Join(
		register(reg, &t.parameters, table.Def[parameterRecord]{
			Kind:  kindParameter,
			Scope: func(p *parameterRecord) table.Scope { return scope(p.Account, p.Region) },
			ID:    func(p *parameterRecord) []table.Part { return nameParts(p.Name) },
			Indexes: []table.Index[parameterRecord]{
				{Name: parametersByParent, Keys: func(p *parameterRecord) [][]table.Part { return [][]table.Part{parts(parent(p.Name))} }},
			},
		}),
		register(reg, &t.versions, table.Def[versionRecord]{
			Kind:  "version",
			Scope: func(v *versionRecord) table.Scope { return scope(v.Account, v.Region) },
			ID:    func(v *versionRecord) []table.Part { return versionParts(v.ID, v.Version.Number) },
			Indexes: []table.Index[versionRecord]{
				{Name: versionsByLabel, Unique: true, Keys: labelKeys},
			},
		}),
		register(reg, &t.pending, table.Def[pendingRecord]{
			Kind:  "pending",
			Scope: func(p *pendingRecord) table.Scope { return scope(p.Account, p.Region) },
			ID:    func(p *pendingRecord) []table.Part { return parts(strings.TrimPrefix(p.Name, "/")) },
		}),
		register(reg, &t.shares, table.Def[shareRecord]{
			Kind:  "share",
			Scope: func(s *shareRecord) table.Scope { return table.Scope{Region: s.Region} },
			ID:    func(s *shareRecord) []table.Part { return parts(s.Account, strings.TrimPrefix(s.Name, "/")) },
			Indexes: []table.Index[shareRecord]{
				{Name: sharesByGrantee, Keys: func(s *shareRecord) (keys [][]table.Part) {
					for _, g := range s.Grantees {
						keys = append(keys, parts(g))
					}
					return keys
				}},
			},
		}),
		register(reg, &t.settings, table.Def[settingRecord]{
			Kind:  "setting",
			Scope: func(s *settingRecord) table.Scope { return scope(s.Account, s.Region) },
			ID:    func(s *settingRecord) []table.Part { return parts(s.ID) },
		}),
	)
	if err != nil {
		return nil, fmt.Errorf("ssm: %w", err)
	}
	return t, nil
}

func register[T any](reg *table.Registry, place **table.Table[T], def table.Def[T]) (err error) {
	def.Service = tableService
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

func (n parameterName) scope() table.Scope { return scope(n.account, n.region) }

func parts(names ...string) []table.Part {
	p := make([]table.Part, len(names))
	for i, n := range names {
		p[i] = table.String(n)
	}
	return p
}

// nameParts are the components of a name, so that everything below a path is one range
// of keys.
func nameParts(name string) []table.Part {
	return parts(strings.Split(strings.TrimPrefix(name, "/"), "/")...)
}

// pathParts are the components of a path without a slash at its end; none for "".
func pathParts(path string) []table.Part {
	if path == "" {
		return nil
	}
	return nameParts(path)
}

// parent is the path that a name lies in, with a slash at its end. Names that are no
// paths lie in "/".
func parent(name string) string {
	if at := strings.LastIndexByte(name, '/'); at >= 0 {
		return name[:at+1]
	}
	return "/"
}

func versionParts(id string, number int64) []table.Part {
	return []table.Part{table.String(id), table.Uint(uint64(number))}
}

func labelKeys(v *versionRecord) (keys [][]table.Part) {
	for _, l := range v.Labels {
		keys = append(keys, parts(v.ID, l))
	}
	return keys
}

func isNotFound(err error) bool { return errors.Is(err, store.ErrNotFound) }

// parameter returns a parameter, or store.ErrNotFound.
func (t *tables) parameter(r store.Reader, n parameterName) (*parameterRecord, error) {
	return t.parameters.Get(r, n.scope(), nameParts(n.name)...)
}

// version returns a version of a parameter, or store.ErrNotFound.
func (t *tables) version(r store.Reader, p *parameterRecord, number int64) (*versionRecord, error) {
	return t.versions.Get(r, scope(p.Account, p.Region), versionParts(p.ID, number)...)
}

// labelled returns the version that has a label, or store.ErrNotFound.
func (t *tables) labelled(r store.Reader, p *parameterRecord, label string) (*versionRecord, error) {
	return t.versions.GetUnique(r, scope(p.Account, p.Region), versionsByLabel, parts(p.ID, label)...)
}

// oldest returns the oldest version of a parameter that is kept.
func (t *tables) oldest(r store.Reader, p *parameterRecord) (*versionRecord, error) {
	for row, err := range t.versions.Scan(r, scope(p.Account, p.Region), table.Page{Prefix: parts(p.ID), Limit: 1}) {
		return row.Record, err
	}
	return nil, fmt.Errorf("ssm: parameter %s has no versions: %w", p.ID, store.ErrNotFound)
}

func (t *tables) deleteVersion(tx store.Txn, v *versionRecord) error {
	return t.versions.Delete(tx, scope(v.Account, v.Region), versionParts(v.ID, v.Version.Number)...)
}

// absent lets a deletion find that there is nothing to delete.
func absent(err error) error {
	if isNotFound(err) {
		return nil
	}
	return err
}
