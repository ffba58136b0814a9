package seclang

import (
	"cmp"
	"slices"

	"fastness/internal/engine/waf/pattern"
	"fastness/internal/engine/waf/transform"
)

// class is a kind of values that the same conditions look at: those of a source, or those of
// one name of a source.
type class struct {
	nodes []node
	// scan are the patterns that any node looks for.
	scan pattern.Bits
	// needs are the marks without which no value is changed by any chain.
	needs transform.Marks
	// odd are the nodes that have something to ask where no pattern matches.
	odd []int32
	// narrowed: some of its conditions are.
	narrowed bool
	// screened: the program's screen tells of many values that no condition holds for them.
	screened bool
}

// node is a chain of transformations. The nodes of a class are a tree: the parent stands before
// its children.
type node struct {
	parent   int32
	kind     transform.Kind
	needs    transform.Marks
	want     pattern.Bits  // with the patterns that must be absent
	patterns []patternLink // in their order
	absent   []patternLink // conditions that hold where a pattern does not match
	tests    []testLink
}

type patternLink struct{ pattern, link int32 }

type testLink struct {
	link int32
	op   *operator
}

// classes sorts the static conditions of all rules by what they look at.
func (c *compiler) classes() {
	p := c.p
	named := make([]map[string]bool, sources)
	note := func(src source, sel *selection) {
		if sel != nil && sel.pattern == nil {
			if named[src] == nil {
				named[src] = map[string]bool{}
			}
			named[src][sel.key] = true
		}
	}
	for _, l := range p.links {
		for i := range l.targets {
			t := &l.targets[i]
			for _, src := range t.sources {
				note(src, t.only)
				for k := range t.except {
					note(src, &t.except[k])
				}
			}
		}
	}
	for src := range sources {
		p.class[src] = c.newClass()
		for key := range named[src] {
			if p.named[src] == nil {
				p.named[src] = map[string]int32{}
			}
			p.named[src][key] = c.newClass()
		}
	}
	for _, l := range p.links {
		for i := range l.targets {
			t := &l.targets[i]
			if t.count || t.variable.kind != ofRequest {
				continue
			}
			for _, src := range t.sources {
				if t.only != nil && t.only.pattern == nil {
					c.look(p.named[src][t.only.key], l)
					continue
				}
				c.look(p.class[src], l)
				for key, id := range p.named[src] {
					if t.wants([]byte(key)) {
						c.look(id, l)
					}
				}
			}
		}
	}
}

func (c *compiler) newClass() int32 {
	c.p.classes = append(c.p.classes, class{nodes: []node{{parent: -1}}})
	return int32(len(c.p.classes) - 1)
}

// look has the values of a class looked at by a condition.
func (c *compiler) look(id int32, l *link) {
	cl := &c.p.classes[id]
	at := int32(0)
	if l.multi {
		cl.nodes[0].add(l)
	}
	for _, kind := range l.chain {
		next := int32(slices.IndexFunc(cl.nodes, func(n node) bool { return n.parent == at && n.kind == kind }))
		if next < 0 {
			next = int32(len(cl.nodes))
			cl.nodes = append(cl.nodes, node{parent: at, kind: kind})
		}
		at = next
		if l.multi {
			cl.nodes[at].add(l)
		}
	}
	if !l.multi {
		cl.nodes[at].add(l)
	}
}

// add adds a condition to a node, once.
func (n *node) add(l *link) {
	switch {
	case l.op.kind != byPattern:
		if !slices.ContainsFunc(n.tests, func(t testLink) bool { return t.link == l.id }) {
			n.tests = append(n.tests, testLink{l.id, &l.op})
		}
	case l.op.negate:
		if x := (patternLink{l.op.pattern, l.id}); !slices.Contains(n.absent, x) {
			n.absent = append(n.absent, x)
		}
	default:
		if x := (patternLink{l.op.pattern, l.id}); !slices.Contains(n.patterns, x) {
			n.patterns = append(n.patterns, x)
		}
	}
}

// masks fills in the patterns of nodes and classes, once all are known.
func (p *Program) masks() {
	n := p.set.Len()
	for i := range p.classes {
		c := &p.classes[i]
		c.scan = pattern.NewBits(n)
		for k := range c.nodes {
			d := &c.nodes[k]
			d.want = pattern.NewBits(n)
			slices.SortFunc(d.patterns, func(a, b patternLink) int {
				return cmp.Or(cmp.Compare(a.pattern, b.pattern), cmp.Compare(a.link, b.link))
			})
			for _, x := range d.patterns {
				d.want.Set(int(x.pattern))
				c.scan.Set(int(x.pattern))
			}
			for _, x := range d.absent {
				d.want.Set(int(x.pattern))
				c.scan.Set(int(x.pattern))
			}
			if d.parent >= 0 {
				d.needs = d.kind.Needs()
				c.needs |= d.needs
			}
			if len(d.absent)+len(d.tests) > 0 {
				c.odd = append(c.odd, int32(k))
			}
		}
	}
	p.words = len(pattern.NewBits(n))
}

// nodeSteps is what a node costs a value beside matching it, in steps.
const nodeSteps = 40

// inspect appends the conditions that hold for a value of a class.
func (s *Scratch) inspect(hits []int32, c *class, value []byte) []int32 {
	if len(c.nodes) == 1 && len(c.nodes[0].patterns)+len(c.nodes[0].absent)+len(c.nodes[0].tests) == 0 {
		return hits
	}
	if s.matcher.Left() == 0 {
		s.exhausted = true
		return hits
	}
	s.matcher.Spend(nodeSteps * len(c.nodes))
	from := len(hits)
	mark := len(s.arena)
	s.makeForms(c, value)
	words := s.p.words
	s.got = zeros(s.got, len(s.forms)*words)
	any := false
	if len(s.forms) == 1 {
		s.p.set.Match(value, c.scan, pattern.Bits(s.got), s.matcher)
		any = pattern.Bits(s.got).Any()
	} else {
		// Each form is looked at for what the chains that lead to it look for.
		s.wanted = zeros(s.wanted, len(s.got))
		for i := range c.nodes {
			pattern.Bits(s.wanted[int(s.formOf[i])*words:][:words]).Or(c.nodes[i].want)
		}
		for i := range s.forms {
			want, got := pattern.Bits(s.wanted[i*words:][:words]), pattern.Bits(s.got[i*words:][:words])
			if want.Any() {
				s.p.set.Match(s.forms[i].bytes, want, got, s.matcher)
				any = any || got.Any()
			}
		}
	}
	if any {
		for i := range c.nodes {
			n := &c.nodes[i]
			if len(n.patterns) == 0 {
				continue
			}
			got := s.got[int(s.formOf[i])*words:][:words]
			if !pattern.Bits(got).Intersects(n.want) {
				continue
			}
			for _, x := range n.patterns {
				if got[x.pattern>>6]&(1<<(x.pattern&63)) != 0 {
					hits = append(hits, x.link)
				}
			}
		}
	}
	for _, i := range c.odd {
		n := &c.nodes[i]
		got := s.got[int(s.formOf[i])*words:][:words]
		for _, x := range n.absent {
			if got[x.pattern>>6]&(1<<(x.pattern&63)) == 0 {
				hits = append(hits, x.link)
			}
		}
		for k := range n.tests {
			if x := &n.tests[k]; s.holds(x.op, s.forms[s.formOf[i]].bytes) {
				hits = append(hits, x.link)
			}
		}
	}
	s.arena = s.arena[:mark]
	if c.narrowed {
		hits = s.narrowed(hits, from, value)
	}
	return hits
}

// zeros returns n zeros in the memory of list, if there is room.
func zeros(list []uint64, n int) []uint64 {
	if cap(list) < n {
		return make([]uint64, n, 2*n)
	}
	list = list[:n]
	clear(list)
	return list
}

// form is what chains of transformations make of a value.
type form struct {
	bytes []byte
	marks transform.Marks
}

// makeForms makes the distinct forms that a class's chains make of a value.
func (s *Scratch) makeForms(c *class, value []byte) {
	m := transform.MarksOf(value)
	s.forms = append(s.forms[:0], form{value, m})
	if cap(s.formOf) < len(c.nodes) {
		s.formOf = make([]int32, len(c.nodes), 2*len(c.nodes))
	}
	s.formOf = s.formOf[:len(c.nodes)]
	if m&c.needs == 0 {
		clear(s.formOf)
		return
	}
	s.formOf[0] = 0
	for i := 1; i < len(c.nodes); i++ {
		n := &c.nodes[i]
		at := s.formOf[n.parent]
		if s.forms[at].marks&n.needs != 0 {
			at = s.step(n.kind, at)
		}
		s.formOf[i] = at
	}
}

// step applies one transformation to a form and returns the form that comes of it.
func (s *Scratch) step(kind transform.Kind, from int32) int32 {
	if s.matcher.Left() == 0 {
		return from // Match says that not all was looked at
	}
	s.matcher.Spend(20 + len(s.forms[from].bytes))
	start := len(s.arena)
	out, changed := transform.Append(s.arena, kind, s.forms[from].bytes)
	if !changed {
		return from
	}
	made := out[start:len(out):len(out)]
	for i := range s.forms {
		if f := s.forms[i].bytes; len(f) == len(made) && string(f) == string(made) {
			s.arena = out[:start]
			return int32(i)
		}
	}
	s.arena = out
	s.forms = append(s.forms, form{made, transform.MarksOf(made)})
	return int32(len(s.forms) - 1)
}
