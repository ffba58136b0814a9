package eventlog

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"fastness/internal/store"
	"fastness/internal/store/table"
)

// Positions are the cursors of a reader of several places.
type Positions map[Place]Cursor

// followPage is how many events a Follower reads at a time.
const followPage = 256

// Follower delivers events as they come. It is not safe for concurrent use.
type Follower struct {
	log     *Log
	filter  Filter
	at      Positions
	watcher store.Watcher
	// stale are the places that may have more events, each once.
	stale  []Place
	listed map[Place]bool
	ready  []Entry
}

// Watch follows one place from a cursor on.
func (l *Log) Watch(ctx context.Context, p Place, after Cursor) (*Follower, error) {
	return l.Follow(ctx, Filter(p), Positions{p: after})
}

// Follow follows the places that f selects, each from its cursor on. Those without a
// cursor, which may also appear later, are delivered from their oldest event on. The
// caller closes the Follower.
func (l *Log) Follow(ctx context.Context, f Filter, from Positions) (*Follower, error) {
	w := &Follower{log: l, filter: f, at: make(Positions, len(from))}
	maps.Copy(w.at, from)
	return w, w.start(ctx)
}

// start begins to watch, and looks at every place once.
func (w *Follower) start(ctx context.Context) error {
	w.Close()
	var revision store.Revision
	w.stale, w.listed = nil, make(map[Place]bool)
	err := w.log.store.View(ctx, func(r store.Reader) error {
		revision = r.Revision()
		list, err := w.log.extents(r, w.filter)
		for _, e := range list {
			w.mark(e.Place)
		}
		return err
	})
	if err == nil {
		w.watcher, err = w.log.store.Watch(ctx, w.log.events.Key(table.Scope{}, w.filter.prefix()...), revision)
	}
	if err != nil {
		return fmt.Errorf("eventlog: follow: %w", err)
	}
	return nil
}

func (w *Follower) mark(p Place) {
	if !w.listed[p] {
		w.listed[p] = true
		w.stale = append(w.stale, p)
	}
}

// Next waits for the next event and returns it: of each place all events in order,
// each once. It returns ErrTrimmed when events were removed before they were read,
// ErrAhead as Read does, the context's error, or store.ErrClosed.
func (w *Follower) Next(ctx context.Context) (Entry, error) {
	for {
		if len(w.ready) > 0 {
			e := w.ready[0]
			w.ready[0] = Entry{}
			w.ready = w.ready[1:]
			w.at[e.Place()] = e.Sequence
			return e, nil
		}
		if len(w.stale) == 0 {
			if err := w.await(ctx); err != nil {
				return Entry{}, err
			}
			continue
		}
		p := w.stale[0]
		entries, err := w.log.Read(ctx, p, w.at[p], followPage)
		if err != nil {
			return Entry{}, err
		}
		w.ready = entries
		// Take turns, so that a busy place does not keep the others waiting.
		w.stale = w.stale[1:]
		delete(w.listed, p)
		if len(entries) > 0 {
			w.mark(p)
		}
	}
}

// await waits until something happens in the places, and marks where.
func (w *Follower) await(ctx context.Context) error {
	c, err := w.watcher.Next(ctx)
	if errors.Is(err, store.ErrCompacted) {
		// The watch only wakes us up: what it missed is in the log.
		return w.start(ctx)
	}
	if err != nil {
		return fmt.Errorf("eventlog: follow: %w", err)
	}
	for _, ch := range c.Changes {
		changed, ok, err := w.log.events.Decode(ch)
		if err != nil {
			return fmt.Errorf("eventlog: follow: %w", err)
		}
		if !ok || changed.Record == nil {
			continue
		}
		if p := changed.Record.place(); w.filter.selects(p) {
			w.mark(p)
		}
	}
	return nil
}

// Positions are the cursors behind what Next has returned.
func (w *Follower) Positions() Positions { return maps.Clone(w.at) }

// Close releases the Follower.
func (w *Follower) Close() {
	if w.watcher != nil {
		w.watcher.Close()
	}
}
