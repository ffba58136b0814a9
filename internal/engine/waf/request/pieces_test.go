package request

import (
	"slices"
	"testing"
)

func TestPiecesAreWhatAnApplicationTakesOutOfAText(t *testing.T) {
	for _, c := range []struct {
		name      string
		component Component
		request   Request
		want      []string
	}{
		{"segments with signs", Component{Kind: URIPath, Pieces: true}, Request{Method: "GET", Target: "/docs/;who/a%2Fb/plain.css"},
			[]string{"/docs/;who/a%2Fb/plain.css", ";who", "a%2Fb"}},
		{"a path of words", Component{Kind: URIPath, Pieces: true}, Request{Method: "GET", Target: "/docs/a-b/c_d.html"},
			[]string{"/docs/a-b/c_d.html"}},
		{"without pieces", Component{Kind: URIPath}, Request{Method: "GET", Target: "/docs/;who"}, []string{"/docs/;who"}},
		{"arguments of a referring page", Component{Kind: SingleHeader, Name: "referer", Pieces: true},
			Request{Method: "GET", Target: "/", Fields: []Field{{Name: "Referer", Value: "https://shop.example/s?q=%3Bid&page=2"}}},
			[]string{"https://shop.example/s?q=%3Bid&page=2", "%3Bid"}},
		{"a referring page without arguments", Component{Kind: SingleHeader, Name: "referer", Pieces: true},
			Request{Method: "GET", Target: "/", Fields: []Field{{Name: "Referer", Value: "https://shop.example/a"}}},
			[]string{"https://shop.example/a"}},
		{"keys", Component{Kind: BodyArgumentNames, Pieces: true},
			Request{Method: "POST", Target: "/", Fields: []Field{{Name: "Content-Type", Value: "application/json"}}, Body: []byte(`{"a":{"f('x')":1}}`)},
			[]string{"json.a.f('x')", "f('x')"}},
	} {
		s, err := Compile(c.component)
		if err != nil {
			t.Fatal(err)
		}
		in := NewInspection(DefaultLimits())
		in.Reset(&c.request)
		values, _ := s.Append(nil, in)
		var got []string
		for _, v := range values {
			got = append(got, string(v.Bytes))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if err := (&Component{Kind: Method, Pieces: true}).Validate(); err == nil {
		t.Error("a method has pieces")
	}
}
