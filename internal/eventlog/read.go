package eventlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"fastness/internal/audit"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

// Cursor is the number of the last event of a place that a reader has seen. 0 stands
// before the oldest event that is kept.
type Cursor uint64

// Entry is an event in the log.
type Entry struct {
	// Sequence is its number in its place, from 1; as a Cursor it continues after it.
	Sequence Cursor
	// Recorded is when it was appended.
	Recorded time.Time
	Event    Event
}

// Place is where the event happened.
func (e *Entry) Place() Place { return Place{e.Event.Account, e.Event.Region} }

var (
	// ErrTrimmed: events after the cursor are no longer kept. Who can do without them
	// goes on from cursor 0.
	ErrTrimmed = errors.New("eventlog: events after the cursor are no longer kept")
	// ErrAhead: the cursor is beyond the end of the log, as after a restore from a backup.
	ErrAhead = errors.New("eventlog: the cursor is beyond the end of the log")
)

// Bounds of one Read.
const (
	// MaxRead is the largest number of events.
	MaxRead = 1000
	// maxReadBytes ends a Read after the event that passed it.
	maxReadBytes = 4 << 20
)

// Read returns events of a place after a cursor, oldest first: at most limit and at most
// MaxRead, fewer when they are large, none at the end.
func (l *Log) Read(ctx context.Context, p Place, after Cursor, limit int) ([]Entry, error) {
	var entries []Entry
	err := l.store.View(ctx, func(r store.Reader) error {
		h, err := l.headOf(r, p)
		if err != nil {
			return err
		}
		switch {
		case after == 0:
			after = Cursor(h.First - 1)
		case uint64(after)+1 < h.First:
			return ErrTrimmed
		case uint64(after) >= h.Next:
			return ErrAhead
		}
		entries, err = l.entries(r, p, after, min(limit, MaxRead))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("eventlog: %s %s after %d: %w", p.Account, p.Region, after, err)
	}
	return entries, nil
}

// headOf is the head of a place; one that has had no event has an empty head.
func (l *Log) headOf(r store.Reader, p Place) (*head, error) {
	h, err := l.heads.Get(r, table.Scope{}, placeID(p)...)
	if errors.Is(err, store.ErrNotFound) {
		return &head{Account: p.Account, Region: p.Region, First: 1, Next: 1}, nil
	}
	return h, err
}

func (l *Log) entries(r store.Reader, p Place, after Cursor, limit int) ([]Entry, error) {
	if limit <= 0 {
		return nil, nil
	}
	var entries []Entry
	history := audit.NewFinder(r)
	size := 0
	page := table.Page{Prefix: placeID(p), After: table.Key(eventID(p, uint64(after))...), Limit: limit}
	for row, err := range l.events.Scan(r, table.Scope{}, page) {
		if err != nil {
			return nil, err
		}
		if after++; row.Record.Sequence != uint64(after) {
			return nil, fmt.Errorf("%w: number %d is missing", errDamaged, after)
		}
		e, n, err := l.event(r, history, row.Record)
		if err != nil {
			return nil, err
		}
		entries = append(entries, Entry{Sequence: after, Recorded: row.Record.Recorded, Event: e})
		if size += n; size > maxReadBytes {
			break
		}
	}
	return entries, nil
}

// envelope puts the parts together where there are any.
func (l *Log) envelope(r store.Reader, rec *record) ([]byte, error) {
	whole := rec.Envelope
	for n := range rec.Parts {
		p, err := l.parts.Get(r, table.Scope{}, append(inboxID(rec.Order, rec.Name), table.Uint(uint64(n)))...)
		if err != nil {
			return nil, err
		}
		whole = append(whole, p.Bytes...)
	}
	return whole, nil
}

// Filter selects places; an empty field selects all.
type Filter struct{ Account, Region string }

func (f Filter) selects(p Place) bool {
	return (f.Account == "" || f.Account == p.Account) && (f.Region == "" || f.Region == p.Region)
}

// prefix is that of the keys that f selects, and of others where only a Region is named.
func (f Filter) prefix() []table.Part {
	switch {
	case f.Account == "":
		return nil
	case f.Region == "":
		return []table.Part{table.String(f.Account)}
	}
	return placeID(Place(f))
}

// Extent is which events of a place are kept: those after From up to and including To.
type Extent struct {
	Place    Place
	From, To Cursor
}

// Extents returns the places that f selects, in order of account and Region.
func (l *Log) Extents(ctx context.Context, f Filter) ([]Extent, error) {
	var list []Extent
	err := l.store.View(ctx, func(r store.Reader) (err error) {
		list, err = l.extents(r, f)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("eventlog: %w", err)
	}
	return list, nil
}

func (l *Log) extents(r store.Reader, f Filter) ([]Extent, error) {
	var list []Extent
	for row, err := range l.heads.Scan(r, table.Scope{}, table.Page{Prefix: f.prefix()}) {
		if err != nil {
			return nil, err
		}
		h := row.Record
		if p := (Place{h.Account, h.Region}); f.selects(p) {
			list = append(list, Extent{Place: p, From: Cursor(h.First - 1), To: Cursor(h.Next - 1)})
		}
	}
	return list, nil
}
