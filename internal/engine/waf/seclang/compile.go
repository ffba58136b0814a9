package seclang

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"fastness/internal/engine/waf/inject"
	"fastness/internal/engine/waf/pattern"
	"fastness/internal/engine/waf/transform"
)

// Options are settings of a program.
type Options struct {
	// Variables are set before the first rule: "blocking_paranoia_level": "2" is what a SecAction
	// with setvar:tx.blocking_paranoia_level=2 would do.
	Variables map[string]string
	// ReadFile reads the files of @pmFromFile. Without it there are none.
	ReadFile func(name string) ([]byte, error)
	// Detect runs all rules even after one that denies the request, as SecRuleEngine DetectionOnly
	// does. The result is Blocked nevertheless.
	Detect bool
	// MemoBytes bounds the memory of the memo: 32 MiB by default, none if it is negative.
	MemoBytes int
	// Budget is how many bytes libinjection may read for one request, by default
	// inject.DefaultBudget. What it could not look at counts as an injection.
	Budget int
	// Steps bounds the work for one request, in steps of package pattern, 0 is DefaultSteps. What is more is
	// not looked at, and the result says so.
	Steps uint64
}

// DefaultSteps is what a request may cost, whatever it is made of: some 10 to 20 ms of a core.
const DefaultSteps = 5_000_000

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
	lengths [sources]uint64           // of these names
	used    [sources]bool

	slots    map[string]int32 // of variables TX that rules mention by name
	names    []string
	initial  []txValue
	families []string // prefixes of names with variables in them
	members  []members

	// off are rules that are never run.
	off pattern.Bits

	score  int32 // slot
	steps  uint64
	memo   *memo
	detect bool
	budget inject.Budget
	// onProcessor are rules whose first condition is on REQBODY_PROCESSOR, which rules change.
	onProcessor []int32
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
	skipTo   int32 // index of the rule to go on with, -1: the next one
	captures bool  // TX:0 to 9 are needed
	matches  bool  // MATCHED_VAR and its kin are needed

	message, logdata *macro
}

// link is one condition of a rule: a rule of a chain.
type link struct {
	id      int32 // -1: not static
	rule    int32
	targets []target
	op      operator
	chain   []transform.Kind
	multi   bool
	capture bool
	sets    []setVar
	ctls    []compiledControl
	action  bool // without a condition
}

// compiledControl is a ctl action with the rules that it means.
type compiledControl struct {
	control
	rules pattern.Bits
}

// compiler makes a Program.
type compiler struct {
	options  Options
	p        *Program
	known    *knowledge
	patterns []pattern.Pattern
	ids      map[string]int32
	listing  bool // only to describe the rules
}

// maxRules bounds a program.
const maxRules = 20_000

// Compile makes a program of rules. The error is an *Error, except where the patterns together are
// too large.
func Compile(files []Source, o Options) (*Program, error) {
	conf, refused := parse(files)
	if refused != nil {
		return nil, refused
	}
	c := newCompiler(o)
	if err := c.phases(conf); err != nil {
		return nil, err
	}
	c.resolve()
	c.classes()
	var err error
	if c.p.set, err = pattern.Compile(c.patterns, pattern.Options{}); err != nil {
		return nil, c.refused(err)
	}
	c.p.masks()
	switch {
	case o.MemoBytes == 0:
		c.p.memo = newMemo(defaultMemoBytes)
	case o.MemoBytes > 0:
		c.p.memo = newMemo(o.MemoBytes)
	}
	if c.p.budget = inject.Budget(o.Budget); o.Budget == 0 {
		c.p.budget = inject.DefaultBudget
	}
	return c.p, nil
}

// refused says which rule has the pattern that was refused.
func (c *compiler) refused(err error) error {
	var e *pattern.Error
	if !errors.As(err, &e) {
		return err
	}
	for _, r := range c.p.rules {
		for _, l := range r.links {
			if !l.action && l.op.kind == byPattern && int(l.op.pattern) == e.Index {
				return &Error{File: r.File, Line: r.Line, Reason: fmt.Sprintf("rule %d: %s at offset %d of the expression: %s", r.ID, e.Reason, e.Offset, e.Detail)}
			}
		}
	}
	return err
}

func newCompiler(o Options) *compiler {
	c := &compiler{options: o, known: newKnowledge(o.Variables), ids: map[string]int32{}}
	c.p = &Program{detect: o.Detect, slots: map[string]int32{}, score: -1, steps: cmp.Or(o.Steps, DefaultSteps)}
	for i := range 10 {
		c.slot(string(rune('0' + i)))
	}
	return c
}

// intern gives the number of a pattern, equal ones the same.
func (c *compiler) intern(p pattern.Pattern) int32 {
	key := fmt.Sprintf("%d %q %q %t", p.Kind, p.Text, p.Texts, p.Fold)
	id, ok := c.ids[key]
	if !ok {
		id = int32(len(c.patterns))
		c.ids[key] = id
		c.patterns = append(c.patterns, p)
	}
	return id
}

// slot gives the number of a variable TX.
func (c *compiler) slot(key string) int32 {
	id, ok := c.p.slots[key]
	if !ok {
		id = int32(len(c.p.names))
		c.p.slots[key] = id
		c.p.names = append(c.p.names, key)
	}
	return id
}

// position is a rule in the order of its phase, before those that are never run were left out.
type position struct {
	spec   *ruleSpec
	marker string
	rule   *rule // nil: it is never run
}

// phases compiles the rules of the phases 1 and 2 in the order in which they are run.
func (c *compiler) phases(conf *config) error {
	p := c.p
	for phase := 1; phase <= 2; phase++ {
		var order []position
		for _, it := range conf.items {
			if it.rule == nil || it.rule.phase == phase {
				order = append(order, position{spec: it.rule, marker: it.marker})
			}
		}
		from := len(p.rules)
		if err := c.phase(order, conf.defaults[phase]); err != nil {
			return err
		}
		if len(p.rules) > maxRules {
			return fmt.Errorf("seclang: more than %d rules", maxRules)
		}
		for i := range order {
			if r := order[i].rule; r != nil {
				r.skipTo = skipTarget(order, i, from, len(p.rules))
			}
		}
		if phase == 1 {
			p.first = len(p.rules)
		}
	}
	return nil
}

// phase compiles the rules of one phase.
func (c *compiler) phase(order []position, defaults *ruleSpec) error {
	conditional := -1 // up to here rules may have been skipped by one before
	for i := 0; i < len(order); i++ {
		spec := order[i].spec
		if spec == nil {
			continue
		}
		holds, known := c.known.decide(spec)
		if known && !holds {
			continue
		}
		if known && i > conditional && len(spec.links) == 1 && len(spec.controls) == 0 && !logs(spec, defaults) && !denies(spec, defaults) && spec.disruptive != "allow" {
			skips := spec.skip > 0 || spec.skipAfter != ""
			if c.known.settle(spec.sets) {
				if skips {
					i = skipEnd(order, i) - 1
				}
				continue
			}
		}
		r, err := c.rule(spec, defaults)
		if err != nil {
			return err
		}
		order[i].rule = r
		for _, l := range r.links {
			c.known.reads(l)
			c.known.forget(l.sets)
		}
		if spec.skip > 0 || spec.skipAfter != "" {
			conditional = max(conditional, skipEnd(order, i)-1)
		}
	}
	return nil
}

// skipEnd is the position with which a rule that skips goes on.
func skipEnd(order []position, i int) int {
	spec := order[i].spec
	if spec.skipAfter != "" {
		for k := i + 1; k < len(order); k++ {
			if order[k].marker == spec.skipAfter {
				return k + 1
			}
		}
		return len(order)
	}
	left := spec.skip
	k := i + 1
	for ; k < len(order) && left > 0; k++ {
		if order[k].spec != nil {
			left--
		}
	}
	return k
}

// skipTarget is the index of the rule with which a rule goes on that skips, -1 if it does not.
func skipTarget(order []position, i, from, end int) int32 {
	if order[i].spec.skip == 0 && order[i].spec.skipAfter == "" {
		return -1
	}
	for k := skipEnd(order, i); k < len(order); k++ {
		if order[k].rule != nil {
			return order[k].rule.index
		}
	}
	return int32(end)
}

// denies tells whether a rule stops the request when it matches.
func denies(spec, defaults *ruleSpec) bool {
	what := spec.disruptive
	if (what == "block" || what == "") && defaults != nil {
		what = defaults.disruptive
	}
	return what == "deny" || what == "drop" || what == "redirect"
}

// logs tells whether a rule is logged when it matches.
func logs(spec, defaults *ruleSpec) bool {
	return spec.log > 0 || spec.log == 0 && (defaults == nil || defaults.log >= 0)
}

// rule compiles one rule with its chain.
func (c *compiler) rule(spec, defaults *ruleSpec) (*rule, error) {
	r := &rule{
		RuleInfo: RuleInfo{
			ID: spec.id, Phase: spec.phase, File: spec.file, Line: spec.line, Message: spec.message, Severity: spec.severity, Tags: spec.tags,
			Log: logs(spec, defaults),
		},
		index: int32(len(c.p.rules)), deny: denies(spec, defaults), allow: spec.disruptive == "allow", status: spec.status, skipTo: -1,
	}
	if r.deny && r.status == 0 {
		r.status = 403
		if defaults != nil && defaults.status != 0 && spec.disruptive != "deny" {
			r.status = defaults.status
		}
	}
	for _, s := range spec.links {
		l := &link{id: -1, rule: r.index, targets: s.targets, chain: s.chainOf, multi: s.multi, capture: s.capture, action: s.always}
		if !s.always {
			var err error
			if l.op, err = c.operator(&s.operator); err != nil {
				return nil, s.errorf("%v", err)
			}
		}
		for _, v := range s.sets {
			v.key, v.value = c.known.fold(v.key), c.known.fold(v.value)
			l.sets = append(l.sets, v)
		}
		for _, ctl := range s.controls {
			l.ctls = append(l.ctls, compiledControl{control: ctl})
		}
		r.links = append(r.links, l)
	}
	c.needs(r)
	r.message, r.logdata = text(spec.message), text(spec.logdata)
	c.p.rules = append(c.p.rules, r)
	return r, nil
}

// text is a macro in which what is not understood stays as it is.
func text(s string) *macro {
	m, err := parseMacro(s)
	if err != nil {
		return &macro{text: s, pieces: []piece{{text: s}}}
	}
	return m
}

// needs finds out which variables that a match sets the rule itself reads.
func (c *compiler) needs(r *rule) {
	reads := func(m *macro) {
		if m == nil {
			return
		}
		for _, p := range m.pieces {
			switch {
			case p.variable == nil:
			case p.variable.kind == ofTX && isNumbered(p.key):
				r.captures = true
			case p.variable.kind >= ofMatch && p.variable.kind <= ofMatchNames:
				r.matches = true
			}
		}
	}
	for _, l := range r.links {
		for i := range l.targets {
			t := &l.targets[i]
			switch {
			case t.variable.kind >= ofMatch && t.variable.kind <= ofMatchNames:
				r.matches = true
			case t.variable.kind == ofTX && (t.only == nil || t.only.pattern != nil || isNumbered(t.only.key)):
				// An expression for names might mean a number; those of ordinary rules do not.
				r.captures = r.captures || t.only == nil || t.only.pattern == nil || t.only.pattern.MatchString("0") || t.only.pattern.MatchString("1")
			}
		}
		reads(l.op.operand)
		for i := range l.sets {
			reads(l.sets[i].key)
			reads(l.sets[i].value)
		}
	}
}

// resolve gives variables their slots, static conditions their ids, and controls their rules.
func (c *compiler) resolve() {
	p := c.p
	p.always, p.off = pattern.NewBits(len(p.rules)), pattern.NewBits(len(p.rules))
	p.used[bodyProcessor] = true
	for _, r := range p.rules {
		for n, l := range r.links {
			if l.static() {
				l.id = int32(len(p.links))
				p.links = append(p.links, l)
				if n == 0 && len(l.targets) == 1 && l.targets[0].variable.name == "REQBODY_PROCESSOR" {
					p.onProcessor = append(p.onProcessor, r.index)
				}
			} else if n == 0 {
				p.always.Set(int(r.index))
			}
			for i := range l.targets {
				t := &l.targets[i]
				for _, src := range t.sources {
					p.used[src] = true
				}
			}
			c.resolveMacro(l.op.operand)
			for i := range l.sets {
				v := &l.sets[i]
				c.resolveMacro(v.key)
				c.resolveMacro(v.value)
				if key, ok := v.key.constant(); ok {
					v.slot = c.slot(key)
				} else {
					v.slot, v.family = -1, c.family(v.key.prefix())
				}
			}
			c.resolveMacro(r.message)
			c.resolveMacro(r.logdata)
			for i := range l.ctls {
				c.resolveControl(&l.ctls[i])
			}
		}
	}
	for key := range c.known.values {
		c.slot(key)
	}
	// All names have to be known before what expressions mean by them.
	for _, r := range p.rules {
		for _, l := range r.links {
			for i := range l.targets {
				if t := &l.targets[i]; t.variable.kind == ofTX && t.only != nil && t.only.pattern == nil {
					c.slot(t.only.key)
				}
			}
		}
	}
	for _, r := range p.rules {
		for _, l := range r.links {
			for i := range l.targets {
				if t := &l.targets[i]; t.variable.kind == ofTX {
					c.resolveTX(t)
				}
			}
		}
	}
	p.initial = make([]txValue, len(p.names))
	for i, name := range p.names {
		if value, ok := c.known.values[name]; ok {
			p.initial[i] = textValue([]byte(value))
		}
	}
	p.score = c.slotOf("blocking_inbound_anomaly_score")
}

func (c *compiler) slotOf(key string) int32 {
	if id, ok := c.p.slots[key]; ok {
		return id
	}
	return -1
}

// static tells whether a condition is decided by single values of the request alone.
func (l *link) static() bool {
	if l.action || !l.op.constant() {
		return false
	}
	return !slices.ContainsFunc(l.targets, func(t target) bool { return t.count || t.variable.kind != ofRequest })
}

func (c *compiler) resolveMacro(m *macro) {
	if m == nil {
		return
	}
	for i := range m.pieces {
		switch x := &m.pieces[i]; {
		case x.variable == nil:
		case x.variable.kind == ofTX:
			x.slot = c.slot(x.key)
		default:
			for _, src := range x.variable.sources {
				c.p.used[src] = true
			}
		}
	}
}

func (c *compiler) resolveControl(ctl *compiledControl) {
	if ctl.op > removeTargetByTag {
		return
	}
	ctl.rules = pattern.NewBits(len(c.p.rules))
	for _, r := range c.p.rules {
		byID := ctl.op == removeByID || ctl.op == removeTargetByID
		if byID && ctl.ids.has(r.ID) || !byID && slices.Contains(r.Tags, ctl.tag) {
			ctl.rules.Set(int(r.index))
		}
	}
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
