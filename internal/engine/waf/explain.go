package waf

import (
	"fmt"

	"fastness/internal/engine/waf/request"
	"fastness/internal/engine/waf/transform"
)

// Explanation tells which rules a request met and what they found in it. It owns all that
// it holds.
type Explanation struct {
	Action      ActionKind
	Terminating string      `json:",omitempty"` // the rule that ended the evaluation; in a group, with a slash
	Labels      []string    `json:",omitempty"`
	Rules       []RuleTrace // that were evaluated, in order
	Exhausted   bool        `json:",omitempty"` // see Verdict
	// Uninspected tells that the terminating rule is one that could not look at all of the request, and found nothing.
	Uninspected bool `json:",omitempty"`
}

// RuleTrace is one rule that was evaluated.
type RuleTrace struct {
	Rule      string // in a group, with the name of the rule that refers to it and a slash
	Kind      RuleKind
	Matched   bool
	Action    ActionKind      `json:",omitzero"` // taken
	Statement *StatementTrace `json:",omitempty"`
	// Count, Limit of a rate-based rule, if the request is counted: with this request, which an
	// explanation does not count.
	Count, Limit int64 `json:",omitempty"`
}

// StatementTrace is one statement that was evaluated, or not.
type StatementTrace struct {
	Statement string // what it is: "and", "byte match", "SQL injection" …
	Outcome   Outcome
	// Why the outcome did not depend on what was looked for: "missing", "oversize", "fallback",
	// "no address".
	Why string `json:",omitempty"`
	// Of a statement that inspects a component.
	Component       *request.Component `json:",omitempty"`
	Transformations []transform.Kind   `json:",omitempty"`
	Findings        []Finding          `json:",omitempty"`
	Statements      []StatementTrace   `json:",omitempty"` // inside
}

// Outcome of a statement.
type Outcome string

// The outcomes. NotApplied is that of a statement whose header of a forwarded address is
// absent; NotInspected that of one that there were no steps left for (Verdict.Exhausted); NotEvaluated
// one that others decided before it.
const (
	Matched      Outcome = "match"
	NotMatched   Outcome = "no match"
	NotApplied   Outcome = "not applied"
	NotInspected Outcome = "not inspected"
	NotEvaluated Outcome = "not evaluated"
)

// Finding is a piece of a request that a statement matched.
type Finding struct {
	Component request.Component
	Name      string `json:",omitempty"` // of the field, argument, cookie or JSON key
	Key       bool   `json:",omitempty"` // the match is in the name itself
	Value     []byte // after the transformations, at most 4,096 bytes around the match
	// Start and End are the matched range in Value; for a statement on a whole value it is all of
	// it.
	Start, End int
	Pattern    string `json:",omitempty"` // the string or expression that matched
	// Injection is SQL or XSS for those statements.
	Injection string `json:",omitempty"`
	High      bool   `json:",omitempty"` // sensitivity of an SQL statement
	// Attack names the families that a value is one of, for those statements.
	Attack string `json:",omitempty"`
}

// maxFindings bounds the findings of a statement, maxFindingValue their values.
const (
	maxFindings     = 10
	maxFindingValue = 4096
)

// Explain evaluates a request as Evaluate does and tells what happened. Rate-based rules do
// not count it. The only error is a *PanicError.
func (p *Program) Explain(r *request.Request, tokens Tokens, s *Scratch) (*Explanation, error) {
	t := &tracer{at: map[*rule]int{}}
	s.trace = t
	v, err := p.Evaluate(r, tokens, s)
	s.trace = nil
	if err != nil {
		return nil, err
	}
	e := &Explanation{Action: v.Action, Labels: v.AppendLabels(nil), Rules: t.rules, Exhausted: v.Exhausted}
	if v.Terminating != nil {
		e.Terminating, e.Uninspected = v.Terminating.Rule.Path(), v.Terminating.Uninspected
	}
	if v.Inner != nil {
		e.Terminating = v.Inner.Rule.Path()
	}
	return e, nil
}

// Path returns the rule's name, in a group with the name of the rule that refers to it and a
// slash before it.
func (i *RuleInfo) Path() string {
	if i.Group != nil {
		return i.Group.Name + "/" + i.Name
	}
	return i.Name
}

// tracer records an explanation.
type tracer struct {
	rules []RuleTrace
	at    map[*rule]int
}

// enter records a rule.
func (t *tracer) enter(r *rule) {
	t.at[r] = len(t.rules)
	t.rules = append(t.rules, RuleTrace{Rule: r.info.Path(), Kind: r.info.Kind})
}

// statement evaluates the rule's statement, once: a country statement in it may add a label
// that another part of it looks for.
func (t *tracer) statement(s *Scratch, r *rule) truth {
	st, result := s.explain(r.expr)
	t.rules[t.at[r]].Statement = &st
	return result
}

// labelled records that a rule that only labels applied.
func (t *tracer) labelled(r *rule) {
	trace := &t.rules[t.at[r]]
	trace.Matched, trace.Action = true, Count
}

// leave adds what came of it.
func (t *tracer) leave(s *Scratch, r *rule) {
	trace := &t.rules[t.at[r]]
	v := &s.verdict
	for i := range v.Rates {
		if v.Rates[i].Rule == r.info {
			trace.Count, trace.Limit = v.Rates[i].Count, r.info.Limit
		}
	}
	if n := len(v.Matches); n > 0 && v.Matches[n-1].rule == r.id {
		trace.Matched, trace.Action = true, v.Matches[n-1].Action
	}
}

// explain evaluates a statement as eval does and tells what was found.
func (s *Scratch) explain(id int32) (StatementTrace, truth) {
	e := &s.p.exprs[id]
	st := StatementTrace{Statement: s.p.describe(id)}
	var result truth
	switch e.op {
	case isNot:
		var inside StatementTrace
		inside, result = s.explain(e.kids[0])
		st.Statements, result = []StatementTrace{inside}, result.not()
	case isAnd, isOr:
		final := no
		if result = yes; e.op == isOr {
			final, result = yes, no
		}
		for _, k := range e.kids {
			if result == final {
				st.Statements = append(st.Statements, StatementTrace{Statement: s.p.describe(k), Outcome: NotEvaluated})
				continue
			}
			inside, t := s.explain(k)
			st.Statements = append(st.Statements, inside)
			if e.op == isAnd {
				result = result.and(t)
			} else {
				result = result.or(t)
			}
		}
	default:
		result = s.leaf(e.leaf)
		s.explainLeaf(&st, &s.p.leaves[e.leaf], result)
	}
	st.Outcome = outcomeOf(result)
	return st, result
}

func outcomeOf(t truth) Outcome {
	switch t {
	case yes:
		return Matched
	case unknown:
		return NotApplied
	case beyond:
		return NotInspected
	}
	return NotMatched
}

// describe names a statement.
func (p *Program) describe(id int32) string {
	e := &p.exprs[id]
	switch e.op {
	case isNot:
		return "not"
	case isAnd:
		return "and"
	case isOr:
		return "or"
	}
	l := &p.leaves[e.leaf]
	switch l.kind {
	case patternLeaf:
		if len(l.patterns) == 1 {
			p := p.patterns[l.patterns[0]]
			return fmt.Sprintf("%v %q", p.Kind, p.Text)
		}
		return fmt.Sprintf("any of %d expressions", len(l.patterns))
	case sqliLeaf:
		if l.high {
			return "SQL injection, sensitivity high"
		}
		return "SQL injection, sensitivity low"
	case xssLeaf:
		return "cross-site scripting"
	case attackLeaf:
		return "attack: " + l.families.String()
	case sizeLeaf:
		return fmt.Sprintf("size %s %d", l.compare, l.size)
	case geoLeaf:
		return "country"
	case asnLeaf:
		return "autonomous system"
	case addressLeaf:
		return "set of addresses"
	case signalLeaf:
		return "signal"
	case secLangLeaf:
		return l.secLang.describe()
	}
	if l.key.namespace {
		return "label namespace " + l.key.key
	}
	return "label " + l.key.key
}

func (s *Scratch) explainLeaf(st *StatementTrace, l *leaf, result truth) {
	if l.kind == secLangLeaf {
		if result == yes {
			st.Findings = s.explainSecLang(l)
		}
		return
	}
	if l.kind > sizeLeaf {
		if l.forwarded != "" && l.position != AnyIP {
			if _, _, ok := s.address(l.forwarded, l.position, l.matchInvalid); !ok {
				st.Why = "no address"
			}
		}
		return
	}
	component := s.p.parts[s.p.nodes[l.node].part].selector.Component()
	component.Oversize = l.oversize
	st.Component, st.Transformations = &component, s.p.chainOf(l.node)
	if _, inspect := s.decision(l); !inspect {
		o := s.parts[s.p.nodes[l.node].part].outcome
		st.Why = "fallback"
		if o.Oversize && o.Decision == request.Inspect {
			st.Why = "oversize"
		}
		return
	}
	if s.part(s.p.nodes[l.node].part).n == 0 {
		st.Why = "missing"
		return
	}
	if result == yes {
		st.Findings = s.findings(l)
	}
}

// chainOf returns the transformations of a node.
func (p *Program) chainOf(id int32) []transform.Kind {
	n := &p.nodes[id]
	if n.parent < 0 {
		return nil
	}
	return append(p.chainOf(n.parent), n.kind)
}

// findings returns what a true leaf matched.
func (s *Scratch) findings(l *leaf) []Finding {
	var all []Finding
	component := s.p.parts[s.p.nodes[l.node].part].selector.Component()
	component.Oversize = l.oversize
	ps := s.part(s.p.nodes[l.node].part)
	for i := range ps.n {
		if len(all) == maxFindings {
			break
		}
		v := &s.forms[s.form(l.node, i)]
		value := &s.vals[s.values[ps.first+i].source]
		f := Finding{Component: component, Name: string(value.Name), Key: value.Key, End: len(v.bytes)}
		switch l.kind {
		case patternLeaf:
			if !s.locate(&f, l, v) {
				continue
			}
		case sizeLeaf:
			if !compare(int64(len(v.bytes)), l.compare, l.size) {
				continue
			}
		case attackLeaf:
			found, _ := s.attacks(v, l.place)
			if found &= l.families; found == 0 {
				continue
			}
			f.Attack = found.String()
		default:
			if s.isInjection(v, l.injection()) != yes {
				continue
			}
			f.Injection, f.High = "SQL", l.high
			if l.kind == xssLeaf {
				f.Injection = "XSS"
			}
		}
		f.cut(v.bytes)
		all = append(all, f)
	}
	return all
}

// locate finds where the leaf's patterns match a value.
func (s *Scratch) locate(f *Finding, l *leaf, v *form) bool {
	if v.got == notScanned { // the memo knew
		s.scan(v)
	}
	for _, id := range l.patterns {
		if v.got >= 0 && s.got[v.got+id>>6]&(1<<(id&63)) != 0 {
			f.Pattern = s.p.patterns[id].Text
			if start, end, ok := s.p.set.Find(int(id), v.bytes); ok {
				f.Start, f.End = start, end
			}
			return true
		}
	}
	return false
}

// cut copies a piece of the value around the match.
func (f *Finding) cut(value []byte) {
	from, to := 0, len(value)
	if to > maxFindingValue {
		from = max(0, min(f.Start-maxFindingValue/4, to-maxFindingValue))
		to = min(to, from+maxFindingValue)
	}
	f.Value = append([]byte{}, value[from:to]...)
	f.Start -= from
	f.End = min(f.End-from, len(f.Value))
}

// Findings returns what the statements of a rule matched, for logs and samples: of an OR the
// first member that matches, of a NOT nothing. It is valid as long as the verdict. What it
// returns is not redacted.
func (v *Verdict) Findings(m *Match) []Finding {
	s := v.scratch
	r := s.p.rules[m.rule]
	if r.expr < 0 {
		return nil
	}
	return s.collect(nil, r.expr)
}

func (s *Scratch) collect(all []Finding, id int32) []Finding {
	e := &s.p.exprs[id]
	switch e.op {
	case isAnd:
		for _, k := range e.kids {
			all = s.collect(all, k)
		}
	case isOr:
		for _, k := range e.kids {
			if s.eval(k) == yes {
				return s.collect(all, k)
			}
		}
	case isLeaf:
		l := &s.p.leaves[e.leaf]
		if l.kind > sizeLeaf || s.leaf(e.leaf) != yes {
			return all
		}
		if _, inspect := s.decision(l); inspect {
			all = append(all, s.findings(l)...)
		}
	}
	return all
}
