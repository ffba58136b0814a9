package pebble

import (
	"encoding/binary"
	"fmt"
	"sync"

	"fastness/internal/store"

	lsm "github.com/cockroachdb/pebble/v2"
)

// Bounds of a group of commits. maxGroupBytes and one more transaction stay below
// half of memTableBytes.
const (
	maxGroupCommits = 256
	maxGroupBytes   = 2 << 20
	// maxGroupsUnderWay is how many applied groups may wait for their sync: one that
	// the disk works on and one behind it. More would only make groups smaller.
	maxGroupsUnderWay = 2
)

// pending is a transaction, or an internal write, that waits to be committed.
type pending struct {
	rev    store.Revision // of the snapshot it read
	writes []write
	size   int
	points map[string]store.Revision
	spans  []span
	hooks  []func(store.Revision)
	fences []store.Lease

	raw *rawWrite // an internal write instead of a transaction

	done     chan struct{} // closed when the fields below are set
	revision store.Revision
	err      error
	panicked any // what a hook panicked with
}

// rawWrite is a write of the engine's own, outside spaceData and without a revision.
type rawWrite struct{ key, value []byte }

// group is what one batch carries.
type group struct {
	batch   *lsm.Batch
	members []*pending // in order of revision
	commits []*commit
}

// commit is one commit as the feed keeps it.
type commit struct {
	rev    store.Revision
	writes []write
	size   int
}

// queue holds transactions until the commit goroutine takes them.
type queue struct {
	mu     sync.Mutex
	items  []*pending
	closed bool
	wake   chan struct{}
}

func (q *queue) put(p *pending) {
	q.mu.Lock()
	q.items = append(q.items, p)
	q.mu.Unlock()
	q.signal()
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.signal()
}

// take blocks until something waits and returns one group of it; nil means that the
// queue is closed or failed.
func (q *queue) take(failed <-chan struct{}) []*pending {
	for {
		q.mu.Lock()
		n, size := 0, 0
		for n < len(q.items) && n < maxGroupCommits && size < maxGroupBytes {
			size += q.items[n].size
			n++
		}
		if n > 1 && size > maxGroupBytes {
			n-- // leave the one that passed the bound to the next group
		}
		group := q.items[:n:n]
		q.items = q.items[n:]
		if len(q.items) == 0 {
			q.items = nil
		}
		closed := q.closed
		q.mu.Unlock()
		if n > 0 || closed {
			return group
		}
		select {
		case <-q.wake:
		case <-failed:
			return nil
		}
	}
}

// submit hands p to the commit goroutine and waits for the outcome. It does not heed
// a context: a commit takes one sync, and its outcome is worth more than the wait.
func (s *Store) submit(p *pending) (store.Revision, error) {
	s.queue.put(p)
	return s.await(p)
}

// await waits for the outcome of a queued write.
func (s *Store) await(p *pending) (store.Revision, error) {
	select {
	case <-p.done:
		return p.revision, p.err
	case <-s.failed:
	}
	select {
	case <-p.done:
		return p.revision, p.err
	default:
		return 0, fmt.Errorf("%w: %w", store.ErrUnknownOutcome, s.failureErr())
	}
}

// commitLoop is the one goroutine that commits.
func (s *Store) commitLoop() {
	defer s.workers.Done()
	defer close(s.groups)
	defer func() {
		// The tree panics when it cannot write its log.
		if v := recover(); v != nil {
			s.fail(fmt.Errorf("commit: %v", v))
		}
	}()
	for {
		members := s.queue.take(s.failed)
		if len(members) == 0 || s.failureErr() != nil {
			return
		}
		g, err := s.assemble(members)
		if err != nil {
			s.fail(err)
			return
		}
		if g == nil {
			continue
		}
		if err := s.db.ApplyNoSyncWait(g.batch, lsm.Sync); err != nil {
			s.fail(fmt.Errorf("apply: %w", err))
			return
		}
		s.latest.add(g.commits)
		if n := len(g.commits); n > 0 {
			s.applied.Store(uint64(g.commits[n-1].rev))
		}
		select {
		case s.groups <- g:
		case <-s.failed:
			return
		}
	}
}

// assemble validates the members and writes the survivors into one batch. The others
// are answered at once. It returns nil when nobody survived.
func (s *Store) assemble(members []*pending) (*group, error) {
	size := 0
	for _, p := range members {
		size += p.size + 64*len(p.writes)
	}
	g := &group{batch: s.db.NewBatchWithSize(size + 4096)}
	rev := store.Revision(s.applied.Load())
	total := s.logBytes.Load()
	logged := make([]byte, 0, 64*len(members))
	for _, p := range members {
		if p.raw != nil {
			if err := g.batch.Set(p.raw.key, p.raw.value, nil); err != nil {
				return nil, err
			}
			g.members = append(g.members, p)
			continue
		}
		if err := s.validate(p); err != nil {
			p.err = err
			close(p.done)
			continue
		}
		rev++
		p.revision = rev
		if err := putVersions(g.batch, p); err != nil {
			return nil, err
		}
		// The log notes what each write replaces, as far as that is known, so look
		// before recent learns of the new revisions.
		logged = s.appendLogCommit(logged, p)
		s.recent.add(rev, p.writes)
		total += uint64(p.size)
		g.members = append(g.members, p)
		g.commits = append(g.commits, &commit{rev: rev, writes: p.writes, size: p.size})
	}
	if len(g.members) == 0 {
		return nil, g.batch.Close()
	}
	if len(g.commits) > 0 {
		record := append(appendLogHeader(nil, total, len(g.commits)), logged...)
		if err := g.batch.Set(logKey(nil, rev), record, nil); err != nil {
			return nil, err
		}
		s.logBytes.Store(total)
	}
	return g, nil
}

// appendLogCommit adds p to a log record. The version of a key that p replaces is known
// when p read the key, or when a recent commit wrote it.
func (s *Store) appendLogCommit(dst []byte, p *pending) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(p.writes)))
	for _, w := range p.writes {
		prev, known := p.points[string(w.key)]
		if !known {
			prev, known = s.recent.last[string(w.key)]
		}
		dst = appendLogChange(dst, logChange{key: w.key, deleted: w.deleted, knowsPrev: known, prev: prev})
	}
	return dst
}

// putVersions writes p's versions straight into the batch's memory.
func putVersions(b *lsm.Batch, p *pending) error {
	for _, w := range p.writes {
		op := b.SetDeferred(1+len(w.key)+1+versionLen, 1+len(w.value))
		versionKey(op.Key[:0], w.key, p.revision)
		if w.deleted {
			op.Value[0] = valueDeleted
		} else {
			op.Value[0] = valueLive
			copy(op.Value[1:], w.value)
		}
		if err := op.Finish(); err != nil {
			return err
		}
	}
	return nil
}

// validate checks that nothing p read has changed since, and that its leases hold.
func (s *Store) validate(p *pending) error {
	if !s.fencesHold(p.fences) {
		return store.ErrFenced
	}
	if s.recent.conflicts(p) {
		return errRetry
	}
	return nil
}

// publishLoop waits for the sync of each group in order and releases its members.
func (s *Store) publishLoop() {
	defer s.workers.Done()
	for g := range s.groups {
		if err := g.batch.SyncWait(); err != nil {
			s.fail(fmt.Errorf("sync: %w", err))
			return
		}
		if s.failureErr() != nil {
			return
		}
		if err := g.batch.Close(); err != nil {
			s.fail(fmt.Errorf("release batch: %w", err))
			return
		}
		n := len(g.commits)
		if n > 0 {
			s.durable.Store(uint64(g.commits[n-1].rev))
		}
		// Hooks come before watchers: what a process notes of its own commits is there when
		// a watcher meets them.
		for _, p := range g.members {
			p.runHooks()
		}
		if n > 0 {
			s.feed.append(g.commits)
			if s.trimDue() {
				select {
				case s.trimWake <- struct{}{}:
				default:
				}
			}
		}
		for _, p := range g.members {
			close(p.done)
		}
	}
}

// runHooks runs the OnCommit functions. A panic is kept for the goroutine that called
// Update: this one serves all.
func (p *pending) runHooks() {
	defer func() { p.panicked = recover() }()
	for _, f := range p.hooks {
		f(p.revision)
	}
}
