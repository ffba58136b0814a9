package audit

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"fastness/internal/clock"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

// keyPrefix is where batches live; a key is a tuple like those of tables (of no account
// and Region, because a batch holds the records of many): the time, and a number
// that keeps keys of one nanosecond and of several processes apart.
var keyPrefix = table.Key(table.String(""), table.String(""), table.String("audit"), table.String("event"))

// ErrUnavailable is wrapped by every error of a log that cannot be written.
var ErrUnavailable = errors.New("audit: the log cannot be written")

// maxPending bounds the records that wait for a commit, in bytes; beyond it Append
// waits, which slows callers down instead of eating memory.
const maxPending = 4 << 20

// Log is the event history. It is safe for concurrent use.
type Log struct {
	store store.Store
	clock clock.Clock
	seq   atomic.Uint64

	mu      sync.Mutex
	room    sync.Cond // pending shrank
	filling *batch
	queue   []*batch // full batches, oldest first
	pending int
	wake    chan struct{}
	closed  bool
	stopped chan struct{}
}

// batch collects records until the writer takes it.
type batch struct {
	data []byte
	done chan struct{} // closed when err is final
	err  error
}

func newBatch() *batch {
	return &batch{data: append(make([]byte, 0, 16<<10), batchVersion), done: make(chan struct{})}
}

// Open starts the log's writer on s. Close stops it.
func Open(s store.Store, c clock.Clock) *Log {
	l := &Log{store: s, clock: c, wake: make(chan struct{}, 1), stopped: make(chan struct{})}
	l.room.L = &l.mu
	var start [8]byte
	_, _ = rand.Read(start[:])
	l.seq.Store(binary.BigEndian.Uint64(start[:]))
	go l.write()
	return l
}

// Close commits what is pending and stops the writer. Later Appends fail.
func (l *Log) Close() {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		<-l.stopped
		return
	}
	l.closed = true
	l.room.Broadcast()
	l.mu.Unlock()
	l.signal()
	<-l.stopped
}

func (l *Log) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Append adds events and returns when they are durable. It fails closed: an error
// wraps ErrUnavailable, and the call that the events describe must not be answered
// as a success.
func (l *Log) Append(ctx context.Context, events ...*Event) error {
	wait, err := l.enqueue(events)
	if err != nil {
		return err
	}
	select {
	case <-wait.done:
		return wait.err
	case <-ctx.Done():
		// The record may still be written; the caller is gone.
		return fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
	}
}

func (l *Log) enqueue(events []*Event) (*batch, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.pending > maxPending && !l.closed {
		l.room.Wait()
	}
	if l.closed {
		return nil, fmt.Errorf("%w: closed", ErrUnavailable)
	}
	// All records of one call go into one batch, so that they commit together.
	if l.filling == nil {
		l.filling = newBatch()
	}
	before := len(l.filling.data)
	for _, e := range events {
		l.filling.data = appendEvent(l.filling.data, e)
	}
	size := len(l.filling.data) - before
	l.pending += size
	if len(l.filling.data) > maxBatchBytes && before > 1 {
		next := newBatch()
		next.data = append(next.data, l.filling.data[before:]...)
		l.filling.data = l.filling.data[:before]
		l.queue = append(l.queue, l.filling)
		l.filling = next
	}
	b := l.filling
	l.signal()
	return b, nil
}

// maxCommitBytes keeps one transaction below store.MaxTxnBytes.
const maxCommitBytes = 1 << 20

// take returns the batches of the next commit, oldest first; more is false when the
// log is closed and nothing is left.
func (l *Log) take() (take []*batch, more bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	size := 0
	for len(l.queue) > 0 && (len(take) == 0 || size+len(l.queue[0].data) <= maxCommitBytes) {
		size += len(l.queue[0].data)
		take = append(take, l.queue[0])
		l.queue = l.queue[1:]
	}
	if len(l.queue) == 0 {
		l.queue = nil
		if l.filling != nil && size+len(l.filling.data) <= maxCommitBytes {
			take = append(take, l.filling)
			l.filling = nil
		}
	}
	return take, len(take) > 0 || !l.closed || l.filling != nil
}

func (l *Log) write() {
	defer close(l.stopped)
	for {
		take, more := l.take()
		if !more {
			return
		}
		if len(take) == 0 {
			<-l.wake
			continue
		}
		l.commit(take)
	}
}

func (l *Log) commit(batches []*batch) {
	// No deadline: a commit that hangs holds its callers, and their own contexts
	// let them go.
	_, err := l.store.Update(context.Background(), func(tx store.Txn) error {
		for _, b := range batches {
			if err := tx.Put(l.nextKey(), b.data); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	size := 0
	for _, b := range batches {
		size += len(b.data) - 1
		b.err = err
		close(b.done)
	}
	l.mu.Lock()
	l.pending -= size
	l.room.Broadcast()
	l.mu.Unlock()
}

func (l *Log) nextKey() []byte {
	return table.AppendKey(timeKey(l.clock.Now()), table.Uint(l.seq.Add(1)))
}

// AppendTxn adds events to a transaction: they become part of the history exactly if
// it commits.
func (l *Log) AppendTxn(tx store.Txn, events ...*Event) error {
	data := []byte{batchVersion}
	for _, e := range events {
		data = appendEvent(data, e)
	}
	if err := tx.Put(l.nextKey(), data); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return nil
}
