package waf

import (
	"fmt"
	"net/netip"
	"runtime/debug"
	"slices"

	"fastness/internal/engine/waf/request"
)

// PanicError tells that the evaluation of a request panicked. Whether the request passes is the
// caller's decision.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("waf: panic in the evaluation: %v", e.Value) }

// Evaluate runs the rules over a request at the time Request.Time. tokens may be nil: then no
// client has a token. The verdict is the scratch's and is valid, like the request, until the
// scratch is used again. The only error is a *PanicError; the scratch can still be used.
func (p *Program) Evaluate(r *request.Request, tokens Tokens, s *Scratch) (v *Verdict, err error) {
	defer func() {
		if x := recover(); x != nil {
			v, err = nil, &PanicError{Value: x, Stack: debug.Stack()}
			s.renew()
		}
	}()
	s.begin(p, r, tokens)
	s.run()
	s.remember()
	return &s.verdict, nil
}

// Rules returns what describes the rules, groups' rules after the rule that refers to the group.
// The caller does not change it.
func (p *Program) Rules() []*RuleInfo { return p.infos }

// ACL returns the specification without rules and response bodies. The caller does not change
// it.
func (p *Program) ACL() *ACL { return &p.acl }

// UsesASN tells whether a rule looks at the autonomous system: AWS logs it only then.
func (p *Program) UsesASN() bool { return p.usesASN }

// run evaluates the rules and fills in the verdict.
func (s *Scratch) run() {
	v := &s.verdict
	if !s.rules() {
		a := &s.p.acl.DefaultAction
		v.Action = a.Kind
		s.respond(a, s.p.bodies)
		return
	}
	v.Terminating = &v.Matches[s.outer]
	v.Action = v.Terminating.Action
	if s.inner >= 0 {
		v.Inner = &v.Matches[s.inner]
	}
}

// sequence runs rules in their order and tells whether one ended the evaluation.
func (s *Scratch) sequence(q *sequence) bool {
	if s.trace != nil {
		return s.each(q.rules)
	}
	for i := 0; i < len(q.rules); {
		if r := q.run[i]; r >= 0 && !s.mayMatch(&q.blocks[r]) {
			i = q.blocks[r].end
			continue
		}
		end := i + 1
		if b := q.block[i]; b >= 0 {
			if end = q.blocks[b].end; !s.mayMatch(&q.blocks[b]) {
				i = end
				continue
			}
		}
		if s.each(q.rules[i:end]) {
			return true
		}
		i = end
	}
	return false
}

// each runs rules one by one.
func (s *Scratch) each(rules []*rule) bool {
	for _, r := range rules {
		if s.rule(r) {
			return true
		}
	}
	return false
}

// rule runs one rule and tells whether it ended the evaluation.
func (s *Scratch) rule(r *rule) bool {
	if s.trace != nil {
		s.trace.enter(r)
		defer s.trace.leave(s, r)
	}
	uninspected := false
	if r.expr >= 0 {
		t := s.condition(r)
		if uninspected = t == beyond && r.refuses(); t != yes && !uninspected {
			return false
		}
	}
	if r.observed != nil {
		s.observe(r.observed)
	}
	if r.group != nil {
		return s.groupRule(r)
	}
	if r.rate != nil && !s.overLimit(r) {
		return false
	}
	return s.act(r, uninspected)
}

// refuses tells whether a rule may refuse a request: a group is asked, and a rate-based rule counts.
func (r *rule) refuses() bool {
	switch r.action.Kind {
	case Block, Captcha, Challenge:
		return true
	}
	return r.group != nil || r.rate != nil
}

// condition evaluates a rule's statement.
func (s *Scratch) condition(r *rule) truth {
	if s.trace != nil {
		return s.trace.statement(s, r)
	}
	return s.eval(r.expr)
}

// groupRule runs the rules of a group.
func (s *Scratch) groupRule(r *rule) bool {
	v := &s.verdict
	if !s.sequence(r.group) {
		return false
	}
	s.inner = len(v.Matches) - 1
	inner := &v.Matches[s.inner]
	m := Match{Rule: r.info, rule: r.id, Action: inner.Action, Terminating: true, Uninspected: inner.Uninspected, Failure: inner.Failure, Solved: inner.Solved}
	if r.count {
		m.Own, m.Action, m.Terminating = m.Action, Count, false
		s.inner = -1
		v.Response, v.Body = nil, nil
		v.Insert = v.Insert[:s.insertBefore]
	}
	v.Matches = append(v.Matches, m)
	s.outer = len(v.Matches) - 1
	return m.Terminating
}

// act takes the action of a rule that matched, or that was not decided.
func (s *Scratch) act(r *rule, uninspected bool) bool {
	v := &s.verdict
	for _, l := range r.labels {
		s.addLabel(l)
	}
	if r.quiet {
		if s.trace != nil {
			s.trace.labelled(r)
		}
		return false
	}
	m := Match{Rule: r.info, rule: r.id, Action: r.action.Kind, Own: r.own, Excluded: r.excluded, Terminating: true, Uninspected: uninspected, Failure: TokenValid}
	switch m.Action {
	case Count:
		m.Terminating = false
	case Captcha, Challenge:
		m.Failure, m.Solved = s.solved(r)
		m.Terminating = m.Failure != TokenValid
	}
	s.insertBefore = len(v.Insert)
	if m.Action != Captcha && m.Action != Challenge || !m.Terminating {
		s.respond(&r.action, r.bodies)
	}
	v.Matches = append(v.Matches, m)
	s.outer = len(v.Matches) - 1
	return m.Terminating
}

// respond takes over what an action adds to the answer or the request.
func (s *Scratch) respond(a *Action, bodies map[string]*ResponseBody) {
	v := &s.verdict
	v.Insert = append(v.Insert, a.Insert...)
	if a.Response == nil {
		return
	}
	v.Response = a.Response
	if a.Response.BodyKey != "" {
		v.Body = bodies[a.Response.BodyKey]
	}
}

// token reads the request's token, once.
func (s *Scratch) token() *Token {
	v := &s.verdict
	if !v.TokenAsked {
		v.TokenAsked = true
		if s.tokens != nil {
			v.Token = s.tokens.Token(s.inspection.Request(), s.p.acl.TokenDomains, s.now)
		}
	}
	return &v.Token
}

// solved tells whether the client solved what the rule asks for, not too long ago.
func (s *Scratch) solved(r *rule) (failure TokenStatus, at int64) {
	v := &s.verdict
	s.token()
	at = v.Token.ChallengeSolved
	if r.action.Kind == Captcha {
		at = v.Token.CaptchaSolved
	}
	switch {
	case v.Token.Status != TokenValid:
		return v.Token.Status, at
	case at == 0:
		return TokenMissing, 0
	case s.now.Unix()-at >= int64(r.immunity.Seconds()):
		return TokenExpired, at
	}
	return TokenValid, at
}

// eval evaluates a statement.
func (s *Scratch) eval(id int32) truth {
	e := &s.p.exprs[id]
	switch e.op {
	case isNot:
		return s.eval(e.kids[0]).not()
	case isAnd:
		all := yes
		for _, k := range e.kids {
			if all = all.and(s.eval(k)); all == no {
				return no
			}
		}
		return all
	case isOr:
		some := no
		for _, k := range e.kids {
			if some = some.or(s.eval(k)); some == yes {
				return yes
			}
		}
		return some
	}
	return s.leaf(e.leaf)
}

// leaf decides a leaf.
func (s *Scratch) leaf(id int32) truth {
	l := &s.p.leaves[id]
	switch l.kind {
	case patternLeaf:
		return s.patterns(l)
	case labelLeafKind:
		// Not the same for the whole request.
		if !s.hasLabel(l) && s.verdict.Exhausted {
			return beyond // a rule that was not decided may add it
		}
		return truthOf(s.hasLabel(l))
	case signalLeaf:
		return truthOf(s.signals[l.observer].any(&l.signals))
	}
	if known := s.leaves[id]; known>>2 == s.epoch {
		return truth(known & 3)
	}
	t := s.decide(l)
	s.leaves[id] = s.epoch<<2 | uint32(t)
	return t
}

// decision is what the state of the leaf's component decides, whatever is looked for; inspect
// tells that it decides nothing.
func (s *Scratch) decision(l *leaf) (t truth, inspect bool) {
	o := &s.part(s.p.nodes[l.node].part).outcome
	switch {
	case o.Decision == request.Matches:
		return yes, false
	case o.Decision == request.Differs:
		return no, false
	case o.Oversize && l.oversize == request.OversizeMatch:
		return yes, false
	case o.Oversize && l.oversize == request.OversizeNoMatch:
		return no, false
	}
	return no, true
}

func (s *Scratch) patterns(l *leaf) truth {
	t, inspect := s.decision(l)
	if !inspect {
		return t
	}
	st := s.probe(l.node)
	if st.hit {
		for _, id := range l.patterns {
			if s.got[st.got+id>>6]&(1<<(id&63)) != 0 {
				return yes
			}
		}
	}
	if st.partial {
		return beyond
	}
	return no
}

// decide decides a leaf whose outcome is the same for the whole request.
func (s *Scratch) decide(l *leaf) truth {
	switch l.kind {
	case sqliLeaf, xssLeaf, attackLeaf, sizeLeaf:
		t, inspect := s.decision(l)
		if !inspect {
			return t
		}
		switch l.kind {
		case sizeLeaf:
			return truthOf(s.sized(l.node, l.compare, l.size))
		case attackLeaf:
			return s.attacked(l)
		}
		return s.injected(l)
	}
	if l.kind == secLangLeaf {
		return s.secLang(l.program).decide(&l.secLang)
	}
	if l.position == AnyIP {
		return s.anyForwarded(l)
	}
	a, t, ok := s.address(l.forwarded, l.position, l.matchInvalid)
	if !ok {
		return t
	}
	switch l.kind {
	case geoLeaf:
		return s.geo(l, a)
	case asnLeaf:
		if s.p.places == nil {
			return no
		}
		n := s.p.places.ASN(a)
		_, found := slices.BinarySearch(l.asns, n)
		return truthOf(n != 0 && found)
	}
	return truthOf(l.addresses.contains(a))
}

// geo decides a country statement and labels the request.
func (s *Scratch) geo(l *leaf, a netip.Addr) truth {
	country, region := "", ""
	if s.p.places != nil {
		country, region = s.p.places.Country(a)
	}
	match := l.countries.has(country)
	if country == "" {
		country, region = unknownPlace, ""
	}
	c, r := clientCountry, clientRegion
	if l.forwarded != "" {
		c, r = forwardedCountry, forwardedRegion
	}
	s.addPlace(place{kind: c, country: country})
	s.addPlace(place{kind: r, country: country, region: region})
	return truthOf(match)
}
