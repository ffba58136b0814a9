package secretsmanager

import (
	"errors"
	"fmt"
	"iter"

	"fastness/internal/due"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

// tables are the room's records in the store, all in the scope of their account and
// Region. Versions, values and journals have the secret's id in front of theirs: a secret
// that is made again under an old name never sees what belonged to the old one.
type tables struct {
	secrets  *table.Table[secretRecord]
	versions *table.Table[versionRecord]
	values   *table.Table[valueRecord]
	accesses *table.Table[accessRecord]
	journals *table.Table[journalRecord]
	// rotationJobs carry rotations on, apart from the program's jobs: see rotation.go.
	rotationJobs *due.Queue
}

// tableService names the service of the tables, kindSecret the one that the directory has
// snapshots of: whatever changes a version changes the record of its secret too.
const (
	tableService = "secretsmanager"
	kindSecret   = "secret"
)

// The indexes.
const (
	secretsByCreated  = "created" // time, name
	versionsByCreated = "created" // secret, time
)

func newTables(reg *table.Registry) (*tables, error) {
	t := new(tables)
	err := errors.Join(
		register(reg, &t.secrets, table.Def[secretRecord]{
			Kind:  kindSecret,
			Scope: func(s *secretRecord) table.Scope { return table.Scope{Account: s.Account, Region: s.Region} },
			ID:    func(s *secretRecord) []table.Part { return parts(s.Name) },
			Indexes: []table.Index[secretRecord]{{Name: secretsByCreated, Keys: func(s *secretRecord) [][]table.Part {
				return [][]table.Part{{table.Time(s.Created)}}
			}}},
		}),
		register(reg, &t.versions, table.Def[versionRecord]{
			Kind:  "version",
			Scope: func(v *versionRecord) table.Scope { return table.Scope{Account: v.Account, Region: v.Region} },
			ID:    func(v *versionRecord) []table.Part { return parts(v.Secret, v.ID) },
			Indexes: []table.Index[versionRecord]{{Name: versionsByCreated, Keys: func(v *versionRecord) [][]table.Part {
				return [][]table.Part{{table.String(v.Secret), table.Time(v.Created)}}
			}}},
		}),
		register(reg, &t.values, table.Def[valueRecord]{
			Kind:  "value",
			Scope: func(v *valueRecord) table.Scope { return table.Scope{Account: v.Account, Region: v.Region} },
			ID:    func(v *valueRecord) []table.Part { return parts(v.Secret, v.Version) },
		}),
		register(reg, &t.accesses, table.Def[accessRecord]{
			Kind:  "access",
			Scope: func(a *accessRecord) table.Scope { return table.Scope{Account: a.Account, Region: a.Region} },
			ID:    func(a *accessRecord) []table.Part { return parts(a.Secret) },
		}),
		register(reg, &t.journals, table.Def[journalRecord]{
			Kind:  "rotation",
			Scope: func(j *journalRecord) table.Scope { return table.Scope{Account: j.Account, Region: j.Region} },
			ID:    func(j *journalRecord) []table.Part { return parts(j.Secret) },
		}),
	)
	if err == nil {
		t.rotationJobs, err = due.NewQueueFor(reg, tableService)
	}
	if err != nil {
		return nil, fmt.Errorf("secretsmanager: %w", err)
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

func (n secretName) scope() table.Scope {
	return table.Scope{Account: n.account, Region: n.region}
}

func (s *secretRecord) scope() table.Scope { return s.name().scope() }

func parts(names ...string) []table.Part {
	p := make([]table.Part, len(names))
	for i, n := range names {
		p[i] = table.String(n)
	}
	return p
}

func isNotFound(err error) bool { return errors.Is(err, store.ErrNotFound) }

// absent lets a deletion find that there is nothing to delete.
func absent(err error) error {
	if isNotFound(err) {
		return nil
	}
	return err
}

// secret returns the record of a secret, or store.ErrNotFound.
func (t *tables) secret(r store.Reader, n secretName) (*secretRecord, error) {
	return t.secrets.Get(r, n.scope(), parts(n.name)...)
}

// version returns a version of a secret, or store.ErrNotFound.
func (t *tables) version(r store.Reader, s *secretRecord, id string) (*versionRecord, error) {
	return t.versions.Get(r, s.scope(), parts(s.id(), id)...)
}

// value returns the encrypted value of a version, or store.ErrNotFound.
func (t *tables) value(r store.Reader, s *secretRecord, version string) (*valueRecord, error) {
	return t.values.Get(r, s.scope(), parts(s.id(), version)...)
}

// access returns when a secret was last read, or store.ErrNotFound.
func (t *tables) access(r store.Reader, s *secretRecord) (*accessRecord, error) {
	return t.accesses.Get(r, s.scope(), parts(s.id())...)
}

// journal returns the rotation of a secret that is under way, or store.ErrNotFound.
func (t *tables) journal(r store.Reader, s *secretRecord) (*journalRecord, error) {
	return t.journals.Get(r, s.scope(), parts(s.id())...)
}

// deleteVersion removes a version and its value.
func (t *tables) deleteVersion(tx store.Txn, sc table.Scope, secret, version string) error {
	if err := absent(t.values.Delete(tx, sc, parts(secret, version)...)); err != nil {
		return err
	}
	return absent(t.versions.Delete(tx, sc, parts(secret, version)...))
}

// listing takes at most limit records that keep (nil: all) wants out of a scan. If
// there are more, next is the position behind the last one.
func listing[T any](rows iter.Seq2[table.Row[T], error], limit int, keep func(*T) bool) (found []T, next []byte, err error) {
	var last []byte
	for row, err := range rows {
		switch {
		case err != nil:
			return nil, nil, err
		case keep != nil && !keep(row.Record):
			continue
		case len(found) == limit:
			return found, last, nil
		}
		found, last = append(found, *row.Record), row.Cursor
	}
	return found, nil, nil
}
