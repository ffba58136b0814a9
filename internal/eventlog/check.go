package eventlog

import (
	"context"
	"fmt"

	"fastness/internal/store"
	"fastness/internal/store/table"
)

// Check is the consistency check of the log, for store.Fsck: the numbers of each place
// have no gap and end where its head says, and parts and events belong together.
func (l *Log) Check() store.Check {
	return store.Check{Name: "event log", Run: func(ctx context.Context, r store.Reader, report func([]byte, string)) error {
		want := make(map[string]int) // parts of events, by name
		if err := l.checkNumbers(ctx, r, want, report); err != nil {
			return err
		}
		for row, err := range l.inbox.Scan(r, table.Scope{}, table.Page{}) {
			if err != nil {
				return err
			}
			e := row.Record
			if e.Parts > 0 {
				want[e.Name] = e.Parts
			}
			if err := l.checkTrail(r, e, l.inbox.Key(table.Scope{}, inboxID(e.Order, e.Name)...), report); err != nil {
				return err
			}
		}
		return l.checkParts(ctx, r, want, report)
	}}
}

func (l *Log) checkNumbers(ctx context.Context, r store.Reader, want map[string]int, report func([]byte, string)) error {
	heads := make(map[Place]*head)
	for row, err := range l.heads.Scan(r, table.Scope{}, table.Page{}) {
		if err != nil {
			return err
		}
		heads[Place{row.Record.Account, row.Record.Region}] = row.Record
	}
	next := make(map[Place]uint64)
	for row, err := range l.events.Scan(r, table.Scope{}, table.Page{}) {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		e := row.Record
		p, key := e.place(), l.events.Key(table.Scope{}, eventID(e.place(), e.Sequence)...)
		h := heads[p]
		if h == nil {
			report(key, "the event's place has no head")
			continue
		}
		if next[p] == 0 {
			next[p] = h.First
		}
		if e.Sequence != next[p] {
			report(key, fmt.Sprintf("the event has number %d, not %d", e.Sequence, next[p]))
		}
		next[p] = e.Sequence + 1
		if e.Parts > 0 {
			want[e.Name] = e.Parts
		}
		if err := l.checkTrail(r, e, key, report); err != nil {
			return err
		}
	}
	for p, h := range heads {
		if end := max(next[p], h.First); end != h.Next {
			report(l.heads.Key(table.Scope{}, placeID(p)...), fmt.Sprintf("the next number is %d, not %d", end, h.Next))
		}
	}
	return nil
}

func (l *Log) checkParts(ctx context.Context, r store.Reader, want map[string]int, report func([]byte, string)) error {
	for row, err := range l.parts.Scan(r, table.Scope{}, table.Page{}) {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		p := row.Record
		if want[p.Name] == 0 {
			report(l.parts.Key(table.Scope{}, append(inboxID(p.Order, p.Name), table.Uint(uint64(p.N)))...), "the part belongs to no event")
			continue
		}
		if want[p.Name]--; want[p.Name] == 0 {
			delete(want, p.Name)
		}
	}
	for range want {
		report(nil, "an event lacks a part")
	}
	return nil
}
