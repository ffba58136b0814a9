package pebble

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"fastness/internal/clock"
	"fastness/internal/store"

	lsm "github.com/cockroachdb/pebble/v2"
)

// Store is the embedded engine. It is safe for concurrent use.
type Store struct {
	opts  Options
	log   *slog.Logger
	clock clock.Clock
	db    *lsm.DB
	lock  *lsm.Lock

	// applied is the last revision in the tree, durable the last one that is synced
	// and so visible; durable <= applied. horizon is the last revision whose log
	// record and replaced versions are gone.
	applied, durable, horizon atomic.Uint64
	// logBytes counts the bytes written by all commits so far; trimmedBytes is the
	// part of it whose log records are gone.
	logBytes, trimmedBytes atomic.Uint64

	life context.Context // done when the store closes or fails
	end  context.CancelFunc

	mu      sync.Mutex
	active  int           // calls that use the tree
	closing bool          // no new call may begin
	loading bool          // Load has the store to itself
	stop    chan struct{} // closed when closing is set: calls that only wait end
	idle    chan struct{} // closed when closing and active is 0
	failure error         // why the store failed closed
	failed  chan struct{} // closed when failure is set

	queue  queue
	recent recent // owned by the commit goroutine
	latest latest
	groups chan *group
	feed   feed
	leases leases

	turn     chan struct{} // held by a transaction that met many conflicts
	trimWake chan struct{}
	workers  sync.WaitGroup
}

var (
	_ store.Store       = (*Store)(nil)
	_ store.Loader      = (*Store)(nil)
	_ store.TokenLister = (*Store)(nil)
	_ store.SelfChecker = (*Store)(nil)
)

// Open opens the store in dir and makes it when there is none. A directory that
// another process (or another Store of this one) has open, or that was written by a
// newer format, is refused.
func Open(dir string, opts Options) (*Store, error) {
	opts = opts.withDefaults()
	life, end := context.WithCancel(context.Background())
	s := &Store{
		opts: opts, log: opts.Logger, clock: opts.Clock,
		life: life, end: end,
		stop: make(chan struct{}), idle: make(chan struct{}), failed: make(chan struct{}),
		groups: make(chan *group, maxGroupsUnderWay),
		turn:   make(chan struct{}, 1), trimWake: make(chan struct{}, 1),
	}
	s.queue.wake = make(chan struct{}, 1)
	s.feed.init()
	s.leases.held = make(map[string]*lease)
	s.leases.tokens = make(map[string]uint64)
	if err := s.open(dir); err != nil {
		end()
		return nil, fmt.Errorf("open store %s: %w", dir, err)
	}
	s.workers.Add(3)
	go s.commitLoop()
	go s.publishLoop()
	go s.trimLoop()
	return s, nil
}

func (s *Store) open(dir string) error {
	if err := checkStamp(s.opts.FS, dir); err != nil {
		return err
	}
	lock, err := lsm.LockDirectory(dir, s.opts.FS)
	if err != nil {
		return fmt.Errorf("directory is in use by another process (or cannot be locked): %w", err)
	}
	cache := lsm.NewCache(s.opts.CacheBytes)
	defer cache.Unref() // the tree holds its own reference
	o := s.treeOptions(cache)
	o.Lock, s.lock = lock, lock
	s.db, err = lsm.Open(dir, o)
	if err == nil {
		if err = s.recover(); err != nil {
			err = errors.Join(err, s.db.Close())
		}
	}
	if err != nil {
		return errors.Join(err, lock.Close())
	}
	return nil
}

// Names in spaceMeta.
const (
	// metaBase: horizon and trimmedBytes, two times eight bytes.
	metaBase = "base"
	// metaLoading is there while Load fills the store; what it wrote so far is
	// removed when the store opens.
	metaLoading = "loading"
)

// recover finds out where the last process stopped.
func (s *Store) recover() error {
	if _, err := s.getPlain(spaceMeta, metaLoading); err == nil {
		if err := s.clearLoad(); err != nil {
			return fmt.Errorf("remove unfinished restore: %w", err)
		}
	} else if !errors.Is(err, lsm.ErrNotFound) {
		return err
	}
	base, err := s.getPlain(spaceMeta, metaBase)
	switch {
	case errors.Is(err, lsm.ErrNotFound):
	case err != nil:
		return err
	case len(base) != 16:
		return errors.New("damaged base record")
	default:
		s.horizon.Store(binary.BigEndian.Uint64(base))
		s.trimmedBytes.Store(binary.BigEndian.Uint64(base[8:]))
	}
	last, total := s.horizon.Load(), s.trimmedBytes.Load()
	it, err := s.db.NewIter(spaceBounds(spaceLog))
	if err != nil {
		return err
	}
	defer it.Close()
	if it.Last() {
		rec, err := decodeLog(it.Key(), it.Value())
		if err != nil {
			return err
		}
		last, total = uint64(rec.commits[len(rec.commits)-1].rev), rec.total
	}
	if err := it.Error(); err != nil {
		return err
	}
	s.applied.Store(last)
	s.durable.Store(last)
	s.logBytes.Store(total)
	s.recent.start = store.Revision(last)
	s.feed.start(store.Revision(last))
	return nil
}

// getPlain reads a copy of a value outside spaceData.
func (s *Store) getPlain(space byte, name string) ([]byte, error) {
	v, closer, err := s.db.Get(plainKey(nil, space, []byte(name)))
	if err != nil {
		return nil, err
	}
	v = append([]byte(nil), v...)
	return v, closer.Close()
}

// begin counts a call that uses the tree in; each successful begin is followed by
// done.
func (s *Store) begin() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure != nil {
		return s.failure
	}
	if s.closing {
		return store.ErrClosed
	}
	if s.loading {
		return errLoading
	}
	s.active++
	return nil
}

func (s *Store) done() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active--
	if s.closing && s.active == 0 {
		close(s.idle)
	}
}

// fail makes the store refuse everything from now on.
func (s *Store) fail(cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure != nil {
		return
	}
	s.failure = fmt.Errorf("%w: %w", store.ErrFailed, cause)
	close(s.failed)
	s.end()
	s.log.Error("store failed; it must be opened again", "error", cause)
}

// failureErr is the failure, or nil.
func (s *Store) failureErr() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failure
}

// endErr is the error for a call that was cut off by the end of the store.
func (s *Store) endErr() error {
	if err := s.failureErr(); err != nil {
		return err
	}
	return store.ErrClosed
}

// View runs f on the last durable state.
func (s *Store) View(ctx context.Context, f func(store.Reader) error) error {
	if err := s.begin(); err != nil {
		return err
	}
	defer s.done()
	if err := ctx.Err(); err != nil {
		return err
	}
	r, err := s.newReader(ctx, &s.durable)
	if err != nil {
		return err
	}
	defer r.close()
	return f(r)
}

// maxAttempts bounds how often the function of one Update runs; politeAttempts how
// often before it takes turns with the other transactions that meet conflicts.
const (
	maxAttempts    = 128
	politeAttempts = 4
)

// Update runs f in a serializable transaction.
func (s *Store) Update(ctx context.Context, f func(store.Txn) error) (store.Revision, error) {
	if err := s.begin(); err != nil {
		return 0, err
	}
	defer s.done()
	haveTurn := false
	for attempt := 1; attempt <= maxAttempts; attempt++ {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if attempt > politeAttempts && !haveTurn {
			select {
			case s.turn <- struct{}{}:
				haveTurn = true
				defer func() { <-s.turn }()
			case <-ctx.Done():
				return 0, ctx.Err()
			case <-s.life.Done():
				return 0, s.endErr()
			}
		}
		rev, err := s.attempt(ctx, f)
		if !errors.Is(err, errRetry) {
			return rev, err
		}
	}
	return 0, store.ErrConflict
}

// attempt runs f once and commits. It returns errRetry when another commit came
// between.
func (s *Store) attempt(ctx context.Context, f func(store.Txn) error) (store.Revision, error) {
	r := reader{s: s, ctx: ctx, rev: store.Revision(s.applied.Load())}
	t := &txn{reader: &r}
	p, err := t.run(f)
	if errors.Is(err, errRetry) {
		return 0, err
	}
	if err != nil || p == nil {
		// What f saw must be durable before anyone may act on it.
		if werr := s.awaitDurable(ctx, r.rev); werr != nil {
			return 0, werr
		}
		if err != nil {
			return 0, err
		}
		if !s.fencesHold(t.fences) {
			return 0, store.ErrFenced
		}
		for _, hook := range t.hooks {
			hook(r.rev)
		}
		return r.rev, nil
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	rev, err := s.submit(p)
	if p.panicked != nil {
		panic(p.panicked)
	}
	return rev, err
}

// awaitDurable waits until rev is synced.
func (s *Store) awaitDurable(ctx context.Context, rev store.Revision) error {
	for {
		changed := s.feed.changed()
		if store.Revision(s.durable.Load()) >= rev {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-s.failed:
			return s.failureErr()
		}
	}
}

// readErr marks an error that the tree returned on a read. Damage found by a read
// fails the store through the event listener.
func (s *Store) readErr(err error) error {
	if f := s.failureErr(); f != nil {
		return f
	}
	return fmt.Errorf("store: read: %w", err)
}

// Close waits for running calls, then closes the store. Watchers and leases end.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		return store.ErrClosed
	}
	s.closing = true
	close(s.stop)
	if s.active == 0 {
		close(s.idle)
	}
	s.mu.Unlock()
	s.leases.closeAll()
	select {
	case <-s.idle:
	case <-s.failed:
	}
	s.end()
	if err := s.failureErr(); err != nil {
		// A failed tree may hold its locks for good: leave it, and its lock on the
		// directory, to the end of the process.
		return err
	}
	s.queue.close()
	s.workers.Wait()
	if err := s.failureErr(); err != nil {
		return err
	}
	// Flushed now, the next start has no write-ahead log to replay.
	if err := errors.Join(s.db.Flush(), s.db.Close(), s.lock.Close()); err != nil {
		return fmt.Errorf("close store: %w", err)
	}
	return nil
}
