package pebble

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"fastness/internal/store"

	lsm "github.com/cockroachdb/pebble/v2"
)

// leases are the names held in this process. One process has the directory, so nobody
// else can hold one; what must outlive the process is the fencing token.
type leases struct {
	mu   sync.Mutex
	held map[string]*lease
	// tokens are the last tokens given out, read from the tree on first use.
	tokens map[string]uint64
	over   bool
}

// lease is one held name. It is renewed in the background; a process that was paused
// for longer than the time to live finds it lost.
type lease struct {
	s       *Store
	name    string
	ttl     time.Duration
	token   uint64
	expires atomic.Int64 // Unix nanoseconds
	once    sync.Once
	done    chan struct{}
}

var _ store.Lease = (*lease)(nil)

// Token is the fencing token.
func (l *lease) Token() uint64 { return l.token }

// Done is closed when the lease is lost or released.
func (l *lease) Done() <-chan struct{} { return l.done }

func (l *lease) end() { l.once.Do(func() { close(l.done) }) }

// holds reports whether the lease is held now. A lease that has expired is lost for
// good, even when the goroutine that renews it did not notice yet.
func (l *lease) holds() bool {
	select {
	case <-l.done:
		return false
	default:
	}
	if l.s.clock.Now().UnixNano() >= l.expires.Load() {
		l.end()
		return false
	}
	return true
}

// Release gives the name up.
func (l *lease) Release(context.Context) error {
	l.s.leases.drop(l)
	return nil
}

// drop ends l and frees its name.
func (ls *leases) drop(l *lease) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.held[l.name] == l {
		delete(ls.held, l.name)
	}
	l.end()
}

// closeAll ends every lease and refuses new ones.
func (ls *leases) closeAll() {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.over = true
	for name, l := range ls.held {
		l.end()
		delete(ls.held, name)
	}
}

// reserve takes l's name unless it is held; then it returns the holder. With the name
// it takes the next fencing token and queues the write that makes it durable: under
// the lock, so that tokens reach the tree in the order they were given out.
func (ls *leases) reserve(l *lease) (holder *lease, raise *pending, err error) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.over {
		return nil, nil, store.ErrClosed
	}
	if h := ls.held[l.name]; h != nil && h.holds() {
		return h, nil, nil
	}
	key := plainKey(nil, spaceLease, []byte(l.name))
	token, ok := ls.tokens[l.name]
	if !ok {
		if token, err = l.s.readToken(key); err != nil {
			return nil, nil, err
		}
	}
	l.token = token + 1
	ls.tokens[l.name] = l.token
	ls.held[l.name] = l
	raise = &pending{
		raw:  &rawWrite{key: key, value: binary.BigEndian.AppendUint64(nil, l.token)},
		done: make(chan struct{}),
	}
	l.s.queue.put(raise)
	return nil, raise, nil
}

// Campaign waits until this caller holds name. The name is at most store.MaxKeyBytes
// long and ttl is positive.
func (s *Store) Campaign(ctx context.Context, name string, ttl time.Duration) (store.Lease, error) {
	if ttl <= 0 || name == "" || len(name) > store.MaxKeyBytes {
		return nil, fmt.Errorf("store: campaign for %q with time to live %v: bad argument", name, ttl)
	}
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := s.failureErr(); err != nil {
			return nil, err
		}
		l, holder, err := s.tryLease(name, ttl)
		if err != nil {
			return nil, fmt.Errorf("store: campaign for %q: %w", name, err)
		}
		if l != nil {
			return l, nil
		}
		// The holder may be paused, and then nobody closes its Done: look again when
		// its time is over.
		expired, stop := s.clock.After(time.Duration(holder.expires.Load() - s.clock.Now().UnixNano()))
		select {
		case <-holder.done:
		case <-expired:
		case <-ctx.Done():
		case <-s.stop:
		case <-s.failed:
		}
		stop()
	}
}

// renew extends the lease each third of its time to live until it ends.
func (l *lease) renew() {
	for {
		tick, stop := l.s.clock.After(l.ttl / 3)
		select {
		case <-tick:
		case <-l.done:
		case <-l.s.life.Done():
			l.end()
		}
		stop()
		if !l.holds() {
			l.s.leases.drop(l)
			return
		}
		l.expires.Store(l.s.clock.Now().Add(l.ttl).UnixNano())
	}
}

// tryLease takes the name, or returns its holder.
func (s *Store) tryLease(name string, ttl time.Duration) (l, holder *lease, err error) {
	if err := s.begin(); err != nil {
		return nil, nil, err
	}
	defer s.done()
	l = &lease{s: s, name: name, ttl: ttl, done: make(chan struct{})}
	l.expires.Store(s.clock.Now().Add(ttl).UnixNano())
	holder, raise, err := s.leases.reserve(l)
	if err != nil || holder != nil {
		return nil, holder, err
	}
	if _, err := s.await(raise); err != nil {
		s.leases.drop(l)
		return nil, nil, err
	}
	go l.renew()
	return l, nil, nil
}

// readToken reads the stored token under key; 0 when there is none.
func (s *Store) readToken(key []byte) (uint64, error) {
	v, closer, err := s.db.Get(key)
	if errors.Is(err, lsm.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, s.readErr(err)
	}
	defer closer.Close()
	if len(v) != 8 {
		return 0, fmt.Errorf("damaged token of lease %q", key)
	}
	return binary.BigEndian.Uint64(v), nil
}

// fencesHold reports whether every lease is one of this store and held.
func (s *Store) fencesHold(fences []store.Lease) bool {
	for _, f := range fences {
		l, ok := f.(*lease)
		if !ok || l.s != s || !l.holds() {
			return false
		}
	}
	return true
}
