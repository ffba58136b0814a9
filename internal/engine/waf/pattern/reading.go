package pattern

// Reading is a pattern of a Screen with what is done to a value before the pattern is looked for in it. The Screen goes over values as
// they come; what the pattern matches is changed instead.
type Reading struct {
	Pattern Pattern
	// AnyCase is for patterns that are looked for in values with their upper case: one that tells cases apart matches either for
	// the Screen.
	AnyCase bool
	Spacing Spacing
}

// Spacing is what is done to the spaces of a value.
type Spacing uint8

// The spacings, for values in which the space is the only kind of whitespace.
const (
	// AsIs: nothing.
	AsIs Spacing = iota
	// NoSpaces: they are deleted.
	NoSpaces
	// CommandLine: commas and semicolons are spaces, too; runs of them are one, and none stands before a slash or an opening
	// parenthesis (transform.CmdLine).
	CommandLine
)

// of is the tree of a pattern as one of values of some bytes, before anything is done to them: it matches at least those in which
// the pattern is found afterwards.
func (r *Reading) of(tree *node, in byteSet) *node {
	if r.AnyCase {
		tree = tree.eachSet(func(set byteSet) *node { return &node{op: opSet, set: set.folded()} })
	}
	if tree = tree.within(in); tree.never() {
		return tree
	}
	gap := func(bytes string, min int) *node {
		var set byteSet
		set.addString(bytes)
		set = set.and(in)
		if set.empty() && min == 0 {
			return &node{op: opEmpty}
		}
		return &node{op: opRepeat, subs: []*node{{op: opSet, set: set}}, min: min, max: unlimited}
	}
	switch r.Spacing {
	case NoSpaces:
		return concat(tree.eachSet(func(set byteSet) *node {
			return concat(gap(" ", 0), &node{op: opSet, set: set.without(" ")})
		}).unspaced(gap(" ", 0)), gap(" ", 0))
	case CommandLine:
		return tree.eachSet(func(set byteSet) *node {
			any := &node{op: opAlternate, subs: []*node{{op: opSet, set: set.without(" ,;/(")}}}
			if set.has(' ') {
				any.subs = append(any.subs, gap(" ,;", 1))
			}
			for _, b := range "/(" {
				if set.has(byte(b)) {
					any.subs = append(any.subs, concat(gap(" ,;", 0), &node{op: opSet, set: oneByte(byte(b))}))
				}
			}
			return any
		})
	}
	return tree
}

// eachSet returns a node in which other nodes stand for sets. Look-around is left as it is.
func (n *node) eachSet(f func(byteSet) *node) *node {
	switch n.op {
	case opSet:
		return f(n.set)
	case opConcat, opAlternate, opRepeat, opCapture:
		return n.withSubs(func(sub *node) *node { return sub.eachSet(f) })
	}
	return n
}

// withSubs returns a node in which others stand for the nodes directly below n.
func (n *node) withSubs(f func(*node) *node) *node {
	m := *n
	m.subs = make([]*node, len(n.subs))
	for i, sub := range n.subs {
		m.subs[i] = f(sub)
	}
	return &m
}

// unspaced returns a node in which assertions hold with a gap before them, and those about words always: where spaces are deleted, words
// that they parted are one.
func (n *node) unspaced(gap *node) *node {
	switch n.op {
	case opAssert:
		if n.assert == wordEdge || n.assert == noWordEdge {
			return &node{op: opEmpty}
		}
		return concat(gap, n)
	case opConcat, opAlternate, opRepeat, opCapture:
		return n.withSubs(func(sub *node) *node { return sub.unspaced(gap) })
	}
	return n
}

// TextBytes is how many bytes of ASCII follow each other at least in whatever a pattern matches, as far as its strings tell; 0 if they do not.
func (s *Set) TextBytes(i int) int { return s.patterns[i].text }

// textOf is that of a pattern with a filter.
func textOf(f *filter, any bool) int {
	best, all := 0, 1<<30
	for _, list := range f.strings {
		least := 1 << 30
		for _, t := range list {
			least = min(least, len(t))
			for k := range len(t) {
				if t[k] >= 0x80 {
					least = 0
				}
			}
		}
		if len(list) > 0 {
			best, all = max(best, least), min(all, least)
		}
	}
	switch {
	case any && all < 1<<30: // the lists are one
		return all
	case any:
		return 0
	}
	return best
}
