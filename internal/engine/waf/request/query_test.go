package request

import (
	"net/url"
	"slices"
	"testing"
)

func TestTargetIsCut(t *testing.T) {
	for _, c := range []struct {
		target, path, query, fragment string
		hasQuery, hasFragment         bool
	}{
		{target: "/", path: "/"},
		{target: "/a?b=c", path: "/a", query: "b=c", hasQuery: true},
		{target: "/a?b=c?d", path: "/a", query: "b=c?d", hasQuery: true},
		{target: "/a?", path: "/a", hasQuery: true},
		{target: "/a#f?x", path: "/a", fragment: "f?x", hasFragment: true},
		{target: "/a?b#f", path: "/a", query: "b", hasQuery: true, fragment: "f", hasFragment: true},
		{target: "http://h/a?b", path: "/a", query: "b", hasQuery: true},
		{target: "https://h:1", path: "/"},
		{target: "https://h?b", path: "/", query: "b", hasQuery: true},
		{target: "//h/a", path: "//h/a"},
		{target: "/x://y", path: "/x://y"},
		{target: "*", path: "*"},
		{target: "h:443", path: "h:443"},
		{target: "", path: ""},
	} {
		r := &Request{Target: c.target}
		query, hasQuery := r.Query()
		fragment, hasFragment := r.Fragment()
		if r.Path() != c.path || query != c.query || hasQuery != c.hasQuery || fragment != c.fragment || hasFragment != c.hasFragment {
			t.Errorf("%q: %q, %q %v, %q %v", c.target, r.Path(), query, hasQuery, fragment, hasFragment)
		}
	}
}

func TestArgumentNamesMatchAsSentAndDecoded(t *testing.T) {
	for _, c := range []struct {
		sent, name string
		want       bool
	}{
		{"id", "id", true}, {"ID", "id", true}, {"i%64", "id", true}, {"%69%64", "id", true}, {"%69d", "ID", true},
		{"i%6", "i%6", true}, {"i%64", "i%64", true}, {"a+b", "a b", true}, {"a+b", "a+b", true}, {"a%20b", "a b", true},
		{"", "", true}, {"id", "i", false}, {"i", "id", false}, {"", "id", false}, {"idx", "id", false}, {"i%64x", "id", false},
		{"%", "%", true}, {"%zz", "%ZZ", true}, {"i%6", "id", false}, {"i%64%", "id", false}, {"%25", "%", true}, {"%2541", "%41", true}, {"a%2Bb", "a+b", true}, {"id%00", "id", false},
	} {
		if got := sameName([]byte(c.sent), c.name); got != c.want {
			t.Errorf("%q is %q: %v", c.sent, c.name, got)
		}
	}
}

// AWS's example of combining is a=1&b=2&a=3.
func TestPreParseSteps(t *testing.T) {
	for _, c := range []struct {
		query string
		steps []PreParse
		want  []string
	}{
		{"a=1&b=2&a=3", []PreParse{PreParseCombineDuplicates}, []string{"1,3", "2"}},
		{"a=1&b=2&a=3&c&a=&b=5", []PreParse{PreParseCombineDuplicates}, []string{"1,3,", "2,5", ""}},
		{"a=1&b=2", []PreParse{PreParseCombineDuplicates}, []string{"1", "2"}},
		{"a=1;b=2&c=3", []PreParse{PreParseSemicolons}, []string{"1", "2", "3"}},
		{"a=1;b=2", nil, []string{"1;b=2"}},
		{"a=1;b=2", []PreParse{PreParseNone}, []string{"1;b=2"}},
		{"a=1%26b=2", []PreParse{PreParseURLDecode}, []string{"1", "2"}},
		{"a%3D1%26b%3D2", []PreParse{PreParseURLDecode}, []string{"1", "2"}},
		{"a=1%u0026b=2", []PreParse{PreParseURLDecode}, []string{"1%u0026b=2"}},
		{"a=1%u0026b=2", []PreParse{PreParseURLDecodeUni}, []string{"1", "2"}},
		{"a=1%3Ba=2", []PreParse{PreParseURLDecode, PreParseSemicolons, PreParseCombineDuplicates}, []string{"1,2"}},
		{"a=1%3Ba=2", []PreParse{PreParseSemicolons, PreParseURLDecode}, []string{"1;a=2"}},
		{"a=1&%61=2", []PreParse{PreParseCombineDuplicates, PreParseURLDecode}, []string{"1", "2"}},
		{"a=1&%61=2", []PreParse{PreParseURLDecode, PreParseCombineDuplicates}, []string{"1,2"}},
		{"", []PreParse{PreParseCombineDuplicates}, nil},
	} {
		r := &Request{Target: "/?" + c.query}
		got, o := selected(t, Component{Kind: AllQueryArguments, PreParse: c.steps}, r)
		if !slices.Equal(got, c.want) || o != (Outcome{}) {
			t.Errorf("%q after %v: %q, %+v; want %q", c.query, c.steps, got, o, c.want)
		}
	}
	l := DefaultLimits()
	l.Arguments = 3
	got, o := selectedWithin(t, l, Component{Kind: AllQueryArguments, PreParse: []PreParse{PreParseCombineDuplicates}}, &Request{Target: "/?a=1&a=2&b=3&a=4&b=5"})
	if !slices.Equal(got, []string{"1,2", "3", "4", "b=5"}) && !slices.Equal(got, []string{"1,2", "3", "4", "5"}) {
		t.Errorf("beyond the bound: %q, %+v", got, o)
	}
	got, _ = selected(t, Component{Kind: SingleQueryArgument, Name: "B", PreParse: []PreParse{PreParseSemicolons}}, &Request{Target: "/?a=1;b=2"})
	if !slices.Equal(got, []string{"2"}) {
		t.Errorf("one argument behind a semicolon: %q", got)
	}
}

func FuzzQuery(f *testing.F) {
	for _, s := range []string{"a=1&b=2", "a=%20+%zz&&=&b", "%61=1&a=2&a", "a;b=1", "a=1%26b=2&a=3", "&&&", "="} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, query string) {
		in := NewInspection(DefaultLimits())
		in.Reset(&Request{Target: "/?" + query})
		list, oversize := in.DecodedQuery()
		if want, err := url.ParseQuery(in.query); err == nil && !oversize {
			got := url.Values{}
			for _, p := range list {
				got.Add(string(p.Name), string(p.Value))
			}
			if got.Encode() != want.Encode() {
				t.Fatalf("%q: %v, want %v", in.query, got, want)
			}
		}
		for _, steps := range [][]PreParse{{PreParseCombineDuplicates}, {PreParseURLDecodeUni, PreParseSemicolons, PreParseCombineDuplicates}} {
			s, err := Compile(Component{Kind: AllQueryArguments, PreParse: steps})
			if err != nil {
				t.Fatal(err)
			}
			s.Append(nil, in)
			list, _ := in.queryFor(s)
			seen := map[string]bool{}
			for i, p := range list {
				if i < in.limits.Arguments && seen[string(p.Name)] {
					t.Fatalf("%q: the name %q stands twice", in.query, p.Name)
				}
				seen[string(p.Name)] = true
			}
		}
		for _, p := range list {
			if !sameName([]byte(url.QueryEscape(string(p.Name))), string(p.Name)) {
				t.Fatalf("%q is not found by its own name", p.Name)
			}
		}
	})
}
