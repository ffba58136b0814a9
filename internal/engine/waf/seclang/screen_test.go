package seclang

import (
	"encoding/base64"
	"encoding/json"
	"math/rand/v2"
	"regexp/syntax"
	"strings"
	"testing"

	"fastness/internal/engine/waf/inject"
	"fastness/internal/engine/waf/pattern"
	"fastness/internal/engine/waf/request"
)

// sampler makes values that the expressions and phrases of the Core Rule Set match, or nearly.
type sampler struct {
	rng         *rand.Rand
	expressions []*syntax.Regexp
	phrases     []string
}

// newSampler takes the patterns of a program with a configuration.
func newSampler(tb testing.TB, config Config, seed uint64) *sampler {
	tb.Helper()
	files, options := loadCRS(tb, config)
	conf, refused := parse(files)
	if refused != nil {
		tb.Fatal(refused)
	}
	c := newCompiler(options)
	if err := c.phases(conf); err != nil {
		tb.Fatal(err)
	}
	s := &sampler{rng: rand.New(rand.NewPCG(seed, 1))}
	for _, p := range c.patterns {
		if p.Kind != pattern.Regexp {
			s.phrases = append(append(s.phrases, p.Texts...), p.Text)
			continue
		}
		// What Go does not know, as look-around, is left out.
		if x, err := syntax.Parse(p.Text, syntax.Perl); err == nil {
			s.expressions = append(s.expressions, x)
		}
	}
	s.phrases = append(s.phrases, strings.Fields("rock roll Vinyl (180 g, limited) no. Acme Sons and or select union 1 = 'a' -- /* sleep(5) user() href= onload =x & &amp; %20 + ; ls id cat /etc/passwd ../ //x . .. 2026-03-01 12:30 jane@mail.example")...)
	if len(s.expressions) < 100 || len(s.phrases) < 1000 {
		tb.Fatalf("%d expressions, %d phrases", len(s.expressions), len(s.phrases))
	}
	return s
}

// rune takes one of some, of text if there is any.
func (s *sampler) rune(ranges []rune) byte {
	for range 20 {
		i := 2 * s.rng.IntN(len(ranges)/2)
		from, to := ranges[i], min(ranges[i+1], 0x7e)
		if from > to {
			continue
		}
		if c := byte(from + rune(s.rng.IntN(int(to-from)+1))); strings.IndexByte(screenBytes, c|0x20) >= 0 || strings.IndexByte(screenBytes, c) >= 0 {
			return c
		}
	}
	return byte(min(ranges[0], 0x7f))
}

// match appends a string that an expression matches, but for assertions.
func (s *sampler) match(b []byte, x *syntax.Regexp, left *int) []byte {
	if *left--; *left < 0 {
		return b
	}
	switch x.Op {
	case syntax.OpLiteral:
		for _, r := range x.Rune {
			b = append(b, byte(min(r, 0xff)))
		}
	case syntax.OpCharClass:
		if len(x.Rune) > 0 {
			b = append(b, s.rune(x.Rune))
		}
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b = append(b, screenBytes[s.rng.IntN(len(screenBytes))])
	case syntax.OpCapture, syntax.OpConcat:
		for _, sub := range x.Sub {
			b = s.match(b, sub, left)
		}
	case syntax.OpAlternate:
		b = s.match(b, x.Sub[s.rng.IntN(len(x.Sub))], left)
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest, syntax.OpRepeat:
		n := s.rng.IntN(3)
		switch x.Op {
		case syntax.OpPlus:
			n++
		case syntax.OpQuest:
			n = s.rng.IntN(2)
		case syntax.OpRepeat:
			n = x.Min + s.rng.IntN(2)
			if x.Max >= 0 {
				n = min(n, x.Max)
			}
		}
		for range n {
			b = s.match(b, x.Sub[0], left)
		}
	}
	return b
}

// value is a value of ordinary and of other things, in which spaces, commas, codings and case are changed now and then.
func (s *sampler) value() []byte {
	var b []byte
	for range 1 + s.rng.IntN(3) {
		left := 300
		if s.rng.IntN(2) == 0 {
			b = s.match(b, s.expressions[s.rng.IntN(len(s.expressions))], &left)
		} else {
			b = append(b, s.phrases[s.rng.IntN(len(s.phrases))]...)
		}
		if s.rng.IntN(3) > 0 {
			b = append(b, ' ')
		}
	}
	switch s.rng.IntN(8) {
	case 0: // spaces that are deleted
		for range 1 + s.rng.IntN(4) {
			i := s.rng.IntN(len(b) + 1)
			b = append(b[:i:i], append([]byte(" "), b[i:]...)...)
		}
	case 1:
		b = []byte(strings.NewReplacer(" ", [...]string{",", ", ", "  ", ";"}[s.rng.IntN(4)], "(", " (", "/", " /").Replace(string(b)))
	case 2:
		b = []byte(base64.StdEncoding.EncodeToString(b) + [...]string{"", " x", ".", " and more"}[s.rng.IntN(4)])
		if i := s.rng.IntN(len(b)); s.rng.IntN(2) == 0 {
			b = append(b[:i:i], append([]byte(" "), b[i:]...)...)
		}
	case 3:
		b = []byte(strings.ToUpper(string(b)))
	case 4:
		from := s.rng.IntN(len(b) + 1)
		b = b[from : from+s.rng.IntN(len(b)-from+1)]
	}
	return b[:min(len(b), 400)]
}

// holdsNothing fails if a condition of a screened class holds for a value that the screen clears. It tells whether it does clear it.
func holdsNothing(t *testing.T, p *Program, s, plain *Scratch, v []byte) bool {
	t.Helper()
	if !s.clear(v) {
		return false
	}
	for i := range p.classes {
		if c := &p.classes[i]; c.screened {
			if hits := plain.inspect(nil, c, v); len(hits) > 0 {
				t.Fatalf("%q is clear, and rule %d matches", v, p.rules[p.links[hits[0]].rule].ID)
			}
		}
	}
	return true
}

func ready(p *Program) *Scratch {
	s := NewScratch(request.DefaultLimits())
	s.begin(p, browserGet(1))
	s.matcher.Allow(1 << 60)
	s.budget = 1 << 40
	return s
}

func TestNoConditionHoldsForWhatIsClear(t *testing.T) {
	for _, level := range []int{1, 4} {
		config := Config{Paranoia: level}
		p := coreRuleSet(t, config)
		if p.screen == nil {
			t.Fatalf("level %d: no screen", level)
		}
		s, plain := ready(p), ready(p)
		sampler := newSampler(t, config, uint64(level))
		cases, clear := 40_000, 0
		for range cases {
			s.matcher.Allow(1 << 60) // or the automaton stops learning
			if holdsNothing(t, p, s, plain, sampler.value()) {
				clear++
			}
		}
		t.Logf("level %d: %d of %d are clear", level, clear, cases)
		if level == 1 && clear < cases/20 {
			t.Errorf("%d of %d are clear", clear, cases)
		}
	}
}

// TestOrdinaryValuesAreClear holds the screen to being of use.
func TestOrdinaryValuesAreClear(t *testing.T) {
	p := coreRuleSet(t, Config{})
	s := ready(p)
	for _, v := range strings.Split("London|rock & roll 12|json.0.in_stock|Vinyl record no. 10 (180 g, limited)|Jane Doe 7|221B Baker Street|jane.doe@mail.example|Please ring the bell 3|2026-03-01|price_asc|newsletter-2026-03|5f1c9f64a1f0b7d2c3|GA1.2.1234567890.1700000000|true|17|-1.5|/shop/item/17|en-GB", "|") {
		if !s.clear([]byte(v)) {
			t.Errorf("%q is not clear", v)
		}
	}
}

// TestSurveysComeToTheSame evaluates documents with names and values that rules look for in them with and without what spares taking them apart.
func TestSurveysComeToTheSame(t *testing.T) {
	config := Config{Detect: true}
	p := coreRuleSet(t, config)
	if !p.surveyed {
		t.Fatal("bodies of JSON are not gone over")
	}
	plain := *p
	plain.surveyed, plain.memo = false, nil
	plain.classes = append([]class(nil), p.classes...)
	for i := range plain.classes {
		plain.classes[i].screened = false
	}
	sampler := newSampler(t, config, 3)
	rng := sampler.rng
	word := func() string {
		if rng.IntN(3) > 0 {
			return strings.Fields("id name in_stock supplier profile Vinyl limited charset_ _charset_ 17")[rng.IntN(9)]
		}
		return string(sampler.value())
	}
	var value func(depth int) any
	value = func(depth int) any {
		switch n := rng.IntN(7); {
		case n < 2 && depth > 0:
			var list []any
			for range rng.IntN(4) {
				list = append(list, value(depth-1))
			}
			return list
		case n < 4 && depth > 0:
			object := map[string]any{}
			for range rng.IntN(4) {
				object[word()] = value(depth - 1)
			}
			return object
		case n == 4:
			return []any{17, -1.5e10, true, nil}[rng.IntN(4)]
		}
		return word()
	}
	a, b := NewScratch(request.DefaultLimits()), NewScratch(request.DefaultLimits())
	matched := 0
	for range 2500 {
		body, err := json.Marshal(map[string]any{"a": value(3), "profile": value(2)})
		if err != nil {
			t.Fatal(err)
		}
		r := withBody(browserGet(1), "application/json", body)
		want, got := summary(plain.Evaluate(r, b)), summary(p.Evaluate(r, a))
		if got != want {
			t.Fatalf("%s: %s, taken apart %s", body, got, want)
		}
		if len(b.result.Matches) > 0 {
			matched++
		}
	}
	if matched < 500 {
		t.Errorf("rules match %d documents", matched)
	}
}

// FuzzScreen looks for values that are clear though a condition holds for them.
func FuzzScreen(f *testing.F) {
	p := coreRuleSet(f, Config{Paranoia: 2})
	s, plain := ready(p), ready(p)
	sampler := newSampler(f, Config{Paranoia: 2}, 2)
	for range 300 {
		f.Add(sampler.value())
	}
	f.Fuzz(func(t *testing.T, v []byte) {
		if len(v) > 2000 {
			return
		}
		s.matcher.Allow(1 << 60)
		holdsNothing(t, p, s, plain, v)
	})
}

// FuzzInjectionsOfText looks for values that none of the expressions for injections matches and that may be one.
func FuzzInjectionsOfText(f *testing.F) {
	var list []pattern.Pattern
	for _, x := range inject.TextExpressions() {
		list = append(list, pattern.Pattern{Kind: pattern.Regexp, Text: x, Syntax: pattern.AWS})
	}
	screen, err := pattern.NewScreen(list, inject.TextBytes, pattern.Options{})
	if err != nil {
		f.Fatal(err)
	}
	for _, v := range strings.Split("a or b|or|1or|1or b|x (select)|a,b (c)|@a;|@a|a=b|onload=1|x onload = y|href=d|xlink:href=j|user (a|a*(b)|union select|SELECT 1|a/*b|a--b|is it?|no. 1", "|") {
		f.Add([]byte(v))
	}
	m := pattern.NewScratch()
	f.Fuzz(func(t *testing.T, v []byte) {
		if len(v) > 500 {
			return
		}
		m.Allow(1 << 60)
		if !screen.Clear(v, m) {
			return
		}
		none := inject.Budget(0)
		if inject.SQL(v, inject.Low, &none) != inject.Clean || inject.XSS(v, &none) != inject.Clean {
			t.Fatalf("%q is clear and may be an injection", v)
		}
	})
}
