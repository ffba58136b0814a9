package audit

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"fastness/internal/store"
	"fastness/internal/store/table"
)

// Retention is how long the event history goes back, as CloudTrail's.
const Retention = 90 * 24 * time.Hour

// Query selects events of one account and Region; the zero value of a filter does
// not filter.
type Query struct {
	Account, Region string
	// Start and End bound the event time, both inclusive.
	Start, End time.Time
	// Match decides on the other attributes; nil matches every event.
	Match func(*Event) bool
	// Limit is the largest number of events returned, at least 1.
	Limit int
	// After continues behind the position that a former page returned.
	After Position
}

// Position is a place in the history, from a page's Next; empty is the newest end.
type Position []byte

// Page is a part of the history, newest first.
type Page struct {
	Events []Event
	// Next continues the lookup; empty when there is nothing more. A page may be
	// shorter than the limit, even empty, and still have a Next: one lookup reads a
	// bounded part of the history.
	Next Position
}

// maxScannedBytes bounds what one Lookup reads, uncompressed.
const maxScannedBytes = 32 << 20

// clockSlack is how far an event's time may lie from the time of its batch: calls
// are stamped when they arrive and written when they end.
const clockSlack = 15 * time.Minute

var errFull = errors.New("page is full")

// Lookup returns the events that q selects, newest first.
func (l *Log) Lookup(ctx context.Context, q Query) (Page, error) {
	now := l.clock.Now()
	oldest := now.Add(-Retention)
	if q.Start.Before(oldest) {
		q.Start = oldest
	}
	r := store.Prefix(keyPrefix)
	r.Reverse = true
	r.Start = timeKey(q.Start.Add(-clockSlack))
	if !q.End.IsZero() && q.End.Before(now) {
		r.End = timeKey(q.End.Add(clockSlack))
	}
	key, skip, err := splitPosition(q.After)
	if err != nil {
		return Page{}, err
	}
	if key != nil {
		r.End = append(bytes.Clone(key), 0) // the batch itself is read again
	}
	var page Page
	scanned := 0
	err = l.store.View(ctx, func(rd store.Reader) error {
		for item, err := range rd.Scan(r) {
			if err != nil {
				return err
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			plain, err := unpack(item.Value)
			if err != nil {
				return fmt.Errorf("audit: batch %x: %w", item.Key, err)
			}
			events, err := decodeEvents(plain)
			if err != nil {
				return fmt.Errorf("audit: batch %x: %w", item.Key, err)
			}
			first := len(events) - 1
			if key != nil && bytes.Equal(item.Key, key) {
				first = min(skip-1, first)
			}
			for i := first; i >= 0; i-- {
				if !q.selects(&events[i]) {
					continue
				}
				if len(page.Events) == q.Limit {
					page.Next = joinPosition(item.Key, i+1)
					return errFull
				}
				page.Events = append(page.Events, events[i])
			}
			if scanned += len(plain); scanned > maxScannedBytes {
				page.Next = joinPosition(item.Key, 0)
				return errFull
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, errFull) {
		return Page{}, err
	}
	return page, nil
}

func (q *Query) selects(e *Event) bool {
	return e.Account == q.Account && e.Region == q.Region &&
		!e.Time.Before(q.Start) && (q.End.IsZero() || !e.Time.After(q.End)) &&
		(q.Match == nil || q.Match(e))
}

func timeKey(t time.Time) []byte {
	if t.Before(time.Unix(0, 0)) {
		t = time.Unix(0, 0)
	}
	return table.AppendKey(append(make([]byte, 0, len(keyPrefix)+32), keyPrefix...), table.Time(t))
}

// A position is the number of events of a batch that are still to come, then its key.
func joinPosition(key []byte, remaining int) Position {
	return append(binary.BigEndian.AppendUint32(nil, uint32(remaining)), key...)
}

func splitPosition(p Position) (key []byte, remaining int, err error) {
	if len(p) == 0 {
		return nil, 0, nil
	}
	if len(p) < 4+len(keyPrefix) || !bytes.HasPrefix(p[4:], keyPrefix) {
		return nil, 0, errors.New("audit: not a position of the history")
	}
	return p[4:], int(binary.BigEndian.Uint32(p)), nil
}

// DeleteExpired removes batches older than Retention and returns how many it
// removed; it stops after limit, so that a caller can spread the work.
func (l *Log) DeleteExpired(ctx context.Context, limit int) (int, error) {
	limit = min(limit, store.MaxTxnOps)
	removed := 0
	_, err := l.store.Update(ctx, func(tx store.Txn) error {
		removed = 0
		r := store.Prefix(keyPrefix)
		r.End = timeKey(l.clock.Now().Add(-Retention - clockSlack))
		r.Limit = limit
		for item, err := range tx.Scan(r) {
			if err != nil {
				return err
			}
			if err := tx.Delete(item.Key); err != nil {
				return err
			}
			removed++
		}
		return nil
	})
	return removed, err
}
