package waf

import (
	"slices"

	"fastness/internal/engine/waf/attack"
	"fastness/internal/engine/waf/inplace"
	"fastness/internal/engine/waf/pattern"
	"fastness/internal/engine/waf/request"
	"fastness/internal/engine/waf/transform"
)

// part is a component of the request that some rule looks at.
type part struct {
	selector *request.Selector
	root     int32 // the node without transformations
	// scan is what a value of the component is scanned for in whatever form: all that its
	// nodes want. A form that two chains lead to is then scanned once.
	scan pattern.Bits
	// aspects are what can be asked about a value of the component; the memo keeps the answers
	// to the first maxAspects.
	aspects []aspect
	// attacks tells that all that rules ask of the component is whether it is an attack. Values that are none
	// at a glance are then left out.
	attacks bool
}

// aspect is a question about each value of a component: which patterns match it at a node,
// whether it is an injection, or of which families of attacks it is.
type aspect struct {
	node  int32
	what  flags        // injection
	place attack.Place // attacks; neither: patterns
}

// maxAspects is how many aspects of a component are remembered: a set of them is a word.
const maxAspects = 64

// node is a component behind a chain of transformations. The nodes of a component are a tree:
// each applies one transformation to the forms that its parent has, and most transformations
// leave most values as they are.
type node struct {
	part   int32
	parent int32 // -1: a root
	kind   transform.Kind
	want   pattern.Bits // patterns that statements look for here
	aspect uint8        // of patterns, in the part; noAspect
}

const noAspect = 0xff

// aspect returns the number of an aspect of the node's component, noAspect if it is not
// remembered.
func (c *compiler) aspect(a aspect) uint8 {
	p := &c.p.parts[c.p.nodes[a.node].part]
	if i := slices.Index(p.aspects, a); i >= 0 {
		return uint8(i)
	}
	if len(p.aspects) == maxAspects {
		return noAspect
	}
	p.aspects = append(p.aspects, a)
	return uint8(len(p.aspects) - 1)
}

// masks fills in what the nodes want, once all patterns are known.
func (c *compiler) masks() {
	p := c.p
	for i := range p.nodes {
		p.nodes[i].want, p.nodes[i].aspect = pattern.NewBits(len(c.patterns)), noAspect
	}
	for i := range p.parts {
		p.parts[i].scan, p.parts[i].attacks = pattern.NewBits(len(c.patterns)), p.attacks != nil
	}
	for i := range p.leaves {
		l := &p.leaves[i]
		if l.node >= 0 && l.kind <= sizeLeaf && l.kind != attackLeaf {
			p.parts[p.nodes[l.node].part].attacks = false
		}
		for _, id := range l.patterns {
			p.nodes[l.node].want.Set(int(id))
		}
		switch l.kind {
		case patternLeaf:
			p.nodes[l.node].aspect = c.aspect(aspect{node: l.node})
		case sqliLeaf, xssLeaf:
			l.aspect = c.aspect(aspect{node: l.node, what: l.injection()})
		case attackLeaf:
			l.aspect = c.aspect(aspect{node: l.node, place: l.place})
		}
	}
	for _, r := range p.rules {
		if r.rate == nil {
			continue
		}
		for _, k := range r.rate.keys {
			if k.node >= 0 {
				p.parts[p.nodes[k.node].part].attacks = false
			}
		}
	}
	for i := range p.nodes {
		p.parts[p.nodes[i].part].scan.Or(p.nodes[i].want)
	}
}

// partState is what is known of a part in this request.
type partState struct {
	epoch   uint32
	outcome request.Outcome
	first   int32 // in Scratch.values
	n       int32
}

// value is one distinct value of a component.
type value struct {
	source int32 // in Scratch.vals: the first one with these bytes
	forms  int32 // its newest form, in Scratch.forms
	// kept is what the memo knows, nil: nothing. known are the aspects that it is about, asked
	// those that were found out for this request.
	kept  *memoEntry
	known uint64
	asked uint64
	hash  uint64
	memo  bool // the value can be remembered
}

// form is what chains of transformations make of a value.
type form struct {
	bytes []byte
	other int32 // another form of the same value, -1: none
	part  int32
	got   int32 // offset of its patterns in Scratch.got; notScanned, nothing
	known flags
	holds flags
	// partial: there were no steps left to look for all patterns.
	partial bool
	// tried is the place that the form was looked at as for attacks, attacks what was found.
	tried   attack.Place
	attacks attack.Set
}

const (
	notScanned int32 = -1
	nothing    int32 = -2
	notMade    int32 = -1 // of Scratch.refs
)

// flags are what else can be known of a form.
type flags uint8

const (
	sqliLow flags = 1 << iota
	sqliHigh
	xss
)

// nodeState is what is known of a node in this request.
type nodeState struct {
	epoch  uint32 // first is valid
	probed uint32 // hit and got are
	judged uint32 // place and attacks are
	first  int32  // in Scratch.refs, one for each value of the part: the index of its form
	hit    bool   // some wanted pattern matches
	// partial: others may match, but there were no steps left to look.
	partial bool
	got     int32 // in Scratch.got, if hit
	// place is one that all values were looked at as for attacks, attacks what was found.
	place   attack.Place
	attacks attack.Set
}

// part takes a component out of the request.
func (s *Scratch) part(id int32) *partState {
	ps := &s.parts[id]
	if ps.epoch == s.epoch {
		return ps
	}
	p := &s.p.parts[id]
	from := len(s.vals)
	if p.attacks && s.trace == nil {
		s.vals, ps.outcome = p.selector.AppendUnless(s.vals, &s.inspection)
	} else {
		s.vals, ps.outcome = p.selector.Append(s.vals, &s.inspection)
	}
	memo := s.p.memo
	if n := valueSteps * (len(s.vals) - from); s.matcher.Afford(n) {
		s.matcher.Spend(n)
	} else {
		memo = nil
		s.exhaust()
	}
	ps.epoch, ps.first = s.epoch, int32(len(s.values))
	if len(s.vals)-from >= manyValues {
		s.distinct(from)
	} else {
		for i := from; i < len(s.vals); i++ {
			s.addValue(i)
		}
	}
	ps.n = int32(len(s.values)) - ps.first
	st := &s.nodes[p.root]
	st.epoch, st.first = s.epoch, int32(len(s.refs))
	for i := range ps.n {
		v := &s.values[ps.first+i]
		b := s.vals[v.source].Bytes
		s.refs = append(s.refs, s.addForm(v, id, b))
		if memo != nil && len(b) <= maxMemoValue && len(p.aspects) > 0 {
			v.memo, v.hash = true, memo.hash(id, b)
			if v.kept = memo.find(v.hash, id, b); v.kept != nil {
				v.known = v.kept.known
			}
		}
	}
	return ps
}

// What it takes to take a request apart, in steps of package pattern: for each byte of the body, of what is held of a document of JSON beyond
// that, and for each value, with its look into the memo.
const (
	bodySteps     = 2
	documentSteps = 1
	valueSteps    = 60
)

// longGlance is up to how many bytes a value is looked at before the memo is asked about it.
const longGlance = 256

// isClear tells of most values that they are no attacks. That costs less than to look them up in the memo.
func (s *Scratch) isClear(value []byte) bool {
	return len(value) <= longGlance && s.p.attacks.Clear(value, s.attack)
}

// sift has the inspection leave out what is no attack at a glance.
func (s *Scratch) sift() {
	if s.sieve == nil {
		s.sieve = &request.Sieve{Clear: s.isClear, Memory: s.matcher, MinCode: attack.MinCode, Longest: longGlance, Code: s.attack.IsCode}
	}
	s.sieve.Screen = s.p.attacks.Screen()
	s.inspection.Sift(s.sieve)
}

// addValue adds the value that is the one of a number in vals.
func (s *Scratch) addValue(source int) {
	s.values = inplace.Longer(s.values)
	v := &s.values[len(s.values)-1]
	v.source, v.forms, v.kept, v.known, v.asked, v.hash, v.memo = int32(source), -1, nil, 0, 0, 0, false
}

// addForm adds a form of a value.
func (s *Scratch) addForm(v *value, part int32, b []byte) int32 {
	id := int32(len(s.forms))
	s.forms = inplace.Longer(s.forms)
	f := &s.forms[id]
	f.bytes, f.other, f.part, f.got, f.known, f.holds, f.partial, f.tried, f.attacks = b, v.forms, part, notScanned, 0, 0, false, 0, 0
	v.forms = id
	return id
}

// manyValues is from how many values of a component on equal ones are looked for: JSON
// repeats its keys and words.
const manyValues = 32

// distinct adds the values from one on, those that are equal once.
func (s *Scratch) distinct(from int) {
	size := 64
	for size < 2*(len(s.vals)-from) {
		size *= 2
	}
	if cap(s.table) < size {
		s.table = make([]int32, size)
	}
	table := s.table[:size]
	clear(table)
	for i := from; i < len(s.vals); i++ {
		b := s.vals[i].Bytes
		slot := s.hash(b) & uint64(size-1)
		for ; table[slot] != 0; slot = (slot + 1) & uint64(size-1) {
			if string(s.vals[table[slot]-1].Bytes) == string(b) {
				break
			}
		}
		if table[slot] == 0 {
			table[slot] = int32(i) + 1
			s.addValue(i)
		}
	}
}

// form returns the form that a node has of its part's value i.
func (s *Scratch) form(id, i int32) int32 {
	n := &s.p.nodes[id]
	st := &s.nodes[id]
	if st.epoch != s.epoch {
		ps := s.part(n.part)
		if n.parent >= 0 {
			st.epoch, st.first = s.epoch, int32(len(s.refs))
			for range ps.n {
				s.refs = append(s.refs, notMade)
			}
		}
	}
	ref := s.refs[st.first+i]
	if ref != notMade {
		return ref
	}
	ref = s.form(n.parent, i)
	start := len(s.arena)
	s.matcher.Spend(len(s.forms[ref].bytes) / 2)
	if out, changed := transform.Append(s.arena, n.kind, s.forms[ref].bytes); changed {
		made := out[start:len(out):len(out)]
		v := &s.values[s.parts[n.part].first+i]
		s.arena = out[:start]
		if ref = s.same(v, made); ref == notMade {
			s.arena = out
			ref = s.addForm(v, n.part, made)
		}
	}
	s.refs[st.first+i] = ref
	return ref
}

// same returns the form of a value that has these bytes already, or notMade.
func (s *Scratch) same(v *value, b []byte) int32 {
	for id := v.forms; id >= 0; id = s.forms[id].other {
		if f := &s.forms[id]; len(f.bytes) == len(b) && string(f.bytes) == string(b) {
			return id
		}
	}
	return notMade
}

// probe makes known which patterns match the values of a node.
func (s *Scratch) probe(id int32) *nodeState {
	st := &s.nodes[id]
	if st.probed == s.epoch {
		return st
	}
	n := &s.p.nodes[id]
	ps := s.part(n.part)
	st.probed, st.hit, st.partial = s.epoch, false, false
	bit := aspectBit(n.aspect)
	for i := range ps.n {
		v := &s.values[ps.first+i]
		if v.known&bit != 0 {
			for _, h := range v.kept.hits {
				if h.aspect == n.aspect {
					s.hit(st)[h.what>>6] |= 1 << (h.what & 63)
				}
			}
			continue
		}
		v.asked |= bit
		f := &s.forms[s.form(id, i)]
		if f.got == notScanned {
			s.scan(f)
		}
		st.partial = st.partial || f.partial
		if f.got == nothing {
			continue
		}
		if got := s.got[f.got:][:s.p.words]; pattern.Bits(got).Intersects(n.want) {
			all := s.hit(st)
			got = s.got[f.got:][:s.p.words] // it may have moved
			for w := range all {
				all[w] |= got[w] & n.want[w]
			}
		}
	}
	return st
}

// hit returns the patterns that match at a node.
func (s *Scratch) hit(st *nodeState) []uint64 {
	if !st.hit {
		st.hit, st.got = true, int32(len(s.got))
		s.got = s.room(s.p.words)
	}
	return s.got[st.got:][:s.p.words]
}

// room appends n zeros to s.got.
func (s *Scratch) room(n int) []uint64 {
	start := len(s.got)
	if cap(s.got)-start < n {
		return append(s.got, make([]uint64, n)...)
	}
	s.got = s.got[:start+n]
	clear(s.got[start:])
	return s.got
}

// scan runs the patterns over a form.
func (s *Scratch) scan(f *form) {
	start := len(s.got)
	s.got = s.room(s.p.words)
	got := pattern.Bits(s.got[start:])
	s.p.set.Match(f.bytes, s.p.parts[f.part].scan, got, s.matcher)
	if s.matcher.Exhausted() {
		f.partial = true
		s.exhaust()
	}
	if f.got = int32(start); !got.Any() {
		f.got, s.got = nothing, s.got[:start]
	}
}

// sized tells whether the length of a value at the node compares as wanted.
func (s *Scratch) sized(id int32, c Comparison, size int64) bool {
	for i := range s.part(s.p.nodes[id].part).n {
		if compare(int64(len(s.forms[s.form(id, i)].bytes)), c, size) {
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
