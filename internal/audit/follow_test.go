package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"fastness/internal/store"
)

// listener is a Follower that writes something for each record, as one does, and keeps what
// was committed.
type listener struct {
	mu   sync.Mutex
	next int
	fail error
	got  []heard
}

type heard struct {
	Recorded
	text string
}

func (l *listener) Recorded(tx store.Txn, r Recorded) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail != nil {
		return l.fail
	}
	l.next++
	if err := tx.Put(fmt.Appendf(nil, "heard/%06d", l.next), r.Ref); err != nil {
		return err
	}
	text := string(r.JSON)
	tx.OnCommit(func(store.Revision) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.got = append(l.got, heard{r, text})
	})
	return nil
}

// texts are the records that were heard of, in order, each of which its Ref must find.
func (l *listener) texts(t *testing.T, s store.Store) (all []string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	err := s.View(t.Context(), func(r store.Reader) error {
		f := NewFinder(r)
		for _, h := range l.got {
			e, err := f.Find(h.Ref)
			if err != nil {
				return err
			}
			if string(e.JSON) != h.text || e.Account != h.Account || e.Region != h.Region {
				t.Errorf("the ref of %s finds %s", h.text, e.JSON)
			}
			if held, err := h.Ref.Held(r); err != nil || !held {
				t.Errorf("the ref of %s is not held: %v", h.text, err)
			}
			all = append(all, e.Name)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return all
}

func openFollowed(t *testing.T) (*Log, *watchedStore, *listener) {
	t.Helper()
	_, s, clk := openLog(t)
	f := new(listener)
	l := Open(s, clk, f)
	t.Cleanup(l.Close)
	return l, s, f
}

// change is the record of a call that is not read-only.
func change(name string) *Event {
	e := event(name, testTime)
	e.ReadOnly = false
	return e
}

func TestAFollowerHearsOfChangesInTheirTransactions(t *testing.T) {
	l, s, f := openFollowed(t)
	refused := errors.New("refused")
	quiet, nobody := change("Quiet"), change("Nobody")
	quiet.Quiet, nobody.Account = true, ""
	for _, c := range []struct {
		end    error
		events []*Event
	}{
		{nil, []*Event{event("Read", testTime), change("One"), quiet, nobody, change("Two")}},
		{refused, []*Event{change("Lost")}},
		{nil, []*Event{{ID: NewID(), Account: testAccount, Region: testRegion, Name: "Alone", Service: true, JSON: []byte("{}"), Time: testTime}}},
	} {
		_, err := s.Update(t.Context(), func(tx store.Txn) error { return errors.Join(l.AppendTxn(tx, c.events...), c.end) })
		if !errors.Is(err, c.end) {
			t.Fatal(err)
		}
	}
	if got := f.texts(t, s); !slices.Equal(got, []string{"One", "Two", "Alone"}) {
		t.Errorf("heard of %v", got)
	}
	if f.got[0].Service || !f.got[2].Service {
		t.Error("what a service did is not told from calls")
	}
}

// What was refused has no transaction of its own: it goes with the group commit, as many as
// there are at once.
func TestAFollowerHearsOfRefusedChanges(t *testing.T) {
	l, s, f := openFollowed(t)
	s.gate, s.waiting = make(chan struct{}), make(chan struct{}, 10_000)
	const n = 10 * store.MaxTxnOps
	errs := make(chan error, n)
	for i := range n {
		e := change(fmt.Sprintf("C%04d", i))
		e.ReadOnly = i%3 == 0
		go func() { errs <- l.Append(context.Background(), e) }()
	}
	<-s.waiting
	close(s.gate)
	for range n {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
	want := 0
	for i := range n {
		if i%3 != 0 {
			want++
		}
	}
	got := f.texts(t, s)
	slices.Sort(got)
	if len(slices.Compact(got)) != want {
		t.Errorf("heard of %d records, want %d", len(got), want)
	}
	if all := names(t, l, 100); len(all) != n {
		t.Errorf("%d records are kept, of %d", len(all), n)
	}
}

func TestAFollowerThatFailsClosesTheLog(t *testing.T) {
	l, s, f := openFollowed(t)
	f.fail = errors.New("no room")
	if err := l.Append(t.Context(), change("Refused")); !errors.Is(err, ErrUnavailable) || !errors.Is(err, f.fail) {
		t.Errorf("Append: %v", err)
	}
	_, err := s.Update(t.Context(), func(tx store.Txn) error { return l.AppendTxn(tx, change("Done")) })
	if !errors.Is(err, ErrUnavailable) {
		t.Errorf("AppendTxn: %v", err)
	}
	if err := l.Append(t.Context(), event("Read", testTime)); err != nil {
		t.Errorf("reading does not ask the follower: %v", err)
	}
}

func TestARefThatIsNoneFindsNothing(t *testing.T) {
	l, s, f := openFollowed(t)
	if err := l.Append(t.Context(), change("One")); err != nil {
		t.Fatal(err)
	}
	good := f.got[0].Ref
	gone := append(slices.Clone(good[:len(good)-1]), good[len(good)-1]+1)
	err := s.View(t.Context(), func(r store.Reader) error {
		for _, ref := range []Ref{nil, {}, {1, 2, 3}, append(Ref{0, 0, 0, 9}, good[4:]...), good[:9]} {
			if e, err := NewFinder(r).Find(ref); err == nil {
				t.Errorf("%x finds %s", ref, e.Name)
			}
		}
		if _, err := NewFinder(r).Find(gone); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a batch that is gone: %v", err)
		}
		if held, err := Ref(gone).Held(r); held || err != nil {
			t.Errorf("a batch that is gone is held: %v %v", held, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
