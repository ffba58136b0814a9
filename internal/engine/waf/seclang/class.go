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
}

// node is a chain of transformations. The nodes of a class are a tree: the parent stands before
// its children.
type node struct {
	parent   int32
	kind     transform.Kind
	want     pattern.Bits
	patterns []patternLink // in the order of the patterns; those of want
	absent   []patternLink // conditions that hold where a pattern does not match
	tests    []testLink
	// leads tells that the node or one below it has something to look for.
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
			p.lengths[src] |= 1 << min(len(key), 63)
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
				c.scan.Set(int(x.pattern))
			}
		}
	}
	p.words = len(pattern.NewBits(n))
}

// inspect appends the conditions that hold for a value of a class.
func (s *Scratch) inspect(hits []int32, c *class, value []byte) []int32 {
	if len(c.nodes) == 1 && len(c.nodes[0].patterns)+len(c.nodes[0].absent)+len(c.nodes[0].tests) == 0 {
		return hits
	}
	s.forms, s.formOf, s.got = append(s.forms[:0], value), s.formOf[:0], s.got[:0]
	mark := len(s.arena)
	for i := range c.nodes {
		n := &c.nodes[i]
		at := int32(0)
		if n.parent >= 0 {
			at = s.step(n.kind, s.formOf[n.parent])
		}
		s.formOf = append(s.formOf, at)
	}
	words := s.p.words
	for len(s.got) < len(s.forms)*words {
		s.got = append(s.got, 0)
	}
	clear(s.got)
	for i, f := range s.forms {
		s.p.set.Match(f, c.scan, pattern.Bits(s.got[i*words:][:words]), s.matcher)
	}
	for i := range c.nodes {
		n := &c.nodes[i]
		got := s.got[int(s.formOf[i])*words:][:words]
		if len(n.patterns) > 0 && pattern.Bits(got).Intersects(n.want) {
			for _, x := range n.patterns {
				if got[x.pattern>>6]&(1<<(x.pattern&63)) != 0 {
					hits = append(hits, x.link)
				}
			}
		}
		for _, x := range n.absent {
			if got[x.pattern>>6]&(1<<(x.pattern&63)) == 0 {
				hits = append(hits, x.link)
			}
		}
		for k := range n.tests {
			if x := &n.tests[k]; s.holds(x.op, s.forms[s.formOf[i]]) {
				hits = append(hits, x.link)
			}
		}
	}
	s.arena = s.arena[:mark]
	return hits
}

// step applies one transformation to a form and returns the form that comes of it.
func (s *Scratch) step(kind transform.Kind, from int32) int32 {
	start := len(s.arena)
	out, changed := transform.Append(s.arena, kind, s.forms[from])
	if !changed {
		return from
	}
	made := out[start:len(out):len(out)]
	for i, f := range s.forms {
		if len(f) == len(made) && string(f) == string(made) {
			s.arena = out[:start]
			return int32(i)
		}
	}
	s.arena = out
	s.forms = append(s.forms, made)
	return int32(len(s.forms) - 1)
}
