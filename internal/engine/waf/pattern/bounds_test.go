package pattern

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"rsc.io/binaryregexp"
)

// explosive are expressions whose deterministic automata have exponentially many states, or
// that take backtracking matchers exponential time.
var explosive = []string{
	`(a|b)*a(a|b){12}c`, `(?:a|b)*a(?:a|b){30}\d`, `(x+x+)+y`, `^(([a-z])+.)+[A-Z]([a-z])+$`, `(a*)*b`, `(a|a)*c`, `(a|aa)+d`, `(.*)*x=`,
	`(?:(?:(?:a?){20}){5})a{40}b`, `.*a.*b.*c.*d.*e.*f.*g!`, `[ab]{3,40}a[ab]{20,40}z`, `a.{60}b.{60}c`, `(?:\w{1,60}\s){1,10}!`, `(\d+,)*\d+;`, `(?i)(?:a.{1,30}b|b.{1,30}a){2,4}#`,
	`\b(?:a\b.{0,40}\bb){3}\b`,
}

// TestWorkIsLinearWhateverTheExpressionAndTheValue counts steps: bounded for each byte, with
// values that make many states, and no more for a byte of a long value than of a short one.
func TestWorkIsLinearWhateverTheExpressionAndTheValue(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	value := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = "aaaabbbb 12,cx"[r.IntN(14)]
		}
		return b
	}
	for _, text := range explosive {
		set, err := Compile([]Pattern{{Kind: Regexp, Text: text}}, Options{CacheBytes: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		insts := len(set.patterns[0].program.insts)
		scratch, got := NewScratch(), NewBits(1)
		for _, v := range [][]byte{value(10_000), value(100_000), bytes.Repeat([]byte("a"), 100_000), bytes.Repeat([]byte("ab"), 50_000), value(400_000)} {
			before := scratch.Steps()
			got.Reset()
			set.Match(v, nil, got, scratch)
			// A simulation visits each instruction at most twice for a byte, at two steps each, and at
			// most 1,024 states are made, each of which counts as two steps for its instructions and the next's.
			if spent := scratch.Steps() - before; spent > uint64(len(v)*(4+4*insts)+1024*(400+4*insts)) {
				t.Errorf("%q: %d steps for %d bytes, %d instructions", text, spent, len(v), insts)
			}
		}
	}
}

// TestExplosiveExpressionsAgreeWithGo matches what makes automata give up, in sets with
// little memory, in which they start anew all the time.
func TestExplosiveExpressionsAgreeWithGo(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	var patterns []Pattern
	var oracles []*binaryregexp.Regexp
	for _, text := range explosive {
		patterns = append(patterns, Pattern{Kind: Regexp, Text: text, Syntax: SecLang})
		oracles = append(oracles, binaryregexp.MustCompile("(?sm)"+text))
	}
	for _, o := range []Options{{}, {CacheBytes: 1}, {CacheBytes: 1, maxPart: 8}, {maxPart: 20}} {
		set, err := Compile(patterns, o)
		if err != nil {
			t.Fatal(err)
		}
		scratch, got := NewScratch(), NewBits(set.Len())
		for range 60 {
			v := make([]byte, r.IntN(1500))
			for i := range v {
				v[i] = "aaaaaabbbbbb 12,;cxyzAZd=!#\n"[r.IntN(28)]
			}
			got.Reset()
			set.Match(v, nil, got, scratch)
			for i, o := range oracles {
				if want := o.Match(v); want != got.Has(i) {
					t.Fatalf("%+v: %q on %q: %v, Go says %v", o, patterns[i].Text, v, got.Has(i), want)
				}
			}
		}
	}
}

// TestHostileValuesAgreeWithGo matches long values made to cost much.
func TestHostileValuesAgreeWithGo(t *testing.T) {
	rules := argumentRules(t)
	set, err := Compile(rules, Options{})
	if err != nil {
		t.Fatal(err)
	}
	scratch, got := NewScratch(), NewBits(set.Len())
	for name, v := range hostileValues(t, 1500) {
		for range 2 { // with states to make, and with some of them made
			got.Reset()
			set.Match(v, nil, got, scratch)
			for i, p := range rules {
				if i%5 == 0 && binaryregexp.MustCompile("(?sm)"+p.Text).Match(v) != got.Has(i) {
					t.Errorf("%s: %.100q: %v, Go does not agree", name, p.Text, got.Has(i))
				}
			}
		}
	}
}

// TestCostOfHostileValuesIsBounded holds the whole Core Rule Set to a number of steps for
// each byte: one for each rule.
func TestCostOfHostileValuesIsBounded(t *testing.T) {
	rules := argumentRules(t)
	set, err := Compile(rules, Options{})
	if err != nil {
		t.Fatal(err)
	}
	scratch, got := NewScratch(), NewBits(set.Len())
	for name, v := range hostileValues(t, 1<<17) {
		var perByte [2]float64 // with the states that automata of patterns have once and for all, and later
		for i := range perByte {
			before := scratch.Steps()
			got.Reset()
			set.Match(v, nil, got, scratch)
			perByte[i] = float64(scratch.Steps()-before) / float64(len(v))
		}
		t.Logf("%-20s %7.1f steps for a byte at first, then %.1f; %d matches", name, perByte[0], perByte[1], got.Count())
		if perByte[0] > 2000 || perByte[1] > float64(len(rules)) {
			t.Errorf("%s: %.1f steps for a byte", name, perByte)
		}
	}
	if size := set.SizeBytes(); size > 64<<20 {
		t.Errorf("the set has grown to %d bytes", size)
	}
}

func TestMatchAllocatesNothingAtSteadyState(t *testing.T) {
	set, err := Compile(append(argumentRules(t), otherRules(300)...), Options{})
	if err != nil {
		t.Fatal(err)
	}
	scratch, got := NewScratch(), NewBits(set.Len())
	values := append(append(getValues(), formValues()...), jsonValues()...)
	run := func() {
		for _, v := range values {
			got.Reset()
			set.Match(v, nil, got, scratch)
		}
	}
	for range 10 {
		run()
	}
	if n := testing.AllocsPerRun(5, run); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestGoroutinesShareASet matches with a Set whose automata start anew all the time.
func TestGoroutinesShareASet(t *testing.T) {
	var patterns []Pattern
	for _, text := range append([]string{`\bselect\b.*\bfrom\b`, `^[a-z]+\d$`, `['"]\s*or\s*['"]?1`, `<script[^>]*>`, `(?=.*a)b$`}, explosive...) {
		patterns = append(patterns, Pattern{Kind: Regexp, Text: text})
	}
	set, err := Compile(patterns, Options{CacheBytes: 1, maxPart: 30})
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(11, 12))
	var values [][]byte
	for range 60 {
		v := []byte(strings.Repeat("select a from b ", r.IntN(3)))
		for range r.IntN(200) {
			v = append(v, "aaabbb 12,;cx'\"or<script>z="[r.IntN(26)])
		}
		values = append(values, v)
	}
	want := make([]string, len(values))
	scratch := NewScratch()
	for i, v := range values {
		got := NewBits(set.Len())
		set.Match(v, nil, got, scratch)
		want[i] = fmt.Sprint(got)
	}
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			scratch := NewScratch()
			for k := range 4 * len(values) {
				i := (k*7 + g*13) % len(values)
				got := NewBits(set.Len())
				set.Match(values[i], nil, got, scratch)
				if fmt.Sprint(got) != want[i] {
					t.Errorf("%q: %v, alone %v", values[i], got, want[i])
					return
				}
			}
		})
	}
	wg.Wait()
}

// TestOneScratchServesManySets uses one scratch for sets of different sizes in turn.
func TestOneScratchServesManySets(t *testing.T) {
	scratch := NewScratch()
	scratch.epoch = ^uint32(0) - 20 // and across the end of its numbers
	var sets []*Set
	for n := 1; n < 12; n++ {
		var patterns []Pattern
		for i := range n * 7 {
			patterns = append(patterns, Pattern{Kind: Regexp, Text: fmt.Sprintf(`word%d\b`, i)}, Pattern{Kind: Contains, Text: fmt.Sprintf("Word%d", i), Fold: true})
		}
		set, err := Compile(patterns, Options{})
		if err != nil {
			t.Fatal(err)
		}
		sets = append(sets, set)
	}
	for range 5 {
		for _, set := range sets {
			got := NewBits(set.Len())
			set.Match([]byte("a word5 and WORD6x"), nil, got, scratch)
			var list []int
			for i := range got.All() {
				list = append(list, i)
			}
			if fmt.Sprint(list) != "[10 11 13]" {
				t.Errorf("set of %d: %v", set.Len(), list)
			}
		}
	}
}

// TestCompilingIsBounded compiles what would take exponential or quadratic work if its
// requirements were found naively.
func TestCompilingIsBounded(t *testing.T) {
	var alternatives, list []string
	for i := range 3000 {
		alternatives = append(alternatives, fmt.Sprintf("w%dx[ab]", i))
		list = append(list, fmt.Sprintf("phrase-%d-of-a-long-list", i*7919%20000), fmt.Sprintf("p%d", i))
	}
	nested := func(inner, around string, n int) string {
		return strings.Repeat("(?:", n) + inner + strings.Repeat(")"+around, n)
	}
	for _, p := range []Pattern{
		{Kind: Regexp, Text: strings.Join(alternatives, "|"), Fold: true},
		{Kind: Regexp, Text: nested("^^", "{4}", 200)},
		{Kind: Regexp, Text: nested("^$", "*", 200)},
		{Kind: Regexp, Text: nested("a", "?", 200)},
		{Kind: Regexp, Text: nested("a", "*", 200)},
		{Kind: Regexp, Text: nested("a|b*", "+", 200)},
		{Kind: Regexp, Text: strings.Repeat("[abc]", 5000), Fold: true},
		{Kind: Regexp, Text: strings.Repeat("(?:a|b|cd)", 3000)},
		{Kind: ContainsAny, Texts: list, Fold: true},
	} {
		set, err := Compile([]Pattern{p, p}, Options{MaxText: 100_000, MaxProgram: 100_000})
		if err != nil {
			t.Fatalf("%.30q: %v", p.Text, err)
		}
		got := NewBits(2)
		set.Match([]byte("w77xa phrase-7919-of-a-long-list"), nil, got, NewScratch())
		if got.Has(0) != got.Has(1) {
			t.Errorf("%.30q: %b", p.Text, got)
		}
	}
}

func TestListsOfPhrases(t *testing.T) {
	var list []string
	for i := range 3000 {
		list = append(list, fmt.Sprintf("Phrase %d of the list", i), fmt.Sprintf("q%dz", i))
	}
	for _, fold := range []bool{false, true} {
		set, err := Compile([]Pattern{{Kind: ContainsAny, Texts: list, Fold: fold}, {Kind: ContainsAny, Texts: []string{"a", "", "b"}}, {Kind: ContainsAny}}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		m := NewScratch()
		for value, want := range map[string]string{
			"x Phrase 17 of the list": "Phrase 17 of the list", "phrase 17 of the list": "", "PHRASE 2999 OF THE LIST": "", "phrase 3001 of the list": "",
			"q12z": "q12z", "Q12Z": "", "q3000z": "", "q12": "", "": "",
		} {
			got := NewBits(3)
			set.Match([]byte(value), nil, got, m)
			match := want != "" || fold && (strings.EqualFold(value, "phrase 17 of the list") || strings.EqualFold(value, "phrase 2999 of the list") || value == "Q12Z")
			if got.Has(0) != match || !got.Has(1) || got.Has(2) {
				t.Errorf("fold %v, %q: %b", fold, value, got)
			}
			start, end, ok := set.Find(0, []byte(value))
			if ok != match || want != "" && value[start:end] != want {
				t.Errorf("fold %v, %q: found %d to %d %v", fold, value, start, end, ok)
			}
		}
	}
}
