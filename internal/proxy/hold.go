package proxy

import (
	"cmp"
	"sync"
	"sync/atomic"
	"time"
)

// A body is held until it is judged, as far as the web ACL looks: customers' rules at what AWS shows them
// (Attributes.InspectedBody), the managed groups and the Core Rule Set at as much as the operator allows
// (Options.HeldBody). The first 64 KiB have memory of their own in each flow. What is longer gets it step by step, as it comes, from
// pools by size, and all of that together is bounded (Options.HeldMemory): a body that gets no more is judged as one that is too long.

const (
	// heldBody is how much of a body is held in the memory that each request has.
	heldBody = 64 << 10
	// DefaultHeldBody is Options.HeldBody, and the most that it may be: what a request may cost (waf.DefaultSteps) is for that much.
	DefaultHeldBody = 1 << 20
	// DefaultHeldMemory is Options.HeldMemory.
	DefaultHeldMemory = 256 << 20
	// pauseHeld is how long a body whose length nobody has told may pause between 64 KiB and its end: whoever sends it may wait
	// for the answer to what has come. A longer pause ends what is held.
	pauseHeld = 2 * time.Second
)

// heldSizes are the sizes of the memory for long bodies, with one byte more, which tells whether a body goes on.
var heldSizes = [...]int{128<<10 + 1, 256<<10 + 1, 512<<10 + 1, DefaultHeldBody + 1}

// holds is the memory for long bodies.
type holds struct {
	most  int   // bytes of a body
	limit int64 // bytes of all
	taken atomic.Int64
	short atomic.Uint64 // bodies that got less than they wanted
	pools [len(heldSizes)]sync.Pool
}

// held is memory from holds.
type held struct {
	size  int // index in heldSizes
	bytes []byte
}

// set takes the limits over, with their defaults.
func (h *holds) set(most int, limit int64) {
	h.most = min(max(cmp.Or(most, DefaultHeldBody), heldBody), DefaultHeldBody)
	h.limit = cmp.Or(limit, DefaultHeldMemory)
}

// get gives memory for n bytes at least, or nil when there is none left.
func (h *holds) get(n int) *held {
	size := 0
	for heldSizes[size] < n {
		size++
	}
	if h.taken.Add(int64(heldSizes[size])) > h.limit {
		h.taken.Add(-int64(heldSizes[size]))
		h.short.Add(1)
		return nil
	}
	m, _ := h.pools[size].Get().(*held)
	if m == nil {
		m = &held{size, make([]byte, heldSizes[size])}
	}
	return m
}

// put takes memory back of which used bytes were used.
func (h *holds) put(m *held, used int) {
	clear(m.bytes[:used])
	h.taken.Add(-int64(heldSizes[m.size]))
	h.pools[m.size].Put(m)
}

// holding is how much of the body is held: at first, and at most.
func (f *flow) holding() (first, most int) {
	limit := f.balancer.attributes.InspectedBody
	first = max(limit, heldBody)
	i, ok := f.balancer.inspector.(interface{ LooksAtHeld() bool })
	switch {
	case !ok:
		return first, first
	case !i.LooksAtHeld():
		return limit, limit
	}
	return first, max(first, f.p.holds.most)
}

// more gives f.body room for more than is there, up to most bytes and one, and tells whether it did.
func (f *flow) more(most int) bool {
	want := len(f.body) // the next size
	if n := f.x.Head().Length; n > int64(want) {
		want = int(min(n, int64(most))) // it said so, and some of it has come
	}
	m := f.p.holds.get(min(want, most) + 1)
	if m == nil {
		return false
	}
	body := append(m.bytes[:0], f.body...)
	f.giveBack()
	f.held, f.body = m, body
	return true
}

// giveBack gives the memory of a long body back.
func (f *flow) giveBack() {
	if f.held != nil {
		f.p.holds.put(f.held, len(f.body))
		f.held = nil
	}
}

// letGo gives the memory of a long body back before the answer has ended, if nothing of the verdict refers to it. What is
// recorded of the request is in its beginning.
func (f *flow) letGo() {
	if f.held == nil || !f.verdict.Detached {
		return
	}
	beginning := append(f.prefix[:0], f.body[:heldBody]...)
	f.giveBack()
	f.body = beginning
	f.seen.Body, f.seen.Held, f.seen.HeldTruncated = beginning[:len(f.seen.Body)], beginning, true
}
