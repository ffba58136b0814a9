package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"fastness/internal/store"
)

func watch(t *testing.T, s store.Store, prefix string, from store.Revision) store.Watcher {
	t.Helper()
	w, err := s.Watch(within(t), []byte(prefix), from)
	if err != nil {
		t.Fatalf("watch %q from %d: %v", prefix, from, err)
	}
	t.Cleanup(w.Close)
	return w
}

// next is the next commit as "revision k=v k- ".
func next(t *testing.T, w store.Watcher) string {
	t.Helper()
	c, err := w.Next(within(t))
	if err != nil {
		t.Fatalf("next: %v", err)
	}
	var out bytes.Buffer
	fmt.Fprint(&out, c.Revision)
	for _, ch := range c.Changes {
		switch {
		case ch.Deleted && ch.Value == nil:
			fmt.Fprintf(&out, " %s-", ch.Key)
		default:
			fmt.Fprintf(&out, " %s=%s", ch.Key, ch.Value)
		}
	}
	return out.String()
}

func expect(t *testing.T, w store.Watcher, want ...string) {
	t.Helper()
	for _, s := range want {
		if got := next(t, w); got != s {
			t.Fatalf("watched %q, want %q", got, s)
		}
	}
}

// writeSome makes the six commits that someCommits names.
func writeSome(t *testing.T, s store.Store) {
	put(t, s, "a/1", "x")
	put(t, s, "b/1", "x")
	_, err := s.Update(within(t), func(tx store.Txn) error {
		for _, k := range []string{"b/2", "a/2", "a/1"} {
			if err := tx.Put([]byte(k), []byte("y")); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	del(t, s, "a/1")
	del(t, s, "a/none")
	put(t, s, "a/1", "")
	put(t, s, "a/2", "z")
}

var someCommits = []string{"1 a/1=x", "2 b/1=x", "3 a/1=y a/2=y b/2=y", "4 a/1-", "5 a/1=", "6 a/2=z"}

func testWatchOrder(t *testing.T, s store.Store) {
	w := watch(t, s, "", 0)
	writeSome(t, s)
	expect(t, w, someCommits...)
	if w.Progress() != 6 {
		t.Errorf("progress %d, want 6", w.Progress())
	}
}

func testWatchPrefix(t *testing.T, s store.Store) {
	a, b := watch(t, s, "a/", 0), watch(t, s, "b/", 0)
	writeSome(t, s)
	expect(t, a, "1 a/1=x", "3 a/1=y a/2=y", "4 a/1-", "5 a/1=", "6 a/2=z")
	expect(t, b, "2 b/1=x", "3 b/2=y")
	if b.Progress() != 3 {
		t.Errorf("progress %d, want 3", b.Progress())
	}
	put(t, s, "b/3", "x")
	expect(t, b, "7 b/3=x")
}

func testWatchKeys(t *testing.T, s store.Store) {
	keys := func(from store.Revision) store.Watcher {
		t.Helper()
		w, err := s.WatchKeys(within(t), func(key []byte) bool { return bytes.HasSuffix(key, []byte("1")) }, from)
		if err != nil {
			t.Fatalf("watch keys: %v", err)
		}
		t.Cleanup(w.Close)
		return w
	}
	live := keys(0)
	writeSome(t, s)
	past := keys(1)
	for _, w := range []store.Watcher{live, past} {
		if w == live {
			expect(t, w, "1 a/1=")
		}
		expect(t, w, "2 b/1=", "3 a/1=", "4 a/1-", "5 a/1=")
		if w.Progress() != 5 {
			t.Errorf("progress %d, want 5", w.Progress())
		}
	}
	// So many that no engine has all of them in memory.
	for range 40 {
		for _, key := range []string{"c/1", "c/2"} {
			value := make([]byte, store.MaxValueBytes/2)
			if _, err := s.Update(within(t), func(tx store.Txn) error { return tx.Put([]byte(key), value) }); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i := range 40 {
		expect(t, live, fmt.Sprintf("%d c/1=", 7+2*i))
	}
	if _, err := s.WatchKeys(within(t), func([]byte) bool { return true }, 0); err != nil {
		t.Errorf("watch from the beginning: %v", err)
	}
}

func testWatchPast(t *testing.T, s store.Store) {
	writeSome(t, s)
	for from := range len(someCommits) {
		expect(t, watch(t, s, "", store.Revision(from)), someCommits[from:]...)
	}
	// Several transactions at once share a write to disk, not a revision.
	var wg sync.WaitGroup
	for i := range 300 {
		wg.Go(func() { put(t, s, fmt.Sprintf("c/%03d", i), "x") })
	}
	wg.Wait()
	w := watch(t, s, "c/", 0)
	for i := range 300 {
		c, err := w.Next(within(t))
		if err != nil || c.Revision != store.Revision(7+i) || len(c.Changes) != 1 {
			t.Fatalf("commit %d: %+v, %v", i, c, err)
		}
	}
}

func testWatchWaits(t *testing.T, s store.Store) {
	put(t, s, "a", "1")
	w := watch(t, s, "a", 1)
	got := make(chan string, 1)
	go func() { got <- next(t, w) }()
	put(t, s, "b", "1")
	put(t, s, "a", "2")
	if c := <-got; c != "3 a=2" {
		t.Errorf("watched %q", c)
	}
	// A revision that is yet to come.
	w = watch(t, s, "", 4)
	put(t, s, "a", "3")
	put(t, s, "a", "4")
	expect(t, w, "5 a=4")
}

func testWatchEnds(t *testing.T, s store.Store) {
	w := watch(t, s, "", 0)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { _, err := w.Next(ctx); ended <- err }()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Next of a cancelled context: %v", err)
	}
	put(t, s, "a", "1")
	expect(t, w, "1 a=1") // the watcher lives on
	go func() { _, err := w.Next(within(t)); ended <- err }()
	w.Close()
	if err := <-ended; !errors.Is(err, store.ErrClosed) {
		t.Errorf("Next of a closed watcher: %v", err)
	}
	w.Close()
}

func testSlowWatcher(t *testing.T, s store.Store) {
	// The watcher sleeps through more than an engine would keep in memory.
	w := watch(t, s, "k", 0)
	const commits = 40
	value := make([]byte, store.MaxValueBytes/2)
	for i := range commits {
		value[0] = byte(i)
		if _, err := s.Update(within(t), func(tx store.Txn) error { return tx.Put([]byte("k"), value) }); err != nil {
			t.Fatal(err)
		}
	}
	for i := range commits {
		c, err := w.Next(within(t))
		if err != nil {
			t.Fatal(err)
		}
		if c.Revision != store.Revision(i+1) || len(c.Changes) != 1 || c.Changes[0].Value[0] != byte(i) || len(c.Changes[0].Value) != len(value) {
			t.Fatalf("commit %d came as revision %d", i, c.Revision)
		}
	}
}
