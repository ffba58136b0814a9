package pebble

import (
	"sync"

	"fastness/internal/store"
)

// Bounds of what the feed keeps in memory for watchers that are nearly up to date.
// Watchers further behind read the change log.
const (
	feedCommits = 1024
	feedBytes   = 2 << 20
)

// feed keeps the latest durable commits and tells watchers of new ones. Watchers pull:
// a slow one costs nothing but its own memory.
type feed struct {
	mu      sync.Mutex
	commits []*commit // consecutive revisions, oldest first
	bytes   int
	last    store.Revision
	wake    chan struct{} // closed and replaced when last grows
}

func (f *feed) init() { f.wake = make(chan struct{}) }

func (f *feed) start(last store.Revision) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last = last
}

// told is the last revision that watchers may be told of.
func (f *feed) told() store.Revision {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.last
}

// changed returns a channel that is closed at the next commit.
func (f *feed) changed() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.wake
}

// append adds commits that readers see already.
func (f *feed) append(commits []*commit) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range commits {
		f.commits = append(f.commits, c)
		f.bytes += c.size
		f.last = c.rev
	}
	drop := 0
	for len(f.commits)-drop > feedCommits || f.bytes > feedBytes && len(f.commits)-drop > 1 {
		f.bytes -= f.commits[drop].size
		f.commits[drop] = nil // the array behind the slice lives on for a while
		drop++
	}
	f.commits = f.commits[drop:]
	close(f.wake)
	f.wake = make(chan struct{})
}

// after returns the commits that follow rev. ok is false when the feed no longer
// keeps all of them; wake is closed at the next commit.
func (f *feed) after(rev store.Revision) (commits []*commit, wake <-chan struct{}, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if rev >= f.last {
		return nil, f.wake, true
	}
	missing := f.last - rev
	if missing > store.Revision(len(f.commits)) {
		return nil, f.wake, false
	}
	return f.commits[len(f.commits)-int(missing):], f.wake, true
}
