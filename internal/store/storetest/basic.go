package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"fastness/internal/store"
)

func testEmpty(t *testing.T, s store.Store) {
	view(t, s, func(r store.Reader) error {
		if r.Revision() != 0 {
			t.Errorf("an empty store is at revision %d", r.Revision())
		}
		if v := get(t, r, "a"); v != "<none>" {
			t.Errorf("an empty store has a=%q", v)
		}
		if _, err := r.Get(nil); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("Get of the empty key: %v", err)
		}
		if got := scan(t, r, store.Range{}); got != "" {
			t.Errorf("an empty store holds %q", got)
		}
		return nil
	})
	rev, err := s.Update(within(t), func(tx store.Txn) error { return tx.Delete([]byte("a")) })
	if err != nil || rev != 0 {
		t.Errorf("deleting an absent key: revision %d, %v; want 0 and no error", rev, err)
	}
}

func testReadYourWrites(t *testing.T, s store.Store) {
	put(t, s, "kept", "1")
	put(t, s, "gone", "1")
	_, err := s.Update(within(t), func(tx store.Txn) error {
		if err := tx.Put([]byte("new"), []byte("2")); err != nil {
			return err
		}
		if err := tx.Delete([]byte("gone")); err != nil {
			return err
		}
		if err := tx.Put([]byte("brief"), nil); err != nil {
			return err
		}
		if err := tx.Delete([]byte("brief")); err != nil {
			return err
		}
		for key, want := range map[string]string{"kept": "1", "new": "2", "gone": "<none>", "brief": "<none>"} {
			if v := get(t, tx, key); v != want {
				t.Errorf("inside the transaction %s=%q, want %q", key, v, want)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"kept": "1", "new": "2", "gone": "<none>", "brief": "<none>"} {
		if v := current(t, s, key); v != want {
			t.Errorf("after the commit %s=%q, want %q", key, v, want)
		}
	}
}

func testRevisions(t *testing.T, s store.Store) {
	if rev := put(t, s, "a", "1"); rev != 1 {
		t.Errorf("first commit has revision %d", rev)
	}
	if rev := put(t, s, "b", ""); rev != 2 {
		t.Errorf("second commit has revision %d", rev)
	}
	if rev := put(t, s, "a", "1"); rev != 3 {
		t.Errorf("writing the same value again has revision %d, want 3", rev)
	}
	if rev := del(t, s, "none"); rev != 3 {
		t.Errorf("deleting nothing has revision %d, want 3", rev)
	}
	rev, err := s.Update(within(t), func(tx store.Txn) error { _, err := tx.Get([]byte("a")); return err })
	if err != nil || rev != 3 {
		t.Errorf("an Update without writes: revision %d, %v", rev, err)
	}
	view(t, s, func(r store.Reader) error {
		if r.Revision() != 3 {
			t.Errorf("the store is at %d, want 3", r.Revision())
		}
		for key, want := range map[string]store.Revision{"a": 3, "b": 2} {
			it, err := r.Get([]byte(key))
			if err != nil || it.Revision != want {
				t.Errorf("%s was written at %d (%v), want %d", key, it.Revision, err, want)
			}
		}
		for it, err := range r.Scan(store.Range{}) {
			if want := map[string]store.Revision{"a": 3, "b": 2}[string(it.Key)]; err != nil || it.Revision != want {
				t.Errorf("scan: %s was written at %d (%v), want %d", it.Key, it.Revision, err, want)
			}
		}
		it, err := r.Get([]byte("b"))
		if err != nil || it.Value == nil || len(it.Value) != 0 {
			t.Errorf("an empty value reads as %v, %v", it.Value, err)
		}
		return nil
	})
}

func testErrorWritesNothing(t *testing.T, s store.Store) {
	boom := errors.New("boom")
	_, err := s.Update(within(t), func(tx store.Txn) error {
		if err := tx.Put([]byte("a"), []byte("1")); err != nil {
			return err
		}
		return boom
	})
	if !errors.Is(err, boom) {
		t.Errorf("Update returned %v", err)
	}
	if err := s.View(within(t), func(store.Reader) error { return boom }); !errors.Is(err, boom) {
		t.Errorf("View returned %v", err)
	}
	if v := current(t, s, "a"); v != "<none>" {
		t.Errorf("a failed Update wrote a=%q", v)
	}
}

func testSlices(t *testing.T, s store.Store) {
	key, value := []byte("key"), []byte("value")
	_, err := s.Update(within(t), func(tx store.Txn) error {
		if err := tx.Put(key, value); err != nil {
			return err
		}
		copy(key, "xxx")
		copy(value, "xxxxx")
		it, err := tx.Get([]byte("key"))
		if err != nil {
			return err
		}
		clear(it.Value) // belongs to us
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if v := current(t, s, "key"); v != "value" {
		t.Errorf("key=%q, want value", v)
	}
	view(t, s, func(r store.Reader) error {
		it, err := r.Get([]byte("key"))
		if err != nil {
			return err
		}
		clear(it.Value)
		clear(it.Key)
		if v := get(t, r, "key"); v != "value" {
			t.Errorf("after clearing an item key=%q", v)
		}
		return nil
	})
}

func testLimits(t *testing.T, s store.Store) {
	long := bytes.Repeat([]byte{'k'}, store.MaxKeyBytes)
	big := make([]byte, store.MaxValueBytes)
	many := func(n int) func(store.Txn) error {
		return func(tx store.Txn) error {
			for i := range n {
				if err := tx.Put(fmt.Appendf(nil, "many-%03d", i), nil); err != nil {
					return err
				}
			}
			return nil
		}
	}
	bytesOf := func(total int) func(store.Txn) error {
		return func(tx store.Txn) error {
			for i := 0; total > 0; i++ {
				n := min(total-4, store.MaxValueBytes-8)
				if err := tx.Put(fmt.Appendf(nil, "b%03d", i), big[:n]); err != nil {
					return err
				}
				total -= n + 4
			}
			return nil
		}
	}
	for _, tt := range []struct {
		name string
		run  func(store.Txn) error
		want error
	}{
		{"longest key", func(tx store.Txn) error { return tx.Put(long, nil) }, nil},
		{"key too long", func(tx store.Txn) error { return tx.Put(append(long, 'k'), nil) }, store.ErrTooLarge},
		{"delete key too long", func(tx store.Txn) error { return tx.Delete(append(long, 'k')) }, store.ErrTooLarge},
		{"largest value", func(tx store.Txn) error { return tx.Put([]byte("v"), big) }, nil},
		{"value too large", func(tx store.Txn) error { return tx.Put([]byte("v"), append(big, 0)) }, store.ErrTooLarge},
		{"empty key", func(tx store.Txn) error { return tx.Put(nil, nil) }, store.ErrEmptyKey},
		{"delete empty key", func(tx store.Txn) error { return tx.Delete(nil) }, store.ErrEmptyKey},
		{"most operations", many(store.MaxTxnOps), nil},
		{"too many operations", many(store.MaxTxnOps + 1), store.ErrTxnTooLarge},
		{"most bytes", bytesOf(store.MaxTxnBytes), nil},
		{"too many bytes", bytesOf(store.MaxTxnBytes + 1), store.ErrTxnTooLarge},
		{"swallowed error", func(tx store.Txn) error {
			_ = tx.Put([]byte("swallowed"), append(big, 0))
			return tx.Put([]byte("swallowed"), nil)
		}, store.ErrTooLarge},
		{"the same key again and again", func(tx store.Txn) error {
			for range 4 * store.MaxTxnOps {
				if err := tx.Put([]byte("again"), []byte("x")); err != nil {
					return err
				}
			}
			return nil
		}, nil},
	} {
		_, err := s.Update(within(t), tt.run)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
	if v := current(t, s, "swallowed"); v != "<none>" {
		t.Error("a transaction over its bounds wrote something")
	}
	_, err := s.Update(within(t), many(store.MaxTxnOps+1))
	if !errors.Is(err, store.ErrTxnTooLarge) {
		t.Errorf("too many operations, once more: %v", err)
	}
}

func testScanOrder(t *testing.T, s store.Store) {
	// Keys that trap an engine that adds something to a key: prefixes of each other,
	// zero bytes, 0xff.
	keys := []string{"\x00", "\x00\x00", "\x00\x09", "a", "a\x00", "a\x00\x00", "a\x00b", "a\x01", "aa", "ab", "b", "b\xff", "b\xff\xff", "c", "\xff", "\xff\xff"}
	_, err := s.Update(within(t), func(tx store.Txn) error {
		for i, k := range keys {
			if err := tx.Put([]byte(k), fmt.Append(nil, i)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	// Newer versions and deletions must not change the picture.
	for _, k := range []string{"a\x00", "b", "\xff"} {
		v := current(t, s, k)
		put(t, s, k, "other")
		put(t, s, k, v)
	}
	put(t, s, "aab", "x")
	put(t, s, "aab", "y")
	del(t, s, "aab")
	names := func(r store.Reader, rg store.Range) []string {
		var out []string
		for it, err := range r.Scan(rg) {
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, string(it.Key))
		}
		return out
	}
	check := func(r store.Reader) error {
		for i := 0; i <= len(keys); i++ {
			for j := 0; j <= len(keys); j++ {
				for _, reverse := range []bool{false, true} {
					for _, limit := range []int{0, 1, 3} {
						rg := store.Range{Limit: limit, Reverse: reverse}
						lo, hi := 0, len(keys)
						if i < len(keys) {
							rg.Start, lo = []byte(keys[i]), i
						}
						if j < len(keys) {
							rg.End, hi = []byte(keys[j]), j
						}
						var want []string
						for k := lo; k < hi; k++ {
							want = append(want, keys[k])
						}
						if reverse {
							for a, b := 0, len(want)-1; a < b; a, b = a+1, b-1 {
								want[a], want[b] = want[b], want[a]
							}
						}
						if limit > 0 && len(want) > limit {
							want = want[:limit]
						}
						if got := names(r, rg); fmt.Sprint(got) != fmt.Sprint(want) {
							t.Fatalf("scan %+v: %q, want %q", rg, got, want)
						}
					}
				}
			}
		}
		return nil
	}
	view(t, s, check)
	if _, err := s.Update(within(t), func(tx store.Txn) error { return check(tx) }); err != nil {
		t.Fatal(err)
	}
	view(t, s, func(r store.Reader) error {
		if got := scan(t, r, store.Prefix([]byte("b\xff"))); got != "b\xff=11 b\xff\xff=12" {
			t.Errorf("prefix scan: %q", got)
		}
		if got := names(r, store.Prefix([]byte{0xff})); len(got) != 2 {
			t.Errorf("prefix 0xff: %q", got)
		}
		for range r.Scan(store.Range{}) {
			break // leaving early is allowed
		}
		return nil
	})
}

func testScanOwnWrites(t *testing.T, s store.Store) {
	for _, k := range []string{"b", "d", "f"} {
		put(t, s, k, "old")
	}
	_, err := s.Update(within(t), func(tx store.Txn) error {
		for _, k := range []string{"a", "b", "c", "g"} {
			if err := tx.Put([]byte(k), []byte("new")); err != nil {
				return err
			}
		}
		if err := tx.Delete([]byte("d")); err != nil {
			return err
		}
		for _, tt := range []struct {
			rg   store.Range
			want string
		}{
			{store.Range{}, "a=new b=new c=new f=old g=new"},
			{store.Range{Reverse: true}, "g=new f=old c=new b=new a=new"},
			{store.Range{Limit: 2}, "a=new b=new"},
			{store.Range{Limit: 2, Reverse: true}, "g=new f=old"},
			{store.Range{Start: []byte("b"), End: []byte("g")}, "b=new c=new f=old"},
			{store.Range{Start: []byte("g"), End: []byte("b")}, ""},
		} {
			if got := scan(t, tx, tt.rg); got != tt.want {
				t.Errorf("scan %+v: %q, want %q", tt.rg, got, tt.want)
			}
		}
		// Writing while scanning: the iteration shows the state at its beginning.
		for it, err := range tx.Scan(store.Range{}) {
			if err != nil {
				return err
			}
			if err := tx.Put(append(it.Key, 'x'), []byte("more")); err != nil {
				return err
			}
		}
		if got, want := scan(t, tx, store.Range{End: []byte("c")}), "a=new ax=more b=new bx=more"; got != want {
			t.Errorf("after writing during a scan: %q, want %q", got, want)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func testSnapshot(t *testing.T, s store.Store) {
	for i := range 10 {
		put(t, s, fmt.Sprint("k", i), "old")
	}
	view(t, s, func(r store.Reader) error {
		rev := r.Revision()
		put(t, s, "k3", "new")
		del(t, s, "k4")
		put(t, s, "k3a", "new")
		for i := range 10 {
			if v := get(t, r, fmt.Sprint("k", i)); v != "old" {
				t.Errorf("in an older view k%d=%q", i, v)
			}
		}
		for _, reverse := range []bool{false, true} {
			n := 0
			for it, err := range r.Scan(store.Range{Reverse: reverse}) {
				if err != nil || string(it.Value) != "old" {
					t.Errorf("in an older view %s=%s, %v", it.Key, it.Value, err)
				}
				n++
			}
			if n != 10 {
				t.Errorf("an older view holds %d keys, want 10", n)
			}
		}
		if r.Revision() != rev {
			t.Errorf("the revision of a view moved from %d to %d", rev, r.Revision())
		}
		return nil
	})
}

func testReaderOver(t *testing.T, s store.Store) {
	put(t, s, "a", "1")
	var kept store.Reader
	view(t, s, func(r store.Reader) error { kept = r; return nil })
	if _, err := kept.Get([]byte("a")); err == nil {
		t.Error("a reader works after its View")
	}
	for _, err := range kept.Scan(store.Range{}) {
		if err == nil {
			t.Error("a scan works after its View")
		}
	}
	var tx store.Txn
	if _, err := s.Update(within(t), func(x store.Txn) error { tx = x; return nil }); err != nil {
		t.Fatal(err)
	}
	if err := tx.Put([]byte("a"), nil); err == nil {
		t.Error("a transaction writes after its Update")
	}
}

func testContext(t *testing.T, s store.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.View(ctx, func(store.Reader) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("View: %v", err)
	}
	if _, err := s.Update(ctx, func(tx store.Txn) error { return tx.Put([]byte("a"), nil) }); !errors.Is(err, context.Canceled) {
		t.Errorf("Update: %v", err)
	}
	if _, err := s.Watch(ctx, nil, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("Watch: %v", err)
	}
	if _, err := s.Campaign(ctx, "n", patience); !errors.Is(err, context.Canceled) {
		t.Errorf("Campaign: %v", err)
	}
	// Cancelled while the function runs: nothing is written.
	ctx, cancel = context.WithCancel(t.Context())
	_, err := s.Update(ctx, func(tx store.Txn) error {
		defer cancel()
		return tx.Put([]byte("a"), nil)
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Update cancelled by its function: %v", err)
	}
	if v := current(t, s, "a"); v != "<none>" {
		t.Errorf("a cancelled Update wrote a=%q", v)
	}
}

func testClosed(t *testing.T, s store.Store) {
	put(t, s, "a", "1")
	w, err := s.Watch(within(t), nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	l, err := s.Campaign(within(t), "n", patience)
	if err != nil {
		t.Fatal(err)
	}
	waiting := make(chan error, 2)
	go func() { _, err := w.Next(within(t)); waiting <- err }()
	go func() { _, err := s.Campaign(within(t), "n", patience); waiting <- err }()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := <-waiting; !errors.Is(err, store.ErrClosed) {
			t.Errorf("a call that waited when the store closed: %v", err)
		}
	}
	<-l.Done()
	if err := s.View(within(t), func(store.Reader) error { return nil }); !errors.Is(err, store.ErrClosed) {
		t.Errorf("View: %v", err)
	}
	if _, err := s.Update(within(t), func(store.Txn) error { return nil }); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Update: %v", err)
	}
	if _, err := s.Watch(within(t), nil, 0); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Watch: %v", err)
	}
	if _, err := s.Campaign(within(t), "m", patience); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Campaign: %v", err)
	}
	if err := s.Close(); !errors.Is(err, store.ErrClosed) {
		t.Errorf("second Close: %v", err)
	}
}
