package attack

import (
	"errors"
	"fmt"
	"slices"

	"fastness/internal/engine/waf/pattern"
)

// Detector looks for attacks in values. It is immutable and safe for concurrent use.
type Detector struct {
	rules []rule
	sets  [forms]ruleSet
	// all has the rules of all forms: most values are the same in most forms, which are then
	// looked through once.
	all ruleSet
	// words has those that a value of nothing but words may match.
	words  ruleSet
	screen *pattern.Screen
	// reference is the rule without which no value is taken for a script as a whole.
	reference int
}

// ruleSet is the rules of some forms, compiled together.
type ruleSet struct {
	set  *pattern.Set
	rule []uint16 // of each pattern
	// wanted are the patterns that count at each place, in a value as it came and in a decoding, in
	// each set of forms.
	wanted [places][2][1 << forms]pattern.Bits
}

// Scratch is memory that inspections use again. It must not be used by two at the same time.
type Scratch struct {
	arena    []byte
	most     int // bytes of arena that the value may take
	variants []variant
	form     [forms][]byte
	bits     pattern.Bits
	match    *pattern.Scratch
	fired    []bool // by rule
	serial   serial
}

// NewScratch returns memory that matches with m, whose bound on steps holds for inspections, too: when
// m is exhausted, they tell what they have found, which is not all.
func NewScratch(m *pattern.Scratch) *Scratch { return &Scratch{match: m} }

func (s *Scratch) matcher() *pattern.Scratch {
	if s.match == nil {
		s.match = pattern.NewScratch()
	}
	return s.match
}

// Hit is one rule that fired.
type Hit struct {
	Rule   string
	Family Family
	Score  int
	// Variant is the reading of the value that it fired in, Match what its expression matched in the form of that
	// reading; a rule that is no expression has none. They share the scratch memory.
	Variant, Match []byte
}

// New compiles the built-in rules.
func New() (*Detector, error) {
	rules, err := allRules()
	if err != nil {
		return nil, err
	}
	d := &Detector{rules: rules}
	d.reference = slices.IndexFunc(rules, func(r rule) bool { return r.name == "script-reference" })
	if d.reference < 0 {
		return nil, errors.New("attack: no rule script-reference")
	}
	for f := range forms {
		if d.sets[f], err = compile(rules, 1<<f, nil); err != nil {
			return nil, err
		}
	}
	if d.all, err = compile(rules, allForms, nil); err != nil {
		return nil, err
	}
	if d.words, err = compile(rules, allForms, d.all.set.Possible(wordBytes)); err != nil {
		return nil, err
	}
	if d.screen, err = newScreen(rules); err != nil {
		return nil, err
	}
	d.learn()
	return d, nil
}

// expression is an expression of a rule as a pattern.
func expression(x string) pattern.Pattern {
	return pattern.Pattern{Kind: pattern.Regexp, Text: "(?s)" + x, Syntax: pattern.AWS}
}

// compile makes the set of the rules of some forms, or of some of their expressions.
func compile(rules []rule, of formSet, some pattern.Bits) (s ruleSet, err error) {
	var patterns []pattern.Pattern
	n := 0
	for i, r := range rules {
		if of&(1<<r.form) == 0 {
			continue
		}
		for _, x := range r.regexps {
			if some == nil || some.Has(n) {
				patterns = append(patterns, expression(x))
				s.rule = append(s.rule, uint16(i))
			}
			n++
		}
	}
	if s.set, err = pattern.Compile(patterns, pattern.Options{}); err != nil {
		var e *pattern.Error
		if errors.As(err, &e) {
			return s, fmt.Errorf("attack: rule %s, %q: %w", rules[s.rule[e.Index]].name, patterns[e.Index].Text, err)
		}
		return s, fmt.Errorf("attack: %w", err)
	}
	for p := range places {
		for deep := range 2 {
			for some := range allForms + 1 {
				if some&of != some {
					continue
				}
				b := pattern.NewBits(len(patterns))
				for j, ri := range s.rule {
					if r := &rules[ri]; some&(1<<r.form) != 0 && r.places>>p&1 != 0 && (!r.deep || deep == 1) {
						b.Set(j)
					}
				}
				s.wanted[p][deep][some] = b
			}
		}
	}
	return s, nil
}

// lowered tells whether a family is there by total and not by lower.
func lowered(total, lower *[Families]int) bool {
	for f := range total {
		if total[f] >= Threshold && lower[f] < Threshold {
			return true
		}
	}
	return false
}

// What a reading takes, in steps of package pattern: to make its forms and to know what kind of text it is, formSteps for a byte.
const (
	readingSteps = 200
	formSteps    = 5
)

// Inspect gives the families of attacks that value is one of; place is the one place that it was
// found at. explain, if not nil, is called with each rule that fired.
//
// The cost is linear in the length of value. Without explain nothing is allocated once s has grown
// to the size of the values.
func (d *Detector) Inspect(value []byte, place Place, s *Scratch, explain func(Hit)) Set {
	if len(value) < 2 || place == 0 {
		return 0
	}
	s.matcher()
	if s.bits == nil {
		s.bits = pattern.NewBits(d.all.set.Len())
		s.fired = make([]bool, len(d.rules))
	}
	if explain == nil && (d.Clear(value, s) || s.match.Exhausted()) {
		return 0
	}
	s.expand(value, place)
	at := place.index()
	expected := 0 // how many decodings a value at the place is for
	if place == Referer {
		expected = 1 // of the arguments in the URL
	}
	rich := false
	var found Set
	for i := range s.variants {
		if s.match.Exhausted() {
			break
		}
		v := &s.variants[i]
		if v.via == line && d.Clear(v.b, s) {
			continue
		}
		if !s.match.Afford(readingSteps + formSteps*len(v.b)) {
			break
		}
		var total [Families]int
		var inMarkup, inData [Families]int // the totals if v is rich text, and if it is data
		var byChance [Families]int         // of signs that are there by chance if a cipher made v
		prose := isProse(v.b)
		var text layout
		if place == Body {
			text = layoutOf(v.b)
		}
		clear(s.fired)
		var match []byte // of the next one to be counted, for explain
		count := func(name string, family Family, score, inProse int) {
			if prose || text.page && family != Header { // letters have several lines
				score = inProse
			}
			total[family] += score
			inMarkup[family] += min(score, inProse)
			if min(score, inProse) >= Threshold {
				inData[family] += score
			}
			if explain != nil && score > 0 {
				explain(Hit{name, family, score, v.b, match})
			}
		}
		s.match.Spend(readingSteps + formSteps*len(v.b))
		for left := allForms; left != 0; {
			f, same, words := s.next(v.b, left)
			left &^= same
			set := &d.all
			switch {
			case words:
				set = &d.words
			case same == 1<<f:
				set = &d.sets[f]
			}
			s.bits.Reset()
			set.set.Match(s.form[f], set.wanted[at][min(max(int(v.depth)-expected, 0), 1)][same], s.bits, s.match)
			for j := range s.bits.All() {
				if ri := set.rule[j]; !s.fired[ri] {
					s.fired[ri] = true
					r := &d.rules[ri]
					if r.line && text.lines || r.alone && text.told || r.message && place&(Body|Whole) != 0 && isMessage(v.b, place == Whole) {
						continue
					}
					if explain != nil {
						if start, end, ok := set.set.Find(j, s.form[f]); ok {
							match = s.form[f][start:end]
						}
					}
					count(r.name, r.family, int(r.score), int(r.prose))
					match = nil
					if r.tame {
						inMarkup[r.family] -= int(min(r.score, r.prose))
					}
					if r.random {
						byChance[r.family] += int(r.score)
					}
				}
			}
		}
		more := s.match.Afford(len(v.b))
		if t := total[SQL]; more && (explain != nil || t < Threshold) {
			s.match.Spend(statementSteps * min(len(v.b), maxStatement))
			switch goesOn(v.b) {
			case 2:
				count("statement", SQL, Threshold, Threshold)
			case 1:
				count("statement", SQL, statementScore, 1)
			}
		}
		if more && (explain != nil || total[Directory] < Threshold) {
			found, read := leavesXPath(v.b)
			if s.match.Spend(xpathSteps * read); found {
				count("xpath", Directory, Threshold, Threshold)
			}
		}
		if more && (explain != nil || total[Script] < Threshold) {
			found, read := leavesString(v.b)
			if !found && s.fired[d.reference] {
				var more int
				found, more = isCode(v.b)
				read += more
			}
			if s.match.Spend(read); found {
				count("breakout", Script, Threshold, 2)
			}
		}
		if more {
			if f, steps := s.serialized(v.b); steps > 0 {
				if s.match.Spend(steps); f != Families {
					count("serialized", f, Threshold, Threshold)
				}
			}
		}
		if more && (explain != nil || total[Fetch] < Threshold || total[Include] < Threshold) {
			kind, read := readAddress(v.b)
			if read {
				s.match.Spend(addressSteps)
			}
			switch {
			case kind == hiddenHost:
				count("address", Fetch, Threshold, Threshold)
			case kind == hiddenRedirect && place&(Query|Cookie|Body|FileName) != 0, kind == slippedRedirect && place&(Query|Cookie) != 0:
				count("address-redirect", Include, Threshold, 0)
			}
		}
		// What libinjection says counts beside other signs only, so it is asked where it decides.
		if t := total[SQL]; more && (explain != nil || t < Threshold && t >= Threshold-tokensScore) {
			if !quotesSign(v.b) {
				found, steps := sqlByTokens(v.b)
				if s.match.Spend(steps); found {
					count("tokens", SQL, tokensScore, 1)
				}
			}
		}
		if t := total[Script]; more && (explain != nil || t < Threshold && t >= Threshold-tokensScore) {
			found, steps := scriptByTokens(v.b)
			if s.match.Spend(steps); found {
				count("tokens", Script, tokensScore, 2)
				byChance[Script] += tokensScore
			}
		}
		for f, t := range byChance {
			if t > 0 && total[f] >= Threshold && total[f]-t < Threshold && (isRandom(v.b) || v.via == percent && isRandom(value)) {
				total[f] -= t
			}
		}
		if (total[Shell] >= Threshold || total[Windows] >= Threshold) && (isBarList(v.b) || place == Name && isPlainName(v.b)) {
			total[Shell], total[Windows] = 0, 0
		}
		if total[Directory] >= Threshold && isElementPath(v.b) {
			total[Directory] = 0
		}
		if lowered(&total, &inData) || lowered(&total, &inMarkup) {
			s.match.Spend(len(v.b))
			switch {
			case isData(v.b):
				total = inData
				rich = rich || i == 0
			case rich || isRichText(v.b): // a decoding of rich text has lost what the quotation marks in it were for
				total = inMarkup
				rich = rich || i == 0
			}
		}
		if v.via == line { // a string of a script has no end of a line in it
			total[Script] = 0
		}
		if v.apart { // its strings are looked at by themselves
			total = [Families]int{NoSQL: total[NoSQL], Java: total[Java], Prototype: total[Prototype]}
		}
		if v.via == entity && v.depth == 1 && (total[Script] >= Threshold || total[PHP] >= Threshold) && hasElement(value) && isRichText(value) {
			total[Script], total[PHP] = 0, 0 // what rich text has in character references is text that is to be seen
		}
		for f, t := range total {
			if t >= Threshold {
				found |= 1 << f
			}
		}
	}
	return found
}
