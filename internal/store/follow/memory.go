package follow

import (
	"context"
	"sync"

	"fastness/internal/store"
	"fastness/internal/store/table"
)

// Row is a record of a table, or an entry of an index, that a commit wrote or deleted.
type Row struct {
	table.Place
	Deleted bool
}

// Commit is what a commit changed in one service's tables.
type Commit struct {
	Revision store.Revision
	Rows     []Row
}

// Memory is what one room keeps in memory of its service's tables. It is safe for
// concurrent use.
type Memory struct {
	service string
	changed func(context.Context, Commit) error
	reset   func(context.Context) error

	mu        sync.Mutex
	following bool
	// own are the commits of this room that the watch has still to pass.
	own map[store.Revision]struct{}
}

// NewMemory describes the memory of a room. changed is called with every commit of others
// that touches the service's tables, in order; reset when commits may have been missed:
// from then on nothing that was read before may be used. An error of either is followed by
// a reset, after a while. Both run in the goroutine of Follower.Run.
func NewMemory(service string, changed func(context.Context, Commit) error, reset func(context.Context) error) *Memory {
	return &Memory{service: service, changed: changed, reset: reset, own: make(map[store.Revision]struct{})}
}

// OnCommit has f take in what tx changes of the service's tables, as store.Txn.OnCommit
// does; changed is not called for that commit. So every change that tx makes to what is
// in memory has to be given to OnCommit.
func (m *Memory) OnCommit(tx store.Txn, f func(store.Revision)) {
	read := tx.Revision()
	tx.OnCommit(func(r store.Revision) {
		if r > read { // else nothing was written, and the commit is somebody else's
			m.mu.Lock()
			if m.following {
				m.own[r] = struct{}{}
			}
			m.mu.Unlock()
		}
		f(r)
	})
}

// follow begins or ends to remember own commits: without a watch that passes them they
// would pile up.
func (m *Memory) follow(on bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.following = on
	clear(m.own)
}

// pass tells whether a commit is the room's own. The watch has then passed it, and what
// came before.
func (m *Memory) pass(r store.Revision) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, own := m.own[r]
	for known := range m.own {
		if known <= r {
			delete(m.own, known)
		}
	}
	return own
}
