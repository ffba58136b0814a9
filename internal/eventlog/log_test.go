package eventlog_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"fastness/internal/eventlog"
	"fastness/internal/store"
	"fastness/internal/store/table"

	"github.com/cockroachdb/pebble/v2/vfs"
)

func TestAnEventCommitsWithItsChange(t *testing.T) {
	h := newHouse(t)
	refused := errors.New("refused")
	_, err := h.store.Update(t.Context(), func(tx store.Txn) error {
		if err := tx.Put([]byte("\x01change"), []byte("1")); err != nil {
			return err
		}
		if err := h.log.Append(tx, note(here, 1)); err != nil {
			return err
		}
		return refused
	})
	if !errors.Is(err, refused) {
		t.Fatal(err)
	}
	h.sequence()
	h.mustHold(here, 0)
	h.update(func(tx store.Txn) error {
		return errors.Join(tx.Put([]byte("\x01change"), []byte("2")), h.log.Append(tx, note(here, 2), note(here, 3)))
	})
	h.crash() // after the commit, before anybody numbered the event
	if n := h.sequence(); n != 2 {
		t.Errorf("%d events were numbered", n)
	}
	h.mustHold(here, 0, 2, 3)
	h.mustHold(here, 1, 3)
	h.mustHold(here, 2)
}

func TestARetriedTransactionAppendsOnce(t *testing.T) {
	h := newHouse(t)
	key := []byte("\x01change")
	attempts := 0
	h.update(func(tx store.Txn) error {
		attempts++
		if _, err := tx.Get(key); err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if attempts == 1 {
			// Somebody else changes what was read.
			h.update(func(tx store.Txn) error {
				return errors.Join(tx.Put(key, []byte("theirs")), h.log.Append(tx, note(here, 1)))
			})
		}
		return errors.Join(tx.Put(key, []byte("ours")), h.log.Append(tx, note(here, 2)))
	})
	if attempts != 2 {
		t.Fatalf("%d attempts", attempts)
	}
	h.sequence()
	h.mustHold(here, 0, 1, 2)
}

// Changes in one place do not conflict because of their events.
func TestAppendsDoNotConflict(t *testing.T) {
	h := newHouse(t)
	attempts := 0
	h.update(func(tx store.Txn) error {
		attempts++
		h.append(note(here, 1))
		h.sequence()
		h.append(note(here, 2))
		return h.log.Append(tx, note(here, 3))
	})
	if attempts != 1 {
		t.Errorf("%d attempts", attempts)
	}
	h.sequence()
	h.mustHold(here, 0, 1, 2, 3)
}

// Transactions count in a row that they all change, so what they count is the order in
// which they commit. The events have to be in that order, with numbers without gaps.
// Neither the one that numbers them in the background nor another process that does it
// at the same time breaks that.
func TestOrderOfConcurrentWriters(t *testing.T) {
	h := newHouse(t)
	h.run()
	other, err := eventlog.Open(h.store, table.NewRegistry(), h.options)
	h.must(err)
	logs := []*eventlog.Log{h.log, other}
	written := make(chan struct{})
	var rivals sync.WaitGroup
	rivals.Go(func() {
		for {
			if _, err := other.Sequence(t.Context()); err != nil {
				t.Error(err)
				return
			}
			select {
			case <-written:
				return
			default:
			}
		}
	})
	places := []eventlog.Place{here, {Account: here.Account, Region: "us-east-1"}, {Account: "999999999999", Region: here.Region}}
	const writers, changes = 8, 40
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range changes {
				p := places[(w+i)%len(places)]
				key := table.Key(table.String(p.Account), table.String(p.Region), table.String("test"), table.String("count"))
				_, err := h.store.Update(t.Context(), func(tx store.Txn) error {
					n := 0
					it, err := tx.Get(key)
					if err == nil {
						_, err = fmt.Sscan(string(it.Value), &n)
					} else if errors.Is(err, store.ErrNotFound) {
						err = nil
					}
					if err != nil {
						return err
					}
					return errors.Join(tx.Put(key, fmt.Append(nil, n+2)), logs[w%len(logs)].Append(tx, note(p, n), note(p, n+1)))
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	close(written)
	rivals.Wait()
	h.halt()
	h.sequence() // the rest
	total := 0
	for _, p := range places {
		all := h.read(p, 0)
		for i, e := range all {
			if number(t, e) != i || e.Sequence != eventlog.Cursor(i+1) {
				t.Fatalf("event %d of %v has number %d and is about %d", i, p, e.Sequence, number(t, e))
			}
		}
		total += len(all)
	}
	if total != writers*changes*2 {
		t.Errorf("%d events", total)
	}
}

// A crash at any time while events are appended and numbered loses and doubles none
// that was acknowledged.
func TestCrashes(t *testing.T) {
	h := newHouse(t)
	acknowledged := 0
	for round := range 12 {
		h.run()
		var clone *vfs.MemFS
		for i := range 20 {
			if i == 3+round {
				clone = h.fs.CrashClone(vfs.CrashCloneCfg{}) // the disk as it is now
				break
			}
			h.append(note(here, acknowledged))
			acknowledged++
		}
		h.halt()
		h.must(h.store.Close())
		h.fs = clone
		h.open()
	}
	h.sequence()
	var want []int
	for n := range acknowledged {
		want = append(want, n)
	}
	h.mustHold(here, 0, want...)
}

func TestManyEventsInOneTransaction(t *testing.T) {
	h := newHouse(t)
	var events []eventlog.Event
	var want []int
	for n := range store.MaxTxnOps {
		events, want = append(events, note(here, n)), append(want, n)
	}
	_, err := h.store.Update(t.Context(), func(tx store.Txn) error { return h.log.Append(tx, append(events, note(here, -1))...) })
	if !errors.Is(err, store.ErrTxnTooLarge) {
		t.Fatalf("one too many: %v", err)
	}
	h.append(events...)
	h.sequence()
	h.mustHold(here, 0, want...)
}

// One event each of many places: the heads need operations, too.
func TestManyPlacesInOneTransaction(t *testing.T) {
	h := newHouse(t)
	var events []eventlog.Event
	for n := range 100 {
		events = append(events, note(eventlog.Place{Account: fmt.Sprintf("%012d", n), Region: "eu-central-1"}, n))
	}
	h.append(events...)
	h.sequence()
	list, err := h.log.Extents(t.Context(), eventlog.Filter{})
	h.must(err)
	if len(list) != len(events) {
		t.Fatalf("%d places", len(list))
	}
	for n, e := range list {
		h.mustHold(e.Place, 0, n)
	}
}

// Large events in a row: several transactions number them.
func TestManyLargeEvents(t *testing.T) {
	h := newHouse(t)
	var want []int
	for n := range 40 {
		e := note(here, n)
		e.Detail = fmt.Appendf(nil, `{"n":%d,"x":"%060000d"}`, n, n)
		h.append(e)
		want = append(want, n)
	}
	h.sequence()
	h.mustHold(here, 0, want...)
	page, err := h.log.Read(t.Context(), here, 0, 3)
	h.must(err)
	if len(page) != 3 {
		t.Errorf("a page of 3 has %d", len(page))
	}
}

func TestExtents(t *testing.T) {
	h := newHouse(t)
	a, b, c := eventlog.Place{Account: "1", Region: "r"}, eventlog.Place{Account: "1", Region: "s"}, eventlog.Place{Account: "11", Region: "r"}
	h.append(note(c, 1), note(a, 2), note(b, 3), note(a, 4))
	h.sequence()
	for f, want := range map[eventlog.Filter][]eventlog.Extent{
		{}:                          {{Place: a, To: 2}, {Place: b, To: 1}, {Place: c, To: 1}},
		{Account: "1"}:              {{Place: a, To: 2}, {Place: b, To: 1}},
		{Region: "r"}:               {{Place: a, To: 2}, {Place: c, To: 1}},
		{Account: "1", Region: "s"}: {{Place: b, To: 1}},
		{Account: "2"}:              nil,
	} {
		got, err := h.log.Extents(t.Context(), f)
		h.must(err)
		if !slices.Equal(got, want) {
			t.Errorf("%+v: %v, not %v", f, got, want)
		}
	}
	for cursor, want := range map[eventlog.Cursor]error{2: nil, 3: eventlog.ErrAhead} {
		if _, err := h.log.Read(t.Context(), a, cursor, 1); !errors.Is(err, want) {
			t.Errorf("after %d: %v", cursor, err)
		}
	}
	if events, err := h.log.Read(t.Context(), eventlog.Place{Account: "none", Region: "r"}, 0, 1); err != nil || len(events) != 0 {
		t.Errorf("a place without events: %v, %v", events, err)
	}
}

func TestTwoLogsAreRefused(t *testing.T) {
	h := newHouse(t)
	if _, err := eventlog.Open(h.store, h.tables, eventlog.Options{}); !errors.Is(err, table.ErrDefinition) {
		t.Error(err)
	}
}
