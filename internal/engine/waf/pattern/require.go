package pattern

import (
	"cmp"
	"slices"
	"strings"
)

// What every match of an expression needs is found on the syntax tree, as RE2's prefilter
// does it (Cox, "Regular Expression Matching with a Trigram Index"): a conjunction of
// clauses, each of which says that the value holds one of some strings or one of some
// bytes. Strings are in lower case and are compared with the value in lower case, which can
// only find more.

// clause holds if one of the strings or one of the bytes occurs in the value.
type clause struct {
	strings []string // none is empty
	bytes   byteSet
}

// needs is what is known of the matches of a node. If exact is not nil, they are these
// strings (in lower case) and no others; must holds in any case.
type needs struct {
	exact []string
	must  []clause
}

const (
	maxExact      = 512 // strings of a set of exact matches
	maxCross      = 96  // strings of a product of two such sets, unless one is a single string
	maxExactBytes = 64  // of a string, beyond which it is not grown any more
	maxClauses    = 12  // kept at a node
	maxSetStrings = 6   // bytes of a set that count as strings
)

var nothing = []string{""}

// require finds what the matches of a node need.
func require(n *node) needs {
	switch n.op {
	case opEmpty, opAssert:
		return needs{exact: nothing}
	case opSet:
		return requireSet(n.set)
	case opConcat:
		return requireConcat(n.subs)
	case opAlternate:
		list := make([]needs, len(n.subs))
		for i, s := range n.subs {
			list[i] = require(s)
		}
		return anyOf(list)
	case opCapture:
		return require(n.subs[0])
	case opRepeat:
		if _, greatest := n.widths(); greatest == 0 {
			return needs{exact: nothing}
		}
		switch {
		case n.min == 0 && n.max == 1:
			return anyOf([]needs{require(n.subs[0]), {exact: nothing}})
		case n.min == 0:
			return needs{}
		}
		all := requireConcat(slices.Repeat(n.subs, min(n.min, 4)))
		if n.min == n.max && n.min <= 4 {
			return all
		}
		return needs{must: all.clauses()} // at least that often
	case opLook:
		if !n.negated { // what it sees is in the value, too
			sub := require(n.subs[0])
			return needs{exact: nothing, must: sub.clauses()}
		}
		return needs{exact: nothing}
	}
	return needs{}
}

func requireSet(set byteSet) needs {
	if set.empty() { // never matches: no strings, of which one occurs
		return needs{exact: []string{}, must: []clause{{}}}
	}
	var low byteSet
	for _, b := range set.bytes() {
		low.add(lower(b))
	}
	if low.count() <= maxSetStrings {
		var exact []string
		for _, b := range low.bytes() {
			exact = append(exact, string([]byte{b}))
		}
		return needs{exact: exact}
	}
	return needs{must: []clause{{bytes: set}}}
}

func requireConcat(subs []*node) needs {
	var all needs
	exact := true // what follows is all of it
	now := nothing
	flush := func() {
		exact = false
		all.must = addClause(all.must, clause{strings: now})
		now = nothing
	}
	for _, s := range subs {
		sub := require(s)
		for _, c := range sub.must {
			all.must = addClause(all.must, c)
		}
		if sub.exact == nil {
			flush()
			continue
		}
		if product, ok := cross(now, sub.exact); ok {
			now = product
			continue
		}
		flush()
		now = sub.exact
	}
	if exact {
		all.exact = now
	} else {
		flush()
	}
	return all
}

// cross appends each string of b to each of a, if that remains small.
func cross(a, b []string) ([]string, bool) {
	n := len(a) * len(b)
	if n > maxCross && len(a) != 1 && len(b) != 1 || n > maxExact {
		return nil, false
	}
	out := make([]string, 0, n)
	for _, x := range a {
		for _, y := range b {
			if len(x)+len(y) > maxExactBytes && x != "" && y != "" {
				return nil, false
			}
			out = append(out, x+y)
		}
	}
	return out, true
}

// anyOf is what is needed if one of several nodes matches.
func anyOf(list []needs) needs {
	total, exact := 0, true
	for _, n := range list {
		exact = exact && n.exact != nil
		total += len(n.exact)
	}
	if exact && total <= maxExact {
		all := needs{exact: []string{}}
		musts := make([][]clause, len(list))
		for i, n := range list {
			all.exact = append(all.exact, n.exact...)
			musts[i] = n.must
		}
		slices.Sort(all.exact)
		all.exact = slices.Compact(all.exact)
		all.must = disjunction(musts)
		return all
	}
	musts := make([][]clause, len(list))
	for i, n := range list {
		musts[i] = n.clauses()
	}
	return needs{must: disjunction(musts)}
}

// disjunction joins the best clauses of all, the second best and so on: (A1 and A2) or (B1
// and B2) implies (A1 or B1) and (A2 or B2).
func disjunction(list [][]clause) []clause {
	n := len(list[0])
	for i := range list {
		n = min(n, len(list[i]))
	}
	out := make([]clause, n)
	if n == 0 {
		return nil
	}
	for _, clauses := range list {
		for i, c := range byRarity(clauses)[:n] {
			out[i].strings = append(out[i].strings, c.strings...)
			out[i].bytes = out[i].bytes.or(c.bytes)
		}
	}
	for i := range out {
		slices.Sort(out[i].strings)
		out[i].strings = slices.Compact(out[i].strings)
	}
	return out
}

// byRarity returns clauses in the order of their frequency.
func byRarity(clauses []clause) []clause {
	type rated struct {
		clause
		frequency float64
	}
	list := make([]rated, len(clauses))
	for i, c := range clauses {
		list[i] = rated{c, c.frequency()}
	}
	slices.SortStableFunc(list, func(x, y rated) int { return cmp.Compare(x.frequency, y.frequency) })
	out := make([]clause, len(clauses))
	for i := range list {
		out[i] = list[i].clause
	}
	return out
}

// clauses is the conjunction of all that is known.
func (n needs) clauses() []clause {
	if n.exact == nil {
		return n.must
	}
	return addClause(slices.Clone(n.must), clause{strings: n.exact})
}

// addClause adds a clause to a conjunction, unless it says nothing. Of too many the most
// frequent goes.
func addClause(to []clause, c clause) []clause {
	if slices.Contains(c.strings, "") {
		return to
	}
	to = append(to, c)
	if len(to) > 2*maxClauses {
		return byRarity(to)[:maxClauses]
	}
	return to
}

// byteFrequency estimates how often a byte is a given one in what browsers and programs
// send: only good filters depend on it, not correct ones.
func byteFrequency(b byte) float64 {
	switch {
	case 'a' <= b && b <= 'z':
		return letterFrequency[b-'a']
	case 'A' <= b && b <= 'Z':
		return letterFrequency[b-'A'] / 4
	case '0' <= b && b <= '9':
		return 0.02
	case strings.IndexByte(" =&/.-_%", b) >= 0:
		return 0.02
	case strings.IndexByte("+:,;?", b) >= 0:
		return 0.008
	case strings.IndexByte("\"(){}[]", b) >= 0:
		return 0.004
	case b == '\r' || b == '\n' || b == '\t':
		return 0.002
	case b < ' ' || b == 0x7f:
		return 0.0001
	case b >= 0x80:
		return 0.0003
	}
	return 0.001
}

// letterFrequency is the part of letters in English text, times one half.
var letterFrequency = [26]float64{
	.041, .0075, .014, .021, .063, .011, .01, .03, .035, .001, .004, .02, .012, .034, .037, .0096, .0005, .03, .032, .045, .014, .005, .012, .001, .01, .0005,
}

func stringFrequency(s string) float64 {
	f := 1.0
	for i := range len(s) {
		f *= byteFrequency(s[i])
	}
	return f
}

// frequency estimates how often a position of a value begins what makes the clause hold.
func (c *clause) frequency() float64 {
	f := 0.0
	for _, s := range c.strings {
		f += stringFrequency(s)
	}
	for _, b := range c.bytes.bytes() {
		f += byteFrequency(b)
	}
	return f
}

// asBytes weakens a clause to bytes: the rarest of each string. As strings are in lower
// case, both cases count.
func (c *clause) asBytes() byteSet {
	set := c.bytes
	for _, s := range c.strings {
		rarest := s[0]
		for i := range len(s) {
			if byteFrequency(s[i]) < byteFrequency(rarest) {
				rarest = s[i]
			}
		}
		set = set.or(oneByte(rarest).folded())
	}
	return set
}

// isStrings tells whether a clause is good for the automaton of strings.
func (c *clause) isStrings() bool {
	if !c.bytes.empty() || len(c.strings) > 1500 {
		return false
	}
	return !slices.ContainsFunc(c.strings, func(s string) bool { return len(s) < 2 })
}

// filter is what a pattern needs in the form that matching uses.
type filter struct {
	least   int // length of the value
	strings [][]string
	bytes   []byteSet
}

const (
	maxStringClauses = 3
	maxLiteral       = 8 // bytes of a string in the automaton
)

// makeFilter chooses the clauses that discard most.
func makeFilter(tree *node) filter {
	f := filter{}
	f.least, _ = tree.widths()
	n := require(tree)
	for _, c := range byRarity(n.clauses()) {
		if c.isStrings() && len(f.strings) < maxStringClauses {
			f.strings = append(f.strings, shorten(c.strings))
		} else if set := c.asBytes(); set.count() < 200 && !slices.Contains(f.bytes, set) {
			f.bytes = append(f.bytes, set)
		}
	}
	return f
}

// shorten cuts strings to their rarest part of maxLiteral bytes and drops those that hold
// another one.
func shorten(list []string) []string {
	var out []string
	for _, s := range list {
		best, rarest := s, 2.0
		for i := 0; i+maxLiteral <= len(s); i++ {
			if f := stringFrequency(s[i : i+maxLiteral]); f < rarest {
				best, rarest = s[i:i+maxLiteral], f
			}
		}
		out = append(out, best)
	}
	slices.SortFunc(out, func(a, b string) int { return cmp.Or(len(a)-len(b), strings.Compare(a, b)) })
	var kept []string
	has := map[string]bool{}
	for _, s := range slices.Compact(out) {
		if !holdsOneOf(s, has) {
			kept = append(kept, s)
			has[s] = true
		}
	}
	return kept
}

// holdsOneOf tells whether a part of s is in a set.
func holdsOneOf(s string, set map[string]bool) bool {
	for i := range len(s) {
		for k := i + 1; k <= len(s); k++ {
			if set[s[i:k]] {
				return true
			}
		}
	}
	return false
}

// common tells whether strings are no good filter: there are none, or text that means no
// harm has them often.
func (f *filter) common() bool {
	for _, list := range f.strings {
		frequency := 0.0
		for _, t := range list {
			frequency += stringFrequency(t)
			if isCommonText(t) {
				frequency += commonFrequency
			}
		}
		if frequency < commonFrequency {
			return false
		}
	}
	return true
}

// commonFrequency is how often a position may begin a string of a good filter.
const commonFrequency = 1e-6

// isCommonText tells whether a string may be a word, or begins addresses.
func isCommonText(s string) bool {
	if len(s) < 4 || strings.Contains(s, "://") {
		return true
	}
	for i := range len(s) {
		if s[i] < 'a' || 'z' < s[i] {
			return false
		}
	}
	return len(s) <= 5
}
