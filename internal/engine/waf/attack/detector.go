package attack

import (
	"errors"
	"fmt"

	"fastness/internal/engine/waf/pattern"
)

// Detector looks for attacks in values. It is immutable and safe for concurrent use.
type Detector struct {
	rules []rule
	sets  [forms]formSet
}

// formSet is the rules of one form, compiled together.
type formSet struct {
	set  *pattern.Set
	rule []uint16 // of each pattern
	// wanted are the patterns that count at each place, in a value as it came and in a decoding.
	wanted [places][2]pattern.Bits
}

// Scratch is memory that inspections use again. It must not be used by two at the same time.
type Scratch struct {
	arena    []byte
	variants []variant
	form     []byte
	bits     pattern.Bits
	match    *pattern.Scratch
	fired    []bool // by rule
}

// Hit is one rule that fired.
type Hit struct {
	Rule   string
	Family Family
	Score  int
	// Variant is the reading of the value that it fired in. It shares the scratch memory.
	Variant []byte
}

// New compiles the built-in rules.
func New() (*Detector, error) {
	rules, err := allRules()
	if err != nil {
		return nil, err
	}
	d := &Detector{rules: rules}
	for f := range forms {
		s := &d.sets[f]
		var patterns []pattern.Pattern
		for i, r := range rules {
			if r.form != f {
				continue
			}
			for _, x := range r.regexps {
				patterns = append(patterns, pattern.Pattern{Kind: pattern.Regexp, Text: "(?s)" + x, Syntax: pattern.AWS})
				s.rule = append(s.rule, uint16(i))
			}
		}
		if s.set, err = pattern.Compile(patterns, pattern.Options{}); err != nil {
			var e *pattern.Error
			if errors.As(err, &e) {
				return nil, fmt.Errorf("attack: rule %s, %q: %w", rules[s.rule[e.Index]].name, patterns[e.Index].Text, err)
			}
			return nil, fmt.Errorf("attack: %w", err)
		}
		for p := range places {
			for deep := range 2 {
				b := pattern.NewBits(len(patterns))
				for j, ri := range s.rule {
					if r := &rules[ri]; r.places>>p&1 != 0 && (!r.deep || deep == 1) {
						b.Set(j)
					}
				}
				s.wanted[p][deep] = b
			}
		}
	}
	return d, nil
}

// Inspect gives the families of attacks that value is one of; place is the one place that it was
// found at. explain, if not nil, is called with each rule that fired.
//
// The cost is linear in the length of value. Without explain nothing is allocated once s has grown
// to the size of the values.
func (d *Detector) Inspect(value []byte, place Place, s *Scratch, explain func(Hit)) Set {
	if len(value) < 2 || place == 0 {
		return 0
	}
	if s.match == nil {
		s.match = pattern.NewScratch()
		n := 0
		for f := range d.sets {
			n = max(n, d.sets[f].set.Len())
		}
		s.bits = pattern.NewBits(n)
		s.fired = make([]bool, len(d.rules))
	}
	s.expand(value)
	at := place.index()
	var found Set
	for i := range s.variants {
		v := &s.variants[i]
		var total [Families]int
		prose := isProse(v.b)
		clear(s.fired)
		count := func(name string, family Family, score, inProse int) {
			if prose {
				score = inProse
			}
			total[family] += score
			if explain != nil && score > 0 {
				explain(Hit{name, family, score, v.b})
			}
		}
		for f := range forms {
			set := &d.sets[f]
			s.form = appendForm(s.form[:0], f, v.b)
			s.bits.Reset()
			set.set.Match(s.form, set.wanted[at][min(v.depth, 1)], s.bits, s.match)
			for j := range s.bits.All() {
				if ri := set.rule[j]; !s.fired[ri] {
					s.fired[ri] = true
					r := &d.rules[ri]
					count(r.name, r.family, int(r.score), int(r.prose))
				}
			}
		}
		// What libinjection says counts beside other signs only, so it is asked where it decides.
		if t := total[SQL]; explain != nil || t < Threshold && t >= Threshold-tokensScore {
			if sqlByTokens(v.b) {
				count("tokens", SQL, tokensScore, 1)
			}
		}
		if t := total[Script]; explain != nil || t < Threshold && t >= Threshold-tokensScore {
			if scriptByTokens(v.b) {
				count("tokens", Script, tokensScore, 2)
			}
		}
		for f, t := range total {
			if t >= Threshold {
				found |= 1 << f
			}
		}
	}
	return found
}
