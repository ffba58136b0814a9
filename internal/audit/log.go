package audit

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
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
	store    store.Store
	clock    clock.Clock
	follower Follower // may be nil
	seq      atomic.Uint64

	mu      sync.Mutex
	room    sync.Cond // pending shrank
	filling *batch
	queue   []*batch // full batches, oldest first
	pending int
	wake    chan struct{}
	closed  bool
	stopped chan struct{}

	packed []byte // the writer's own: a batch as it is stored
}

// batch collects records until the writer takes it.
type batch struct {
	data *[]byte       // from batchData, until the commit is done
	done chan struct{} // closed when err is final
	err  error
	// events is how many there are, followed those that the follower hears of.
	events   int
	followed []followed
}

// batchData holds the memory of batches between commits.
var batchData = sync.Pool{New: func() any { return new(make([]byte, 0, 32<<10)) }}

func newBatch() *batch {
	data := batchData.Get().(*[]byte)
	*data = append((*data)[:0], batchPlain)
	return &batch{data: data, done: make(chan struct{})}
}

// Open starts the log's writer on s. Close stops it. A follower, of which there is at most
// one, hears of records as they are written.
func Open(s store.Store, c clock.Clock, follower ...Follower) *Log {
	l := &Log{store: s, clock: c, wake: make(chan struct{}, 1), stopped: make(chan struct{})}
	if len(follower) > 0 {
		l.follower = follower[0]
	}
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
	return wait.wait(ctx)
}

// wait returns when the batch is durable or has failed.
func (b *batch) wait(ctx context.Context) error {
	if ctx.Done() == nil { // a select of one costs more
		<-b.done
		return b.err
	}
	select {
	case <-b.done:
		return b.err
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
	size := 0
	for _, e := range events {
		size += eventBytes(e)
	}
	if b := l.filling; b.events > 0 && (len(*b.data)+size > maxBatchBytes || len(b.followed)+len(events) > maxFollowed) {
		l.queue = append(l.queue, b)
		l.filling = newBatch()
	}
	b := l.filling
	before := len(*b.data)
	for _, e := range events {
		at := len(*b.data)
		*b.data = appendEvent(*b.data, e)
		if l.follower != nil && e.followed() {
			b.followed = append(b.followed, followed{account: e.Account, region: e.Region, service: e.Service, index: b.events, at: at})
		}
		b.events++
	}
	l.pending += len(*b.data) - before
	l.signal()
	return b, nil
}

// maxCommitBytes and maxCommitOps keep one transaction below the store's bounds.
const (
	maxCommitBytes = 1 << 20
	maxCommitOps   = store.MaxTxnOps
)

// take returns the batches of the next commit, oldest first; more is false when the
// log is closed and nothing is left.
func (l *Log) take() (take []*batch, more bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	size, ops := 0, 0
	fits := func(b *batch) bool {
		size += len(*b.data)
		ops += 1 + len(b.followed)
		return size <= maxCommitBytes && ops <= maxCommitOps
	}
	for len(l.queue) > 0 && (fits(l.queue[0]) || len(take) == 0) {
		take = append(take, l.queue[0])
		l.queue = l.queue[1:]
	}
	if len(l.queue) == 0 {
		l.queue = nil
		if l.filling != nil && (fits(l.filling) || len(take) == 0) {
			take = append(take, l.filling)
			l.filling = nil
		}
	}
	return take, len(take) > 0 || !l.closed || l.filling != nil
}

func (l *Log) write() {
	defer close(l.stopped)
	for {
		// Calls that are ready to run bring their records before the batch goes: under
		// load fewer syncs carry more each, and with nothing else to run this is no wait.
		runtime.Gosched()
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
			l.packed = pack(l.packed[:0], *b.data)
			key := l.nextKey()
			if err := tx.Put(key, l.packed); err != nil {
				return err
			}
			if err := l.tell(tx, key, b); err != nil {
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
		size += len(*b.data) - 1
		batchData.Put(b.data)
		b.data, b.err = nil, err
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
	b := txnData.Get().(*txnBatch)
	defer txnData.Put(b)
	b.plain = append(b.plain[:0], batchPlain)
	for _, e := range events {
		b.plain = appendEvent(b.plain, e)
	}
	b.packed = pack(b.packed[:0], b.plain)
	key := l.nextKey()
	if err := tx.Put(key, b.packed); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if l.follower == nil {
		return nil
	}
	for i, e := range events {
		if !e.followed() {
			continue
		}
		r := Recorded{Account: e.Account, Region: e.Region, Service: e.Service, Ref: newRef(key, i), JSON: e.JSON}
		if err := l.follower.Recorded(tx, r); err != nil {
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
	}
	return nil
}

// txnBatch is the batch of one transaction, plain and as it is stored.
type txnBatch struct{ plain, packed []byte }

var txnData = sync.Pool{New: func() any { return new(txnBatch) }}
