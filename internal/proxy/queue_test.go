package proxy

import (
	"sync"
	"testing"

	"fastness/internal/engine/waf/request"
)

func TestQueueLetsNobodyWait(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	var mu sync.Mutex
	var got []any
	first := true
	q := NewQueue(func(r *request.Request, _ *Verdict, o *Outcome) (any, int) {
		if r.Target == "/skip" {
			return nil, 0
		}
		return o.Status, 100
	}, func(records []any) {
		if first {
			first = false
			close(started)
			<-release // the one who takes them is stuck
		}
		mu.Lock()
		got = append(got, records...)
		mu.Unlock()
	})
	record := func(i int) { q.Record(&request.Request{}, &Verdict{}, &Outcome{Status: i}) }
	record(0)
	<-started
	q.Record(&request.Request{Target: "/skip"}, &Verdict{}, &Outcome{})
	const more = queueRecords + 500
	for i := range more {
		record(i + 1)
	}
	if n := q.Lost(); n != 500 {
		t.Errorf("%d were lost, want 500", n)
	}
	close(release)
	q.Close()
	record(1)
	if q.Lost() != 501 || len(got) != queueRecords+1 {
		t.Errorf("%d were delivered, %d lost", len(got), q.Lost())
	}
	for i, r := range got {
		if r != i {
			t.Fatalf("record %d is %v", i, r)
		}
	}
}

func TestQueueIsBoundedInBytes(t *testing.T) {
	release := make(chan struct{})
	q := NewQueue(func(*request.Request, *Verdict, *Outcome) (any, int) { return 1, 1 << 20 }, func([]any) { <-release })
	for range 100 {
		q.Record(&request.Request{}, &Verdict{}, &Outcome{})
	}
	if lost := q.Lost(); lost < 100-queueBytes>>20-1 {
		t.Errorf("%d of 100 MB were lost", lost)
	}
	close(release)
	q.Close()
}
