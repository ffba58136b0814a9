package pebble

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"fastness/internal/store"
)

// watcher delivers commits from the feed and, when it is further behind, from the
// change log.
type watcher struct {
	s      *Store
	match  func(key []byte) bool
	values bool          // deliver them
	pos    atomic.Uint64 // everything up to this revision was returned
	closed chan struct{}
	once   sync.Once

	mu      sync.Mutex     // held by Next
	ready   []store.Commit // read from the log, not returned yet
	readyTo store.Revision // last revision that the log read covered
}

// Watch delivers every commit after from that touches prefix.
func (s *Store) Watch(ctx context.Context, prefix []byte, from store.Revision) (store.Watcher, error) {
	prefix = bytes.Clone(prefix)
	return s.watch(ctx, &watcher{match: func(key []byte) bool { return bytes.HasPrefix(key, prefix) }, values: true}, from)
}

// WatchKeys delivers the keys that match accepts of every commit after from.
func (s *Store) WatchKeys(ctx context.Context, match func(key []byte) bool, from store.Revision) (store.Watcher, error) {
	return s.watch(ctx, &watcher{match: match}, from)
}

func (s *Store) watch(ctx context.Context, w *watcher, from store.Revision) (store.Watcher, error) {
	if err := s.begin(); err != nil {
		return nil, err
	}
	defer s.done()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if from < store.Revision(s.horizon.Load()) {
		return nil, store.ErrCompacted
	}
	w.s, w.closed = s, make(chan struct{})
	w.pos.Store(uint64(from))
	return w, nil
}

// Progress is the revision up to which everything was returned.
func (w *watcher) Progress() store.Revision { return store.Revision(w.pos.Load()) }

// Close releases the watcher.
func (w *watcher) Close() { w.once.Do(func() { close(w.closed) }) }

// Next returns the next commit that touches the watched keys.
func (w *watcher) Next(ctx context.Context) (store.Commit, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		if err := w.over(ctx); err != nil {
			return store.Commit{}, err
		}
		if len(w.ready) > 0 {
			c := w.ready[0]
			w.ready[0] = store.Commit{}
			w.ready = w.ready[1:]
			w.pos.Store(uint64(c.Revision))
			return c, nil
		}
		if w.readyTo > w.Progress() {
			w.pos.Store(uint64(w.readyTo))
		}
		commits, wake, ok := w.s.feed.after(w.Progress())
		if !ok {
			if err := w.replay(ctx); err != nil {
				return store.Commit{}, err
			}
			continue
		}
		for _, c := range commits {
			if out, hit := w.pick(c); hit {
				w.pos.Store(uint64(c.rev))
				return out, nil
			}
			w.pos.Store(uint64(c.rev))
		}
		if len(commits) > 0 {
			continue
		}
		select {
		case <-wake:
		case <-ctx.Done():
		case <-w.closed:
		case <-w.s.stop:
		case <-w.s.failed:
		}
	}
}

// over tells why Next must end.
func (w *watcher) over(ctx context.Context) error {
	select {
	case <-w.closed:
		return store.ErrClosed
	case <-w.s.stop:
		return store.ErrClosed
	case <-w.s.failed:
		return w.s.failureErr()
	default:
		return ctx.Err()
	}
}

// pick copies the changes of c that are watched.
func (w *watcher) pick(c *commit) (store.Commit, bool) {
	var out store.Commit
	for _, wr := range c.writes {
		if !w.match(wr.key) {
			continue
		}
		ch := store.Change{Key: bytes.Clone(wr.key), Deleted: wr.deleted}
		if w.values && !wr.deleted {
			ch.Value = append([]byte{}, wr.value...)
		}
		out.Changes = append(out.Changes, ch)
	}
	out.Revision = c.rev
	return out, len(out.Changes) > 0
}

// Bounds of one read of the change log.
const (
	replayCommits = 512
	replayBytes   = 1 << 20
)

// replay reads the next stretch of the change log into ready.
func (w *watcher) replay(ctx context.Context) error {
	if err := w.s.begin(); err != nil {
		return err
	}
	defer w.s.done()
	r, err := w.s.newReader(ctx, &w.s.durable)
	if err != nil {
		return err
	}
	defer r.close()
	from, to := w.Progress(), min(r.rev, w.s.feed.told())
	log, err := w.s.db.NewIter(spaceBounds(spaceLog))
	if err != nil {
		return w.s.readErr(err)
	}
	defer log.Close()
	// Both iterators are open: what the horizon leaves now, they see.
	if from < store.Revision(w.s.horizon.Load()) {
		return store.ErrCompacted
	}
	w.ready, w.readyTo = nil, from
	size := 0
	for ok := log.SeekGE(logKey(nil, from+1)); ok; ok = log.Next() {
		rec, err := decodeLog(log.Key(), log.Value())
		if err != nil {
			w.s.fail(err)
			return w.s.failureErr()
		}
		for _, c := range rec.commits {
			if c.rev <= from {
				continue
			}
			if c.rev > to {
				return nil
			}
			if c.rev != w.readyTo+1 {
				err := fmt.Errorf("change log lacks revision %d", w.readyTo+1)
				w.s.fail(err)
				return w.s.failureErr()
			}
			out, n, err := w.load(r, c)
			if err != nil {
				return err
			}
			w.readyTo = c.rev
			if len(out.Changes) > 0 {
				w.ready = append(w.ready, out)
				size += n
			}
			if len(w.ready) >= replayCommits || size >= replayBytes {
				return nil
			}
		}
	}
	if err := log.Error(); err != nil {
		return w.s.readErr(err)
	}
	return nil
}

// load gathers the changes of c that are watched, with their values if those are.
func (w *watcher) load(r *reader, c logCommit) (out store.Commit, size int, err error) {
	out.Revision = c.rev
	for _, lc := range c.changes {
		if !w.match(lc.key) {
			continue
		}
		ch := store.Change{Key: bytes.Clone(lc.key), Deleted: lc.deleted}
		if w.values && !lc.deleted {
			item, live, err := r.version(lc.key, c.rev)
			if err != nil {
				return out, 0, w.s.readErr(err)
			}
			if !live {
				w.s.fail(fmt.Errorf("version of key %x at revision %d is missing", lc.key, c.rev))
				return out, 0, w.s.failureErr()
			}
			ch.Value = item.Value
		}
		size += len(ch.Key) + len(ch.Value)
		out.Changes = append(out.Changes, ch)
	}
	return out, size, nil
}

// version reads exactly the version of key written at rev.
func (r *reader) version(key []byte, rev store.Revision) (store.Item, bool, error) {
	r.buf = versionKey(r.buf[:0], key, rev)
	if !r.iter.SeekPrefixGE(r.buf) || !bytes.Equal(r.iter.Key(), r.buf) {
		return store.Item{}, false, r.iter.Error()
	}
	return currentItem(r.iter)
}
