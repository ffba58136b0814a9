package table_test

import (
	"errors"
	"testing"

	"fastness/internal/store"
	"fastness/internal/store/pebble"
	"fastness/internal/store/table"

	"github.com/cockroachdb/pebble/v2/vfs"
)

func TestReservedValuesAreKnownAndChecked(t *testing.T) {
	s, err := pebble.Open("db", pebble.Options{FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	reg := table.NewRegistry()
	if err := reg.Reserve("log", "batch", func(v []byte) error {
		if string(v) != "good" {
			return errors.New("a bad batch")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := reg.Reserve("log", "batch", nil); !errors.Is(err, table.ErrDefinition) {
		t.Fatalf("reserved twice: %v", err)
	}
	key := func(service string, n uint64) []byte {
		return table.Key(table.String(""), table.String(""), table.String(service), table.String("batch"), table.Uint(n))
	}
	if _, err := s.Update(t.Context(), func(tx store.Txn) error {
		return errors.Join(tx.Put(key("log", 1), []byte("good")), tx.Put(key("log", 2), []byte("bad")), tx.Put(key("other", 1), nil))
	}); err != nil {
		t.Fatal(err)
	}
	problems, err := store.Fsck(t.Context(), s, reg.Checks()...)
	if err != nil {
		t.Fatal(err)
	}
	if len(problems) != 2 || problems[0].Text != "a bad batch" || problems[1].Text != "table other/batch is not known" {
		t.Fatalf("problems: %+v", problems)
	}
}
