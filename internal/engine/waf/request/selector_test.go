package request

import (
	"slices"
	"testing"
)

// selected compiles c and returns what it selects of r, keys with a colon behind them.
func selected(t *testing.T, c Component, r *Request) ([]string, Outcome) {
	t.Helper()
	return selectedWithin(t, DefaultLimits(), c, r)
}

func selectedWithin(t *testing.T, l Limits, c Component, r *Request) ([]string, Outcome) {
	t.Helper()
	s, err := Compile(c)
	if err != nil {
		t.Fatal(err)
	}
	in := NewInspection(l)
	in.Reset(r)
	values, o := s.Append(nil, in)
	var got []string
	for _, v := range values {
		text := string(v.Bytes)
		if v.Key {
			text += ":"
		}
		got = append(got, text)
	}
	again, o2 := s.Append(nil, in)
	if len(again) != len(values) || o2 != o {
		t.Errorf("%+v selects other values the second time: %v, then %v", c, values, again)
	}
	return got, o
}

func TestComponentsSelectTheirPartOfARequest(t *testing.T) {
	r := &Request{
		Method: "POST", Target: "/a%2fb/c.php?User=a%20b&x&x=1&&user=%3Cb%3E&=v&y=1=2", Proto: "HTTP/1.1",
		Host: "example.com", Scheme: "https",
		Fields: []Field{
			{"Host", "example.com"}, {"User-Agent", "curl/8"}, {"X-A", "1"}, {"COOKIE", "a=1; b=2;c"}, {"x-a", "2"},
			{"cookie", " a = x=y "},
		},
		Body: []byte("hello"),
		JA4:  "t13d1516h2_8daaf6152771_b186095e22b6",
	}
	for _, c := range []struct {
		name string
		c    Component
		want []string
	}{
		{"path as sent", Component{Kind: URIPath}, []string{"/a%2fb/c.php"}},
		{"query as sent", Component{Kind: QueryString}, []string{"User=a%20b&x&x=1&&user=%3Cb%3E&=v&y=1=2"}},
		{"argument, any case", Component{Kind: SingleQueryArgument, Name: "USER"}, []string{"a%20b", "%3Cb%3E"}},
		{"argument twice, once without value", Component{Kind: SingleQueryArgument, Name: "x"}, []string{"", "1"}},
		{"argument that is not there", Component{Kind: SingleQueryArgument, Name: "z"}, nil},
		{"values of all arguments", Component{Kind: AllQueryArguments}, []string{"a%20b", "", "1", "%3Cb%3E", "v", "1=2"}},
		{"decoded values", Component{Kind: QueryArguments}, []string{"a b", "", "1", "<b>", "v", "1=2"}},
		{"decoded names", Component{Kind: QueryArgumentNames}, []string{"User:", "x:", "x:", "user:", "y:"}},
		{"field, any case", Component{Kind: SingleHeader, Name: "X-a"}, []string{"1", "2"}},
		{"field that is not there", Component{Kind: SingleHeader, Name: "X-B"}, nil},
		{"all fields' names", Component{Kind: Headers, Scope: ScopeKey}, []string{"Host:", "User-Agent:", "X-A:", "COOKIE:", "x-a:", "cookie:"}},
		{"included fields", Component{Kind: Headers, Included: []string{"x-A", "host"}}, []string{"Host:", "example.com", "X-A:", "1", "x-a:", "2"}},
		{"excluded fields", Component{Kind: Headers, Scope: ScopeValue, Excluded: []string{"Cookie", "User-Agent"}}, []string{"example.com", "1", "2"}},
		{"cookies", Component{Kind: Cookies}, []string{"a:", "1", "b:", "2", "c:", "c", "a:", "x=y"}},
		{"included cookies", Component{Kind: Cookies, Scope: ScopeValue, Included: []string{"a"}}, []string{"1", "x=y"}},
		{"cookies' names have a case", Component{Kind: Cookies, Included: []string{"A"}}, nil},
		{"excluded cookies", Component{Kind: Cookies, Scope: ScopeKey, Excluded: []string{"a"}}, []string{"b:", "c:"}},
		{"order", Component{Kind: HeaderOrder}, []string{"host:user-agent:x-a:cookie:x-a:cookie"}},
		{"body", Component{Kind: Body}, []string{"hello"}},
		{"method", Component{Kind: Method}, []string{"POST"}},
		{"fragment", Component{Kind: URIFragment}, nil},
		{"JA3", Component{Kind: JA3Fingerprint}, nil},
		{"JA4", Component{Kind: JA4Fingerprint, Fallback: FallbackMatch}, []string{"t13d1516h2_8daaf6152771_b186095e22b6"}},
		{"request line", Component{Kind: RequestLine}, []string{"POST /a%2fb/c.php?User=a%20b&x&x=1&&user=%3Cb%3E&=v&y=1=2 HTTP/1.1"}},
		{"basename", Component{Kind: Basename}, []string{"c.php"}},
		{"protocol", Component{Kind: Protocol}, []string{"HTTP/1.1"}},
		{"host", Component{Kind: Host}, []string{"example.com"}},
	} {
		got, o := selected(t, c.c, r)
		if !slices.Equal(got, c.want) || o != (Outcome{}) {
			t.Errorf("%s: %q, %+v; want %q", c.name, got, o, c.want)
		}
	}
}
