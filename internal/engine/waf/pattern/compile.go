package pattern

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// compiled is one pattern.
type compiled struct {
	Pattern
	bytes    []byte // the text
	how      evaluation
	tree     *node       // while the Set is compiled
	program  *program    // for automata and simulation
	one      byteSet     // if any byte of it is a match
	alone    func() *dfa // an automaton of its own, made when it is needed
	grouped  bool
	long     bool // in a group for long values
	limit    int  // of the size of programs
	groups   int  // including the whole
	explains func() *program

	least int    // bytes a value must have
	mask  uint64 // classes of bytes of which the value must have one each
	needs uint32 // how many clauses of strings must hold
	text  int    // see Set.TextBytes
}

// evaluation is how a pattern that the filters have left is matched.
type evaluation uint8

const (
	byComparing  evaluation = iota // with the string at its place
	byAutomaton                    // deterministic
	byLooking                      // for one byte
	bySimulation                   // as it has look-around
)

// clauseOwner is the pattern of a clause of strings.
type clauseOwner struct {
	pattern uint32
	decides bool // whether a string of the clause is all that the pattern needs
}

// Compile makes a Set. The error is an *Error with the index of the first pattern refused.
func Compile(patterns []Pattern, o Options) (*Set, error) {
	o = o.withDefaults()
	s := &Set{patterns: make([]compiled, len(patterns)), memory: &budget{limit: int64(o.CacheBytes), part: o.maxPart}}
	filters := make([]filter, len(patterns))
	for i, p := range patterns {
		c := &s.patterns[i]
		if err := c.compile(p, o); err != nil {
			err.Index = i
			return nil, err
		}
		if c.how == byAutomaton {
			c.alone = sync.OnceValue(func() *dfa { return newDFA(c.program, newColumns(c.program), 0, s.memory) })
		}
		filters[i] = s.filter(c)
		c.text = textOf(&filters[i], c.Kind == ContainsAny)
	}
	s.chooseAtoms(filters)
	var common []uint32
	for i := range s.patterns {
		if s.patterns[i].how == byAutomaton && filters[i].common() {
			common = append(common, uint32(i))
		}
	}
	s.gather(common)
	s.waiting = NewBits(len(patterns))
	var words []word
	for i := range s.patterns {
		c := &s.patterns[i]
		c.tree = nil
		switch {
		case c.grouped:
		case c.needs == 0:
			s.loose = append(s.loose, uint32(i))
		default:
			s.waiting.Set(i)
			words = s.words(uint32(i), &filters[i], words)
		}
	}
	s.strings = newAutomaton(words)
	s.gatherLong()
	return s, nil
}

// compile parses and builds one pattern.
func (c *compiled) compile(p Pattern, o Options) *Error {
	c.Pattern, c.limit, c.groups = p, o.MaxProgram, 1
	c.Text = strings.Clone(p.Text)
	c.bytes = []byte(p.Text)
	c.Texts = slices.Clone(p.Texts)
	if p.Kind != ContainsAny && len(p.Texts) > 0 {
		return &Error{Reason: Malformed, Detail: fmt.Sprintf("%v has one text", p.Kind)}
	}
	for _, t := range append(slices.Clip(c.Texts), p.Text) {
		if len(t) > o.MaxText {
			return &Error{Reason: TooLong, Detail: fmt.Sprintf("%d bytes, at most %d", len(t), o.MaxText)}
		}
	}
	tree, groups, err := c.parse()
	if err != nil {
		return err
	}
	c.tree, c.groups = tree, groups
	if p.Kind == Exact || p.Kind == Prefix || p.Kind == Suffix || p.Kind == Contains && (!p.Fold || len(p.Text) < 2) {
		return nil
	}
	if p.Kind == ContainsAny {
		c.limit *= 10 // it is known to be simple
	}
	var ok bool
	if c.program, ok = build(c.tree, c.limit, saveNothing); !ok {
		return &Error{Reason: TooLarge, Detail: fmt.Sprintf("more than %d instructions", c.limit)}
	}
	c.how = byAutomaton
	if c.tree.op == opSet && c.tree.set.count() >= 200 { // found at once, if at all
		c.how, c.one = byLooking, c.tree.set
	}
	if len(c.program.looks) > 0 {
		c.how = bySimulation
	}
	limit := c.limit
	c.explains = sync.OnceValue(func() *program {
		if tree, _, err := c.parse(); err == nil {
			if p, ok := build(tree, 4*limit, saveGroups); ok {
				return p
			}
			if p, ok := build(tree, 2*limit, saveWhole); ok { // groups are repeated too often to be told
				return p
			}
		}
		return nil
	})
	return nil
}

// parse makes the tree of a pattern. That of a string says what occurs and not where.
func (c *compiled) parse() (tree *node, groups int, err *Error) {
	switch c.Kind {
	case Exact, Prefix, Suffix, Contains:
		return literal(c.Text, c.Fold), 1, nil
	case ContainsAny:
		if c.Text != "" {
			return nil, 0, &Error{Reason: Malformed, Detail: "a list of phrases is in Texts"}
		}
		return phrases(c.Texts, c.Fold), 1, nil
	case ContainsWord:
		for i := range len(c.Text) {
			if !isWord(c.Text[i]) {
				return nil, 0, &Error{Reason: NotWord, Offset: i, Detail: "a word has letters, digits and underscores"}
			}
		}
		if c.Text == "" {
			return nil, 0, &Error{Reason: NotWord, Detail: "a word has at least one letter"}
		}
		edge := &node{op: opAssert, assert: wordEdge}
		return concat(edge, literal(c.Text, c.Fold), edge), 1, nil
	case Regexp:
		if c.Syntax > SecLang {
			return nil, 0, &Error{Reason: Malformed, Detail: "unknown dialect " + c.Syntax.String()}
		}
		tree, err := parse(c.Text, c.Syntax, c.Fold)
		if err != nil {
			return nil, 0, err
		}
		return tree, tree.captures() + 1, nil
	}
	return nil, 0, &Error{Reason: Malformed, Detail: "unknown kind " + c.Kind.String()}
}

// phrases is the tree of a list, in which beginnings that strings share are written once.
func phrases(list []string, fold bool) *node {
	sorted := slices.Clone(list)
	if fold {
		for i, t := range sorted {
			sorted[i] = lowered(t)
		}
	}
	slices.Sort(sorted)
	return trie(slices.Compact(sorted), 0, fold)
}

// lowered is a string with its ASCII letters in lower case.
func lowered(s string) string {
	b := []byte(s)
	for i := range b {
		b[i] = lower(b[i])
	}
	return string(b)
}

// trie matches one of some sorted strings, whose first skip bytes are the same.
func trie(sorted []string, skip int, fold bool) *node {
	switch {
	case len(sorted) == 0:
		return &node{op: opSet} // nothing
	case len(sorted) == 1:
		return literal(sorted[0][skip:], fold)
	case len(sorted[0]) == skip: // the others have it as their beginning
		return &node{op: opEmpty}
	}
	var subs []*node
	for len(sorted) > 0 {
		first := sorted[0][skip]
		n := 1
		for n < len(sorted) && sorted[n][skip] == first {
			n++
		}
		subs = append(subs, concat(literal(string(first), fold), trie(sorted[:n], skip+1, fold)))
		sorted = sorted[n:]
	}
	return &node{op: opAlternate, subs: subs}
}

// filter finds what a pattern needs.
func (s *Set) filter(c *compiled) filter {
	var f filter
	if c.Kind != ContainsAny || slices.ContainsFunc(c.Texts, func(t string) bool { return len(t) < 2 }) {
		f = makeFilter(c.tree)
	} else {
		f.least, _ = c.tree.widths()
		f.strings = [][]string{nil, nil} // the phrases that decide, and parts of the others
		for _, t := range c.Texts {
			t = lowered(t)
			if c.Fold && len(t) <= maxLiteral {
				f.strings[0] = append(f.strings[0], t)
			} else {
				f.strings[1] = append(f.strings[1], t)
			}
		}
		f.strings[1] = shorten(f.strings[1])
	}
	c.least, c.needs = f.least, uint32(len(f.strings))
	if c.Kind == ContainsAny {
		c.needs = min(c.needs, 1)
	}
	return f
}

// words adds the strings that pattern i needs.
func (s *Set) words(i uint32, f *filter, words []word) []word {
	c := &s.patterns[i]
	for k, list := range f.strings {
		s.owners = append(s.owners, clauseOwner{
			pattern: i,
			decides: c.Kind == ContainsAny && k == 0 || c.Kind == Contains && c.Fold && len(c.Text) <= maxLiteral,
		})
		for _, t := range list {
			words = append(words, word{t, uint32(len(s.owners) - 1)})
		}
	}
	return words
}

// chooseAtoms takes the classes of bytes that discard most patterns, as many as a mask has
// bits.
func (s *Set) chooseAtoms(filters []filter) {
	worth := map[byteSet]float64{}
	for i := range filters {
		for _, set := range filters[i].bytes {
			absent := 1.0 // of a value of a dozen bytes
			c := clause{bytes: set}
			for range 12 {
				absent *= max(0, 1-c.frequency())
			}
			if s.patterns[i].needs > 0 {
				absent /= 10 // its strings discard it already
			}
			worth[set] += absent
		}
	}
	atoms := make([]byteSet, 0, len(worth))
	for set := range worth {
		atoms = append(atoms, set)
	}
	slices.SortFunc(atoms, func(a, b byteSet) int {
		return cmp.Or(cmp.Compare(worth[b], worth[a]), slices.Compare(a[:], b[:]))
	})
	atoms = atoms[:min(len(atoms), 64)]
	bit := map[byteSet]uint64{}
	for i, set := range atoms {
		bit[set] = 1 << i
		for _, b := range set.bytes() {
			s.atoms[b] |= 1 << i
		}
	}
	for i := range filters {
		for _, set := range filters[i].bytes {
			s.patterns[i].mask |= bit[set]
		}
	}
}
