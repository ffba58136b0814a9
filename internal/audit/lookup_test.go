package audit

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"fastness/internal/store"
)

// fill appends n events named Op000… a minute apart, in batches of the given size.
func fill(t testing.TB, l *Log, clk interface {
	Now() time.Time
	Advance(time.Duration)
}, n, batch int) {
	t.Helper()
	for i := 0; i < n; {
		var events []*Event
		for range min(batch, n-i) {
			e := event(fmt.Sprintf("Op%03d", i), clk.Now())
			if i%2 == 1 {
				e.ReadOnly, e.UserName = false, "bob"
			}
			events = append(events, e)
			i++
			clk.Advance(time.Minute)
		}
		if err := l.Append(t.Context(), events...); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLookupPagesNewestFirst(t *testing.T) {
	l, _, clk := openLog(t)
	fill(t, l, clk, 60, 7)
	var want []string
	for i := range 60 {
		want = append(want, fmt.Sprintf("Op%03d", 59-i))
	}
	for _, limit := range []int{1, 2, 7, 50, 60, 100} {
		if got := names(t, l, limit); !slices.Equal(got, want) {
			t.Errorf("pages of %d: %v", limit, got)
		}
	}
}

func TestLookupSelects(t *testing.T) {
	l, _, clk := openLog(t)
	fill(t, l, clk, 20, 3)
	elsewhere := event("Elsewhere", clk.Now())
	elsewhere.Region = "us-east-1"
	foreign := event("Foreign", clk.Now())
	foreign.Account = otherAccount
	if err := l.Append(t.Context(), elsewhere, foreign); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		q    Query
		want []string
	}{
		{"another account", Query{Account: otherAccount, Region: testRegion}, []string{"Foreign"}},
		{"another Region", Query{Account: testAccount, Region: "us-east-1"}, []string{"Elsewhere"}},
		{"a time range, both ends included", Query{Account: testAccount, Region: testRegion, Start: testTime.Add(3 * time.Minute), End: testTime.Add(5 * time.Minute)}, []string{"Op005", "Op004", "Op003"}},
		{"from a time on", Query{Account: testAccount, Region: testRegion, Start: testTime.Add(18 * time.Minute)}, []string{"Op019", "Op018"}},
		{"up to a time", Query{Account: testAccount, Region: testRegion, End: testTime}, []string{"Op000"}},
		{"a range without events", Query{Account: testAccount, Region: testRegion, Start: testTime.Add(90 * time.Second), End: testTime.Add(100 * time.Second)}, nil},
		{"a filter", Query{Account: testAccount, Region: testRegion, End: testTime.Add(4 * time.Minute), Match: func(e *Event) bool { return e.UserName == "bob" }}, []string{"Op003", "Op001"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, limit := range []int{1, 50} {
				var got []string
				q := c.q
				q.Limit = limit
				for {
					p, err := l.Lookup(t.Context(), q)
					if err != nil {
						t.Fatal(err)
					}
					for i := range p.Events {
						got = append(got, p.Events[i].Name)
					}
					if q.After = p.Next; len(q.After) == 0 {
						break
					}
				}
				if !slices.Equal(got, c.want) {
					t.Errorf("limit %d: %v, want %v", limit, got, c.want)
				}
			}
		})
	}
}

// What arrives while somebody pages is newer than the page: nothing is shown twice
// and nothing of the past is missed.
func TestPositionHoldsUnderAppends(t *testing.T) {
	l, s, clk := openLog(t)
	fill(t, l, clk, 30, 4)
	var got []string
	q := Query{Account: testAccount, Region: testRegion, Limit: 7}
	for {
		p, err := l.Lookup(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for i := range p.Events {
			got = append(got, p.Events[i].Name)
		}
		if q.After = p.Next; len(q.After) == 0 {
			break
		}
		if err := l.Append(t.Context(), event("New", clk.Now())); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Update(t.Context(), func(tx store.Txn) error { return l.AppendTxn(tx, event("New", clk.Now())) }); err != nil {
			t.Fatal(err)
		}
	}
	var want []string
	for i := range 30 {
		want = append(want, fmt.Sprintf("Op%03d", 29-i))
	}
	if !slices.Equal(got, want) {
		t.Errorf("pages: %v", got)
	}
}

func TestForeignPositionIsRefused(t *testing.T) {
	l, _, clk := openLog(t)
	fill(t, l, clk, 3, 1)
	for _, p := range []Position{{1}, []byte("\x00\x00\x00\x01"), []byte("\x00\x00\x00\x01\x01other/e/key")} {
		if _, err := l.Lookup(t.Context(), Query{Account: testAccount, Region: testRegion, Limit: 1, After: p}); err == nil {
			t.Errorf("position %x was taken", []byte(p))
		}
	}
	// A remaining count beyond the batch is the whole batch, not a crash.
	p, err := l.Lookup(t.Context(), Query{Account: testAccount, Region: testRegion, Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	wild := slices.Clone(p.Next)
	copy(wild, "\xff\xff\xff\xff")
	if _, err := l.Lookup(t.Context(), Query{Account: testAccount, Region: testRegion, Limit: 1, After: wild}); err != nil {
		t.Error(err)
	}
}

// One lookup reads a bounded part of the history, and says where to go on.
func TestLookupReadsABoundedPart(t *testing.T) {
	l, s, clk := openLog(t)
	e := event("Rare", clk.Now())
	if err := l.Append(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	// Incompressible filler, so that it costs what it costs whatever the format.
	noise := make([]byte, maxRecordBytes-4096)
	for i := range noise {
		noise[i] = byte(i * i >> 7)
	}
	for range maxScannedBytes/len(noise) + 2 {
		clk.Advance(time.Second)
		filler := event("Filler", clk.Now())
		filler.JSON = noise
		if _, err := s.Update(t.Context(), func(tx store.Txn) error { return l.AppendTxn(tx, filler) }); err != nil {
			t.Fatal(err)
		}
	}
	q := Query{Account: testAccount, Region: testRegion, Limit: 1, Match: func(e *Event) bool { return e.Name == "Rare" }}
	p, err := l.Lookup(t.Context(), q)
	if err != nil || len(p.Events) != 0 || len(p.Next) == 0 {
		t.Fatalf("first part: %d events, next %x, %v", len(p.Events), []byte(p.Next), err)
	}
	q.After = p.Next
	p, err = l.Lookup(t.Context(), q)
	if err != nil || len(p.Events) != 1 || p.Events[0].ID != e.ID {
		t.Fatalf("second part: %d events, %v", len(p.Events), err)
	}
}

func TestHistoryEndsAfterNinetyDays(t *testing.T) {
	l, _, clk := openLog(t)
	fill(t, l, clk, 4, 1) // a minute apart
	clk.Set(testTime.Add(Retention + 90*time.Second))
	if got := names(t, l, 10); !slices.Equal(got, []string{"Op003", "Op002"}) {
		t.Errorf("history is %v", got)
	}
	if n, err := l.DeleteExpired(t.Context(), 100); n != 0 || err != nil {
		t.Errorf("DeleteExpired within the slack: %d, %v", n, err)
	}
	clk.Advance(clockSlack + time.Minute)
	if n, err := l.DeleteExpired(t.Context(), 1); n != 1 || err != nil {
		t.Errorf("DeleteExpired of one: %d, %v", n, err)
	}
	if n, err := l.DeleteExpired(t.Context(), 100); n != 1 || err != nil {
		t.Errorf("DeleteExpired of the rest: %d, %v", n, err)
	}
	if n, err := l.DeleteExpired(t.Context(), 100); n != 0 || err != nil {
		t.Errorf("DeleteExpired of nothing: %d, %v", n, err)
	}
}
