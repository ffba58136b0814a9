package eventlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"fastness/internal/store"
	"fastness/internal/store/table"
)

const (
	// leaseName is the name that those who number events campaign for.
	leaseName = "eventlog"
	leaseTTL  = 10 * time.Second
	// pause is the time between attempts after an error.
	pause = time.Second
)

// Run gives events their numbers, as they come, until ctx is done or the store closes or
// fails; it returns why.
func (l *Log) Run(ctx context.Context) error {
	for {
		lease, err := l.store.Campaign(ctx, leaseName, leaseTTL)
		if err == nil {
			err = l.lead(ctx, lease)
			_ = lease.Release(context.WithoutCancel(ctx)) // an error means that it is lost already
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, store.ErrClosed), errors.Is(err, store.ErrFailed):
			return fmt.Errorf("eventlog: %w", err)
		case err != nil:
			l.opts.Logger.Warn("numbering events starts over", "error", err)
			if err := l.opts.Clock.Sleep(ctx, pause); err != nil {
				return err
			}
		}
	}
}

// lead numbers events until the lease is lost (nil) or something fails.
func (l *Log) lead(ctx context.Context, lease store.Lease) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		select {
		case <-lease.Done():
			cancel()
		case <-stop:
		}
	}()
	err := l.keepNumbering(ctx)
	select {
	case <-lease.Done():
		return nil
	default:
		return err
	}
}

// keepNumbering numbers what is there, and then what comes. It looks into the inbox only
// once: what was deleted there is still in the way of a scan for a while.
func (l *Log) keepNumbering(ctx context.Context) error {
	for {
		_, seen, err := l.sequence(ctx)
		if err != nil {
			return err
		}
		if err := l.numberFrom(ctx, seen); !errors.Is(err, store.ErrCompacted) {
			return err
		}
	}
}

// numberFrom numbers events that are appended after a revision. It ends with an error:
// with store.ErrCompacted nobody knows which those are.
func (l *Log) numberFrom(ctx context.Context, seen store.Revision) error {
	w, err := l.store.Watch(ctx, l.inbox.Key(table.Scope{}), seen)
	if err != nil {
		return err
	}
	defer w.Close()
	commits, ended := make(chan []waiting, 2*batchOps), make(chan error, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		for {
			list, err := l.nextAppended(ctx, w)
			if err != nil {
				ended <- err
				return
			}
			select {
			case commits <- list:
			case <-ctx.Done():
				ended <- ctx.Err()
				return
			}
		}
	}()
	for {
		var list []waiting
		select {
		case list = <-commits:
		case err := <-ended:
			return err
		}
		// What came meanwhile goes into the same transactions.
		for more := true; more && len(list) < batchOps; {
			select {
			case next := <-commits:
				list = append(list, next...)
			default:
				more = false
			}
		}
		if _, err := l.number(ctx, list); err != nil {
			return err
		}
	}
}

// nextAppended waits for a commit and returns the events in it, in order.
func (l *Log) nextAppended(ctx context.Context, w store.Watcher) ([]waiting, error) {
	c, err := w.Next(ctx)
	if err != nil {
		return nil, err
	}
	var list []waiting
	for _, ch := range c.Changes {
		changed, ok, err := l.inbox.Decode(ch)
		if err != nil {
			return nil, err
		}
		if ok && changed.Record != nil {
			w := waiting{revision: c.Revision, order: changed.Record.Order, name: changed.Record.Name}
			if changed.Record.Trail != nil { // not an envelope: many may wait
				w.record = changed.Record
			}
			list = append(list, w)
		}
	}
	slices.SortFunc(list, waiting.compare)
	return list, nil
}

// Sequence gives numbers to all events that were appended before, and returns how many
// those were. Run does it by itself; this is for those who cannot wait for it, as tests.
func (l *Log) Sequence(ctx context.Context) (int, error) {
	n, _, err := l.sequence(ctx)
	return n, err
}

// waiting is an event in the inbox.
type waiting struct {
	revision store.Revision
	order    uint64
	name     string
	record   *record // if it is small and was read already
}

// compare is the order of the log.
func (w waiting) compare(o waiting) int {
	return cmp.Or(cmp.Compare(w.revision, o.revision), cmp.Compare(w.order, o.order))
}

// sequence numbers what the inbox holds at a revision, which it returns. All of that
// committed before anything that comes into the inbox later.
func (l *Log) sequence(ctx context.Context) (numbered int, seen store.Revision, err error) {
	var list []waiting
	err = l.store.View(ctx, func(r store.Reader) error {
		seen = r.Revision()
		for row, err := range l.inbox.Scan(r, table.Scope{}, table.Page{}) {
			if err != nil {
				return err
			}
			list = append(list, waiting{revision: row.Revision, order: row.Record.Order, name: row.Record.Name})
		}
		return nil
	})
	if err != nil {
		return 0, 0, fmt.Errorf("eventlog: inbox: %w", err)
	}
	slices.SortFunc(list, waiting.compare)
	numbered, err = l.number(ctx, list)
	return numbered, seen, err
}

// number gives numbers to events in the order of the list, which has all that are
// waiting up to its end; those that have got theirs meanwhile are left alone.
func (l *Log) number(ctx context.Context, list []waiting) (numbered int, err error) {
	l.numbering.Lock() // two would only conflict with each other
	defer l.numbering.Unlock()
	for len(list) > 0 {
		var b batch
		_, err := l.store.Update(ctx, func(tx store.Txn) error {
			b = batch{log: l, tx: tx, heads: make(map[Place]*head)}
			return b.number(list)
		})
		if err != nil {
			return numbered, fmt.Errorf("eventlog: numbering: %w", err)
		}
		list = list[b.done:]
		numbered += b.numbered
	}
	return numbered, nil
}

// Bounds of one batch, below those of a transaction.
const (
	batchOps   = store.MaxTxnOps - 8
	batchBytes = 1 << 20
)

// batch is one transaction that numbers events.
type batch struct {
	log      *Log
	tx       store.Txn
	heads    map[Place]*head
	ops      int
	size     int
	done     int // events of the list that are dealt with
	numbered int // those of them that were still there
}

// number takes events from the front of the list, as many as one transaction bears.
func (b *batch) number(list []waiting) error {
	for _, w := range list {
		// An event is deleted in one place and written in the other, and may need a head.
		if b.ops+3 > batchOps {
			break
		}
		r, err := b.find(w)
		if errors.Is(err, store.ErrNotFound) {
			b.done++ // another process was faster
			continue
		}
		if err != nil {
			return err
		}
		if b.size += 1024 + 2*len(r.Envelope); b.size > batchBytes && b.numbered > 0 {
			break
		}
		if err := b.move(r); err != nil {
			return err
		}
		b.done++
		b.numbered++
	}
	for _, h := range b.heads {
		if err := b.log.heads.Put(b.tx, h); err != nil {
			return err
		}
	}
	return nil
}

// find returns a waiting event, or store.ErrNotFound when it has got its number meanwhile.
func (b *batch) find(w waiting) (*record, error) {
	if w.record == nil {
		return b.log.inbox.Get(b.tx, table.Scope{}, inboxID(w.order, w.name)...)
	}
	there, err := b.log.inbox.Has(b.tx, table.Scope{}, inboxID(w.order, w.name)...)
	if err == nil && !there {
		err = store.ErrNotFound
	}
	r := *w.record // another attempt numbers it anew
	return &r, err
}

// move takes an event out of the inbox and puts it at the end of its place.
func (b *batch) move(r *record) error {
	h := b.heads[r.place()]
	if h == nil {
		var err error
		h, err = b.log.heads.Get(b.tx, table.Scope{}, placeID(r.place())...)
		if errors.Is(err, store.ErrNotFound) {
			h, err = &head{Account: r.Account, Region: r.Region, First: 1, Next: 1}, nil
		}
		if err != nil {
			return err
		}
		b.heads[r.place()] = h
		b.ops++
	}
	if err := b.log.inbox.Remove(b.tx, r); err != nil {
		return err
	}
	r.Sequence = h.Next
	h.Next++
	b.ops += 2
	// The head was read: nobody else has taken the number.
	return b.log.events.Put(b.tx, r)
}
