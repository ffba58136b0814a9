package policy

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// plainValue is v as encoding/json (with UseNumber) would give it.
func plainValue(v value) any {
	switch v.shape {
	case shapeBool:
		return v.text == "true"
	case shapeNumber:
		return json.Number(v.text)
	case shapeString:
		return v.text
	case shapeArray:
		out := []any{}
		for _, item := range v.items {
			out = append(out, plainValue(item))
		}
		return out
	case shapeObject:
		out := map[string]any{}
		for _, m := range v.members {
			out[m.name] = plainValue(m.value)
		}
		return out
	}
	return nil
}

func FuzzJSON(f *testing.F) {
	for _, s := range jsonSamples {
		f.Add(s.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, fault := parseJSON([]byte(text))
		if fault != nil {
			return
		}
		var want any
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&want); err != nil || d.More() {
			t.Fatalf("accepted %q: %v", text, err)
		}
		if got := plainValue(v); !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: got %v, want %v", text, got, want)
		}
	})
}

var jsonSamples = []struct {
	text string
	ok   bool
}{
	{`{}`, true}, {`[]`, true}, {` [ 1 , -0 , 1.5e+10 , 2E-3 , 0.1 ] `, true}, {`"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"`, true},
	{`{"a":{"b":[true,false,null]}}`, true}, {"\"caf\u00e9 \u2028\"", true}, {"\t\r\n1", true},
	{strings.Repeat("[", 16) + strings.Repeat("]", 16), true}, {strings.Repeat("[", 18) + strings.Repeat("]", 18), false},
	{``, false}, {`{`, false}, {`[`, false}, {`[1`, false}, {`[1,]`, false}, {`{"a":1,}`, false}, {`{"a"}`, false}, {`{"a" 1}`, false},
	{`{a:1}`, false}, {`{"a":1 "b":2}`, false}, {`[1 2]`, false}, {`01`, false}, {`1.`, false}, {`.5`, false}, {`-`, false}, {`1e`, false}, {`+1`, false},
	{`"`, false}, {`"\`, false}, {`"\x"`, false}, {`"\u12"`, false}, {`"\u+123"`, false}, {`"\ud800"`, false}, {`"\ud800\u0041"`, false}, {`"\udc00"`, false},
	{"\"\x01\"", false}, {"\"\xff\"", false}, {"\"\\n\xff\"", false}, {"\"\\n\x01\"", false}, {`"\n`, false}, {`tru`, false}, {`nul`, false}, {`1 1`, false}, {`{"a":1,"a":1}`, false},
	{`{"a":1,"\u0061":1}`, false}, {"\ufeff{}", false}, {`// x`, false}, {`'a'`, false}, {`NaN`, false}, {`[1]]`, false},
}

func TestJSONIsStrict(t *testing.T) {
	for _, s := range jsonSamples {
		if _, fault := parseJSON([]byte(s.text)); (fault == nil) != s.ok {
			t.Errorf("%q: %v", s.text, fault)
		}
	}
}
