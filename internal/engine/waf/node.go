package waf

import (
	"github.com/corazawaf/libinjection-go"
	"hash/maphash"

	"fastness/internal/engine/waf/attack"
	"fastness/internal/engine/waf/pattern"
	"fastness/internal/engine/waf/request"
	"fastness/internal/engine/waf/transform"
)

// part is a component of the request that some rule looks at.
type part struct {
	selector *request.Selector
	root     int32 // the node without transformations
	// scan is what a value of the component is scanned for in whatever form: all that its
	// nodes want. A value that two chains leave the same is then scanned once.
	scan pattern.Bits
	any  bool // scan is not empty
}

// node is a component behind a chain of transformations. The nodes of a component are a tree:
// each applies one transformation to the values of its parent, and most transformations leave
// most values as they are. Such a value is not looked at again: it is the same variant.
type node struct {
	part   int32
	parent int32 // -1: a root
	kind   transform.Kind
	want   pattern.Bits // patterns that statements look for here
}

// masks fills in what the nodes want, once all patterns are known.
func (c *compiler) masks() {
	p := c.p
	for i := range p.nodes {
		p.nodes[i].want = pattern.NewBits(len(c.patterns))
	}
	for i := range p.parts {
		p.parts[i].scan = pattern.NewBits(len(c.patterns))
	}
	for i := range p.leaves {
		for _, id := range p.leaves[i].patterns {
			p.nodes[p.leaves[i].node].want.Set(int(id))
		}
	}
	for i := range p.nodes {
		p.parts[p.nodes[i].part].scan.Or(p.nodes[i].want)
	}
	for i := range p.parts {
		p.parts[i].any = p.parts[i].scan.Any()
	}
}

// variant is one value of a component in one form.
type variant struct {
	bytes []byte
	value int32 // index of the value that it was made of
	other int32 // another variant of the same value, -1: none; the value's own form is the last
	part  int32
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
		to := out[start:len(out):len(out)]
		if st.first == up.first {
			// The first one that changed: the list is the node's own from here on.
			st.first = int32(len(s.refs))
			s.refs = append(s.refs, s.refs[up.first:up.first+i]...)
		}
		s.arena = out[:start]
		v := s.same(s.variants[ref].value, to)
		if v < 0 {
			s.arena = out
			v = s.add(variant{bytes: to, value: s.variants[ref].value, part: n.part})
		}
		s.refs = append(s.refs, v)
	}
	return st
}

// add adds a variant.
func (s *Scratch) add(v variant) int32 {
	id := int32(len(s.variants))
	v.got, v.other = notScanned, s.forms[v.value]
	s.variants = append(s.variants, v)
	s.forms[v.value] = id
	return id
}

// same returns the variant of a value that has these bytes already, or -1.
func (s *Scratch) same(value int32, b []byte) int32 {
	for id := s.forms[value]; id >= 0; id = s.variants[id].other {
		if v := &s.variants[id]; len(v.bytes) == len(b) && string(v.bytes) == string(b) {
			return id
		}
	}
	return -1
}

// extract takes a component out of the request.
func (s *Scratch) extract(id, root int32) {
	ps := &s.parts[id]
	first := len(s.vals)
	s.vals, ps.outcome = s.p.parts[id].selector.Append(s.vals, &s.inspection)
	ps.epoch = s.epoch
	for range s.vals[first:] {
		s.forms = append(s.forms, -1)
	}
	st := &s.nodes[root]
	st.epoch, st.first = s.epoch, int32(len(s.refs))
	if len(s.vals)-first >= manyValues {
		s.distinct(id, first)
	} else {
		for i := first; i < len(s.vals); i++ {
			s.refs = append(s.refs, s.add(variant{bytes: s.vals[i].Bytes, value: int32(i), part: id}))
		}
	}
	st.n = int32(len(s.refs)) - st.first
}

// manyValues is from how many values of a component on equal ones are looked for: JSON
// repeats its keys and words.
const manyValues = 32

// distinct makes variants of the values from first on, one for those that are equal.
func (s *Scratch) distinct(part int32, first int) {
	size := 64
	for size < 2*(len(s.vals)-first) {
		size *= 2
	}
	if cap(s.table) < size {
		s.table = make([]int32, size)
	}
	table := s.table[:size]
	clear(table)
	for i := first; i < len(s.vals); i++ {
		b := s.vals[i].Bytes
		slot := maphash.Bytes(s.seed, b) & uint64(size-1)
		for ; table[slot] != 0; slot = (slot + 1) & uint64(size-1) {
			if string(s.variants[table[slot]-1].bytes) == string(b) {
				break
			}
		}
		if table[slot] == 0 {
			id := s.add(variant{bytes: b, value: int32(i), part: part})
			table[slot] = id + 1
			s.refs = append(s.refs, id)
		}
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
	part := &s.p.parts[v.part]
	v.got = nothing
	if !part.any {
		return
	}
	m := s.p.memo
	kept := m != nil && len(v.bytes) >= minMemoValue && len(v.bytes) <= maxMemoValue
	var h uint64
	if kept {
		h = m.hash(v.part, v.bytes)
		if got := m.find(h, v.part, v.bytes); got != nil {
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
	s.p.set.Match(v.bytes, part.scan, got, s.matcher)
	if got.Any() {
		v.got = int32(start)
	} else {
		got, s.got = nil, s.got[:start]
	}
	if kept {
		m.offer(h, v.part, v.bytes, got)
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
	if v.known&what == 0 {
		v.known |= what
		if s.inject(v.bytes, what) {
			v.holds |= what
		}
	}
	return v.holds&what != 0
}

// inject asks the detectors, or the memo.
func (s *Scratch) inject(b []byte, what flags) bool {
	m := s.p.memo
	kept := m != nil && len(b) >= minMemoValue && len(b) <= maxMemoValue
	var h uint64
	key := -int32(what) // components are not negative
	if kept {
		h = m.hash(key, b)
		if got := m.find(h, key, b); got != nil {
			return len(got) > 0
		}
	}
	var holds bool
	switch what {
	case sqliLow, sqliHigh:
		holds, _ = libinjection.IsSQLi(string(b))
	case xss:
		holds = libinjection.IsXSS(string(b))
	}
	if kept {
		var got pattern.Bits
		if holds {
			got = append(got, 1)
		}
		m.offer(h, key, b, got)
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
