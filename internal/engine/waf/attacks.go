package waf

import (
	"errors"
	"fmt"

	"fastness/internal/engine/waf/attack"
	"fastness/internal/engine/waf/pattern"
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
func (s *Scratch) attacked(l *leaf) bool {
	st := s.values(l.node)
	for i := range st.n {
		if s.attacks(&s.variants[s.refs[st.first+i]], l.place)&l.families != 0 {
			return true
		}
	}
	return false
}

// attacks gives the families of attacks that a value at a place is one of.
func (s *Scratch) attacks(v *variant, place attack.Place) attack.Set {
	if v.tried == place {
		return v.attacks
	}
	v.tried = place
	m := s.p.memo
	if m == nil || len(v.bytes) < minMemoValue || len(v.bytes) > maxMemoValue {
		v.attacks = s.p.attacks.Inspect(v.bytes, place, &s.attack, nil)
		return v.attacks
	}
	probe := -1 - int32(place) // nodes are not negative
	h := m.hash(probe, v.bytes)
	if got := m.find(h, probe, v.bytes); got != nil {
		v.attacks = 0
		if len(got) > 0 {
			v.attacks = attack.Set(got[0])
		}
		return v.attacks
	}
	v.attacks = s.p.attacks.Inspect(v.bytes, place, &s.attack, nil)
	s.word[0] = uint64(v.attacks)
	m.offer(h, probe, v.bytes, pattern.Bits(s.word[:]))
	return v.attacks
}
