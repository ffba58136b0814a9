package pebble_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"fastness/internal/store"
	"fastness/internal/store/pebble"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"
)

// acked is a commit whose Update returned.
type acked struct {
	rev   store.Revision
	write map[string]string // "" deletes
}

// TestCrash runs writers against a file system that can crash, takes what a crash at
// that moment would leave, and opens it. Every acknowledged commit must be there, no
// commit may be there by half, revisions go on, and a watcher that comes back with the
// last revision it saw misses nothing.
func TestCrash(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		fs := vfs.NewCrashableMem()
		// A short log, so that trimming is under way when the crash comes.
		opts := pebble.Options{FS: fs, RetainCommits: rapid.IntRange(1, 200).Draw(rt, "retain")}
		history := make(map[store.Revision]map[string]string)
		for life := range rapid.IntRange(1, 4).Draw(rt, "lives") {
			s, err := pebble.Open("parent/data", opts)
			if err != nil {
				rt.Fatalf("open life %d: %v", life, err)
			}
			verify(rt, s, history)
			var mu sync.Mutex
			stop := false
			tried := make(map[string]map[string]string) // what was last asked for, by text
			var got []acked
			var wg sync.WaitGroup
			seed := rapid.Uint64().Draw(rt, "seed")
			enough := make(chan struct{})
			target := rapid.IntRange(1, 120).Draw(rt, "commits")
			for w := range 4 {
				wg.Go(func() {
					rng := rand.New(rand.NewPCG(seed, uint64(w)))
					for i := 0; ; i++ {
						mu.Lock()
						if stop {
							mu.Unlock()
							return
						}
						mu.Unlock()
						write := make(map[string]string)
						// Each commit writes the same unique text under all its keys and
						// one key nobody else writes, so halves show.
						text := fmt.Sprintf("%d.%d.%d", life, w, i)
						rev, err := s.Update(t.Context(), func(tx store.Txn) error {
							clear(write)
							write["own/"+text] = text
							for range 1 + rng.IntN(4) {
								write[fmt.Sprintf("shared/%d", rng.IntN(8))] = text
							}
							for _, k := range slices.Sorted(maps.Keys(write)) {
								if rng.IntN(2) == 0 {
									if _, err := tx.Get([]byte(k)); err != nil && err != store.ErrNotFound {
										return err
									}
								}
								if err := tx.Put([]byte(k), []byte(write[k])); err != nil {
									return err
								}
							}
							if rng.IntN(3) == 0 {
								victim := fmt.Sprintf("shared/%d", rng.IntN(8))
								if _, mine := write[victim]; !mine {
									if _, err := tx.Get([]byte(victim)); err == nil {
										write[victim] = ""
										if err := tx.Delete([]byte(victim)); err != nil {
											return err
										}
									}
								}
							}
							mu.Lock()
							tried[text] = maps.Clone(write)
							mu.Unlock()
							return nil
						})
						if err != nil {
							t.Errorf("update: %v", err)
							return
						}
						mu.Lock()
						if !stop {
							got = append(got, acked{rev, write})
							if len(got) == target {
								close(enough)
							}
						}
						mu.Unlock()
					}
				})
			}
			<-enough
			// The crash: what is acknowledged now must survive; what is under way may.
			mu.Lock()
			known := slices.Clone(got)
			mu.Unlock()
			crashed := fs.CrashClone(vfs.CrashCloneCfg{
				UnsyncedDataPercent: rapid.SampledFrom([]int{0, 50, 100}).Draw(rt, "unsynced"),
				RNG:                 rand.New(rand.NewPCG(seed, 99)),
			})
			mu.Lock()
			stop = true
			mu.Unlock()
			wg.Wait()
			if err := s.Close(); err != nil {
				rt.Fatalf("close: %v", err)
			}
			for _, a := range known {
				if history[a.rev] != nil {
					rt.Fatalf("revision %d was given twice", a.rev)
				}
				history[a.rev] = a.write
			}
			fs = crashed
			opts.FS = fs
			// Commits that nobody was told of may be in the clone. Learn them, and hold
			// the store to them from now on.
			s, err = pebble.Open("parent/data", opts)
			if err != nil {
				rt.Fatalf("open after the crash: %v", err)
			}
			learn(rt, s, history, tried)
			verify(rt, s, history)
			if err := s.Close(); err != nil {
				rt.Fatalf("close: %v", err)
			}
		}
	})
}

// last is the highest revision without a gap below it.
func last(rt *rapid.T, history map[store.Revision]map[string]string) store.Revision {
	n := store.Revision(len(history))
	for r := store.Revision(1); r <= n; r++ {
		if history[r] == nil {
			rt.Fatalf("revision %d is unknown, %d are known", r, n)
		}
	}
	return n
}

// learn adds to history the commits that survived although nobody was told, and checks
// that the log, as far as it reaches, tells the same story.
func learn(rt *rapid.T, s *pebble.Store, history map[store.Revision]map[string]string, tried map[string]map[string]string) {
	var at store.Revision
	err := s.View(rt.Context(), func(r store.Reader) error {
		at = r.Revision()
		for it, err := range r.Scan(store.Prefix([]byte("own/"))) {
			if err != nil {
				return err
			}
			if history[it.Revision] == nil {
				history[it.Revision] = tried[string(it.Value)]
			}
		}
		return nil
	})
	if err != nil {
		rt.Fatal(err)
	}
	if known := last(rt, history); known != at {
		rt.Fatalf("the store is at %d, the last of the acknowledged and the found is %d", at, known)
	}
	w, from := oldest(rt, s, at)
	defer w.Close()
	for rev := from + 1; rev <= at; rev++ {
		c, err := w.Next(rt.Context())
		if err != nil || c.Revision != rev {
			rt.Fatalf("watch: revision %d, %v; want %d", c.Revision, err, rev)
		}
		got := make(map[string]string)
		for _, ch := range c.Changes {
			got[string(ch.Key)] = string(ch.Value)
		}
		if !maps.Equal(history[rev], got) {
			rt.Fatalf("watch: revision %d wrote %v, want %v", rev, got, history[rev])
		}
	}
}

// oldest opens the watcher that reaches back furthest.
func oldest(rt *rapid.T, s *pebble.Store, upTo store.Revision) (store.Watcher, store.Revision) {
	for from := store.Revision(0); from <= upTo; from++ {
		if w, err := s.Watch(rt.Context(), nil, from); err == nil {
			return w, from
		}
	}
	rt.Fatal("nothing can be watched")
	return nil, 0
}

// verify compares the store with the replay of history.
func verify(rt *rapid.T, s *pebble.Store, history map[store.Revision]map[string]string) {
	n := last(rt, history)
	want := make(map[string]string)
	at := make(map[string]store.Revision)
	for rev := store.Revision(1); rev <= n; rev++ {
		for k, v := range history[rev] {
			if v == "" {
				delete(want, k)
				continue
			}
			want[k], at[k] = v, rev
		}
	}
	err := s.View(rt.Context(), func(r store.Reader) error {
		if r.Revision() != n {
			rt.Fatalf("the store is at %d, want %d", r.Revision(), n)
		}
		got := make(map[string]string)
		for it, err := range r.Scan(store.Range{}) {
			if err != nil {
				return err
			}
			got[string(it.Key)] = string(it.Value)
			if it.Revision != at[string(it.Key)] {
				rt.Fatalf("%s has revision %d, want %d", it.Key, it.Revision, at[string(it.Key)])
			}
		}
		if !maps.Equal(got, want) {
			rt.Fatalf("the store holds %v, want %v", got, want)
		}
		return nil
	})
	if err != nil {
		rt.Fatal(err)
	}
	problems, err := store.Fsck(rt.Context(), s)
	if err != nil || len(problems) > 0 {
		rt.Fatalf("fsck: %v, %v", problems, err)
	}
}
