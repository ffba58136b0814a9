package pattern

// op is what a node of a syntax tree is.
type op uint8

const (
	opEmpty     op = iota // matches the empty string
	opSet                 // one byte of a set; the empty set matches nothing
	opConcat              // subs in sequence
	opAlternate           // one of subs, the earlier preferred
	opRepeat              // subs[0] min to max times
	opCapture             // subs[0], remembered as group index
	opAssert              // an assertion about the bytes around a position
	opLook                // an assertion about what subs[0] matches from or up to a position
)

// unlimited is the max of a repetition without an upper bound.
const unlimited = -1

// node is a syntax tree of bytes: flags are resolved by the parser, so that case folding is
// in the sets, and the kind of a dot, caret or dollar is plain.
type node struct {
	op       op
	set      byteSet
	subs     []*node
	min, max int
	lazy     bool
	index    int
	assert   assertion
	behind   bool // opLook looks at what comes before
	negated  bool // opLook holds where subs[0] does not match
}

// assertion is a set of conditions on a position. A node has one of them; a position
// satisfies several.
type assertion uint8

const (
	beginText     assertion = 1 << iota // \A
	endText                             // \z
	endTextOrLast                       // \Z and PCRE's $: at the end, or before a newline that ends the value
	beginLine                           // (?m)^ of Go: at the begin, or after any newline
	beginLinePCRE                       // (?m)^ of PCRE: not after a newline that ends the value
	endLine                             // (?m)$: at the end, or before any newline
	wordEdge                            // \b
	noWordEdge                          // \B
)

// assertionsAt returns what holds at position at of the value.
func assertionsAt(value []byte, at int) assertion {
	var a assertion
	before, after := false, false
	if at == 0 {
		a = beginText | beginLine | beginLinePCRE
	} else {
		before = isWord(value[at-1])
		if value[at-1] == '\n' {
			a |= beginLine
			if at < len(value) {
				a |= beginLinePCRE
			}
		}
	}
	if at == len(value) {
		a |= endText | endTextOrLast | endLine
	} else {
		after = isWord(value[at])
		if value[at] == '\n' {
			a |= endLine
			if at == len(value)-1 {
				a |= endTextOrLast
			}
		}
	}
	if before != after {
		return a | wordEdge
	}
	return a | noWordEdge
}

// concat joins nodes, flattening sequences.
func concat(subs ...*node) *node {
	var flat []*node
	for _, n := range subs {
		switch n.op {
		case opEmpty:
		case opConcat:
			flat = append(flat, n.subs...)
		default:
			flat = append(flat, n)
		}
	}
	switch len(flat) {
	case 0:
		return &node{op: opEmpty}
	case 1:
		return flat[0]
	}
	return &node{op: opConcat, subs: flat}
}

// alternate joins alternatives; those of one byte that follow each other become a set.
func alternate(subs ...*node) *node {
	var flat []*node
	for _, n := range subs {
		if last := len(flat) - 1; n.op == opSet && last >= 0 && flat[last].op == opSet {
			flat[last] = &node{op: opSet, set: flat[last].set.or(n.set)}
			continue
		}
		flat = append(flat, n)
	}
	if len(flat) == 1 {
		return flat[0]
	}
	return &node{op: opAlternate, subs: flat}
}

// literal is the sequence of the bytes of a string.
func literal(text string, fold bool) *node {
	subs := make([]*node, len(text))
	for i := range subs {
		set := oneByte(text[i])
		if fold {
			set = set.folded()
		}
		subs[i] = &node{op: opSet, set: set}
	}
	return concat(subs...)
}

// widths returns the least and greatest number of bytes that a node matches; the greatest
// is unlimited if there is none. Both are capped at a value that no bound here exceeds.
func (n *node) widths() (least, greatest int) {
	const most = 1 << 30
	switch n.op {
	case opSet:
		return 1, 1
	case opConcat:
		for _, s := range n.subs {
			l, g := s.widths()
			least = min(least+l, most)
			if g == unlimited || greatest == unlimited {
				greatest = unlimited
			} else {
				greatest = min(greatest+g, most)
			}
		}
	case opAlternate:
		least = most
		for _, s := range n.subs {
			l, g := s.widths()
			least = min(least, l)
			if g == unlimited || greatest == unlimited {
				greatest = unlimited
			} else {
				greatest = max(greatest, g)
			}
		}
	case opRepeat:
		l, g := n.subs[0].widths()
		least = min(l*n.min, most)
		switch {
		case g == 0 || n.max == 0:
		case g == unlimited || n.max == unlimited:
			greatest = unlimited
		default:
			greatest = min(g*n.max, most)
		}
	case opCapture:
		return n.subs[0].widths()
	}
	return least, greatest
}

// captures returns the highest index of a group in the tree.
func (n *node) captures() int {
	highest := 0
	if n.op == opCapture {
		highest = n.index
	}
	for _, s := range n.subs {
		highest = max(highest, s.captures())
	}
	return highest
}
