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
func (s *Scratch) injected(l *leaf) truth {
	what, bit := l.injection(), aspectBit(l.aspect)
	ps := s.part(s.p.nodes[l.node].part)
	some := no
	for i := range ps.n {
		v := &s.values[ps.first+i]
		if v.known&bit != 0 {
			if v.kept.hit(l.aspect) != 0 {
				return yes
			}
			continue
		}
		switch t := s.isInjection(&s.forms[s.form(l.node, i)], what); t {
		case beyond:
			some = beyond
		default:
			s.answer(ps.first+i, l.aspect, int32(what)*int32(t))
			if t == yes {
				return yes // the values after it are not looked at
			}
		}
	}
	return some
}

func (s *Scratch) isInjection(f *form, what flags) truth {
	if f.known&what == 0 {
		switch t := s.inject(f.bytes, what); t {
		case beyond:
			return t
		case yes:
			f.holds |= what
		}
		f.known |= what
	}
	return truthOf(f.holds&what != 0)
}

// inject asks the detectors.
func (s *Scratch) inject(b []byte, what flags) truth {
	budget := min(s.budget, inject.Budget(min(s.matcher.Left(), 1<<40)))
	before := budget
	var verdict inject.Verdict
	switch what {
	case sqliLow:
		verdict = inject.SQL(b, inject.Low, &budget)
	case sqliHigh:
		verdict = inject.SQL(b, inject.High, &budget)
	default:
		verdict = inject.XSS(b, &budget)
	}
	spent := before - budget
	s.budget -= spent
	s.matcher.Spend(len(b)/2 + int(spent))
	if verdict == inject.Exhausted {
		s.exhaust()
		return beyond
	}
	return truthOf(verdict == inject.Found)
}
