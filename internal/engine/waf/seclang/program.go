package seclang

import (
	"slices"

	"fastness/internal/engine/waf/inject"
	"fastness/internal/engine/waf/pattern"
	"fastness/internal/engine/waf/transform"
)

// Program is a compiled set of rules: immutable but for its memo, safe for concurrent use.
type Program struct {
	set    *pattern.Set
	words  int // of a set of patterns
	rules  []*rule
	first  int          // how many of them are of the first phase
	always pattern.Bits // rules whose first condition is not decided by values alone
	links  []*link      // static ones, by id

	classes []class
	class   [sources]int32            // of names that no rule mentions
	named   [sources]map[string]int32 // by name, in lower case
	used    [sources]bool
	// whole are the sources of which rules look at values for which no condition holds, too, even if nothing is to be
	// explained.
	whole [sources]bool
	keys  [sources][]string // names of which they do
	// mentioned are the names of a source that rules mention, nil: none; counters are of values that are counted.
	mentioned [sources]*names
	counters  [sources]counters
	counted   int // how many counters there are

	slots    map[string]int32 // of variables TX that rules mention by name
	names    []string
	initial  []txValue
	families []string // prefixes of names with variables in them
	members  []members

	// off are rules that are never run.
	off pattern.Bits

	score   int32 // slot
	steps   uint64
	reserve *pattern.Reserve
	memo    *memo
	detect  bool
	budget  inject.Budget
	// onProcessor are rules whose first condition is on REQBODY_PROCESSOR, which rules change.
	onProcessor []int32

	screen *screen // nil: there is none
	// surveyed tells that a body of JSON may be gone over without being taken apart.
	surveyed bool
}

// RuleInfo describes a rule. It is immutable.
type RuleInfo struct {
	ID       int
	Phase    int
	File     string
	Line     int
	Message  string // with its variables
	Severity string
	Tags     []string
	Log      bool // the rule is logged when it matches
}

// rule is a rule that may be run.
type rule struct {
	RuleInfo
	index    int32
	links    []*link
	deny     bool
	allow    bool
	status   int
	skipTo   int32   // index of the rule to go on with, -1: the next one
	captures bool    // TX:0 to 9 are needed
	matches  bool    // MATCHED_VAR and its kin are needed
	needs    []int32 // static links that have to hold for some value

	message, logdata *macro
}

// link is one condition of a rule: a rule of a chain.
type link struct {
	id       int32 // -1: not static
	rule     int32
	first    bool // of its rule
	targets  []target
	op       operator
	chain    []transform.Kind
	multi    bool
	capture  bool
	narrowed *narrowing // nil: it is not
	sets     []setVar
	ctls     []compiledControl
	action   bool // without a condition
}

// compiledControl is a ctl action with the rules that it means.
type compiledControl struct {
	control
	rules pattern.Bits
}

// Without is the same program without some rules, by their ids. It shares all memory with p. Rules that
// Compile decided (see the package's documentation) stay decided.
func (p *Program) Without(ids []int) *Program {
	if len(ids) == 0 {
		return p
	}
	q := *p
	q.off = pattern.NewBits(len(p.rules))
	q.off.Or(p.off)
	for _, r := range p.rules {
		if slices.Contains(ids, r.ID) {
			q.off.Set(int(r.index))
		}
	}
	return &q
}

// UsesID tells whether rules look at the request's id, which is another one for each request (UNIQUE_ID).
func (p *Program) UsesID() bool { return p.used[uniqueID] }

// WithoutReserve is the same program without what its requests may take beyond their steps (Options.Reserve). It shares all memory with p.
func (p *Program) WithoutReserve() *Program {
	q := *p
	q.reserve = pattern.NewReserve(-1)
	return &q
}

// Rules are rules that were read and not compiled.
type Rules struct{ conf *config }

// Parse reads rules. The error is an *Error.
func Parse(files []Source) (*Rules, error) {
	conf, refused := parse(files)
	if refused != nil {
		return nil, refused
	}
	return &Rules{conf}, nil
}

// List describes the rules that a program with such options would have, and that are logged when they match.
func (r *Rules) List(o Options) ([]RuleInfo, error) {
	c := newCompiler(o)
	c.listing = true
	if err := c.phases(r.conf); err != nil {
		return nil, err
	}
	var out []RuleInfo
	for _, r := range c.p.rules {
		if r.Log {
			out = append(out, r.RuleInfo)
		}
	}
	return out, nil
}

// Rules describes the rules that may be run, in the order of their phases. Those that only set
// defaults and those above the paranoia level are not among them.
func (p *Program) Rules() []RuleInfo {
	out := make([]RuleInfo, len(p.rules))
	for i, r := range p.rules {
		out[i] = r.RuleInfo
	}
	return out
}

// SizeBytes estimates the memory of the program now, without its memo.
func (p *Program) SizeBytes() int {
	n := p.set.SizeBytes()
	for i := range p.classes {
		for k := range p.classes[i].nodes {
			d := &p.classes[i].nodes[k]
			n += 128 + 8*len(d.want) + 8*(len(d.patterns)+len(d.absent)) + 16*len(d.tests)
		}
	}
	return n + 512*len(p.rules)
}

// lowerASCII appends s with A to Z in lower case.
func lowerASCII(dst, s []byte) []byte {
	for _, b := range s {
		if b-'A' < 26 {
			b |= 0x20
		}
		dst = append(dst, b)
	}
	return dst
}

// isLower tells whether s has none of A to Z.
func isLower(s []byte) bool {
	for _, b := range s {
		if b-'A' < 26 {
			return false
		}
	}
	return true
}
