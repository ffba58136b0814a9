package pebble

import (
	"bytes"
	"sync"

	"fastness/internal/store"
)

// maxLatestBytes bounds what latest remembers, keys, values and what it takes to keep them
// included.
const maxLatestBytes = 4 << 20

// latestOverhead is about what an entry of latest takes beside its key and value.
const latestOverhead = 128

// latest remembers the newest version of keys that were written lately. Changes read what
// other changes have just written (a record that is tagged again, an event that waits for
// its number), and to find that in the tree takes a search of every level, in blocks that
// the cache may have given up.
//
// Only transactions ask it. What a View reads may be of any age, and would cost more the
// more there is.
//
// An entry is the newest version of its key from before the commit can be read on, so it
// is what a reader at its revision or a later one has to find. An older reader asks the tree.
type latest struct {
	mu      sync.RWMutex
	entries map[string]latestEntry
	order   []recentKey // oldest first
	bytes   int
}

type latestEntry struct {
	rev     store.Revision
	value   []byte // never changed; shared with the write
	deleted bool
}

// add notes the writes of a group before its revisions can be read.
func (l *latest) add(commits []*commit) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.entries == nil {
		l.entries = make(map[string]latestEntry)
	}
	for _, c := range commits {
		for _, w := range c.writes {
			k := string(w.key)
			if before, ok := l.entries[k]; ok {
				l.bytes -= len(before.value)
			} else {
				l.bytes += len(k) + latestOverhead
			}
			l.bytes += len(w.value)
			l.entries[k] = latestEntry{rev: c.rev, value: w.value, deleted: w.deleted}
			l.order = append(l.order, recentKey{k, c.rev})
		}
	}
	drop := 0
	for ; drop < len(l.order) && (l.bytes > maxLatestBytes || len(l.order)-drop > maxRecentKeys); drop++ {
		o := l.order[drop]
		if e := l.entries[o.key]; e.rev == o.rev { // else it was written again since
			l.bytes -= len(o.key) + len(e.value) + latestOverhead
			delete(l.entries, o.key)
		}
		l.order[drop] = recentKey{} // the array behind the slice lives on for a while
	}
	l.order = l.order[drop:]
}

// get returns a copy of the version that a reader at rev sees. known is false when only the
// tree can tell.
func (l *latest) get(key []byte, rev store.Revision) (item store.Item, live, known bool) {
	l.mu.RLock()
	e, ok := l.entries[string(key)]
	l.mu.RUnlock()
	if !ok || e.rev > rev {
		return store.Item{}, false, false
	}
	if e.deleted {
		return store.Item{}, false, true
	}
	return store.Item{Key: bytes.Clone(key), Value: append([]byte{}, e.value...), Revision: e.rev}, true, true
}
