package waf

import (
	"errors"
	"fmt"

	"fastness/internal/engine/waf/attack"
)

// AttackMatch tells whether a value is an attack of one of the families, read in each of the ways
// in which applications decode values (package attack).
type AttackMatch struct {
	Inspect
	Families []string // names of package attack
	Place    string   // where in a request the values stand: a name of package attack
}

func (c *compiler) attackLeaf(m *AttackMatch) (leaf, error) {
	if c.p.attacks == nil {
		return leaf{}, errors.New("there is no detector of attacks")
	}
	l, err := c.inspect(&m.Inspect)
	if err != nil {
		return l, err
	}
	l.kind = attackLeaf
	for _, name := range m.Families {
		f, ok := attack.ParseFamily(name)
		if !ok {
			return l, fmt.Errorf("no family of attacks is named %q", name)
		}
		l.families |= attack.Of(f)
	}
	var ok bool
	if l.place, ok = attack.ParsePlace(m.Place); !ok {
		return l, fmt.Errorf("no place is named %q", m.Place)
	}
	return l, nil
}

// attacked tells whether a value of the leaf's node is an attack of its families.
func (s *Scratch) attacked(l *leaf) truth {
	some := no
	bit := aspectBit(l.aspect)
	ps := s.part(s.p.nodes[l.node].part)
	st := &s.nodes[l.node]
	if st.judged == s.epoch && st.place == l.place && st.attacks&l.families == 0 {
		return no
	}
	var union attack.Set
	for i := range ps.n {
		var set attack.Set
		if v := &s.values[ps.first+i]; v.known&bit != 0 {
			set = attack.Set(v.kept.hit(l.aspect))
		} else {
			var all bool
			if set, all = s.attacks(&s.forms[s.form(l.node, i)], l.place); all {
				s.answer(ps.first+i, l.aspect, int32(set))
			} else {
				some = beyond
			}
		}
		if union |= set; set&l.families != 0 {
			return yes
		}
	}
	if some == no {
		st.judged, st.place, st.attacks = s.epoch, l.place, union
	}
	return some
}

// attacks gives the families of attacks that a form at a place is one of, and whether those are all:
// there may be no steps left to look for more.
func (s *Scratch) attacks(f *form, place attack.Place) (set attack.Set, all bool) {
	if f.tried != place {
		if s.matcher.Exhausted() {
			return 0, false
		}
		set = s.p.attacks.Inspect(f.bytes, place, s.attack, nil)
		if s.matcher.Exhausted() {
			s.exhaust()
			return set, false
		}
		f.tried, f.attacks = place, set
	}
	return f.attacks, true
}
