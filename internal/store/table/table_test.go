package table_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"fastness/internal/store"
	"fastness/internal/store/pebble"
	"fastness/internal/store/table"

	"github.com/cockroachdb/pebble/v2/vfs"
)

type alias struct {
	Account, Region string
	Name            string
	Target          string
	Tags            []string
}

func aliasDef() table.Def[alias] {
	return table.Def[alias]{
		Service: "kms", Kind: "alias",
		Scope: func(a *alias) table.Scope { return table.Scope{Account: a.Account, Region: a.Region} },
		ID:    func(a *alias) []table.Part { return []table.Part{table.String(a.Name)} },
		Indexes: []table.Index[alias]{
			{Name: "target", Unique: true, Keys: func(a *alias) [][]table.Part {
				if a.Target == "" {
					return nil
				}
				return [][]table.Part{{table.String(a.Target)}}
			}},
			{Name: "tag", Keys: func(a *alias) [][]table.Part {
				var keys [][]table.Part
				for _, tag := range a.Tags {
					keys = append(keys, []table.Part{table.String(tag)})
				}
				return keys
			}},
		},
	}
}

func aliases(t testing.TB) (*table.Registry, *table.Table[alias], *pebble.Store) {
	t.Helper()
	reg := table.NewRegistry()
	tab, err := table.Register(reg, aliasDef())
	if err != nil {
		t.Fatal(err)
	}
	s, err := pebble.Open("data", pebble.Options{FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return reg, tab, s
}

var home = table.Scope{Account: "111122223333", Region: "eu-west-1"}

func row(name, target string, tags ...string) *alias {
	return &alias{Account: home.Account, Region: home.Region, Name: name, Target: target, Tags: tags}
}

func update(t testing.TB, s store.Store, f func(store.Txn) error) error {
	t.Helper()
	_, err := s.Update(t.Context(), f)
	return err
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func view(t testing.TB, s store.Store, f func(store.Reader)) {
	t.Helper()
	must(t, s.View(t.Context(), func(r store.Reader) error { f(r); return nil }))
}

// names lists a scan as "a b c".
func names(t testing.TB, rows func(func(table.Row[alias], error) bool)) string {
	t.Helper()
	var out []string
	for r, err := range rows {
		must(t, err)
		out = append(out, r.Record.Name)
	}
	return strings.Join(out, " ")
}

func fsck(t testing.TB, reg *table.Registry, s store.Store) []store.Problem {
	t.Helper()
	problems, err := store.Fsck(t.Context(), s, reg.Checks()...)
	must(t, err)
	return problems
}

func TestRecordsAndIndexes(t *testing.T) {
	reg, tab, s := aliases(t)
	must(t, update(t, s, func(tx store.Txn) error {
		must(t, tab.Insert(tx, row("a", "k1", "red", "blue", "red")))
		must(t, tab.Insert(tx, row("b", "k2", "red")))
		must(t, tab.Put(tx, row("c", "")))
		return nil
	}))
	for name, tt := range map[string]struct {
		f    func(store.Txn) error
		want error
	}{
		"insert over a record":       {func(tx store.Txn) error { return tab.Insert(tx, row("a", "k9")) }, table.ErrExists},
		"insert, unique index taken": {func(tx store.Txn) error { return tab.Insert(tx, row("d", "k1")) }, table.ErrExists},
		"put, unique index taken":    {func(tx store.Txn) error { return tab.Put(tx, row("b", "k1")) }, table.ErrExists},
		"replace nothing":            {func(tx store.Txn) error { return tab.Replace(tx, row("d", "k4")) }, store.ErrNotFound},
		"delete nothing":             {func(tx store.Txn) error { return tab.Delete(tx, home, table.String("d")) }, store.ErrNotFound},
		"put the same again":         {func(tx store.Txn) error { return tab.Put(tx, row("a", "k1", "red", "blue")) }, nil},
	} {
		if err := update(t, s, tt.f); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	check := func(all, red, blue string, k1 string) {
		t.Helper()
		view(t, s, func(r store.Reader) {
			if got := names(t, tab.Scan(r, home, table.Page{})); got != all {
				t.Errorf("all: %q, want %q", got, all)
			}
			for tag, want := range map[string]string{"red": red, "blue": blue} {
				if got := names(t, tab.ScanIndex(r, home, "tag", table.Page{Prefix: []table.Part{table.String(tag)}})); got != want {
					t.Errorf("%s: %q, want %q", tag, got, want)
				}
			}
			a, err := tab.GetUnique(r, home, "target", table.String("k1"))
			if k1 == "" && !errors.Is(err, store.ErrNotFound) || k1 != "" && (err != nil || a.Name != k1) {
				t.Errorf("k1: %v, %v; want %q", a, err, k1)
			}
		})
		if p := fsck(t, reg, s); len(p) > 0 {
			t.Errorf("fsck: %v", p)
		}
	}
	check("a b c", "a b", "a", "a")
	must(t, update(t, s, func(tx store.Txn) error { return tab.Replace(tx, row("a", "k3", "blue", "green")) }))
	check("a b c", "b", "a", "")
	must(t, update(t, s, func(tx store.Txn) error { return tab.Put(tx, row("b", "k1", "blue")) }))
	check("a b c", "", "a b", "b")
	must(t, update(t, s, func(tx store.Txn) error { return tab.Delete(tx, home, table.String("b")) }))
	check("a c", "", "a", "")
	// Freed parts of a unique index can be taken within the transaction that frees them.
	must(t, update(t, s, func(tx store.Txn) error {
		must(t, tab.Delete(tx, home, table.String("a")))
		return tab.Insert(tx, row("z", "k3"))
	}))
	check("c z", "", "", "")
	view(t, s, func(r store.Reader) {
		if has, err := tab.Has(r, home, table.String("z")); !has || err != nil {
			t.Errorf("has z: %v, %v", has, err)
		}
		if has, err := tab.Has(r, home, table.String("a")); has || err != nil {
			t.Errorf("has a: %v, %v", has, err)
		}
		if _, err := tab.GetUnique(r, home, "tag", table.String("k")); err == nil {
			t.Error("an index that is not unique gave a record")
		}
		for _, err := range tab.ScanIndex(r, home, "none", table.Page{}) {
			if err == nil {
				t.Error("an index that is not there was scanned")
			}
		}
	})
}

func TestTwoWritersOfAUniqueIndex(t *testing.T) {
	_, tab, s := aliases(t)
	attempts := 0
	err := update(t, s, func(tx store.Txn) error {
		attempts++
		if err := tab.Insert(tx, row("mine", "k")); err != nil {
			return err
		}
		if attempts == 1 {
			must(t, update(t, s, func(tx store.Txn) error { return tab.Insert(tx, row("yours", "k")) }))
		}
		return nil
	})
	if !errors.Is(err, table.ErrExists) || attempts != 2 {
		t.Errorf("%v after %d attempts", err, attempts)
	}
}

func TestPaging(t *testing.T) {
	_, tab, s := aliases(t)
	for i := range 25 {
		name := fmt.Sprintf("n%02d", i)
		must(t, update(t, s, func(tx store.Txn) error { return tab.Insert(tx, row(name, name, "t", fmt.Sprint("t", i%3))) }))
	}
	for _, reverse := range []bool{false, true} {
		for _, scan := range []func(store.Reader, table.Page) func(func(table.Row[alias], error) bool){
			func(r store.Reader, p table.Page) func(func(table.Row[alias], error) bool) {
				return tab.Scan(r, home, p)
			},
			func(r store.Reader, p table.Page) func(func(table.Row[alias], error) bool) {
				p.Prefix = []table.Part{table.String("t")}
				return tab.ScanIndex(r, home, "tag", p)
			},
		} {
			var got []string
			page := table.Page{Limit: 4, Reverse: reverse}
			for {
				n := 0
				view(t, s, func(r store.Reader) {
					for row, err := range scan(r, page) {
						must(t, err)
						got = append(got, row.Record.Name)
						page.After = bytes.Clone(row.Cursor)
						n++
					}
				})
				if n == 0 {
					break
				}
				// The last row of a page may be gone when the next one is read.
				if len(got) == 8 {
					last := got[7]
					must(t, update(t, s, func(tx store.Txn) error { return tab.Delete(tx, home, table.String(last)) }))
				}
			}
			if len(got) < 20 {
				t.Errorf("%d rows", len(got))
			}
			for i := 1; i < len(got); i++ {
				if (got[i-1] < got[i]) == reverse || got[i-1] == got[i] {
					t.Errorf("%s after %s", got[i], got[i-1])
				}
			}
		}
	}
	// A cursor from elsewhere selects nothing outside the prefix.
	view(t, s, func(r store.Reader) {
		for _, after := range [][]byte{{}, {0}, {0xff}, table.Key(table.String("t9"))} {
			for _, reverse := range []bool{false, true} {
				p := table.Page{Prefix: []table.Part{table.String("t1")}, After: after, Reverse: reverse}
				for row, err := range tab.ScanIndex(r, home, "tag", p) {
					must(t, err)
					if row.Record.Tags[1] != "t1" {
						t.Errorf("cursor %x: found %v", after, row.Record)
					}
				}
			}
		}
	})
}

func TestScopes(t *testing.T) {
	reg, tab, s := aliases(t)
	other := table.Scope{Account: home.Account, Region: "eu-west-2"}
	for _, a := range []*alias{
		{Account: "2", Region: "r", Name: "x"},
		{Account: home.Account, Region: other.Region, Name: "a"},
		row("a", ""), row("b", ""),
		{Name: "global"},
	} {
		must(t, update(t, s, func(tx store.Txn) error { return tab.Insert(tx, a) }))
	}
	view(t, s, func(r store.Reader) {
		if got := names(t, tab.Scan(r, home, table.Page{})); got != "a b" {
			t.Errorf("home: %q", got)
		}
		if got := names(t, tab.ScanAll(r)); got != "global a b a x" {
			t.Errorf("all: %q", got)
		}
		var scopes []string
		for sc, err := range table.Scopes(r) {
			must(t, err)
			scopes = append(scopes, sc.Account+"/"+sc.Region)
		}
		if got := strings.Join(scopes, " "); got != "/ 111122223333/eu-west-1 111122223333/eu-west-2 2/r" {
			t.Errorf("scopes: %s", got)
		}
	})
	// Keys that are no tuples do not disturb: they are found by the check only.
	before := len(fsck(t, reg, s))
	for _, raw := range []string{"\x01room/row\x00x", "\x01room/row\x00\x00\x01", "\x7froom"} {
		must(t, update(t, s, func(tx store.Txn) error { return tx.Put([]byte(raw), nil) }))
	}
	view(t, s, func(r store.Reader) {
		if got := names(t, tab.ScanAll(r)); got != "global a b a x" {
			t.Errorf("all, among other keys: %q", got)
		}
	})
	if n := len(fsck(t, reg, s)) - before; n != 3 {
		t.Errorf("the check finds %d of the other keys", n)
	}
	must(t, update(t, s, func(tx store.Txn) error {
		for _, raw := range []string{"\x01room/row\x00x", "\x01room/row\x00\x00\x01", "\x7froom"} {
			if err := tx.Delete([]byte(raw)); err != nil {
				return err
			}
		}
		return nil
	}))
	if p := fsck(t, reg, s); len(p) > 0 {
		t.Errorf("fsck: %v", p)
	}
}

func TestDecodeWatchedChanges(t *testing.T) {
	_, tab, s := aliases(t)
	w, err := s.Watch(t.Context(), nil, 0)
	must(t, err)
	defer w.Close()
	must(t, update(t, s, func(tx store.Txn) error { return tab.Insert(tx, row("a", "k", "t")) }))
	must(t, update(t, s, func(tx store.Txn) error { return tab.Delete(tx, home, table.String("a")) }))
	must(t, update(t, s, func(tx store.Txn) error { return tx.Put([]byte("stranger"), nil) }))
	for _, want := range []string{"a", "gone", ""} {
		c, err := w.Next(t.Context())
		must(t, err)
		got := ""
		for _, ch := range c.Changes {
			change, ok, err := tab.Decode(ch)
			must(t, err)
			if !ok {
				continue
			}
			if name, _ := change.ID[0].Str(); name != "a" || change.Scope != home {
				t.Errorf("change of %v in %v", change.ID, change.Scope)
			}
			got += "gone"
			if change.Record != nil {
				got = change.Record.Name
			}
		}
		if got != want {
			t.Errorf("revision %d: %q, want %q", c.Revision, got, want)
		}
	}
}

func TestRegisterRefuses(t *testing.T) {
	for name, change := range map[string]func(*table.Def[alias]){
		"a name that is taken":  func(*table.Def[alias]) {},
		"capitals":              func(d *table.Def[alias]) { d.Kind = "Alias" },
		"a name with the mark":  func(d *table.Def[alias]) { d.Kind = "alias@tag" },
		"no name":               func(d *table.Def[alias]) { d.Service = "" },
		"no id":                 func(d *table.Def[alias]) { d.Kind, d.ID = "other", nil },
		"an index without name": func(d *table.Def[alias]) { d.Kind, d.Indexes[0].Name = "other", "" },
		"an index twice":        func(d *table.Def[alias]) { d.Kind, d.Indexes[0].Name = "other", "tag" },
	} {
		reg, _, _ := aliases(t)
		def := aliasDef()
		change(&def)
		if _, err := table.Register(reg, def); !errors.Is(err, table.ErrDefinition) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFsckFindsWhatIsWrong(t *testing.T) {
	for name, tt := range map[string]struct {
		damage func(tx store.Txn, key, tag []byte) error
		want   string
	}{
		"a damaged record":     {func(tx store.Txn, key, _ []byte) error { return tx.Put(key, []byte("\x01{")) }, "damaged"},
		"a newer record":       {func(tx store.Txn, key, _ []byte) error { return tx.Put(key, []byte("\x02{}")) }, "newer"},
		"another record's key": {func(tx store.Txn, key, _ []byte) error { return tx.Put(key, []byte("\x01{}")) }, "another key"},
		"a lost record":        {func(tx store.Txn, key, _ []byte) error { return tx.Delete(key) }, "leads to no record"},
		"a lost entry":         {func(tx store.Txn, _, tag []byte) error { return tx.Delete(tag) }, "missing in index tag"},
		"a wrong entry":        {func(tx store.Txn, _, tag []byte) error { return tx.Put(tag, table.Key(table.String("b"))) }, "another record"},
		"a superfluous entry": {func(tx store.Txn, _, tag []byte) error {
			return tx.Put(table.AppendKey(tag, table.String("")), table.Key(table.String("a")))
		}, "not one of its record"},
		"a strange key": {func(tx store.Txn, _, _ []byte) error { return tx.Put([]byte("zzz"), nil) }, "not the key of a table"},
		"a strange table": {func(tx store.Txn, _, _ []byte) error {
			return tx.Put(table.Key(table.String(""), table.String(""), table.String("x"), table.String("y")), nil)
		}, "not known"},
	} {
		reg, tab, s := aliases(t)
		must(t, update(t, s, func(tx store.Txn) error {
			must(t, tab.Insert(tx, row("a", "k1", "t")))
			return tab.Insert(tx, row("b", "k2"))
		}))
		key := tab.Key(home, table.String("a"))
		tag := table.Key(table.String(home.Account), table.String(home.Region), table.String("kms"), table.String("alias@tag"), table.String("t"), table.String("a"))
		must(t, update(t, s, func(tx store.Txn) error { return tt.damage(tx, key, tag) }))
		found := false
		for _, p := range fsck(t, reg, s) {
			found = found || strings.Contains(p.Text, tt.want)
		}
		if !found {
			t.Errorf("%s: fsck found %v", name, fsck(t, reg, s))
		}
	}
}

func BenchmarkGet(b *testing.B) {
	_, tab, s := aliases(b)
	for i := range 1000 {
		must(b, update(b, s, func(tx store.Txn) error { return tab.Insert(tx, row(fmt.Sprint(i), fmt.Sprint(i), "t")) }))
	}
	b.Run("get", func(b *testing.B) {
		b.ReportAllocs()
		for i := range b.N {
			view(b, s, func(r store.Reader) {
				_, err := tab.Get(r, home, table.String(fmt.Sprint(i%1000)))
				must(b, err)
			})
		}
	})
	b.Run("scan100", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			view(b, s, func(r store.Reader) {
				for _, err := range tab.Scan(r, home, table.Page{Limit: 100}) {
					must(b, err)
				}
			})
		}
	})
	b.Run("index100", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			view(b, s, func(r store.Reader) {
				for _, err := range tab.ScanIndex(r, home, "tag", table.Page{Limit: 100}) {
					must(b, err)
				}
			})
		}
	})
}
