package waf

import (
	"encoding/binary"
	"hash/maphash"
	"sync/atomic"
	"unsafe"

	"fastness/internal/engine/waf/pattern"
	"fastness/internal/engine/waf/request"
)

// Clients send the same requests again and again: they poll, load the same pictures, check whether a server is alive. For a request
// that came before, byte for byte, the rules of the ACL that came to nothing then come to nothing again, as far as nothing but the
// request decides them: not those that count requests, or that have an observer. Which ones these are is remembered, and they are not
// run.

// Bounds of what is remembered.
const (
	// maxRepeat is the longest request that is remembered, in bytes.
	maxRepeat = 16 << 10
	// repeatShare is the part of the memo's bytes that there are for requests, beside those for values.
	repeatShare    = 4
	repeatWays     = 4
	repeatOverhead = 128
)

// repeats remembers requests under their exact bytes. It is a table of sets of four entries, each of which is immutable and replaced
// as a whole: reading takes no lock and allocates nothing. Only what comes a second time is kept.
type repeats struct {
	seed   maphash.Seed
	static pattern.Bits // rules of the ACL that nothing but the request decides
	limit  int64
	bytes  atomic.Int64
	mask   uint64
	tags   []atomic.Uint32
	slots  []atomic.Pointer[repeated]
	seen   []atomic.Uint32 // parts of the hashes of requests that came once
}

// repeated is a request that came before.
type repeated struct {
	used    atomic.Bool // since it was last passed over
	request string
	nothing pattern.Bits // rules that came to nothing
}

func (r *repeated) size() int64 {
	return int64(len(r.request) + 8*len(r.nothing) + repeatOverhead)
}

// newRepeats returns a memory of at most limit bytes for a program, nil if none of its rules is decided by the request alone.
func newRepeats(p *Program, limit int) *repeats {
	static := pattern.NewBits(len(p.top.rules))
	for i, r := range p.top.rules {
		if p.decidedByRequest(r) {
			static.Set(i)
		}
	}
	sets := uint64(1)
	for int64(sets)*repeatWays*2*1024 <= int64(limit) {
		sets *= 2
	}
	places := int64(sets * repeatWays)
	fixed := places * int64(unsafe.Sizeof(atomic.Pointer[repeated]{})+2*unsafe.Sizeof(atomic.Uint32{}))
	if !static.Any() || fixed >= int64(limit) {
		return nil
	}
	return &repeats{
		seed: maphash.MakeSeed(), static: static, limit: int64(limit) - fixed, mask: sets - 1,
		tags: make([]atomic.Uint32, places), slots: make([]atomic.Pointer[repeated], places), seen: make([]atomic.Uint32, places),
	}
}

// decidedByRequest tells whether nothing decides what comes of a rule but the bytes of the request, the connection, and the labels
// that it has before.
func (p *Program) decidedByRequest(r *rule) bool {
	if r.rate != nil || r.observed != nil || r.expr >= 0 && !p.asksOfRequest(r.expr) {
		return false
	}
	if r.group != nil {
		for _, inner := range r.group.rules {
			if !p.decidedByRequest(inner) {
				return false
			}
		}
	}
	return true
}

// asksOfRequest tells whether a statement asks for nothing but the request, the connection and labels.
func (p *Program) asksOfRequest(id int32) bool {
	e := &p.exprs[id]
	if e.op == isLeaf {
		l := &p.leaves[e.leaf]
		return l.kind != signalLeaf && (l.kind != secLangLeaf || !p.programs[l.program].UsesID())
	}
	for _, k := range e.kids {
		if !p.asksOfRequest(k) {
			return false
		}
	}
	return true
}

// find returns what is remembered of a request, nil for nothing.
func (m *repeats) find(h uint64, request []byte) *repeated {
	first := (h & m.mask) * repeatWays
	tags := m.tags[first:][:repeatWays]
	for i := range tags {
		if tags[i].Load() != tag(h) {
			continue
		}
		if r := m.slots[first+uint64(i)].Load(); r != nil && r.request == string(request) {
			if !r.used.Load() {
				r.used.Store(true)
			}
			return r
		}
	}
	return nil
}

// again tells whether a request came before, as far as is known.
func (m *repeats) again(h uint64) bool {
	s := &m.seen[(h>>8)%uint64(len(m.seen))]
	if s.Load() == tag(h) {
		return true
	}
	s.Store(tag(h))
	return false
}

// keep remembers a request in a place that is empty, or whose request did not come again since a place was last asked for.
func (m *repeats) keep(h uint64, r *repeated) {
	first := (h & m.mask) * repeatWays
	place := int64(-1)
	for i := range uint64(repeatWays) {
		old := m.slots[first+i].Load()
		if old == nil || !old.used.Swap(false) {
			place = int64(first + i)
			if old == nil {
				break
			}
		}
	}
	if place < 0 {
		return
	}
	slot := &m.slots[place]
	change, old := r.size(), slot.Load()
	if old != nil {
		change -= old.size()
	}
	// The bytes are taken before the entry is stored, so that goroutines that store at once do not exceed the limit together.
	if m.bytes.Add(change) > m.limit || !slot.CompareAndSwap(old, r) {
		m.bytes.Add(-change)
		return
	}
	m.tags[place].Store(tag(h))
}

// appendRequest appends all that rules may ask of a request and its connection, so that no two requests look alike.
func appendRequest(dst []byte, r *request.Request) []byte {
	text := func(s string) {
		dst = binary.AppendUvarint(dst, uint64(len(s)))
		dst = append(dst, s...)
	}
	text(r.Method)
	text(r.Target)
	text(r.Host)
	text(r.Scheme)
	text(r.Proto)
	text(r.JA3)
	text(r.JA4)
	remote := r.Remote.As16()
	dst = append(dst, remote[:]...)
	var flags byte
	if r.Remote.Is4() {
		flags |= 1
	}
	if r.Held != nil {
		flags |= 2
	}
	if r.BodyUnseen {
		flags |= 4
	}
	dst = append(dst, flags)
	text(r.Remote.Zone())
	dst = binary.AppendUvarint(dst, uint64(len(r.Fields)))
	for i := range r.Fields {
		text(r.Fields[i].Name)
		text(r.Fields[i].Value)
	}
	if r.Held != nil { // Body is a prefix of it
		dst = binary.AppendUvarint(dst, uint64(len(r.Body)))
		return append(dst, r.Held...)
	}
	return append(dst, r.Body...)
}

// repeat is what a scratch knows of whether its request came before.
type repeat struct {
	request []byte
	hash    uint64
	nothing pattern.Bits // rules that came to nothing, if the request is to be remembered
}

// lookBack finds out whether the request came before: then it returns what is known of it. Otherwise record tells whether it is to be
// remembered.
func (s *Scratch) lookBack() (known *repeated, record bool) {
	m, r := s.p.repeats, s.inspection.Request()
	if m == nil || r.BodyTruncated || r.HeldTruncated || !r.Remote.IsValid() || len(r.Body) > maxRepeat || len(r.Held) > maxRepeat {
		return nil, false
	}
	b := appendRequest(s.repeat.request[:0], r)
	s.repeat.request = b
	if len(b) > maxRepeat {
		if cap(b) > 4*maxRepeat {
			s.repeat.request = nil
		}
		return nil, false
	}
	s.repeat.hash = maphash.Bytes(m.seed, b)
	if known = m.find(s.repeat.hash, b); known != nil {
		return known, false
	}
	return nil, m.again(s.repeat.hash)
}

// again runs the rules of the ACL for a request that came before, but for those that come to nothing. They came to nothing for a
// request without labels, so that from the first label on all are run.
func (s *Scratch) again(known *repeated) bool {
	rules := s.p.top.rules
	for i, r := range rules {
		if len(s.labelOrder) == 0 && known.nothing.Has(i) {
			continue
		}
		if s.rule(r) {
			return true
		}
	}
	return false
}

// record runs the rules of the ACL one by one and remembers those that came to nothing.
func (s *Scratch) record() bool {
	m, v := s.p.repeats, &s.verdict
	if len(s.repeat.nothing) != len(m.static) {
		s.repeat.nothing = make(pattern.Bits, len(m.static))
	}
	nothing := s.repeat.nothing
	nothing.Reset()
	ended := false
	for i, r := range s.p.top.rules {
		matches, inserts, rates, answered, asked := len(v.Matches), len(v.Insert), len(v.Rates), len(v.Answered), v.TokenAsked
		if ended = s.rule(r); ended {
			break
		}
		if m.static.Has(i) && len(s.labelOrder) == 0 && !v.Exhausted && v.TokenAsked == asked && len(v.Matches) == matches && len(v.Insert) == inserts &&
			len(v.Rates) == rates && len(v.Answered) == answered {
			nothing.Set(i)
		}
	}
	// What is too large is told of parts that rules looked at.
	if nothing.Any() && !v.Exhausted && v.Oversize() == (Oversize{}) {
		m.keep(s.repeat.hash, &repeated{request: string(s.repeat.request), nothing: append(pattern.Bits(nil), nothing...)})
	}
	return ended
}

// rules runs the rules of the ACL and tells whether one ended the evaluation.
func (s *Scratch) rules() bool {
	if s.trace == nil {
		known, record := s.lookBack()
		switch {
		case known != nil:
			return s.again(known)
		case record:
			return s.record()
		}
	}
	return s.sequence(&s.p.top)
}
