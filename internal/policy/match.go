package policy

import "strings"

// evaluation is the state of one Evaluate call. It stays on the stack.
type evaluation struct {
	req     *Request
	who     *Principal
	account string // owner of the resource
	action  string // lower case
	noitca  string // action backwards, for the index
	bounded bool   // the caller has a permissions boundary
	trace   *Trace
	result  *Result

	layer  Layer      // being examined, for the trace
	level  int        // likewise
	failed *condition // the condition that failed, for the trace
	named  grantee    // how the statement just matched names the caller

	recording bool // filling the trace, not deciding
}

// lookup asks for a condition key, in lower case.
func (e *evaluation) lookup(key string) (Values, bool) {
	if e.req.Context != nil {
		if v, ok := e.req.Context.Lookup(key); ok && v.Len() > 0 {
			return v, true
		}
	}
	if v, ok := e.who.Lookup(key); ok && v.Len() > 0 {
		return v, true
	}
	if key == "aws:resourceaccount" && e.account != "" {
		// Taken from the request and not from e.account, whose bytes may then stay on
		// the stack as far as the compiler can tell.
		return One(e.req.account(e.who)), true
	}
	if e.trace != nil {
		e.trace.miss(key)
	}
	if !e.recording {
		e.result.miss(key)
	}
	return Values{}, false
}

// statement reports whether a statement applies to the request, its action already
// matched, and if not, why.
func (e *evaluation) statement(s *statement) Outcome {
	e.named = directly
	if s.hasPrincipal {
		if s.doc.NotPrincipal {
			if s.principals.exempts(e.who, e.bounded) {
				return OtherPrincipal
			}
		} else if e.named = s.principals.grants(e.who); e.named == notNamed {
			return OtherPrincipal
		}
	}
	if !s.anyResource && !e.resource(s) {
		return OtherResource
	}
	for i := range s.conditions {
		if !e.condition(&s.conditions[i]) {
			e.failed = &s.conditions[i]
			return ConditionFailed
		}
	}
	return Applied
}

// listed matches the action against the patterns of a statement.
func (e *evaluation) listed(s *statement) bool {
	for i := range s.actions {
		if matchGlob(s.actions[i].text, e.action) {
			return true
		}
	}
	return false
}

// resource matches Resource or NotResource. A variable without a value makes its
// pattern match nothing; in NotResource it keeps the statement from applying, since
// what it would exclude is not known.
func (e *evaluation) resource(s *statement) bool {
	for i := range s.resources {
		p := &s.resources[i]
		matched := false
		if p.parts == nil {
			matched = matchResource(p.text, p.exact, e.req.Resource)
		} else {
			var buf [512]byte
			text, ok := p.resolve(e, buf[:])
			if !ok {
				if s.doc.NotResource {
					return false
				}
				continue
			}
			matched = matchResource(text, exactSegments(text), e.req.Resource)
		}
		if matched {
			return !s.doc.NotResource
		}
	}
	return s.doc.NotResource
}

// condition evaluates one operator on one key.
func (e *evaluation) condition(c *condition) bool {
	v, ok := e.lookup(c.key)
	if c.family == null {
		return !ok && c.absent || ok && c.present
	}
	if !ok {
		switch {
		case c.ifExists:
			return true
		case c.set == forAll:
			return true
		case c.set == forAny:
			return false
		}
		return c.negated
	}
	n := v.Len()
	if c.set != single && n == 1 && v.form <= formMany && v.At(0) == "" {
		// AWS: "an empty data set (for example, an empty string)".
		return c.set == forAll
	}
	for i := range n {
		matched, resolved := e.value(c, &v, i)
		if !resolved && !matched && c.negated {
			return false // what must not match is not known
		}
		holds := matched != c.negated
		switch c.set {
		case forAll:
			if !holds {
				return false
			}
		case forAny:
			if holds {
				return true
			}
		default:
			// Without a set operator any of several values may match; a negated operator
			// then holds only if none does.
			if matched {
				return !c.negated
			}
		}
	}
	switch c.set {
	case forAll:
		return true
	case forAny:
		return false
	}
	return c.negated
}

// value compares the i-th request value with all policy values. resolved is false
// when a policy value had a variable without a value.
func (e *evaluation) value(c *condition, v *Values, i int) (matched, resolved bool) {
	switch c.family {
	case stringEquals, stringEqualsFold, stringLike, arnLike:
		return e.text(c, v.At(i))
	case numeric:
		n, ok := v.number(i)
		for j := range c.numbers {
			if ok && c.order.holds(n.compare(c.numbers[j])) {
				return true, true
			}
		}
	case date:
		t, ok := v.date(i)
		for j := range c.dates {
			if ok && c.order.holds(compareInt(t, c.dates[j])) {
				return true, true
			}
		}
	case ipAddress:
		a, ok := v.address(i)
		for j := range c.prefixes {
			if ok && c.prefixes[j].Contains(a) {
				return true, true
			}
		}
	case boolean:
		s := v.At(i)
		for j := range c.texts {
			if strings.EqualFold(s, c.texts[j]) {
				return true, true
			}
		}
	case binary:
		s := v.At(i)
		for j := range c.texts {
			if s == c.texts[j] {
				return true, true
			}
		}
	}
	return false, true
}

// text compares one request value with the policy values of a string or ARN operator.
func (e *evaluation) text(c *condition, s string) (matched, resolved bool) {
	resolved = true
	for j := range c.patterns {
		p := &c.patterns[j]
		text := p.text
		if p.parts != nil {
			var buf [512]byte
			var ok bool
			if text, ok = p.resolve(e, buf[:]); !ok {
				resolved = false
				continue
			}
		}
		switch c.family {
		case stringEquals:
			matched = text == s
		case stringEqualsFold:
			matched = strings.EqualFold(text, s)
		case stringLike:
			matched = matchGlob(text, s)
		default:
			matched = matchARN(text, s)
		}
		if matched {
			return true, resolved
		}
	}
	return false, resolved
}

func compareInt(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
