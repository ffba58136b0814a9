package request

import (
	"slices"
	"strings"
	"testing"
)

func TestHeadersStopWhereAWSStops(t *testing.T) {
	var many Request
	for range 201 {
		many.Fields = append(many.Fields, Field{"A", "b"})
	}
	got, o := selected(t, Component{Kind: Headers, Scope: ScopeValue}, &many)
	if len(got) != 200 || !o.Oversize || o.Decision != Inspect {
		t.Errorf("of 201 fields %d are looked at: %+v", len(got), o)
	}
	many.Fields = many.Fields[:200]
	if got, o := selected(t, Component{Kind: Headers, Scope: ScopeValue}, &many); len(got) != 200 || o != (Outcome{}) {
		t.Errorf("of 200 fields %d are looked at: %+v", len(got), o)
	}

	long := &Request{Fields: []Field{{"Name", strings.Repeat("x", 8000)}, {"Other", strings.Repeat("y", 200)}, {"Third", "z"}}}
	got, o = selected(t, Component{Kind: Headers, Scope: ScopeValue}, long)
	if len(got) != 2 || len(got[1]) != 8192-4-8000-5 || !o.Oversize {
		t.Errorf("of 8 KB, %d values are looked at, the last %d long: %+v", len(got), len(got[len(got)-1]), o)
	}
	if got, o := selected(t, Component{Kind: HeaderOrder}, long); !slices.Equal(got, []string{"name:other"}) || !o.Oversize {
		t.Errorf("the order of too much is %q: %+v", got, o)
	}
	if got, _ := selected(t, Component{Kind: SingleHeader, Name: "third"}, long); !slices.Equal(got, []string{"z"}) {
		t.Errorf("a single field beyond the bound is %q", got)
	}
	exact := &Request{Fields: []Field{{"Name", strings.Repeat("x", 8188)}}}
	if _, o := selected(t, Component{Kind: Headers}, exact); o.Oversize {
		t.Error("8,192 bytes are oversize")
	}
	for handling, want := range map[Handling]Decision{OversizeMatch: Matches, OversizeNoMatch: Differs, OversizeContinue: Inspect, "": Inspect} {
		for _, k := range []Kind{Headers, HeaderOrder} {
			got, o := selected(t, Component{Kind: k, Oversize: handling}, long)
			if o.Decision != want || (got == nil) != (want != Inspect) {
				t.Errorf("%s with oversize handling %q: %+v, %d values", k, handling, o, len(got))
			}
		}
	}
}

func TestCookiesStopWhereAWSStops(t *testing.T) {
	r := &Request{Fields: []Field{{"Cookie", strings.Repeat("a=b; ", 201)}}}
	if got, o := selected(t, Component{Kind: Cookies, Scope: ScopeKey}, r); len(got) != 200 || !o.Oversize {
		t.Errorf("of 201 cookies %d are looked at: %+v", len(got), o)
	}
	r.Fields[0].Value = "a=" + strings.Repeat("x", 9000) + "; b=c"
	got, o := selected(t, Component{Kind: Cookies, Scope: ScopeValue}, r)
	if len(got) != 1 || len(got[0]) != 8191 || !o.Oversize {
		t.Errorf("of a cookie of 9 KB: %d values, %d bytes, %+v", len(got), len(got[0]), o)
	}
	if _, o := selected(t, Component{Kind: Cookies, Oversize: OversizeMatch}, r); o.Decision != Matches {
		t.Errorf("%+v", o)
	}
}

func TestArgumentsBeyondTheBoundAreOneValue(t *testing.T) {
	l := DefaultLimits()
	l.Arguments = 2
	r := &Request{Target: "/?a=1&b=2&c=%3Cscript%3E&d=4", Body: []byte("a=1&b=2&c=%3Cscript%3E&d=4"),
		Fields: []Field{{"Content-Type", "application/x-www-form-urlencoded"}}}
	for k, want := range map[Kind]string{
		AllQueryArguments: "c=%3Cscript%3E&d=4", QueryArguments: "c=<script>&d=4", BodyArguments: "c=<script>&d=4",
	} {
		got, o := selectedWithin(t, l, Component{Kind: k}, r)
		if !slices.Equal(got, []string{"1", "2", want}) || !o.Oversize {
			t.Errorf("%s: %q, %+v", k, got, o)
		}
	}
	got, o := selectedWithin(t, l, Component{Kind: SingleQueryArgument, Name: "d"}, r)
	if !slices.Equal(got, []string{"c=%3Cscript%3E&d=4"}) || !o.Oversize {
		t.Errorf("one argument beyond the bound: %q, %+v", got, o)
	}
	r.Target = "/?a=1&b=2"
	if _, o := selectedWithin(t, l, Component{Kind: AllQueryArguments}, r); o.Oversize {
		t.Error("as many arguments as the limit are oversize")
	}
}

func TestBodyTellsThatItGoesOn(t *testing.T) {
	r := jsonRequest(`{"a":"b`)
	r.BodyTruncated = true
	for _, k := range []Kind{Body, JSONBody, BodyArguments, FileNames} {
		if _, o := selected(t, Component{Kind: k}, r); !o.Oversize || o.Decision != Inspect {
			t.Errorf("%s: %+v", k, o)
		}
		if _, o := selected(t, Component{Kind: k, Oversize: OversizeMatch}, r); o.Decision != Matches {
			t.Errorf("%s with MATCH: %+v", k, o)
		}
		if _, o := selected(t, Component{Kind: k, Oversize: OversizeNoMatch}, r); o.Decision != Differs {
			t.Errorf("%s with NO_MATCH: %+v", k, o)
		}
	}
	// The fallback of JSON that cannot be parsed comes first.
	if _, o := selected(t, Component{Kind: JSONBody, Oversize: OversizeMatch, Fallback: FallbackNoMatch}, r); o.Decision != Differs {
		t.Errorf("%+v", o)
	}
}

func TestMissingPartsFallBack(t *testing.T) {
	r := &Request{Method: "GET", Target: "/"}
	for _, k := range []Kind{URIFragment, JA3Fingerprint, JA4Fingerprint} {
		for f, want := range map[Fallback]Decision{FallbackMatch: Matches, FallbackNoMatch: Differs, FallbackNone: Inspect} {
			if got, o := selected(t, Component{Kind: k, Fallback: f}, r); o.Decision != want || got != nil {
				t.Errorf("%s with %q: %q, %+v", k, f, got, o)
			}
		}
	}
	for _, k := range []Kind{QueryString, Body, JSONBody, Headers, HeaderOrder, Cookies, AllQueryArguments, Arguments, FileNames, Host} {
		if got, o := selected(t, Component{Kind: k}, r); got != nil || o != (Outcome{}) {
			t.Errorf("%s is %q, %+v", k, got, o)
		}
	}
	if got, _ := selected(t, Component{Kind: QueryString}, &Request{Target: "/?"}); !slices.Equal(got, []string{""}) {
		t.Errorf("an empty query string is %q", got)
	}
}

func TestCompileRefusesWhatMakesNoSense(t *testing.T) {
	for _, c := range []Component{
		{},
		{Kind: "Nonsense"},
		{Kind: SingleHeader},
		{Kind: SingleQueryArgument},
		{Kind: URIPath, Name: "x"},
		{Kind: Headers, Included: []string{"a"}, Excluded: []string{"b"}},
		{Kind: JSONBody, Excluded: []string{"/a"}},
		{Kind: JSONBody, Included: []string{"a"}},
		{Kind: Body, Included: []string{"a"}},
		{Kind: Headers, Scope: "KEYS"},
		{Kind: Headers, Oversize: "MAYBE"},
		{Kind: Body, Fallback: FallbackEvaluateAsString},
		{Kind: JSONBody, Fallback: "MAYBE"},
		{Kind: Body, PreParse: []PreParse{PreParseURLDecode}},
		{Kind: AllQueryArguments, PreParse: []PreParse{"LOWERCASE"}},
	} {
		if _, err := Compile(c); err == nil {
			t.Errorf("%+v compiles", c)
		}
	}
}

func TestKeyIsThatOfEqualComponents(t *testing.T) {
	a := Component{Kind: SingleHeader, Name: "User-Agent"}
	b := Component{Kind: SingleHeader, Name: "user-agent"}
	if a.Key() != b.Key() {
		t.Errorf("%q and %q", a.Key(), b.Key())
	}
	c := Component{Kind: Headers, Included: []string{"a", "b"}}
	for _, d := range []Component{
		{Kind: Headers, Included: []string{"a b"}}, {Kind: Headers, Excluded: []string{"a", "b"}}, {Kind: Cookies, Included: []string{"a", "b"}},
		{Kind: Headers, Included: []string{"a", "b"}, Scope: ScopeKey}, {Kind: Headers, Included: []string{"a", "b"}, Oversize: OversizeMatch},
	} {
		if c.Key() == d.Key() {
			t.Errorf("%+v and %+v have the key %q", c, d, c.Key())
		}
	}
}
