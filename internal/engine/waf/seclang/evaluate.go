package seclang

import (
	"cmp"
	"hash/maphash"
	"math/bits"
	"strconv"
	"unsafe"

	"fastness/internal/engine/waf/inject"
	"fastness/internal/engine/waf/pattern"
	"fastness/internal/engine/waf/request"
)

// Result is what a program decided on a request. It belongs to the scratch and is valid until
// that is used again.
type Result struct {
	// Blocked tells that a rule denied the request, Status with what, Rule which.
	Blocked bool
	Status  int
	Rule    *RuleInfo
	// Score is the anomaly score that the Core Rule Set compares with its threshold.
	Score int
	// Matches are the rules that matched, in order.
	Matches []Match
	// Reported is how many of them are of rules that are logged.
	Reported int
	// Exhausted tells that the request would have cost more than Options.Steps, and not all of it was looked
	// at, or more than Options.Budget, and what libinjection could not look at counted as an injection.
	Exhausted bool
}

// Has tells whether a rule that is logged matched.
func (r *Result) Has(id int) bool {
	for i := range r.Matches {
		if m := r.Matches[i].Rule; m.ID == id && m.Log {
			return true
		}
	}
	return false
}

// Match is a rule that matched.
type Match struct {
	Rule *RuleInfo
	// Message and Data are the rule's msg and logdata with their variables replaced, where
	// Scratch.Explain asks for them. For a chain they are those after its last rule matched, otherwise
	// those of the first value that matched.
	Message, Data string
}

// Scratch is the memory for evaluating one request after another, by one goroutine at a time, with any
// program. See NewScratch.
type Scratch struct {
	// Explain has matches say what they found where. It takes more time and memory.
	Explain bool
	// Left is how many steps there are for the next evaluation beside what Options.Steps allows; 0 is as many as that.
	Left uint64

	p          *Program
	limits     request.Limits
	inspection request.Inspection
	matcher    *pattern.Scratch
	seed       maphash.Seed
	front      *front // of p
	sieve      *request.Sieve

	entries []entry
	span    [sources]span
	hits    []int32
	runs    pattern.Bits // rules of which a first condition holds
	held    pattern.Bits // static links that hold for some value
	removed pattern.Bits
	targets []removedTarget

	// Of Scratch.inspect.
	forms  []form
	formOf []int32
	got    []uint64
	wanted []uint64
	arena  []byte

	one, oneGot pattern.Bits

	counts []int32 // of values, by counter

	kept  []byte // text that lives as long as the request
	lower []byte

	tx            []txValue
	invented      []invented
	inventedTable []int32
	matched       []matched
	values        []matched           // of a condition on MATCHED_VARS
	captures      map[int32]*captures // by pattern

	processor processor
	force     bool
	off       bool
	budget    inject.Budget
	exhausted bool
	explained Match // of the rule that is being run
	result    Result
}

// span is where the values of a source are in Scratch.entries.
type span struct{ from, to int32 }

// entry is a value of the request.
type entry struct {
	key, value []byte
	hits       []int32 // conditions that hold
}

// matched is a member of MATCHED_VARS.
type matched struct {
	variable *variable
	key      []byte
	value    []byte
}

// appendName appends the name of what matched: "ARGS:id".
func (m *matched) appendName(dst []byte) []byte {
	dst = append(dst, m.variable.name...)
	if len(m.key) > 0 {
		dst = append(append(dst, ':'), m.key...)
	}
	return dst
}

type removedTarget struct {
	rules  pattern.Bits
	target *target
}

// What a scratch keeps for the next request.
const (
	keptBytes   = 1 << 20
	keptEntries = 1 << 15
)

// NewScratch returns a scratch for requests that are taken apart within the limits.
func NewScratch(l request.Limits) *Scratch {
	return &Scratch{limits: l, seed: maphash.MakeSeed(), inspection: *request.NewInspection(l), matcher: pattern.NewScratch()}
}

func (s *Scratch) begin(p *Program, r *request.Request) {
	if s.p != p {
		s.p, s.front, s.captures = p, nil, nil
		s.runs, s.removed = pattern.NewBits(len(p.rules)), pattern.NewBits(len(p.rules))
		s.one, s.oneGot = pattern.NewBits(p.set.Len()), pattern.NewBits(p.set.Len())
		s.held = pattern.NewBits(len(p.links))
		s.tx, s.counts = make([]txValue, len(p.initial)), make([]int32, p.counted)
	}
	if cap(s.kept)+cap(s.arena) > keptBytes {
		s.kept, s.arena = nil, nil
	}
	if cap(s.entries) > keptEntries {
		s.entries, s.hits, s.matched, s.values = nil, nil, nil, nil
	}
	clear(s.entries)
	clear(s.matched)
	clear(s.values)
	clear(s.forms)
	clear(s.invented)
	if len(s.invented) > 0 {
		clear(s.inventedTable)
	}
	if len(s.inventedTable) > 1024 {
		s.inventedTable = nil
	}
	s.entries, s.hits, s.matched, s.values, s.forms, s.invented = s.entries[:0], s.hits[:0], s.matched[:0], s.values[:0], s.forms[:0], s.invented[:0]
	s.targets, s.kept, s.arena = s.targets[:0], s.kept[:0], s.arena[:0]
	s.span = [sources]span{}
	s.runs.Reset()
	s.held.Reset()
	clear(s.counts)
	copy(s.removed, p.off)
	copy(s.tx, p.initial)
	s.processor, s.force, s.off, s.exhausted, s.budget = noProcessor, false, false, false, p.budget
	s.matcher.Allow(min(p.steps, cmp.Or(s.Left, p.steps)))
	s.matcher.Borrow(p.reserve, pattern.DefaultLoan)
	s.matcher.Spend(bodySteps * len(r.Body))
	s.inspection.Reset(r)
	clear(s.result.Matches)
	s.result = Result{Matches: s.result.Matches[:0]}
}

// Evaluate runs a request through the program.
func (p *Program) Evaluate(r *request.Request, s *Scratch) *Result {
	s.begin(p, r)
	s.collectHead(r)
	if s.phase(0, p.first) {
		s.collectBody()
		s.phase(p.first, len(p.rules))
	}
	if p.score >= 0 {
		s.result.Score = s.tx[p.score].asNumber()
	}
	s.result.Exhausted = s.exhausted || s.matcher.Exhausted()
	return &s.result
}

// Steps returns how many steps all evaluations took so far (see pattern.Scratch.Steps).
func (s *Scratch) Steps() uint64 { return s.matcher.Steps() }

// phase runs the rules from one to before end that have to be run, and tells whether to go on.
func (s *Scratch) phase(from, end int) bool {
	for i := s.next(from); i < end; i = s.next(i) {
		if s.removed.Has(i) {
			i++
			continue
		}
		r := s.p.rules[i]
		i++
		if !s.possible(r) || !s.run(r) {
			continue
		}
		s.result.Matches = append(s.result.Matches, s.account(r))
		if r.Log {
			s.result.Reported++
		}
		switch {
		case s.off, r.allow:
			return false
		case r.deny:
			if !s.result.Blocked {
				s.result.Blocked, s.result.Status, s.result.Rule = true, r.status, &r.RuleInfo
			}
			if !s.p.detect {
				return false
			}
		}
		if r.skipTo >= 0 {
			i = int(r.skipTo)
		}
	}
	return true
}

// next is the first rule from i on that has to be run.
func (s *Scratch) next(i int) int {
	for w := i >> 6; w < len(s.runs); w++ {
		word := s.runs[w] | s.p.always[w]
		if w == i>>6 {
			word &= ^uint64(0) << (i & 63)
		}
		if word != 0 {
			return w<<6 + bits.TrailingZeros64(word)
		}
	}
	return len(s.p.rules)
}

// run runs a rule with its chain and tells whether all of it matched.
func (s *Scratch) run(r *rule) bool {
	s.matched, s.explained = s.matched[:0], Match{}
	for _, l := range r.links {
		if !s.condition(r, l) {
			return false
		}
	}
	return true
}

// condition finds all values for which a condition holds, and carries out what it does for each
// of them.
func (s *Scratch) condition(r *rule, l *link) bool {
	if l.action {
		s.act(l)
		return true
	}
	found := false
	for i := range l.targets {
		t := &l.targets[i]
		switch t.variable.kind {
		case ofRequest:
			found = s.onRequest(r, l, t) || found
		case ofTX:
			if t.only != nil && t.only.pattern == nil && !t.count && s.plainNumber(r, l) {
				if v := &s.tx[t.slot]; v.state != notSet {
					found = s.onNumber(l, v.asNumber()) || found
				}
				continue
			}
			if t.count {
				n := 0
				s.eachTX(t, func(_, _ []byte) { n++ })
				found = s.onCount(r, l, t, n) || found
				continue
			}
			s.eachTX(t, func(key, value []byte) {
				found = s.onValue(r, l, t.variable, key, value) || found
			})
		case ofMatch, ofMatchName:
			if k := len(s.matched); k > 0 {
				m := s.matched[k-1]
				value := m.value
				if t.variable.kind == ofMatchName {
					value = s.nameOf(&m)
				}
				found = s.onValue(r, l, t.variable, nil, value) || found
			}
		case ofMatches, ofMatchNames:
			s.values = append(s.values[:0], s.matched...)
			if t.count {
				found = s.onCount(r, l, t, len(s.values)) || found
				continue
			}
			for k := range s.values {
				m := s.values[k]
				value := m.value
				if t.variable.kind == ofMatchNames {
					value = s.nameOf(&m)
				}
				found = s.onValue(r, l, t.variable, nil, value) || found
			}
		}
	}
	return found
}

func (s *Scratch) nameOf(m *matched) []byte {
	n := len(s.kept)
	s.kept = m.appendName(s.kept)
	return s.kept[n:len(s.kept):len(s.kept)]
}

// onRequest is a condition on values of the request.
func (s *Scratch) onRequest(r *rule, l *link, t *target) bool {
	if t.counters != nil {
		return s.onCount(r, l, t, s.counted(t))
	}
	found := false
	n := 0
	for _, src := range t.sources {
		sp := s.span[src]
		for i := sp.from; i < sp.to; i++ {
			e := &s.entries[i]
			if l.id >= 0 && !e.has(l.id) {
				continue
			}
			if (t.only != nil || len(t.except) > 0) && !s.lowerKey(e, t.wants) || len(s.targets) > 0 && s.isRemoved(r, t, e) {
				continue
			}
			if t.count {
				n++
				continue
			}
			key := e.key
			switch {
			case l.id >= 0 && !l.multi && !s.Explain && !r.matches && !(r.captures && l.capture):
				s.act(l)
				found = true
			case l.id >= 0 && !l.multi:
				s.match(r, l, t.variable, key, s.transformed(l, e.value))
				found = true
			default:
				found = s.onValue(r, l, t.variable, key, e.value) || found
			}
		}
	}
	if t.count {
		return s.onCount(r, l, t, n)
	}
	return found
}

// has tells whether a condition holds for the value.
func (e *entry) has(id int32) bool {
	for _, h := range e.hits {
		if h == id {
			return true
		}
	}
	return false
}

// lowerKey asks about the name of an entry, in lower case.
func (s *Scratch) lowerKey(e *entry, ask func([]byte) bool) bool {
	if isLower(e.key) {
		return ask(e.key)
	}
	s.lower = lowerASCII(s.lower[:0], e.key)
	return ask(s.lower)
}

// isRemoved tells whether a value was taken away from a rule by ctl:ruleRemoveTarget….
func (s *Scratch) isRemoved(r *rule, t *target, e *entry) bool {
	for i := range s.targets {
		x := &s.targets[i]
		if x.target.variable == t.variable && x.rules.Has(int(r.index)) && s.lowerKey(e, x.target.wants) {
			return true
		}
	}
	return false
}

// plainNumber tells whether all that a condition does with a value is to compare it as a number.
func (s *Scratch) plainNumber(r *rule, l *link) bool {
	return l.op.kind >= equal && l.op.kind <= less && len(l.chain) == 0 && !l.multi && !s.Explain && !r.matches && !(r.captures && l.capture)
}

// onNumber is a condition that compares numbers and nothing else.
func (s *Scratch) onNumber(l *link, n int) bool {
	o := &l.op
	if o.compare(n, s.operandNumber(o)) == o.negate {
		return false
	}
	s.act(l)
	return true
}

// onCount is a condition on how many values there are.
func (s *Scratch) onCount(r *rule, l *link, t *target, n int) bool {
	if s.plainNumber(r, l) {
		return s.onNumber(l, n)
	}
	at := len(s.kept)
	s.kept = strconv.AppendInt(s.kept, int64(n), 10)
	var key []byte
	if t.only != nil {
		key = view(t.only.key)
	}
	return s.onValue(r, l, t.variable, key, s.kept[at:len(s.kept):len(s.kept)])
}

// onValue transforms a value, asks the operator about it, or about all forms on the way for
// multiMatch, and carries out what the condition does.
func (s *Scratch) onValue(r *rule, l *link, v *variable, key, value []byte) bool {
	found := false
	if l.multi && s.holds(&l.op, value) {
		s.match(r, l, v, key, value)
		found = true
	}
	for _, kind := range l.chain {
		next := s.transform(kind, value)
		if changed := len(next) != len(value) || unsafe.SliceData(next) != unsafe.SliceData(value); changed && l.multi && s.holds(&l.op, next) {
			s.match(r, l, v, key, next)
			found = true
		}
		value = next
	}
	if !l.multi && s.holds(&l.op, value) {
		s.match(r, l, v, key, value)
		found = true
	}
	return found
}

// match notes that a condition holds for a value.
func (s *Scratch) match(r *rule, l *link, v *variable, key, value []byte) {
	if r.matches || s.Explain {
		s.matched = append(s.matched, matched{v, key, value})
	}
	if (r.captures || s.Explain) && l.capture && !l.op.negate {
		s.capture(&l.op, value)
	}
	s.act(l)
	if s.Explain && len(r.links) == 1 && s.explained.Rule == nil {
		s.explained = s.describe(r)
	}
}

// account is the match of a rule.
func (s *Scratch) account(r *rule) Match {
	switch {
	case !s.Explain:
		return Match{Rule: &r.RuleInfo}
	case s.explained.Rule != nil:
		return s.explained
	}
	return s.describe(r)
}

func (s *Scratch) describe(r *rule) Match {
	return Match{Rule: &r.RuleInfo, Message: string(s.expand(r.message)), Data: string(s.expand(r.logdata))}
}

// act carries out what a condition does for each match.
func (s *Scratch) act(l *link) {
	for i := range l.sets {
		s.set(&l.sets[i])
	}
	for i := range l.ctls {
		s.control(&l.ctls[i])
	}
}

func (s *Scratch) control(c *compiledControl) {
	switch c.op {
	case removeByID, removeByTag:
		s.removed.Or(c.rules)
	case removeTargetByID, removeTargetByTag:
		for i := range c.targets {
			s.targets = append(s.targets, removedTarget{c.rules, &c.targets[i]})
		}
	case setProcessor:
		s.processor = c.processor
		s.refreshProcessor()
	case forceBody:
		s.force = true
	case engineOff:
		s.off = true
	}
}

// capture sets TX:0 to 9.
func (s *Scratch) capture(o *operator, value []byte) {
	if o.kind != byPattern || o.whole {
		s.tx[0] = txValue{state: isText, text: value}
		return
	}
	groups := s.groups(o.pattern, value)
	for i := 0; 2*i < len(groups) && i < 9; i++ {
		var text []byte
		if from := groups[2*i]; from >= 0 {
			text = value[from:groups[2*i+1]]
		}
		s.tx[i] = txValue{state: isText, text: text}
	}
}

// groups are what the groups of an expression match in a value. What it matched in last is remembered: Content-Type is the same in one request after
// another.
func (s *Scratch) groups(id int32, value []byte) []int {
	if s.captures == nil {
		s.captures = map[int32]*captures{}
	}
	c := s.captures[id]
	if c == nil {
		c = &captures{}
		s.captures[id] = c
	}
	if c.groups == nil || string(c.value) != string(value) {
		c.groups = s.p.set.AppendCaptures(c.groups[:0], int(id), value, s.matcher)
		if c.value = append(c.value[:0], value...); len(value) > mostCaptured || s.matcher.Left() == 0 {
			groups := c.groups
			*c = captures{} // it is too long to be kept, or not all of it was looked at
			return groups
		}
	}
	return c.groups
}

// captures are the groups of an expression in the value that it was last asked about.
type captures struct {
	value  []byte
	groups []int
}

// mostCaptured is how long such a value is at most.
const mostCaptured = 256

// view is the bytes of s, not to be written to.
func view(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }
