package storetest

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"fastness/internal/store"
)

// between runs an Update whose first attempt is met by other, a commit that happens
// while the Update's function runs. It returns how often the function ran.
func between(t *testing.T, s store.Store, other func(), f func(store.Txn) error) (attempts int) {
	t.Helper()
	_, err := s.Update(within(t), func(tx store.Txn) error {
		attempts++
		if err := f(tx); err != nil {
			return err
		}
		if attempts == 1 {
			other()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return attempts
}

func number(t *testing.T, r store.Reader, key string) int {
	t.Helper()
	v := get(t, r, key)
	if v == "<none>" {
		return 0
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func testLostUpdate(t *testing.T, s store.Store) {
	add := func(tx store.Txn) error { return tx.Put([]byte("n"), fmt.Append(nil, number(t, tx, "n")+1)) }
	put(t, s, "n", "1")
	n := between(t, s, func() {
		if _, err := s.Update(within(t), add); err != nil {
			t.Error(err)
		}
	}, add)
	if v := current(t, s, "n"); v != "3" || n != 2 {
		t.Errorf("n=%s after %d attempts, want 3 after 2", v, n)
	}
}

func testWriteSkew(t *testing.T, s store.Store) {
	// Two doctors are on call; each may leave when the other stays.
	put(t, s, "on/a", "yes")
	put(t, s, "on/b", "yes")
	leave := func(me, other string) func(store.Txn) error {
		return func(tx store.Txn) error {
			if get(t, tx, "on/"+other) == "yes" {
				return tx.Put([]byte("on/"+me), []byte("no"))
			}
			return nil
		}
	}
	between(t, s, func() {
		if _, err := s.Update(within(t), leave("b", "a")); err != nil {
			t.Error(err)
		}
	}, leave("a", "b"))
	a, b := current(t, s, "on/a"), current(t, s, "on/b")
	if a == b {
		t.Errorf("a=%s b=%s: exactly one may leave", a, b)
	}
}

func testPhantom(t *testing.T, s store.Store) {
	put(t, s, "in/1", "x")
	for i, tt := range []struct {
		name  string
		rg    store.Range
		other func()
		want  int
	}{
		{"a key appears", store.Prefix([]byte("in/")), func() { put(t, s, "in/2", "x") }, 2},
		{"a key appears, reverse", store.Range{Start: []byte("in/"), End: []byte("in0"), Reverse: true}, func() { put(t, s, "in/0", "x") }, 2},
		{"a key changes", store.Prefix([]byte("in/")), func() { put(t, s, "in/2", "y") }, 2},
		{"a key goes", store.Prefix([]byte("in/")), func() { del(t, s, "in/1") }, 2},
		{"the end has no bound", store.Range{Start: []byte("zz")}, func() { put(t, s, "zzz", "x") }, 2},
		{"before the range", store.Prefix([]byte("in/")), func() { put(t, s, "in", "x") }, 1},
		{"at the end of the range", store.Prefix([]byte("in/")), func() { put(t, s, "in0", "x") }, 1},
		{"an empty range", store.Prefix([]byte("none/")), func() { put(t, s, "none/1", "x") }, 2},
	} {
		n := between(t, s, tt.other, func(tx store.Txn) error {
			count := 0
			for _, err := range tx.Scan(tt.rg) {
				if err != nil {
					return err
				}
				count++
			}
			return tx.Put(fmt.Append(nil, "count/", i), fmt.Append(nil, count))
		})
		if n != tt.want {
			t.Errorf("%s: %d attempts, want %d", tt.name, n, tt.want)
		}
	}
}

func testAbsent(t *testing.T, s store.Store) {
	n := between(t, s, func() { put(t, s, "name", "other") }, func(tx store.Txn) error {
		if get(t, tx, "name") == "<none>" {
			return tx.Put([]byte("name"), []byte("mine"))
		}
		return nil
	})
	if v := current(t, s, "name"); v != "other" || n != 2 {
		t.Errorf("name=%s after %d attempts", v, n)
	}
}

func testNoFalseConflict(t *testing.T, s store.Store) {
	put(t, s, "mine", "1")
	n := between(t, s, func() { put(t, s, "yours", "1"); put(t, s, "blind", "1") }, func(tx store.Txn) error {
		get(t, tx, "mine")
		return tx.Put([]byte("blind"), []byte("2"))
	})
	if n != 1 {
		t.Errorf("%d attempts although nothing that was read changed", n)
	}
	if v := current(t, s, "blind"); v != "2" {
		t.Errorf("blind=%s: the later commit must win", v)
	}
}

func testLimitedScan(t *testing.T, s store.Store) {
	for _, k := range []string{"b", "d", "f"} {
		put(t, s, k, "x")
	}
	for _, tt := range []struct {
		rg    store.Range
		other string
		want  int
	}{
		{store.Range{Limit: 2}, "e", 1},
		{store.Range{Limit: 2}, "c", 2},
		{store.Range{Limit: 2}, "d", 2},
		{store.Range{Limit: 2, Reverse: true}, "a", 1},
		{store.Range{Limit: 2, Reverse: true}, "d", 2},
	} {
		n := between(t, s, func() { put(t, s, tt.other, "y") }, func(tx store.Txn) error {
			for _, err := range tx.Scan(tt.rg) {
				if err != nil {
					return err
				}
			}
			return tx.Put([]byte("result"), nil)
		})
		if n != tt.want {
			t.Errorf("scan %+v against a write of %s: %d attempts, want %d", tt.rg, tt.other, n, tt.want)
		}
		for _, k := range []string{"a", "c", "e", "result"} {
			del(t, s, k)
		}
	}
}

func testEndlessConflict(t *testing.T, s store.Store) {
	attempts := 0
	_, err := s.Update(within(t), func(tx store.Txn) error {
		attempts++
		get(t, tx, "k")
		put(t, s, "k", fmt.Sprint(attempts))
		return tx.Put([]byte("written"), nil)
	})
	if !errors.Is(err, store.ErrConflict) {
		t.Errorf("Update: %v, want ErrConflict", err)
	}
	if attempts < 2 {
		t.Errorf("gave up after %d attempts", attempts)
	}
	if v := current(t, s, "written"); v != "<none>" {
		t.Error("an Update that gave up wrote something")
	}
}

func testOnCommit(t *testing.T, s store.Store) {
	var ran []store.Revision
	tries := 0
	rev, err := s.Update(within(t), func(tx store.Txn) error {
		tries++
		tx.OnCommit(func(r store.Revision) { ran = append(ran, r) })
		get(t, tx, "a")
		if tries == 1 {
			put(t, s, "a", "other")
		}
		return tx.Put([]byte("a"), []byte("1"))
	})
	if err != nil || len(ran) != 1 || ran[0] != rev {
		t.Errorf("hook ran with %v, commit %d, %v", ran, rev, err)
	}
	ran = nil
	_, err = s.Update(within(t), func(tx store.Txn) error {
		tx.OnCommit(func(r store.Revision) { ran = append(ran, r) })
		return errors.New("no")
	})
	if err == nil || len(ran) != 0 {
		t.Errorf("hook of a failed Update ran: %v", ran)
	}
	rev, err = s.Update(within(t), func(tx store.Txn) error {
		tx.OnCommit(func(r store.Revision) { ran = append(ran, r) })
		return nil
	})
	if err != nil || len(ran) != 1 || ran[0] != rev {
		t.Errorf("hook of an Update without writes: %v, revision %d, %v", ran, rev, err)
	}
}

func testOnCommitOrder(t *testing.T, s store.Store) {
	var mu sync.Mutex
	var order []store.Revision
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for j := range 20 {
				_, err := s.Update(within(t), func(tx store.Txn) error {
					tx.OnCommit(func(r store.Revision) {
						mu.Lock()
						defer mu.Unlock()
						order = append(order, r)
					})
					return tx.Put(fmt.Append(nil, i, j), nil)
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for i, r := range order {
		if r != store.Revision(i+1) {
			t.Fatalf("hook %d ran for revision %d", i, r)
		}
	}
}

// What a process notes of its own commits is there when its watcher meets them.
func testOnCommitBeforeWatchers(t *testing.T, s store.Store) {
	w, err := s.Watch(within(t), []byte("k"), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	const writers, each = 16, 50
	var own sync.Map
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			for j := range each {
				_, err := s.Update(within(t), func(tx store.Txn) error {
					tx.OnCommit(func(r store.Revision) { own.Store(r, true) })
					return tx.Put(fmt.Append(nil, "k", i, "/", j), nil)
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range writers * each {
		c, err := w.Next(within(t))
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := own.Load(c.Revision); !ok {
			t.Fatalf("the watcher had revision %d before its hook had run", c.Revision)
		}
	}
	wg.Wait()
}

func testManyWriters(t *testing.T, s store.Store) {
	const writers, each = 64, 10
	var mu sync.Mutex
	seen := make(map[store.Revision]bool)
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			for j := range each {
				rev, err := s.Update(within(t), func(tx store.Txn) error {
					if err := tx.Put(fmt.Appendf(nil, "own/%02d/%02d", i, j), nil); err != nil {
						return err
					}
					if j != 0 {
						return nil
					}
					return tx.Put([]byte("shared"), fmt.Append(nil, number(t, tx, "shared")+1))
				})
				if err != nil {
					t.Errorf("writer %d: %v", i, err)
					return
				}
				mu.Lock()
				if seen[rev] {
					t.Errorf("revision %d was given twice", rev)
				}
				seen[rev] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	view(t, s, func(r store.Reader) error {
		n := 0
		for _, err := range r.Scan(store.Prefix([]byte("own/"))) {
			if err != nil {
				return err
			}
			n++
		}
		if n != writers*each || r.Revision() != writers*each {
			t.Errorf("%d keys at revision %d, want %d of both", n, r.Revision(), writers*each)
		}
		if c := number(t, r, "shared"); c != writers {
			t.Errorf("the shared counter is %d, want %d", c, writers)
		}
		return nil
	})
}
