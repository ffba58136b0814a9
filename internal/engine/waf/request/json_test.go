package request

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

func jsonRequest(body string) *Request {
	return &Request{Method: "POST", Target: "/", Fields: []Field{{"Content-Type", "application/json"}}, Body: []byte(body)}
}

// AWS's examples, of the developer guide on the JSON body component.
func TestJSONBodyAsAWSDocumentsIt(t *testing.T) {
	example := `{ "a":{ "c":"d", "b":{ "e":{ "f":"g" } } } }`
	for _, c := range []struct {
		name, body string
		c          Component
		want       []string
	}{
		{"all", example, Component{}, []string{"a:", "c:", "d", "b:", "e:", "f:", "g"}},
		{"pointer, all", example, Component{Included: []string{"/a/b"}}, []string{"e:", "f:", "g"}},
		{"pointer, keys", example, Component{Included: []string{"/a/b"}, Scope: ScopeKey}, []string{"e:", "f:"}},
		{"pointer, values", example, Component{Included: []string{"/a/b"}, Scope: ScopeValue}, []string{"g"}},
		{"array indices", `{"dogs":[{"name":"a","age":1},{"name":"b"},{"name":"c"}]}`,
			Component{Included: []string{"/dogs/0/name", "/dogs/1/name"}}, []string{"a", "b"}},
		{"missing comma", `{"key1":"value1""key2":"value2"}`, Component{}, []string{"key1:", "value1", "key2:", "value2"}},
		{"missing colon", `{"key1":"value1","key2""value2"}`, Component{}, []string{"key1:", "value1", "key2:", "value2"}},
		{"extra colons", `{"key1"::"value1","key2""value2"}`, Component{}, []string{"key1:", "value1", "key2:", "value2"}},
	} {
		c.c.Kind = JSONBody
		got, o := selected(t, c.c, jsonRequest(c.body))
		if !slices.Equal(got, c.want) || o != (Outcome{}) {
			t.Errorf("%s: %q, %+v; want %q", c.name, got, o, c.want)
		}
	}
}

func TestJSONPointers(t *testing.T) {
	body := `{"a":[{"b":1,"c":2},{"b":[3,{"d":4}]}],"x/y":5,"m~n":6,"":7,"*":8,"a b":{"é":9}}`
	for _, c := range []struct {
		pointers []string
		want     []string
	}{
		{[]string{"/a/*/b"}, []string{"1", "3", "4"}},
		{[]string{"/a/1"}, []string{"3", "4"}},
		{[]string{"/a/*/b/1/d", "/a/0/c"}, []string{"2", "4"}},
		{[]string{"/*"}, []string{"1", "2", "3", "4", "5", "6", "7", "8", "9"}},
		{[]string{"/*/é"}, []string{"9"}},
		{[]string{"/x~1y"}, []string{"5"}},
		{[]string{"/m~0n"}, []string{"6"}},
		{[]string{"/"}, []string{"1", "2", "3", "4", "5", "6", "7", "8", "9"}},
		{[]string{""}, []string{"1", "2", "3", "4", "5", "6", "7", "8", "9"}},
		{[]string{"/a/01"}, nil},
		{[]string{"/a/2", "/b", "/A"}, nil},
		{[]string{"/a/0/b", "/a/*/b"}, []string{"1", "3", "4"}}, // each value once
		{[]string{"/a/0/b/c"}, nil},
	} {
		got, _ := selected(t, Component{Kind: JSONBody, Included: c.pointers, Scope: ScopeValue}, jsonRequest(body))
		if !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.pointers, got, c.want)
		}
	}
}

func TestJSONIsReadUpToWhereItBreaks(t *testing.T) {
	for _, c := range []struct {
		body string
		want []string
	}{
		{`{"a":"b`, []string{"a:", "b"}}, // a string that breaks off counts
		{`{"a":"b\`, []string{"a:", `b\`}},
		{`{"a":"b","c`, []string{"a:", "b", "c:"}},
		{`{"a":"b"`, []string{"a:", "b"}},
		{`{"a":}`, []string{"a:"}},
		{`{"a":,"b":1}`, []string{"a:"}},
		{`["a"}`, []string{"a"}},
		{`{"a":1]`, []string{"a:", "1"}},
		{`{"a":<script>}`, []string{"a:"}},
		{`{a:1}`, nil},
		{`{1:2}`, nil},
		{`[1:2]`, []string{"1"}},
		{`"a"`, nil},
		{`12`, nil},
		{`true`, nil},
		{`hello`, nil},
		{`]`, nil},
		{`   `, nil},
		{`[tru]`, nil},
		{`[e1]`, nil},
		{`{"a":1} x`, []string{"a:", "1"}},
		{`{{"a":1}}`, nil},
	} {
		got, o := selected(t, Component{Kind: JSONBody}, jsonRequest(c.body))
		if !slices.Equal(got, c.want) || o != (Outcome{Malformed: true}) {
			t.Errorf("%s: %q, %+v; want %q", c.body, got, o, c.want)
		}
		for fallback, want := range map[Fallback]Decision{FallbackMatch: Matches, FallbackNoMatch: Differs, FallbackEvaluateAsString: Inspect} {
			got, o := selected(t, Component{Kind: JSONBody, Fallback: fallback}, jsonRequest(c.body))
			if o.Decision != want || want == Inspect && !slices.Equal(got, []string{c.body}) || want != Inspect && got != nil {
				t.Errorf("%s with %s: %q, %+v", c.body, fallback, got, o)
			}
		}
	}
}

func TestJSONIsDecodedAndForgiven(t *testing.T) {
	for _, c := range []struct {
		body string
		want []string
	}{
		{`{"\u0061":"\u003cscript\u003e"}`, []string{"a:", "<script>"}},
		{`["\"\\\/\b\f\n\r\t"]`, []string{"\"\\/\b\f\n\r\t"}},
		{`["\u0000"]`, []string{"\x00"}},
		{`["\ud83d\ude00"]`, []string{"😀"}},
		{`["\ud83d","\ude00","\ud83dx","\ud83d\u0041"]`, []string{"\ufffd", "\ufffd", "\ufffdx", "\ufffdA"}},
		{`["\q","\u12","\u00g0"]`, []string{`\q`, `\u12`, `\u00g0`}}, // no escapes: they stay
		{"[\"a\nb\"]", []string{"a\nb"}},
		{"[\"\xff\"]", []string{"\xff"}},
		{`[1,-2.5e+10,true,false,null]`, []string{"1", "-2.5e+10", "true", "false", "null"}},
		{`[99999999999999999999999999999999999999999]`, []string{"99999999999999999999999999999999999999999"}},
		{`{"a":1,"a":2}`, []string{"a:", "1", "a:", "2"}}, // a key that stands twice
		{`{}`, nil}, {`[]`, nil}, {`[[],{}]`, nil},
		{"\xef\xbb\xbf{\"a\":1}", []string{"a:", "1"}},
		{"{\"a\":1}\n{\"b\":2}\n", []string{"a:", "1", "b:", "2"}}, // bulk
		{`[1,,2,]`, []string{"1", "2"}},
		{` { "a" : [ 1 , "b" ] } `, []string{"a:", "1", "b"}},
		{`{"":""}`, []string{":", ""}},
	} {
		got, o := selected(t, Component{Kind: JSONBody}, jsonRequest(c.body))
		if !slices.Equal(got, c.want) || o != (Outcome{}) {
			t.Errorf("%s: %q, %+v; want %q", c.body, got, o, c.want)
		}
	}
}

func TestJSONValuesKnowTheirKey(t *testing.T) {
	in := NewInspection(DefaultLimits())
	in.Reset(jsonRequest(`{"a":{"b":1,"c":[2,{"d":3},4]},"e":5}`))
	s, err := Compile(Component{Kind: JSONBody, Scope: ScopeValue})
	if err != nil {
		t.Fatal(err)
	}
	values, _ := s.Append(nil, in)
	var got []string
	for _, v := range values {
		got = append(got, fmt.Sprintf("%s=%s", v.Name, v.Bytes))
	}
	if want := []string{"b=1", "c=2", "d=3", "c=4", "e=5"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestJSONBeyondABoundIsOneValue(t *testing.T) {
	l := DefaultLimits()
	l.JSONValues, l.Depth = 8, 3
	for _, c := range []struct {
		body string
		want []string
	}{
		{`[1,2,3,4,5,6,7,8,"evil"]`, []string{"1", "2", "3", "4", "5", "6", "7", `8,"evil"]`}},
		{`[[[["evil"]]]]`, []string{`["evil"]]]]`}},
		{`{"a":{"b":{"c":{"d":"evil"}}}}`, []string{"a:", "b:", "c:", `{"d":"evil"}}}}`}},
	} {
		for _, scope := range []Scope{ScopeAll, ScopeKey, ScopeValue} {
			for _, included := range [][]string{nil, {"/nowhere"}} {
				for _, handling := range []Handling{OversizeContinue, OversizeMatch, OversizeNoMatch} {
					got, o := selectedWithin(t, l, Component{Kind: JSONBody, Scope: scope, Included: included, Oversize: handling}, jsonRequest(c.body))
					if !o.Oversize {
						t.Errorf("%s: not oversize", c.body)
					}
					switch handling {
					case OversizeMatch:
						if o.Decision != Matches {
							t.Errorf("%s: %+v", c.body, o)
						}
					case OversizeNoMatch:
						if o.Decision != Differs {
							t.Errorf("%s: %+v", c.body, o)
						}
					default:
						if o.Decision != Inspect || got[len(got)-1] != c.want[len(c.want)-1] {
							t.Errorf("%s %s %v: %q, %+v", c.body, scope, included, got, o)
						}
						if scope == ScopeAll && included == nil && !slices.Equal(got, c.want) {
							t.Errorf("%s: %q, want %q", c.body, got, c.want)
						}
					}
				}
			}
		}
	}
}

// plainJSON lists keys (with a colon) and values of valid JSON by encoding/json.
func plainJSON(body []byte) ([]string, bool) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var list []string
	type level struct{ object, key bool }
	var stack []level
	for {
		token, err := d.Token()
		if err == io.EOF {
			return list, len(stack) == 0
		}
		if err != nil {
			return nil, false
		}
		delim, isDelim := token.(json.Delim)
		if len(stack) == 0 && !isDelim {
			return nil, false // a root that is no container
		}
		if isDelim && (delim == '}' || delim == ']') {
			stack = stack[:len(stack)-1]
			continue
		}
		isKey := false
		if len(stack) > 0 {
			top := &stack[len(stack)-1]
			isKey = top.object && !top.key
			if top.object {
				top.key = !top.key
			}
		}
		switch v := token.(type) {
		case json.Delim:
			stack = append(stack, level{object: v == '{'})
		case string:
			if isKey {
				v += ":"
			}
			list = append(list, v)
		case json.Number:
			list = append(list, v.String())
		default:
			text, _ := json.Marshal(v)
			list = append(list, string(text))
		}
	}
}

func FuzzJSON(f *testing.F) {
	for _, s := range []string{
		`{"a":{"b":[1,2.5e3,"c",true,null]},"d":"\u00e9\ud83d\ude00\\"}`, `[[[[]]]]`, `{"a":1}{"b":2}`, `{"a""b"}`, `{"a":"b`, `["\u12`, "\xef\xbb\xbf[]",
		`{"a":1,"a":{"a":1}}`, `[,]`, `{:}`, `[1 2 3]`, `{"`, "[\"\x00\xff\"]", `[-]`, `[eee]`,
	} {
		f.Add([]byte(s), "/a/*/b")
	}
	f.Fuzz(func(t *testing.T, body []byte, pointer string) {
		l := DefaultLimits()
		l.JSONValues = 1 << 20
		in := NewInspection(l)
		in.Reset(&Request{Body: body, Fields: []Field{{"Content-Type", "application/json"}}})
		s, err := Compile(Component{Kind: JSONBody})
		if err != nil {
			t.Fatal(err)
		}
		values, o := s.Append(nil, in)
		in.BodyArguments()

		// Valid JSON gives what encoding/json gives, which replaces bytes that are no UTF-8
		// where the tokenizer keeps them.
		if want, ok := plainJSON(body); ok && json.Valid(body) && len(want) > 0 && !o.Oversize {
			var got []string
			for _, v := range values {
				text := strings.ToValidUTF8(string(v.Bytes), "\ufffd")
				if v.Key {
					text += ":"
				}
				got = append(got, text)
			}
			for i := range want {
				want[i] = strings.ToValidUTF8(want[i], "\ufffd")
			}
			if o.Malformed || !slices.EqualFunc(got, want, sameButForReplaced) {
				t.Fatalf("%q: %q, %+v; want %q", body, got, o, want)
			}
		}

		// What a pointer selects is part of what everything selects.
		p, err := Compile(Component{Kind: JSONBody, Included: []string{pointer}})
		if err != nil {
			return
		}
		all := map[string]int{}
		for _, v := range values {
			all[fmt.Sprint(v.Key, string(v.Bytes))]++
		}
		some, _ := p.Append(nil, in)
		for _, v := range some {
			k := fmt.Sprint(v.Key, string(v.Bytes))
			if all[k]--; all[k] < 0 {
				t.Fatalf("%q: %q selects %q, which is not there", body, pointer, v.Bytes)
			}
		}
	})
}

// sameButForReplaced compares up to runs of replacement characters, of which encoding/json
// makes one for each byte.
func sameButForReplaced(a, b string) bool {
	squeeze := func(s string) string {
		for strings.Contains(s, "\ufffd\ufffd") {
			s = strings.ReplaceAll(s, "\ufffd\ufffd", "\ufffd")
		}
		return s
	}
	return squeeze(a) == squeeze(b)
}
