package proxy

import (
	"sync"
	"sync/atomic"

	"fastness/internal/engine/waf/request"
)

const (
	// queueRecords and queueBytes bound what waits in a Queue.
	queueRecords = 16384
	queueBytes   = 32 << 20
	// queueBatch is the most records that are delivered at a time.
	queueBatch = 256
)

// Queue is a Recorder that lets nobody wait: what is recorded is put aside, and delivered by
// a goroutine of its own. When that does not keep up, records are dropped and counted. Close
// must end it.
type Queue struct {
	account func(r *request.Request, v *Verdict, o *Outcome) (record any, sizeBytes int)
	deliver func(records []any)

	records chan queued
	bytes   atomic.Int64
	lost    atomic.Uint64
	mu      sync.RWMutex // held for reading while one records
	closed  bool
	ended   chan struct{}
}

type queued struct {
	record any
	size   int
}

// NewQueue makes a Queue. account makes the record of a request, and says how much memory
// it has, at least roughly; it is called on the request's path and keeps nothing but strings
// and copies. A nil record is none. deliver gets records in order, up to 256 at a time; it may
// block, and must not keep the slice.
func NewQueue(account func(*request.Request, *Verdict, *Outcome) (record any, sizeBytes int), deliver func(records []any)) *Queue {
	q := &Queue{account: account, deliver: deliver, records: make(chan queued, queueRecords), ended: make(chan struct{})}
	go q.run()
	return q
}

// Record implements Recorder.
func (q *Queue) Record(r *request.Request, v *Verdict, o *Outcome) {
	record, size := q.account(r, v, o)
	if record == nil {
		return
	}
	q.mu.RLock()
	defer q.mu.RUnlock()
	if q.closed || q.bytes.Add(int64(size)) > queueBytes {
		q.bytes.Add(-int64(size))
		q.lost.Add(1)
		return
	}
	select {
	case q.records <- queued{record, size}:
	default:
		q.bytes.Add(-int64(size))
		q.lost.Add(1)
	}
}

// Lost is how many records were dropped since the Queue was made.
func (q *Queue) Lost() uint64 { return q.lost.Load() }

// Close delivers what waits and ends the Queue.
func (q *Queue) Close() {
	q.mu.Lock()
	if !q.closed {
		q.closed = true
		close(q.records)
	}
	q.mu.Unlock()
	<-q.ended
}

func (q *Queue) run() {
	defer close(q.ended)
	batch := make([]any, 0, queueBatch)
	for first := range q.records {
		batch = append(batch[:0], first.record)
		size := first.size
		for len(batch) < queueBatch {
			more, ok := q.another()
			if !ok {
				break
			}
			batch = append(batch, more.record)
			size += more.size
		}
		q.deliver(batch)
		q.bytes.Add(-int64(size))
		clear(batch)
	}
}

// another takes a record that waits already.
func (q *Queue) another() (queued, bool) {
	select {
	case r, ok := <-q.records:
		return r, ok
	default:
		return queued{}, false
	}
}

var _ Recorder = (*Queue)(nil)
