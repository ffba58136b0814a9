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
	tree     *node // while the Set is compiled
	program  *program // for automata and simulation
	dfa      *dfa
	limit    int // of the size of programs
	groups   int // including the whole
	explains func() *program

	least int    // bytes a value must have
	mask  uint64 // classes of bytes of which the value must have one each
	needs uint32 // how many clauses of strings must hold
}

// evaluation is how a pattern that the filters have left is matched.
type evaluation uint8

const (
	byComparing  evaluation = iota // with the string at its place
	byAutomaton                    // deterministic
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
	s := &Set{patterns: make([]compiled, len(patterns)), memory: &budget{limit: int64(o.CacheBytes)}}
	var words []word
	filters := make([]filter, len(patterns))
	for i, p := range patterns {
		c := &s.patterns[i]
		if err := c.compile(p, o); err != nil {
			err.Index = i
			return nil, err
		}
		if c.how == byAutomaton {
			c.dfa = newDFA(c.program, 1, s.memory)
		}
		words = s.filter(i, &filters[i], words)
	}
	s.chooseAtoms(filters)
	s.strings = newAutomaton(words)
	for i := range s.patterns {
		c := &s.patterns[i]
		c.tree = nil
		if c.needs == 0 {
			s.loose = append(s.loose, uint32(i))
		}
	}
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
	var ok bool
	if c.program, ok = build([]*node{c.tree}, c.limit, false); !ok {
		return &Error{Reason: TooLarge, Detail: fmt.Sprintf("more than %d instructions", c.limit)}
	}
	c.how = byAutomaton
	if len(c.program.looks) > 0 {
		c.how = bySimulation
	}
	limit := c.limit
	c.explains = sync.OnceValue(func() *program {
		if tree, _, err := c.parse(); err == nil {
			p, _ := build([]*node{tree}, 4*limit, true)
			return p
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

// filter finds what pattern i needs, and adds its strings to the words.
func (s *Set) filter(i int, f *filter, words []word) []word {
	c := &s.patterns[i]
	clauseOf := func(decides bool) uint32 {
		s.owners = append(s.owners, clauseOwner{uint32(i), decides})
		return uint32(len(s.owners) - 1)
	}
	if c.Kind == ContainsAny {
		return s.listFilter(c, f, words, clauseOf)
	}
	*f = makeFilter(c.tree)
	c.least = f.least
	c.needs = uint32(len(f.strings))
	decides := c.Kind == Contains && c.Fold && len(c.Text) <= maxLiteral
	for _, list := range f.strings {
		n := clauseOf(decides)
		for _, t := range list {
			words = append(words, word{t, n})
		}
	}
	return words
}

// listFilter is that of a list of phrases: each short one decides, each long one has to be
// looked at.
func (s *Set) listFilter(c *compiled, f *filter, words []word, clauseOf func(bool) uint32) []word {
	f.least, _ = c.tree.widths()
	c.least = f.least
	if slices.ContainsFunc(c.Texts, func(t string) bool { return len(t) < 2 }) {
		*f = makeFilter(c.tree)
		f.strings = nil
		return words
	}
	c.needs = 1
	whole, part := clauseOf(true), clauseOf(false)
	var long []string
	for _, t := range c.Texts {
		switch t = lowered(t); {
		case len(t) <= maxLiteral && c.Fold:
			words = append(words, word{t, whole})
		default:
			long = append(long, t)
		}
	}
	for _, t := range shorten(long) {
		words = append(words, word{t, part})
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
