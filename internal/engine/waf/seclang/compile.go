package seclang

import (
	"cmp"
	"errors"
	"fmt"

	"fastness/internal/engine/waf/inject"
	"fastness/internal/engine/waf/pattern"
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
	// Budget is how many of the steps libinjection may take for one request, by default
	// inject.DefaultBudget. What it could not look at counts as an injection.
	Budget int
	// Steps bounds the work for one request, in steps of package pattern, 0 is DefaultSteps. What is more is
	// not looked at, and the result says so.
	Steps uint64
	// Reserve is how many steps all requests together may take beyond that, once, while the program's automata learn: 0 is
	// DefaultReserve, negative is none.
	Reserve int64

	// plain has a program evaluate rules as they are written, without what saves work: tests compare with it.
	plain bool
}

// DefaultSteps is what a request may cost, whatever it is made of: some 10 to 20 ms of a core.
const DefaultSteps = 5_000_000

// DefaultReserve is what the requests of a program may cost beyond their steps, all together: some third of a second of a core, once.
const DefaultReserve = 150_000_000

// compiler makes a Program.
type compiler struct {
	options  Options
	p        *Program
	known    *knowledge
	patterns []pattern.Pattern
	ids      map[string]int32
	listing  bool // only to describe the rules
	plain    bool
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
	c.nameTables()
	var err error
	if c.p.set, err = pattern.Compile(c.patterns, pattern.Options{}); err != nil {
		return nil, c.refused(err)
	}
	c.p.masks()
	c.needs()
	c.narrow()
	c.screen()
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
	c := &compiler{options: o, plain: o.plain, known: newKnowledge(o.Variables), ids: map[string]int32{}}
	c.p = &Program{detect: o.Detect, slots: map[string]int32{}, score: -1, steps: cmp.Or(o.Steps, DefaultSteps), reserve: pattern.NewReserve(cmp.Or(o.Reserve, DefaultReserve))}
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
		l.first = len(r.links) == 0
		r.links = append(r.links, l)
	}
	c.reads(r)
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

// reads finds out which variables that a match sets the rule itself reads.
func (c *compiler) reads(r *rule) {
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
