package waf

import (
	"slices"

	"fastness/internal/engine/waf/pattern"
)

// maxBlock is how many rules a block has at most. When one of them may match, all are run one
// by one.
const maxBlock = 64

// sequence is a list of rules with the blocks that they form.
type sequence struct {
	rules  []*rule
	run    []int32 // by rule: the run that begins there, -1 none
	block  []int32 // by rule: the block that begins there, -1 none
	blocks []block // and runs
}

// block is a row of rules none of which can match unless one of a few conditions holds. A
// request that nothing matches passes a block of 64 rules by a look at the bits of one node.
//
// A run is as long as such rules follow each other. Where it may match, its blocks are looked
// at.
//
// The conditions are in the order of the rules: when one is looked at, no rule that it comes
// after can match, so it is needed.
type block struct {
	end        int // of the rules
	conditions []condition
}

// condition holds if some of the patterns in mask match at the node, or if the leaf is true.
type condition struct {
	node int32 // -1: leaf; anySecLang: if the program of that number found anything
	from int32 // words of mask begin there
	mask pattern.Bits
	leaf int32
}

const anySecLang = -2

// blocks finds the runs and blocks of a sequence.
func (c *compiler) blocks(q *sequence) {
	q.run, q.block = make([]int32, len(q.rules)), make([]int32, len(q.rules))
	triggers := make([][]int32, len(q.rules))
	for i, r := range q.rules {
		q.run[i], q.block[i] = -1, -1
		if r.expr >= 0 {
			triggers[i], _ = c.p.trigger(r.expr)
		}
	}
	for i := 0; i < len(q.rules); {
		end := i
		for end < len(q.rules) && triggers[end] != nil {
			end++
		}
		if end-i > maxBlock {
			q.run[i] = c.block(q, triggers, i, end)
		}
		for ; end-i > 1; i = min(i+maxBlock, end) {
			q.block[i] = c.block(q, triggers, i, min(i+maxBlock, end))
		}
		i = max(i+1, end)
	}
}

// block adds a block of the rules from one to before end.
func (c *compiler) block(q *sequence, triggers [][]int32, from, end int) int32 {
	q.blocks = append(q.blocks, block{end: end, conditions: c.conditions(slices.Concat(triggers[from:end]...))})
	return int32(len(q.blocks) - 1)
}

// trigger returns leaves of which at least one is true whenever the statement is true. There
// are none for a NOT, and for a country statement, which labels requests when it is looked at.
func (p *Program) trigger(id int32) (leaves []int32, ok bool) {
	if p.labelsPlaces(id) {
		return nil, false
	}
	e := &p.exprs[id]
	switch e.op {
	case isLeaf:
		return []int32{e.leaf}, true
	case isOr:
		for _, k := range e.kids {
			l, ok := p.trigger(k)
			if !ok {
				return nil, false
			}
			leaves = append(leaves, l...)
		}
		return leaves, true
	case isAnd:
		// The member that is cheapest to look at.
		best := 0
		for _, k := range e.kids {
			l, found := p.trigger(k)
			if !found {
				continue
			}
			cost := 0
			for _, id := range l {
				cost += p.leaves[id].cost()
			}
			if !ok || cost < best {
				leaves, best, ok = l, cost, true
			}
		}
		return leaves, ok
	}
	return nil, false
}

func (p *Program) labelsPlaces(id int32) bool {
	e := &p.exprs[id]
	if e.op == isLeaf {
		return p.leaves[e.leaf].kind == geoLeaf
	}
	for _, k := range e.kids {
		if p.labelsPlaces(k) {
			return true
		}
	}
	return false
}

// cost is a rank of how much it takes to decide a leaf.
func (l *leaf) cost() int {
	switch l.kind {
	case labelLeafKind, signalLeaf:
		return 1
	case addressLeaf, asnLeaf:
		return 2
	case sizeLeaf:
		return 4
	case patternLeaf:
		return 8
	case secLangLeaf:
		return 32
	}
	return 64
}

// conditions joins the pattern leaves of each node.
func (c *compiler) conditions(triggers []int32) []condition {
	var all []condition
	byNode := map[int32]int{}
	seen := map[int32]bool{}
	for _, id := range triggers {
		if seen[id] {
			continue
		}
		seen[id] = true
		l := &c.p.leaves[id]
		if l.kind == secLangLeaf {
			// Most requests settle all of them at once.
			any := condition{node: anySecLang, leaf: l.program}
			if !slices.ContainsFunc(all, func(c condition) bool { return c.node == any.node && c.leaf == any.leaf }) {
				all = append(all, any)
			}
			continue
		}
		if l.kind != patternLeaf {
			all = append(all, condition{node: -1, leaf: id})
			continue
		}
		i, ok := byNode[l.node]
		if !ok {
			i = len(all)
			byNode[l.node] = i
			all = append(all, condition{node: l.node, mask: pattern.NewBits(len(c.patterns))})
		}
		for _, p := range l.patterns {
			all[i].mask.Set(int(p))
		}
	}
	for i := range all {
		m := all[i].mask
		for len(m) > 0 && m[len(m)-1] == 0 {
			m = m[:len(m)-1]
		}
		for len(m) > 0 && m[0] == 0 {
			m = m[1:]
			all[i].from++
		}
		all[i].mask = append(pattern.Bits(nil), m...)
	}
	return all
}

// mayMatch tells whether a rule of the block may match.
func (s *Scratch) mayMatch(b *block) bool {
	for i := range b.conditions {
		c := &b.conditions[i]
		if c.node == anySecLang {
			if !s.secLang(c.leaf).quiet() {
				return true
			}
			continue
		}
		if c.node < 0 {
			if t := s.leaf(c.leaf); t == yes || t == beyond {
				return true
			}
			continue
		}
		st := s.probe(c.node)
		o := &s.parts[s.p.nodes[c.node].part].outcome
		if o.Oversize || o.Decision != 0 || st.partial {
			return true // the rules know what that means to them
		}
		if !st.hit {
			continue
		}
		for w, m := range c.mask {
			if s.got[st.got+c.from+int32(w)]&m != 0 {
				return true
			}
		}
	}
	return false
}
