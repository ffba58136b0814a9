package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fastness/internal/store"
)

func TestAppendIsDurableBeforeItReturns(t *testing.T) {
	l, s, clk := openLog(t)
	if err := l.Append(t.Context(), event("Encrypt", clk.Now())); err != nil {
		t.Fatal(err)
	}
	// A second log on the same store sees what the first one has acknowledged.
	other := Open(s, clk)
	defer other.Close()
	if got := names(t, other, 10); !slices.Equal(got, []string{"Encrypt"}) {
		t.Fatalf("history is %v", got)
	}
}

func TestAppendWaitsForTheCommit(t *testing.T) {
	l, s, clk := openLog(t)
	s.gate, s.waiting = make(chan struct{}), make(chan struct{})
	done := make(chan error, 1)
	go func() { done <- l.Append(context.Background(), event("Encrypt", clk.Now())) }()
	<-s.waiting
	select {
	case err := <-done:
		t.Fatalf("Append returned %v before its commit", err)
	default:
	}
	s.gate <- struct{}{}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestAppendsDuringACommitShareTheNext(t *testing.T) {
	l, s, clk := openLog(t)
	s.gate, s.waiting = make(chan struct{}), make(chan struct{})
	const writers = 64
	var wg sync.WaitGroup
	errs := make(chan error, writers+1)
	add := func(name string) {
		wg.Go(func() { errs <- l.Append(context.Background(), event(name, clk.Now())) })
	}
	add("First")
	<-s.waiting // the first commit is under way
	for i := range writers {
		add(fmt.Sprintf("Op%02d", i))
	}
	waitForEvents(l, writers)
	s.gate <- struct{}{}
	<-s.waiting
	s.gate <- struct{}{}
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	if n := s.updates.Load(); n != 2 {
		t.Errorf("%d commits for one call and %d that came during its commit, want 2", n, writers)
	}
	got := names(t, l, 7)
	if len(got) != writers+1 || got[writers] != "First" {
		t.Errorf("%d events, the oldest is %q", len(got), got[len(got)-1])
	}
	slices.Sort(got)
	if len(slices.Compact(got)) != writers+1 {
		t.Error("an event is there twice")
	}
}

// waitForEvents returns when n events wait in the batch that is being filled.
func waitForEvents(l *Log, n int) {
	for {
		l.mu.Lock()
		have := 0
		if l.filling != nil {
			events, err := decodeBatch(*l.filling.data)
			if err == nil {
				have = len(events)
			}
		}
		l.mu.Unlock()
		if have == n {
			return
		}
	}
}

func TestOrderIsKept(t *testing.T) {
	l, _, clk := openLog(t)
	var want []string
	for i := range 100 {
		name := fmt.Sprintf("Op%03d", i)
		if err := l.Append(t.Context(), event(name, clk.Now())); err != nil {
			t.Fatal(err)
		}
		want = append(want, name)
	}
	slices.Reverse(want)
	if got := names(t, l, 9); !slices.Equal(got, want) {
		t.Errorf("history is %v", got)
	}
}

func TestFailsClosedWhenTheStoreFails(t *testing.T) {
	l, s, clk := openLog(t)
	s.fail.Store(true)
	err := l.Append(t.Context(), event("Encrypt", clk.Now()))
	if !errors.Is(err, ErrUnavailable) || !errors.Is(err, errDisk) {
		t.Fatalf("Append on a failed store: %v", err)
	}
	s.fail.Store(false)
	if err := l.Append(t.Context(), event("Decrypt", clk.Now())); err != nil {
		t.Fatalf("Append after the store recovered: %v", err)
	}
	if got := names(t, l, 10); !slices.Equal(got, []string{"Decrypt"}) {
		t.Errorf("history is %v", got)
	}
}

func TestAppendGivesUpWithItsContext(t *testing.T) {
	l, s, clk := openLog(t)
	s.gate, s.waiting = make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Append(ctx, event("Encrypt", clk.Now())) }()
	<-s.waiting
	cancel()
	if err := <-done; !errors.Is(err, ErrUnavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled Append: %v", err)
	}
	s.gate <- struct{}{}
}

func TestCloseCommitsWhatIsPendingAndRefusesMore(t *testing.T) {
	l, s, clk := openLog(t)
	s.gate, s.waiting = make(chan struct{}), make(chan struct{})
	done := make(chan error, 1)
	go func() { done <- l.Append(context.Background(), event("Encrypt", clk.Now())) }()
	<-s.waiting
	closed := make(chan struct{})
	go func() { l.Close(); close(closed) }()
	s.gate <- struct{}{}
	if err := <-done; err != nil {
		t.Errorf("Append before Close: %v", err)
	}
	<-closed
	l.Close() // again, without harm
	if err := l.Append(t.Context(), event("Decrypt", clk.Now())); !errors.Is(err, ErrUnavailable) {
		t.Errorf("Append after Close: %v", err)
	}
	if got := names(t, l, 10); !slices.Equal(got, []string{"Encrypt"}) {
		t.Errorf("history is %v", got)
	}
}

func TestAppendTxnIsPartOfTheTransaction(t *testing.T) {
	l, s, clk := openLog(t)
	refused := errors.New("refused")
	for _, c := range []struct {
		name string
		end  error
	}{{"Kept", nil}, {"Dropped", refused}} {
		_, err := s.Update(t.Context(), func(tx store.Txn) error {
			if err := tx.Put([]byte(c.name), []byte("x")); err != nil {
				return err
			}
			if err := l.AppendTxn(tx, event(c.name, clk.Now())); err != nil {
				return err
			}
			return c.end
		})
		if !errors.Is(err, c.end) {
			t.Fatal(err)
		}
	}
	if got := names(t, l, 10); !slices.Equal(got, []string{"Kept"}) {
		t.Errorf("history is %v", got)
	}
	_, err := s.Update(t.Context(), func(tx store.Txn) error {
		for i := range store.MaxTxnOps {
			if err := tx.Put(fmt.Appendf(nil, "k%d", i), nil); err != nil {
				return err
			}
		}
		return l.AppendTxn(tx, event("TooMuch", clk.Now()))
	})
	if !errors.Is(err, ErrUnavailable) {
		t.Errorf("AppendTxn where there is no room: %v", err)
	}
}

// Records of the largest size, many at once, must fit into values and transactions of
// the store, whatever else waits in the batch.
func TestLargeRecordsFitTheStore(t *testing.T) {
	l, s, clk := openLog(t)
	s.gate, s.waiting = make(chan struct{}), make(chan struct{}, 100)
	large := strings.Repeat("x", maxRecordBytes)
	const n = 20
	errs := make(chan error, n+1)
	go func() { errs <- l.Append(context.Background(), event("First", clk.Now())) }()
	<-s.waiting
	for range n {
		go func() {
			e := event("Large", clk.Now())
			e.JSON = []byte(large)
			errs <- l.Append(context.Background(), e)
		}()
	}
	close(s.gate)
	for range n + 1 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

func TestTheTwoRecordsOfOneCallCommitTogether(t *testing.T) {
	l, s, clk := openLog(t)
	s.gate, s.waiting = make(chan struct{}), make(chan struct{}, 100)
	go func() { _ = l.Append(context.Background(), event("First", clk.Now())) }()
	<-s.waiting
	defer close(s.gate) // lets all commits through
	// Whatever waits already, both records of one Append are in one batch.
	for i := range 9 {
		filler := event("Filler", clk.Now())
		filler.JSON = make([]byte, maxBatchBytes/4*3/(i+1))
		wait, err := l.enqueue([]*Event{filler, filler})
		if err != nil {
			t.Fatal(err)
		}
		events, err := decodeBatch(*wait.data)
		if err != nil || len(events)%2 != 0 {
			t.Fatalf("a batch of pairs holds %d events, %v", len(events), err)
		}
	}
}

func TestManyWritersLoseNothing(t *testing.T) {
	l, s, clk := openLog(t)
	const writers, each = 16, 50
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				name := fmt.Sprintf("W%02d-%02d", w, i)
				var err error
				if i%5 == 0 {
					_, err = s.Update(context.Background(), func(tx store.Txn) error { return l.AppendTxn(tx, event(name, clk.Now())) })
				} else {
					err = l.Append(context.Background(), event(name, clk.Now()))
				}
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if i%10 == 0 {
					clk.Advance(time.Millisecond)
				}
			}
		})
	}
	wg.Wait()
	got := names(t, l, 50)
	slices.Sort(got)
	if len(got) != writers*each || len(slices.Compact(got)) != writers*each {
		t.Errorf("%d events, want %d different ones", len(got), writers*each)
	}
}
