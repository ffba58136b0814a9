package storetest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"fastness/internal/store"

	"pgregory.net/rapid"
)

// modelKeys are few, so that transactions meet.
var modelKeys = []string{"a", "a\x00", "ab", "b", "b\xff", "c"}

// render is a map as scan shows a store.
func render(m map[string]string, rg store.Range) string {
	keys := slices.Sorted(maps.Keys(m))
	keys = slices.DeleteFunc(keys, func(k string) bool {
		return k < string(rg.Start) || rg.End != nil && k >= string(rg.End)
	})
	if rg.Reverse {
		slices.Reverse(keys)
	}
	if rg.Limit > 0 && len(keys) > rg.Limit {
		keys = keys[:rg.Limit]
	}
	var out []string
	for _, k := range keys {
		out = append(out, k+"="+m[k])
	}
	return strings.Join(out, " ")
}

// testModel runs random transactions one after the other and compares every answer
// with a map, and what a watcher sees with the transactions.
func testModel(t *testing.T, s store.Store) {
	key := rapid.SampledFrom(modelKeys)
	state := make(map[string]string)
	rev := store.Revision(0)
	ctx := within(t)
	fail := errors.New("give up")
	count := 0
	rapid.Check(t, func(rt *rapid.T) {
		w := watch(t, s, "", rev)
		defer w.Close()
		var log []map[string]string // deletion is "-"
		for range rapid.IntRange(1, 8).Draw(rt, "transactions") {
			next, wrote := maps.Clone(state), make(map[string]string)
			giveUp := rapid.IntRange(0, 9).Draw(rt, "give up") == 0
			got, err := s.Update(ctx, func(tx store.Txn) error {
				var operate func(depth int)
				operate = func(depth int) {
					for range rapid.IntRange(0, 6).Draw(rt, "operations") {
						k := key.Draw(rt, "key")
						switch rapid.IntRange(0, 5).Draw(rt, "operation") {
						case 0:
							want, ok := next[k]
							if !ok {
								want = "<none>"
							}
							if v := get(t, tx, k); v != want {
								rt.Fatalf("%q=%q, want %q", k, v, want)
							}
						case 1, 2:
							count++
							v := fmt.Sprint(count)
							if err := tx.Put([]byte(k), []byte(v)); err != nil {
								rt.Fatal(err)
							}
							next[k], wrote[k] = v, v
						case 3:
							if err := tx.Delete([]byte(k)); err != nil {
								rt.Fatal(err)
							}
							delete(next, k)
							if _, ok := state[k]; ok {
								wrote[k] = "-"
							} else {
								delete(wrote, k)
							}
						case 4:
							rg := store.Range{Limit: rapid.IntRange(0, 3).Draw(rt, "limit"), Reverse: rapid.Bool().Draw(rt, "reverse")}
							rg.Start = []byte(key.Draw(rt, "start"))
							if rapid.Bool().Draw(rt, "bounded") {
								rg.End = []byte(key.Draw(rt, "end"))
							}
							if got, want := scan(t, tx, rg), render(next, rg); got != want {
								rt.Fatalf("scan %+v: %q, want %q", rg, got, want)
							}
						case 5:
							if depth == 3 {
								continue
							}
							undo := rapid.Bool().Draw(rt, "undo")
							was, had := maps.Clone(next), maps.Clone(wrote)
							err := tx.Savepoint(func() error {
								operate(depth + 1)
								if undo {
									return errUndone
								}
								return nil
							})
							if undo != errors.Is(err, errUndone) || err != nil && !undo {
								rt.Fatalf("Savepoint: %v", err)
							}
							if undo {
								next, wrote = was, had
							}
						}
					}
				}
				operate(0)
				if giveUp {
					return fail
				}
				return nil
			})
			if giveUp != errors.Is(err, fail) || err != nil && !giveUp {
				rt.Fatalf("Update: %v", err)
			}
			if !giveUp && len(wrote) > 0 {
				state = next
				rev++
				log = append(log, wrote)
			}
			if !giveUp && got != rev {
				rt.Fatalf("revision %d, want %d", got, rev)
			}
			view(t, s, func(r store.Reader) error {
				if got, want := scan(t, r, store.Range{}), render(state, store.Range{}); got != want || r.Revision() != rev {
					rt.Fatalf("after revision %d the store holds %q, want %q", rev, got, want)
				}
				return nil
			})
		}
		for i, want := range log {
			c, err := w.Next(ctx)
			if err != nil {
				rt.Fatal(err)
			}
			got := make(map[string]string)
			for _, ch := range c.Changes {
				got[string(ch.Key)] = string(ch.Value)
				if ch.Deleted {
					got[string(ch.Key)] = "-"
				}
			}
			if c.Revision != rev-store.Revision(len(log)-1-i) || !maps.Equal(got, want) {
				rt.Fatalf("watched %d %v, want %v", c.Revision, got, want)
			}
		}
	})
}

// observed is one committed transaction of testSerializable: what it read, what it
// wrote, and its revision.
type observed struct {
	rev    store.Revision
	began  store.Revision // last revision acknowledged to anyone before it began
	reads  map[string]string
	scans  map[int]string
	writes map[string]string
	view   bool
}

// testSerializable runs random transactions and views at once and then replays them
// in the order of their revisions: each must have read exactly what the replay holds
// (strict serializability: the order of revisions also respects real time).
func testSerializable(t *testing.T, s store.Store) {
	ctx := within(t)
	rapid.Check(t, func(rt *rapid.T) {
		type op struct {
			key  string
			kind int
		}
		const workers = 6
		var plan [workers][][]op
		for i := range plan {
			for range rapid.IntRange(1, 4).Draw(rt, "transactions") {
				var ops []op
				for range rapid.IntRange(1, 4).Draw(rt, "operations") {
					ops = append(ops, op{rapid.SampledFrom(modelKeys).Draw(rt, "key"), rapid.IntRange(0, 5).Draw(rt, "kind")})
				}
				plan[i] = append(plan[i], ops)
			}
		}
		scanRange := func(i int) store.Range {
			return store.Range{Start: []byte(modelKeys[i]), Limit: i % 3, Reverse: i%2 == 1}
		}
		state := make(map[string]string)
		var start store.Revision
		view(t, s, func(r store.Reader) error {
			start = r.Revision()
			for it, err := range r.Scan(store.Range{}) {
				if err != nil {
					return err
				}
				state[string(it.Key)] = string(it.Value)
			}
			return nil
		})
		var mu sync.Mutex
		acked := start
		var history []observed
		note := func(o observed) {
			mu.Lock()
			defer mu.Unlock()
			acked = max(acked, o.rev)
			history = append(history, o)
		}
		beginning := func() store.Revision {
			mu.Lock()
			defer mu.Unlock()
			return acked
		}
		var wg sync.WaitGroup
		for i := range plan {
			wg.Go(func() {
				for j, ops := range plan[i] {
					var o observed
					began := beginning()
					read := func(r store.Reader, k string) {
						if _, mine := o.writes[k]; !mine {
							o.reads[k] = get(t, r, k)
						}
					}
					if j%3 == 2 {
						o = observed{reads: map[string]string{}, scans: map[int]string{}, view: true, began: began}
						view(t, s, func(r store.Reader) error {
							o.rev = r.Revision()
							for n, op := range ops {
								read(r, op.key)
								k := (n + op.kind) % len(modelKeys)
								o.scans[k] = scan(t, r, scanRange(k))
							}
							return nil
						})
						note(o)
						continue
					}
					rev, err := s.Update(ctx, func(tx store.Txn) error {
						o = observed{reads: map[string]string{}, scans: map[int]string{}, writes: map[string]string{}, began: began}
						for n, op := range ops {
							var err error
							switch op.kind {
							case 0, 1:
								read(tx, op.key)
							case 2, 3:
								v := fmt.Sprintf("%d.%d.%d.%d", start, i, j, n)
								o.writes[op.key] = v
								err = tx.Put([]byte(op.key), []byte(v))
							case 4:
								// A key that this transaction put first may turn out to be no
								// change at all; testModel covers that.
								if _, mine := o.writes[op.key]; mine {
									break
								}
								read(tx, op.key)
								if o.reads[op.key] != "<none>" {
									o.writes[op.key] = "-"
								}
								err = tx.Delete([]byte(op.key))
							case 5:
								if len(o.writes) == 0 {
									k := slices.Index(modelKeys, op.key)
									o.scans[k] = scan(t, tx, scanRange(k))
								}
							}
							if err != nil {
								return err
							}
						}
						return nil
					})
					if err != nil {
						t.Errorf("Update: %v", err)
						return
					}
					o.rev = rev
					note(o)
				}
			})
		}
		wg.Wait()
		check(rt, history, state, start, scanRange)
		view(t, s, func(r store.Reader) error {
			if got, want := scan(t, r, store.Range{}), render(state, store.Range{}); got != want {
				rt.Fatalf("the store holds %q, the replay %q", got, want)
			}
			return nil
		})
	})
}

// check replays history on state.
func check(rt *rapid.T, history []observed, state map[string]string, rev store.Revision, scanRange func(int) store.Range) {
	// A commit of revision r saw r-1; what only reads saw its own revision, so it
	// comes after the commit of that revision.
	slices.SortStableFunc(history, func(a, b observed) int { return int(a.rev) - int(b.rev) })
	for len(history) > 0 {
		n := 0
		for n < len(history) && history[n].rev == history[0].rev {
			n++
		}
		same := history[:n]
		history = history[n:]
		at := same[0].rev
		if at > rev+1 {
			rt.Fatalf("revision %d follows %d", at, rev)
		}
		if at == rev+1 {
			i := slices.IndexFunc(same, func(o observed) bool { return len(o.writes) > 0 })
			if i < 0 {
				rt.Fatalf("revision %d wrote nothing", at)
			}
			compare(rt, same[i], state, scanRange)
			for k, v := range same[i].writes {
				if v == "-" {
					delete(state, k)
				} else {
					state[k] = v
				}
			}
			rev = at
			same = slices.Delete(slices.Clone(same), i, i+1)
		}
		for _, o := range same {
			compare(rt, o, state, scanRange)
		}
	}
}

func compare(rt *rapid.T, o observed, state map[string]string, scanRange func(int) store.Range) {
	if o.rev < o.began {
		rt.Fatalf("a transaction that began after revision %d was acknowledged has revision %d", o.began, o.rev)
	}
	for k, v := range o.reads {
		want, ok := state[k]
		if !ok {
			want = "<none>"
		}
		if v != want {
			rt.Fatalf("revision %d read %q=%q, the replay holds %q", o.rev, k, v, want)
		}
	}
	for i, got := range o.scans {
		if want := render(state, scanRange(i)); got != want {
			rt.Fatalf("revision %d scanned %q, the replay holds %q", o.rev, got, want)
		}
	}
}
