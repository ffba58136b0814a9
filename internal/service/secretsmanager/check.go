package secretsmanager

import (
	"context"

	"fastness/internal/store"
	"fastness/internal/store/table"
)

// Checks are the consistency checks of the room beyond those of its tables
// (table.Registry.Checks): whether what records name is there.
func Checks() []store.Check {
	return []store.Check{{Name: "secretsmanager records", Run: checkRecords}}
}

// checkRecords looks for the versions that labels are attached to, and for the values of
// versions.
func checkRecords(ctx context.Context, r store.Reader, report func([]byte, string)) error {
	t, err := newTables(table.NewRegistry())
	if err != nil {
		return err
	}
	for row, err := range t.secrets.ScanAll(r) {
		if err != nil {
			return nil // the table's own check reports it
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		rec := row.Record
		for _, id := range rec.labelled() {
			v, err := t.version(r, rec, id)
			if isNotFound(err) {
				report(t.secrets.Key(rec.scope(), parts(rec.Name)...), "a staging label is attached to a version that does not exist")
				continue
			}
			if err != nil || v.Form == noValue {
				continue
			}
			if found, err := t.values.Has(r, rec.scope(), parts(rec.id(), id)...); err != nil {
				return err
			} else if !found {
				report(t.versions.Key(rec.scope(), parts(rec.id(), id)...), "the value of a version is missing")
			}
		}
	}
	return nil
}
