package waf

import (
	"github.com/corazawaf/libinjection-go"

	"fastness/internal/engine/waf/attack"
	"fastness/internal/engine/waf/pattern"
	"fastness/internal/engine/waf/request"
	"fastness/internal/engine/waf/transform"
)

// part is a component of the request that some rule looks at.
type part struct {
	selector *request.Selector
	root     int32 // the node without transformations
}

// node is a component behind a chain of transformations. The nodes of a component are a tree:
// each applies one transformation to the values of its parent, and most transformations leave
// most values as they are. Such a value is not looked at again: it is the same variant.
type node struct {
	part   int32
	parent int32 // -1: a root
	kind   transform.Kind
	want   pattern.Bits // patterns that statements look for here
	// scan is want with that of all nodes below: what a value that is made here is
	// scanned for.
	scan pattern.Bits
	any  bool // scan is not empty
}

// masks fills in what the nodes want, once all patterns are known.
func (c *compiler) masks() {
	p := c.p
	for i := range p.nodes {
		p.nodes[i].want, p.nodes[i].scan = pattern.NewBits(len(c.patterns)), pattern.NewBits(len(c.patterns))
	}
	for i := range p.leaves {
		for _, id := range p.leaves[i].patterns {
			p.nodes[p.leaves[i].node].want.Set(int(id))
		}
	}
	for i := len(p.nodes) - 1; i >= 0; i-- { // children come after their parents
		n := &p.nodes[i]
		n.scan.Or(n.want)
		n.any = n.scan.Any()
		if n.parent >= 0 {
			p.nodes[n.parent].scan.Or(n.scan)
		}
	}
}

// variant is one value of a component in one form.
type variant struct {
	bytes []byte
	value int32 // index of the value that it was made of
	node  int32 // that made it
	got   int32 // offset of its patterns in Scratch.got; notScanned, nothing
	known flags
	holds flags
	// tried is the place that the value was looked at as for attacks, attacks what was found.
	tried   attack.Place
	attacks attack.Set
}

const (
	notScanned int32 = -1
	nothing    int32 = -2
)

// flags are what else can be known of a variant.
type flags uint8

const (
	sqliLow flags = 1 << iota
	sqliHigh
	xss
)

// partState is what is known of a part in this request.
type partState struct {
	epoch   uint32
	outcome request.Outcome
}

// nodeState is what is known of a node in this request.
type nodeState struct {
	epoch  uint32 // values are known
	probed uint32 // patterns are known
	hit    bool   // some wanted pattern matches
	first  int32  // in Scratch.refs
	n      int32
	got    int32 // in Scratch.got, if hit
}

// values makes the values of a node known.
func (s *Scratch) values(id int32) *nodeState {
	st := &s.nodes[id]
	if st.epoch == s.epoch {
		return st
	}
	n := &s.p.nodes[id]
	if n.parent < 0 {
		s.extract(n.part, id)
		return st
	}
	up := s.values(n.parent)
	st.epoch, st.first, st.n = s.epoch, up.first, up.n
	for i := range up.n {
		ref := s.refs[up.first+i]
		from := s.variants[ref].bytes
		start := len(s.arena)
		out, changed := transform.Append(s.arena, n.kind, from)
		if !changed {
			if st.first != up.first {
				s.refs = append(s.refs, ref)
			}
			continue
		}
		s.arena = out
		to := out[start:len(out):len(out)]
		if st.first == up.first {
			// The first one that changed: the list is the node's own from here on.
			st.first = int32(len(s.refs))
			s.refs = append(s.refs, s.refs[up.first:up.first+i]...)
		}
		s.refs = append(s.refs, int32(len(s.variants)))
		s.variants = append(s.variants, variant{bytes: to, value: s.variants[ref].value, node: id, got: notScanned})
	}
	return st
}

// extract takes a component out of the request.
func (s *Scratch) extract(id, root int32) {
	ps := &s.parts[id]
	first := len(s.vals)
	s.vals, ps.outcome = s.p.parts[id].selector.Append(s.vals, &s.inspection)
	ps.epoch = s.epoch
	st := &s.nodes[root]
	st.epoch, st.first, st.n = s.epoch, int32(len(s.refs)), int32(len(s.vals)-first)
	for i := first; i < len(s.vals); i++ {
		s.refs = append(s.refs, int32(len(s.variants)))
		s.variants = append(s.variants, variant{bytes: s.vals[i].Bytes, value: int32(i), node: root, got: notScanned})
	}
}

// probe makes known which patterns match the values of a node.
func (s *Scratch) probe(id int32) *nodeState {
	st := s.values(id)
	if st.probed == s.epoch {
		return st
	}
	st.probed, st.hit = s.epoch, false
	want := s.p.nodes[id].want
	for i := range st.n {
		v := &s.variants[s.refs[st.first+i]]
		if v.got == notScanned {
			s.scan(v)
		}
		if v.got == nothing {
			continue
		}
		got := pattern.Bits(s.got[v.got:][:s.p.words])
		if !got.Intersects(want) {
			continue
		}
		if !st.hit {
			st.hit, st.got = true, int32(len(s.got))
			s.got = s.room(s.p.words)
			got = s.got[v.got:][:s.p.words]
		}
		all := s.got[st.got:][:s.p.words]
		for w := range all {
			all[w] |= got[w] & want[w]
		}
	}
	return st
}

// room appends n zeros to s.got.
func (s *Scratch) room(n int) []uint64 {
	start := len(s.got)
	if cap(s.got)-start < n {
		s.got = append(s.got, make([]uint64, n)...)
		return s.got
	}
	s.got = s.got[:start+n]
	clear(s.got[start:])
	return s.got
}

// scan runs the patterns over a value.
func (s *Scratch) scan(v *variant) {
	n := &s.p.nodes[v.node]
	v.got = nothing
	if !n.any {
		return
	}
	m := s.p.memo
	kept := m != nil && len(v.bytes) >= minMemoValue && len(v.bytes) <= maxMemoValue
	var h uint64
	if kept {
		h = m.hash(v.node, v.bytes)
		if got := m.find(h, v.node, v.bytes); got != nil {
			if len(got) > 0 {
				v.got = int32(len(s.got))
				s.got = append(s.got, got...)
			}
			return
		}
	}
	start := len(s.got)
	s.got = s.room(s.p.words)
	got := pattern.Bits(s.got[start:])
	s.p.set.Match(v.bytes, n.scan, got, s.matcher)
	if got.Any() {
		v.got = int32(start)
	} else {
		got, s.got = nil, s.got[:start]
	}
	if kept {
		m.offer(h, v.node, v.bytes, got)
	}
}

// injected tells whether a value of the node is an injection.
func (s *Scratch) injected(id int32, what flags) bool {
	st := s.values(id)
	for i := range st.n {
		if s.injection(&s.variants[s.refs[st.first+i]], what) {
			return true
		}
	}
	return false
}

func (s *Scratch) injection(v *variant, what flags) bool {
	if v.known&what != 0 {
		return v.holds&what != 0
	}
	v.known |= what
	var holds bool
	switch what {
	case sqliLow, sqliHigh:
		holds, _ = libinjection.IsSQLi(string(v.bytes))
	case xss:
		holds = libinjection.IsXSS(string(v.bytes))
	}
	if holds {
		v.holds |= what
	}
	return holds
}

// sized tells whether the length of a value of the node compares as wanted.
func (s *Scratch) sized(id int32, c Comparison, size int64) bool {
	st := s.values(id)
	for i := range st.n {
		n := int64(len(s.variants[s.refs[st.first+i]].bytes))
		if compare(n, c, size) {
			return true
		}
	}
	return false
}

func compare(n int64, c Comparison, size int64) bool {
	switch c {
	case Equal:
		return n == size
	case NotEqual:
		return n != size
	case LessOrEqual:
		return n <= size
	case Less:
		return n < size
	case GreaterOrEqual:
		return n >= size
	}
	return n > size
}
