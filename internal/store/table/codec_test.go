package table_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"fastness/internal/store/table"
)

type person struct{ Given, Family string }

// split is the migration from schema 1, {"Name":"given family"}, to schema 2.
func split(b []byte) ([]byte, error) {
	name, ok := bytes.CutPrefix(b, []byte(`{"Name":"`))
	given, family, cut := strings.Cut(strings.TrimSuffix(string(name), `"}`), " ")
	if !ok || !cut {
		return nil, errors.New("no name")
	}
	return []byte(`{"Given":"` + given + `","Surname":"` + family + `"}`), nil
}

func rename(b []byte) ([]byte, error) {
	return bytes.Replace(b, []byte("Surname"), []byte("Family"), 1), nil
}

func TestMigrations(t *testing.T) {
	c, err := table.NewJSON[person](3, map[uint64]func([]byte) ([]byte, error){1: split, 2: rename})
	if err != nil {
		t.Fatal(err)
	}
	for _, stored := range []string{
		"\x01" + `{"Name":"Ada Lovelace"}`,
		"\x02" + `{"Given":"Ada","Surname":"Lovelace"}`,
		"\x03" + `{"Given":"Ada","Family":"Lovelace"}`,
	} {
		p, err := c.Decode([]byte(stored))
		if err != nil || *p != (person{"Ada", "Lovelace"}) {
			t.Errorf("%q: %v, %v", stored, p, err)
			continue
		}
		b, err := c.Encode(p)
		if err != nil || b[0] != 3 {
			t.Errorf("%q is written back as %q, %v", stored, b, err)
		}
	}
	for stored, want := range map[string]error{
		"":                          table.ErrDamaged,
		"\x00{}":                    table.ErrDamaged,
		"\x80":                      table.ErrDamaged,
		"\x03":                      table.ErrDamaged,
		"\x03{":                     table.ErrDamaged,
		"\x01" + `{"Name":"Plato"}`: table.ErrDamaged,
		"\x04{}":                    table.ErrNewerSchema,
	} {
		if _, err := c.Decode([]byte(stored)); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", stored, err, want)
		}
	}
}

func TestMigrationsHaveNoGap(t *testing.T) {
	type steps = map[uint64]func([]byte) ([]byte, error)
	for name, tt := range map[string]struct {
		schema  uint64
		migrate steps
		good    bool
	}{
		"schema 0":            {0, nil, false},
		"first schema":        {1, nil, true},
		"old ones dropped":    {4, steps{2: rename, 3: rename}, true},
		"none supported":      {4, nil, true},
		"gap":                 {4, steps{1: rename, 3: rename}, false},
		"gap at the end":      {4, steps{1: rename, 2: rename}, false},
		"into the future":     {2, steps{1: rename, 2: rename}, false},
		"from before time":    {2, steps{0: rename, 1: rename}, false},
		"a step that is none": {2, steps{1: nil}, false},
	} {
		if _, err := table.NewJSON[person](tt.schema, tt.migrate); (err == nil) != tt.good {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	c, err := table.NewJSON[person](3, map[uint64]func([]byte) ([]byte, error){1: split, 2: rename})
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte("\x01" + `{"Name":"Ada Lovelace"}`))
	f.Add([]byte("\x03" + `{"Given":"Ada","Family":"Lovelace"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := c.Decode(b)
		if err != nil {
			return
		}
		again, err := c.Encode(p)
		if err != nil {
			t.Fatal(err)
		}
		if q, err := c.Decode(again); err != nil || *q != *p {
			t.Errorf("%v came back as %v, %v", p, q, err)
		}
	})
}
