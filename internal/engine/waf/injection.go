package waf

import "fastness/internal/engine/waf/inject"

// injection is what a leaf on an injection asks.
func (l *leaf) injection() flags {
	switch {
	case l.kind == xssLeaf:
		return xss
	case l.high:
		return sqliHigh
	}
	return sqliLow
}

// injected tells whether a value is an injection at the leaf's node.
func (s *Scratch) injected(l *leaf) bool {
	what, bit := l.injection(), aspectBit(l.aspect)
	ps := s.part(s.p.nodes[l.node].part)
	for i := range ps.n {
		v := &s.values[ps.first+i]
		if v.known&bit != 0 {
			if v.kept.hit(l.aspect) != 0 {
				return true
			}
			continue
		}
		holds := s.isInjection(&s.forms[s.form(l.node, i)], what)
		if !s.verdict.Exhausted {
			s.answer(ps.first+i, l.aspect, int32(what)*int32(truthOf(holds)))
		}
		if holds {
			return true // the values after it are not looked at
		}
	}
	return false
}

func (s *Scratch) isInjection(f *form, what flags) bool {
	if f.known&what == 0 {
		f.known |= what
		if s.inject(f.bytes, what) {
			f.holds |= what
		}
	}
	return f.holds&what != 0
}

// inject asks the detectors.
func (s *Scratch) inject(b []byte, what flags) bool {
	var verdict inject.Verdict
	switch what {
	case sqliLow:
		verdict = inject.SQL(b, inject.Low, &s.budget)
	case sqliHigh:
		verdict = inject.SQL(b, inject.High, &s.budget)
	default:
		verdict = inject.XSS(b, &s.budget)
	}
	if verdict == inject.Exhausted {
		// A request that is made to be dear does not pass for that.
		s.verdict.Exhausted = true
		return true
	}
	return verdict == inject.Found
}
