package follow

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"fastness/internal/clock"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

// retryAfter is how long the follower waits after an error before it has the rooms forget
// everything and watches anew.
const retryAfter = time.Second

// Options are what a Follower needs besides the store.
type Options struct {
	Clock  clock.Clock
	Logger *slog.Logger
}

// Follower is the one watch of a store for all memories of a process.
type Follower struct {
	store    store.Store
	clock    clock.Clock
	log      *slog.Logger
	memories []*Memory
	services map[string]bool
	from     store.Revision
}

// New makes a follower of what is committed from now on. It comes before the rooms read
// anything into memory.
func New(ctx context.Context, s store.Store, o Options) (*Follower, error) {
	if s == nil || o.Clock == nil || o.Logger == nil {
		return nil, errors.New("follow: incomplete configuration")
	}
	f := &Follower{store: s, clock: o.Clock, log: o.Logger, services: make(map[string]bool)}
	return f, f.now(ctx)
}

// now has the watch begin at the present.
func (f *Follower) now(ctx context.Context) error {
	err := f.store.View(ctx, func(r store.Reader) error {
		f.from = r.Revision()
		return nil
	})
	if err != nil {
		return fmt.Errorf("follow: %w", err)
	}
	return nil
}

// Add has memories follow. It comes before Run. Memories of one service are told in the
// order in which they were added.
func (f *Follower) Add(memories ...*Memory) {
	for _, m := range memories {
		f.memories = append(f.memories, m)
		f.services[m.service] = true
	}
}

// Run tells the memories of the commits of others until ctx is done or the store is
// closed, and returns the error that ended it. It is called once.
func (f *Follower) Run(ctx context.Context) error {
	for _, m := range f.memories {
		m.follow(true)
		defer m.follow(false)
	}
	for {
		err := f.watch(ctx)
		for err != nil {
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case errors.Is(err, store.ErrClosed), errors.Is(err, store.ErrFailed):
				return err
			case !errors.Is(err, store.ErrCompacted):
				f.log.ErrorContext(ctx, "what others change is not followed; starting again", "error", err)
				if err := f.clock.Sleep(ctx, retryAfter); err != nil {
					return err
				}
			}
			err = f.begin(ctx)
		}
	}
}

// begin has every room forget all, and the watch begin before that.
func (f *Follower) begin(ctx context.Context) error {
	if err := f.now(ctx); err != nil {
		return err
	}
	for _, m := range f.memories {
		if err := m.reset(ctx); err != nil {
			return fmt.Errorf("follow: reset %s: %w", m.service, err)
		}
	}
	return nil
}

// watch tells of commits until something fails.
func (f *Follower) watch(ctx context.Context) error {
	w, err := f.store.WatchKeys(ctx, f.concerns, f.from)
	if err != nil {
		return err
	}
	defer w.Close()
	for {
		commit, err := w.Next(ctx)
		if err != nil {
			return err
		}
		if err := f.tell(ctx, commit); err != nil {
			return err
		}
		f.from = commit.Revision
	}
}

// concerns tells whether a key is of a service that anybody has in memory.
func (f *Follower) concerns(key []byte) bool { return f.services[string(table.Service(key))] }

// tell calls the memories of the services that a commit touches, unless it is their own.
func (f *Follower) tell(ctx context.Context, commit store.Commit) error {
	for _, m := range f.memories {
		if m.pass(commit.Revision) {
			continue
		}
		rows, err := rowsOf(m.service, commit.Changes)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			continue
		}
		if err := m.changed(ctx, Commit{commit.Revision, rows}); err != nil {
			return fmt.Errorf("follow: %s: %w", m.service, err)
		}
	}
	return nil
}

// rowsOf are the changes of one service's tables.
func rowsOf(service string, changes []store.Change) (rows []Row, err error) {
	for _, c := range changes {
		if string(table.Service(c.Key)) != service {
			continue
		}
		place, err := table.Locate(c.Key)
		if err != nil {
			return nil, fmt.Errorf("follow: key %x: %w", c.Key, err)
		}
		rows = append(rows, Row{place, c.Deleted})
	}
	return rows, nil
}
