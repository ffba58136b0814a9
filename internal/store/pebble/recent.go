package pebble

import (
	"bytes"
	"slices"
	"sort"

	"fastness/internal/store"
)

// maxRecentKeys bounds what recent remembers.
const maxRecentKeys = 1 << 14

// recent remembers which keys were written lately, to find out whether a transaction
// read something that changed since its snapshot.
type recent struct {
	start store.Revision // commits after start are remembered in full
	last  map[string]store.Revision
	order []recentKey // oldest first
}

type recentKey struct {
	key string
	rev store.Revision
}

func (r *recent) add(rev store.Revision, writes []write) {
	if r.last == nil {
		r.last = make(map[string]store.Revision)
	}
	for _, w := range writes {
		k := string(w.key) // a copy: the write's buffer also holds its value
		r.last[k] = rev
		r.order = append(r.order, recentKey{k, rev})
	}
	if len(r.order) < 2*maxRecentKeys {
		return
	}
	drop := len(r.order) - maxRecentKeys
	for _, o := range r.order[:drop] {
		if r.last[o.key] == o.rev {
			delete(r.last, o.key)
		}
	}
	r.start = r.order[drop-1].rev
	r.order = append([]recentKey(nil), r.order[drop:]...)
}

// conflicts reports whether a commit after p's snapshot wrote something p read, or
// whether that can no longer be told.
func (r *recent) conflicts(p *pending) bool {
	if len(p.points) == 0 && len(p.spans) == 0 {
		return false
	}
	if p.rev < r.start {
		return true
	}
	for k := range p.points {
		if r.last[k] > p.rev {
			return true
		}
	}
	if len(p.spans) == 0 {
		return false
	}
	spans := mergeSpans(p.spans)
	for i := len(r.order) - 1; i >= 0 && r.order[i].rev > p.rev; i-- {
		if spansHold(spans, r.order[i].key) {
			return true
		}
	}
	return false
}

// mergeSpans sorts spans by start and joins those that overlap.
func mergeSpans(spans []span) []span {
	if len(spans) == 1 {
		return spans
	}
	sorted := append([]span(nil), spans...)
	slices.SortFunc(sorted, func(a, b span) int { return bytes.Compare(a.start, b.start) })
	out := sorted[:1]
	for _, s := range sorted[1:] {
		top := &out[len(out)-1]
		if top.end == nil {
			break
		}
		if bytes.Compare(s.start, top.end) > 0 {
			out = append(out, s)
		} else if s.end == nil || bytes.Compare(s.end, top.end) > 0 {
			top.end = s.end
		}
	}
	return out
}

// spansHold reports whether one of the merged spans holds key.
func spansHold(spans []span, key string) bool {
	i := sort.Search(len(spans), func(i int) bool { return string(spans[i].start) > key })
	return i > 0 && spans[i-1].holds([]byte(key))
}
