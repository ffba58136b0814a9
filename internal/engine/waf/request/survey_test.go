package request

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"fastness/internal/engine/waf/pattern"
)

// testSieve clears values of letters, digits and some signs without a few words in them, and calls code what
// ends in "code" or has sixteen letters together.
func testSieve(t testing.TB, cache int) *Sieve {
	t.Helper()
	screen, err := pattern.NewScreen([]pattern.Pattern{
		{Kind: pattern.Contains, Text: "select"}, {Kind: pattern.Contains, Text: "java.lang"}, {Kind: pattern.Exact, Text: "17"}, {Kind: pattern.Suffix, Text: ".9.z"},
		{Kind: pattern.Prefix, Text: "true!"}, {Kind: pattern.Exact, Text: "json.0.name"}, {Kind: pattern.Contains, Text: "10.a"},
	}, "abcdefghijklmnopqrstuvwxyz0123456789_.-+ ", pattern.Options{CacheBytes: cache})
	if err != nil {
		t.Fatal(err)
	}
	m := pattern.NewScratch()
	code := func(b []byte) bool { return len(b) >= 8 && strings.HasSuffix(string(b), "code") }
	return &Sieve{
		Clear: func(b []byte) bool { return len(b) <= 40 && screen.Clear(b, m) && !code(b) }, Screen: screen, Memory: m, MinCode: 8, Longest: 40, Code: code,
	}
}

// pairsOf are pairs as text.
func pairsOf(list []Pair, names bool) (all []string) {
	for _, p := range list {
		if names {
			all = append(all, string(p.Name))
		} else {
			all = append(all, string(p.Name)+"="+string(p.Value))
		}
	}
	return all
}

// checkSurvey compares a survey of a body with the body's arguments, looked at one by one, and tells whether there was one.
func checkSurvey(t *testing.T, in *Inspection, sieve *Sieve, body []byte) bool {
	t.Helper()
	r := &Request{Method: "POST", Target: "/", Body: body, Fields: []Field{{"Content-Type", "application/json"}}}
	in.Reset(r)
	in.Sift(sieve)
	if !in.surveyed() {
		return false
	}
	values, names := pairsOf(in.parts.survey.values, false), pairsOf(in.parts.survey.names, true)
	limits := in.limits // but for what is clear, which is not counted
	limits.Arguments, limits.JSONValues = 1<<20, 4<<20
	whole := NewInspection(limits)
	whole.Reset(r)
	list, o := whole.BodyArguments()
	if o.Malformed || o.Oversize {
		t.Fatalf("%q: a survey of what is %+v", body, o)
	}
	var left, named []Pair
	for _, p := range list {
		if !sieve.Clear(p.Value) {
			left = append(left, p)
		}
		// Of names only the last key is held to be code, and there is no bound on their length.
		key := p.Name[strings.LastIndexByte(string(p.Name), '.')+1:]
		if !sieve.Screen.Clear(p.Name, sieve.Memory) || sieve.Code(key) {
			named = append(named, p)
		}
	}
	if want := pairsOf(left, false); !slices.Equal(values, want) {
		t.Fatalf("%q: values\n%q and not\n%q", body, values, want)
	}
	for _, n := range pairsOf(named, true) {
		if !slices.Contains(names, n) {
			t.Fatalf("%q: the name %q was cleared", body, n)
		}
	}
	return true
}

// randomJSON is a document, nearly always one that a survey takes.
func randomJSON(rng *rand.Rand) []byte {
	words := []string{
		"", "a", "id", "name", "in_stock", "supplier", "description", "select", "java", "lang", "17", "true!", "a\\u0041b", "x\\\"y", "\\\\", "\\n", "sql'", "ten letters", "Unicode \\u00e9",
		"promocode", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "é", "eight888", "seven77", "z", strings.Repeat("k", 70), "a.b", "javajava.lang", "java.langlang",
	}
	var b strings.Builder
	space := func() {
		if rng.IntN(12) == 0 {
			b.WriteString([]string{" ", "\n  ", "\t", "\r\n"}[rng.IntN(4)])
		}
	}
	text := func() {
		fmt.Fprintf(&b, "\"%s\"", words[rng.IntN(len(words))]+words[rng.IntN(len(words))/(1+rng.IntN(4))])
	}
	var value func(depth int)
	value = func(depth int) {
		space()
		switch n := rng.IntN(12); {
		case n < 3 && depth > 0:
			b.WriteByte('[')
			for i := range rng.IntN(14) {
				if i > 0 {
					b.WriteByte(',')
				}
				value(depth - 1)
			}
			space()
			b.WriteByte(']')
		case n < 6 && depth > 0:
			b.WriteByte('{')
			for i := range rng.IntN(6) {
				if i > 0 {
					b.WriteByte(',')
				}
				space()
				text()
				space()
				b.WriteByte(':')
				value(depth - 1)
			}
			space()
			b.WriteByte('}')
		case n < 8:
			b.WriteString([]string{"0", "-1.5e+10", "17", "true", "false", "null", "19.99", "1234567", "12345678", "123456789012"}[rng.IntN(10)])
		default:
			text()
		}
		space()
	}
	for b.Len() == 0 || b.String()[0] != '{' && b.String()[0] != '[' {
		b.Reset()
		value(1 + rng.IntN(5))
	}
	doc := []byte(b.String())
	if rng.IntN(6) == 0 { // broken somewhere
		at := rng.IntN(len(doc))
		switch rng.IntN(3) {
		case 0:
			doc = doc[:at]
		case 1:
			doc = slices.Delete(doc, at, at+1)
		default:
			doc[at] = `"\{}[],:1 t`[rng.IntN(11)]
		}
	}
	return doc
}

func TestSurveysLeaveWhatTheSieveDoesNotClear(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	in := NewInspection(DefaultLimits())
	sieve, small := testSieve(t, 1<<20), testSieve(t, 1)
	taken := 0
	const cases = 4000
	for i := range cases {
		if i%4 == 0 { // an automaton that begins anew all the time
			checkSurvey(t, in, small, randomJSON(rng))
		}
		if checkSurvey(t, in, sieve, randomJSON(rng)) {
			taken++
		}
	}
	if taken < cases/2 {
		t.Errorf("only %d of %d bodies were gone over", taken, cases)
	}
	long := []byte(`[{"k":[` + strings.Repeat(`{"name":"a","10":{"a":1}},`, 900) + `17]}]`)
	if !checkSurvey(t, in, sieve, long) {
		t.Error("a long body was not gone over")
	}
}

func TestSurveysKeepWithinBounds(t *testing.T) {
	sieve := testSieve(t, 1<<20)
	deep := strings.Repeat("[", 5) + "1" + strings.Repeat("]", 5)
	for _, c := range []struct {
		limits Limits
		body   string
		taken  bool
	}{
		{Limits{Arguments: 3, JSONValues: 100, Depth: 9}, `[1,2,3,4]`, true},
		{Limits{Arguments: 3, JSONValues: 100, Depth: 9}, `[1,"select",2,"select",3,"select",4]`, true},
		{Limits{Arguments: 3, JSONValues: 100, Depth: 9}, `[1,"select",2,"select",3,"select","select"]`, false},
		{Limits{Arguments: 100, JSONValues: 15, Depth: 9}, `["select","select","select"]`, true},
		{Limits{Arguments: 100, JSONValues: 15, Depth: 9}, `["select","select","select","select"]`, false},
		{Limits{Arguments: 3, JSONValues: 100, Depth: 9}, `{"select":1,"a":{"select":1},"b":[{"select":2}]}`, true},
		{Limits{Arguments: 2, JSONValues: 100, Depth: 9}, `{"select":1,"a":{"select":1},"b":[{"select":2}]}`, false},
		{Limits{Arguments: 100, JSONValues: 100, Depth: 5}, deep, true},
		{Limits{Arguments: 100, JSONValues: 100, Depth: 4}, deep, false},
		{Limits{Arguments: 100, JSONValues: 100, Depth: 9}, `{"` + strings.Repeat("a", prefixKept-5) + `":[1]}`, true},
		{Limits{Arguments: 100, JSONValues: 100, Depth: 9}, `{"` + strings.Repeat("a", prefixKept-4) + `":[1]}`, false},
		{Limits{Arguments: 100, JSONValues: 100, Depth: 9}, "\xef\xbb\xbf[1]", false},
		{Limits{Arguments: 100, JSONValues: 100, Depth: 9}, "[1]\n[2]", false},
		{Limits{Arguments: 100, JSONValues: 100, Depth: 9}, "[1,]", false},
		{Limits{Arguments: 100, JSONValues: 100, Depth: 9}, `{"a":1,}`, false},
		{Limits{Arguments: 100, JSONValues: 100, Depth: 9}, " {} ", true},
	} {
		if got := checkSurvey(t, NewInspection(c.limits), sieve, []byte(c.body)); got != c.taken {
			t.Errorf("%q within %+v: %v", c.body, c.limits, got)
		}
	}
}

func FuzzSurvey(f *testing.F) {
	for _, s := range []string{`{"a":[1,true,{"b":"c"}],"select":"17"}`, `[[],{},"",{"":""}]`, `{"a\u0041":"\\\"","java":{"lang":1}}`, ` [ 1 , 2 ] `, `{"promocode":{"x":"a promocode"}}`} {
		f.Add([]byte(s))
	}
	in, sieve := NewInspection(DefaultLimits()), testSieve(f, 1<<20)
	f.Fuzz(func(t *testing.T, body []byte) { checkSurvey(t, in, sieve, body) })
}
