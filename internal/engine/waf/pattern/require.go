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
		all := require(n.subs[0])
		for _, s := range n.subs[1:] {
			all = either(all, require(s))
		}
		return all
	case opCapture:
		return require(n.subs[0])
	case opRepeat:
		sub := require(n.subs[0])
		switch {
		case n.max == 0:
			return needs{exact: nothing}
		case n.min == 0 && n.max == 1:
			return either(sub, needs{exact: nothing})
		case n.min == 0:
			return needs{}
		case n.min == n.max && n.min <= 4:
			return requireConcat(slices.Repeat(n.subs, n.min))
		}
		if n.min > 1 { // at least that often; once more says how it goes on
			sub = requireConcat(slices.Repeat(n.subs, min(n.min, 4)))
		}
		return needs{must: sub.clauses()}
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

// either is what is needed if one of two nodes matches.
func either(a, b needs) needs {
	if a.exact != nil && b.exact != nil && len(a.exact)+len(b.exact) <= maxExact {
		both := slices.Concat(a.exact, b.exact)
		slices.Sort(both)
		return needs{exact: slices.Compact(both), must: pair(a.must, b.must)}
	}
	return needs{must: pair(a.clauses(), b.clauses())}
}

// pair joins the best clause of each side, the second best and so on: (A1 and A2) or (B1
// and B2) implies (A1 or B1) and (A2 or B2).
func pair(a, b []clause) []clause {
	byRarity := func(x, y clause) int { return cmp.Compare(x.frequency(), y.frequency()) }
	a, b = slices.SortedFunc(slices.Values(a), byRarity), slices.SortedFunc(slices.Values(b), byRarity)
	var out []clause
	for i := range min(len(a), len(b)) {
		joined := slices.Concat(a[i].strings, b[i].strings)
		slices.Sort(joined)
		out = append(out, clause{strings: slices.Compact(joined), bytes: a[i].bytes.or(b[i].bytes)})
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
	if len(to) > maxClauses {
		worst := 0
		for i := range to {
			if to[i].frequency() > to[worst].frequency() {
				worst = i
			}
		}
		to = slices.Delete(to, worst, worst+1)
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
	all := n.clauses()
	slices.SortFunc(all, func(x, y clause) int { return cmp.Compare(x.frequency(), y.frequency()) })
	for _, c := range all {
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
	for _, s := range slices.Compact(out) {
		if !slices.ContainsFunc(kept, func(k string) bool { return strings.Contains(s, k) }) {
			kept = append(kept, s)
		}
	}
	return kept
}

// common tells whether strings are no good filter: there are none, or text that means no
// harm has them often.
func (f *filter) common() bool {
	for _, list := range f.strings {
		frequency := 0.0
		for _, t := range list {
			frequency += stringFrequency(t)
			if len(t) < 4 {
				frequency += 1e-6
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
