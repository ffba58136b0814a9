package waf

import (
	"errors"
	"fmt"
	"strconv"

	"fastness/internal/engine/waf/seclang"
)

// SecLangMatch asks the SecLang program of the group that it is in, which is run once for a
// request: whether a rule matched, or whether the anomaly score is at least so high. One of the two is
// set.
type SecLangMatch struct {
	Rule  int `json:",omitempty"` // its id
	Score int `json:",omitempty"`
}

func (m *SecLangMatch) describe() string {
	if m.Rule != 0 {
		return fmt.Sprintf("SecLang rule %d", m.Rule)
	}
	return fmt.Sprintf("anomaly score of at least %d", m.Score)
}

// secLangLeaf compiles a statement on the program of the group.
func (c *compiler) secLangLeaf(m *SecLangMatch) (leaf, error) {
	if c.program < 0 {
		return leaf{}, errors.New("a statement on SecLang outside of a group that has a program")
	}
	if (m.Rule > 0) == (m.Score > 0) {
		return leaf{}, errors.New("a statement on SecLang needs a rule or a score")
	}
	return leaf{kind: secLangLeaf, program: c.program, secLang: *m}, nil
}

// silenced are the rules of a SecLang group that an override has count or that are excluded: they add
// nothing to the score then, because counting is all that they may do.
func silenced(o *Overrides) []int {
	var ids []int
	add := func(name string) {
		if id, err := strconv.Atoi(name); err == nil {
			ids = append(ids, id)
		}
	}
	for name, a := range o.Actions {
		if a.Kind == Count {
			add(name)
		}
	}
	for _, name := range o.Excluded {
		add(name)
	}
	return ids
}

// programState is what a SecLang program said of a request.
type programState struct {
	epoch   uint32
	scratch *seclang.Scratch
	result  *seclang.Result
}

// secLang runs a program, once for a request.
func (s *Scratch) secLang(id int32) *programState {
	st := &s.programs[id]
	if st.epoch == s.epoch {
		return st
	}
	if st.scratch == nil {
		st.scratch = seclang.NewScratch(s.limits)
	}
	st.epoch = s.epoch
	// One bound holds for all that a request costs, but for a quarter that other groups have in any case.
	left := max(s.matcher.Left()/4*3, 1)
	st.scratch.Left = left
	before := st.scratch.Steps()
	st.result = s.p.programs[id].Evaluate(s.inspection.Request(), st.scratch)
	s.matcher.Spend(int(min(st.scratch.Steps()-before, left))) // what it borrowed is not to the debit of others
	if st.result.Exhausted {
		s.exhaust()
	}
	return st
}

// quiet tells that no statement on the program can be true, or is beyond the bound.
func (st *programState) quiet() bool {
	return st.result.Reported == 0 && st.result.Score <= 0 && !st.result.Exhausted
}

// decide decides a statement. A score that is too low is not the last word where the program had to stop.
func (st *programState) decide(m *SecLangMatch) truth {
	found := st.result.Reported > 0 && st.result.Has(m.Rule)
	if m.Score > 0 {
		found = st.result.Score >= m.Score
	}
	if !found && st.result.Exhausted {
		return beyond
	}
	return truthOf(found)
}

// explainSecLang says what a rule found, or what all rules did that made the score.
func (s *Scratch) explainSecLang(l *leaf) []Finding {
	scratch := seclang.NewScratch(s.limits)
	scratch.Explain = true
	var all []Finding
	for _, m := range s.p.programs[l.program].Evaluate(s.inspection.Request(), scratch).Matches {
		if len(all) == maxFindings {
			break
		}
		if !m.Rule.Log || l.secLang.Rule != 0 && l.secLang.Rule != m.Rule.ID {
			continue
		}
		f := Finding{Name: strconv.Itoa(m.Rule.ID), Pattern: m.Message, End: len(m.Data)}
		f.cut([]byte(m.Data))
		all = append(all, f)
	}
	return all
}
