package waf

import (
	"net/netip"
	"strings"
	"testing"

	"fastness/internal/engine/waf/request"
	"fastness/internal/engine/waf/transform"
)

func byteMatch(i Inspect, p Position, text string) Statement {
	return Statement{Byte: &ByteMatch{Inspect: i, Search: []byte(text), Position: p}}
}

func regex(i Inspect, text string) Statement {
	return Statement{Regex: &RegexMatch{Inspect: i, Regex: text}}
}

func size(i Inspect, c Comparison, n int64) Statement {
	return Statement{Size: &SizeMatch{Inspect: i, Comparison: c, Size: n}}
}

func TestStatementsOnComponents(t *testing.T) {
	oversize := func(h request.Handling) Inspect {
		return Inspect{Component: request.Component{Kind: request.Body, Oversize: h}}
	}
	truncated := post("/", "harmless")
	truncated.BodyTruncated = true
	sets := Sets{Regexes: map[string][]string{"tools": {"^sqlmap", "nikto/[0-9]"}}}
	jsonBody := func(c request.Component) Inspect {
		c.Kind = request.JSONBody
		return Inspect{Component: c}
	}
	hello := get("/")
	hello.JA3, hello.JA4 = "e7d705a3286e19ea42f587b344ee6865", "t13d1516h2_8daaf6152771_b186095e22b6"
	for _, c := range []struct {
		name string
		s    Statement
		r    *request.Request
		want bool
	}{
		{"exactly", byteMatch(in(request.URIPath), Exactly, "/admin"), get("/admin"), true},
		{"exactly, longer", byteMatch(in(request.URIPath), Exactly, "/admin"), get("/admin/"), false},
		{"starts with", byteMatch(in(request.URIPath), StartsWith, "/admin"), get("/admin/x"), true},
		{"starts with, inside", byteMatch(in(request.URIPath), StartsWith, "/admin"), get("/x/admin"), false},
		{"ends with", byteMatch(in(request.URIPath), EndsWith, ".php"), get("/x.php"), true},
		{"ends with, inside", byteMatch(in(request.URIPath), EndsWith, ".php"), get("/x.php/y"), false},
		{"contains", byteMatch(in(request.URIPath), Contains, "/../"), get("/a/../b"), true},
		{"case counts", byteMatch(in(request.URIPath), Contains, "ADMIN"), get("/admin"), false},
		{"word", byteMatch(in(request.QueryString), ContainsWord, "select"), get("/?q=select"), true},
		{"part of a word", byteMatch(in(request.QueryString), ContainsWord, "select"), get("/?q=selection"), false},
		{"word with an underscore", byteMatch(in(request.QueryString), ContainsWord, "select"), get("/?q=_select"), false},
		{"lower case", byteMatch(in(request.URIPath, transform.Lowercase), Contains, "admin"), get("/AdMiN"), true},
		{"two transformations", byteMatch(named(request.SingleQueryArgument, "q", transform.URLDecode, transform.Lowercase), Contains, "<script"), get("/?q=%3CScRiPt%3E"), true},
		{"in the other order", byteMatch(named(request.SingleQueryArgument, "q", transform.Lowercase, transform.URLDecode), Contains, "<script"), get("/?q=%3C%53cRiPt%3E"), false},
		{"a transformation that does nothing", byteMatch(in(request.URIPath, transform.None), Exactly, "/"), get("/"), true},
		{"header", byteMatch(named(request.SingleHeader, "User-Agent"), Contains, "curl"), get("/", "user-agent: curl/8"), true},
		{"another header", byteMatch(named(request.SingleHeader, "user-agent"), Contains, "curl"), get("/", "Referer: curl/8"), false},
		{"the second of two fields", byteMatch(named(request.SingleHeader, "x-a"), Exactly, "two"), get("/", "X-A: one", "X-A: two"), true},
		{"an argument of any", byteMatch(in(request.AllQueryArguments), Exactly, "2"), get("/?a=1&b=2"), true},
		{"method", byteMatch(in(request.Method), Exactly, "POST"), post("/", ""), true},
		{"body", byteMatch(in(request.Body), Contains, "evil"), post("/", "so evil"), true},
		{"cookies", byteMatch(in(request.Cookies), Exactly, "s3cret"), get("/", "Cookie: a=b; id=s3cret"), true},
		{"header order", byteMatch(in(request.HeaderOrder), Exactly, "host:user-agent"), get("/", "Host: x", "User-Agent: y"), true},
		{"JA3", byteMatch(in(request.JA3Fingerprint), Exactly, "e7d705a3286e19ea42f587b344ee6865"), hello, true},
		{"no JA3", byteMatch(Inspect{Component: request.Component{Kind: request.JA3Fingerprint, Fallback: request.FallbackNoMatch}}, Exactly, "e7d7"), get("/"), false},
		{"no JA3, falls back on a match", byteMatch(Inspect{Component: request.Component{Kind: request.JA3Fingerprint, Fallback: request.FallbackMatch}}, Exactly, "e7d7"), get("/"), true},
		{"JA4", byteMatch(in(request.JA4Fingerprint), StartsWith, "t13d"), hello, true},

		{"missing header", byteMatch(named(request.SingleHeader, "x-a"), Contains, "a"), get("/"), false},
		{"not of a missing header", not(byteMatch(named(request.SingleHeader, "x-a"), Contains, "a")), get("/"), true},
		{"missing header's size", size(named(request.SingleHeader, "x-a"), GreaterOrEqual, 0), get("/"), false},
		{"not of a missing header's size", not(size(named(request.SingleHeader, "x-a"), GreaterOrEqual, 0)), get("/"), true},
		{"empty header's size", size(named(request.SingleHeader, "x-a"), Equal, 0), get("/", "X-A: "), true},
		{"missing body", regex(in(request.Body), "^"), get("/"), false},

		{"regex", regex(in(request.URIPath), `^/a+\.php$`), get("/aaa.php"), true},
		{"regex, no match", regex(in(request.URIPath), `^/a+\.php$`), get("/aab.php"), false},
		{"regex set", Statement{RegexSet: &RegexSetMatch{Inspect: named(request.SingleHeader, "user-agent"), Set: "tools"}}, get("/", "User-Agent: Mozilla nikto/2"), true},
		{"regex set, no match", Statement{RegexSet: &RegexSetMatch{Inspect: named(request.SingleHeader, "user-agent"), Set: "tools"}}, get("/", "User-Agent: Mozilla"), false},

		{"SQL injection", Statement{SQLi: &SQLiMatch{Inspect: named(request.SingleQueryArgument, "q", transform.URLDecode)}}, get("/?q=1'%20or%201=1--"), true},
		{"no SQL injection", Statement{SQLi: &SQLiMatch{Inspect: named(request.SingleQueryArgument, "q", transform.URLDecode)}}, get("/?q=rock%20%26%20roll"), false},
		{"SQL injection, high", Statement{SQLi: &SQLiMatch{Inspect: named(request.SingleQueryArgument, "q", transform.URLDecode), High: true}}, get("/?q=1'%20or%201=1--"), true},
		{"scripting", Statement{XSS: &XSSMatch{Inspect: in(request.QueryString, transform.URLDecode)}}, get("/?q=%3Cscript%3Ealert(1)%3C/script%3E"), true},
		{"no scripting", Statement{XSS: &XSSMatch{Inspect: in(request.QueryString, transform.URLDecode)}}, get("/?q=1+%3C+2"), false},

		{"size GT", size(in(request.QueryString), Greater, 3), get("/?abcd"), true},
		{"size GT, equal", size(in(request.QueryString), Greater, 4), get("/?abcd"), false},
		{"size GE", size(in(request.QueryString), GreaterOrEqual, 4), get("/?abcd"), true},
		{"size LT", size(in(request.QueryString), Less, 4), get("/?abcd"), false},
		{"size LE", size(in(request.QueryString), LessOrEqual, 4), get("/?abcd"), true},
		{"size EQ", size(in(request.QueryString), Equal, 4), get("/?abcd"), true},
		{"size NE", size(in(request.QueryString), NotEqual, 4), get("/?abcd"), false},
		{"size after decoding", size(named(request.SingleQueryArgument, "q", transform.URLDecode), Equal, 3), get("/?q=%41%42%43"), true},
		{"size of any argument", size(in(request.AllQueryArguments), Equal, 5), get("/?a=1&b=12345"), true},

		{"truncated body, inspected", byteMatch(oversize(request.OversizeContinue), Contains, "harm"), truncated, true},
		{"truncated body, nothing found", byteMatch(oversize(request.OversizeContinue), Contains, "evil"), truncated, false},
		{"truncated body matches", byteMatch(oversize(request.OversizeMatch), Contains, "evil"), truncated, true},
		{"truncated body does not match", byteMatch(oversize(request.OversizeNoMatch), Contains, "harm"), truncated, false},
		{"truncated body's size", size(oversize(request.OversizeMatch), Greater, 8192), truncated, true},
		{"a short body does not match as oversize", byteMatch(oversize(request.OversizeMatch), Contains, "evil"), post("/", "harmless"), false},

		{"JSON value", byteMatch(jsonBody(request.Component{Scope: request.ScopeValue}), Exactly, "ev\"il"), post("/", `{"a":["ev\"il"]}`), true},
		{"JSON key", byteMatch(jsonBody(request.Component{Scope: request.ScopeKey}), Exactly, "a"), post("/", `{"a":1}`), true},
		{"JSON value is no key", byteMatch(jsonBody(request.Component{Scope: request.ScopeKey}), Exactly, "1"), post("/", `{"a":1}`), false},
		{"both of a duplicate key", byteMatch(jsonBody(request.Component{Scope: request.ScopeValue}), Exactly, "1"), post("/", `{"a":1,"a":2}`), true},
		{"JSON pointer", byteMatch(jsonBody(request.Component{Included: []string{"/a/*/b"}, Scope: request.ScopeValue}), Exactly, "x"), post("/", `{"a":[{"b":"x"}]}`), true},
		{"beside the JSON pointer", byteMatch(jsonBody(request.Component{Included: []string{"/a/*/b"}, Scope: request.ScopeValue}), Exactly, "x"), post("/", `{"a":[{"c":"x"}]}`), false},
		{"broken JSON up to there", byteMatch(jsonBody(request.Component{}), Exactly, "x"), post("/", `{"a":"x", nope`), true},
		{"broken JSON matches", byteMatch(jsonBody(request.Component{Fallback: request.FallbackMatch}), Exactly, "y"), post("/", `{"a":"x", nope`), true},
		{"broken JSON does not match", byteMatch(jsonBody(request.Component{Fallback: request.FallbackNoMatch}), Exactly, "x"), post("/", `{"a":"x", nope`), false},
		{"broken JSON as a string", byteMatch(jsonBody(request.Component{Fallback: request.FallbackEvaluateAsString}), Contains, ", nope"), post("/", `{"a":"x", nope`), true},
	} {
		if got := holds(t, c.s, Options{Sets: sets}, c.r); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestStatementsOnAddresses(t *testing.T) {
	sets := Sets{Addresses: map[string][]netip.Prefix{
		"test": {
			netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("203.0.113.9/32"),
			netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("::ffff:198.18.0.0/111"),
		},
		"all": {netip.MustParsePrefix("0.0.0.0/0")},
	}}
	set := func(f *ForwardedIP) Statement { return Statement{IPSet: &IPSetMatch{Set: "test", Forwarded: f}} }
	xff := func(p IPPosition, matchInvalid bool) *ForwardedIP {
		return &ForwardedIP{Header: "X-Forwarded-For", Position: p, MatchInvalid: matchInvalid}
	}
	from := func(a string, fields ...string) *request.Request {
		r := get("/", fields...)
		r.Remote = netip.MustParseAddr(a)
		return r
	}
	geo := func(f *ForwardedIP, c ...string) Statement {
		return Statement{Geo: &GeoMatch{Countries: c, Forwarded: f}}
	}
	asn := func(f *ForwardedIP, n ...uint32) Statement { return Statement{ASN: &ASNMatch{ASNs: n, Forwarded: f}} }
	for _, c := range []struct {
		name string
		s    Statement
		r    *request.Request
		want bool
	}{
		{"in the set", set(nil), from("192.0.2.200"), true},
		{"not in the set", set(nil), from("192.0.3.1"), false},
		{"a single address", set(nil), from("203.0.113.9"), true},
		{"IPv6", set(nil), from("2001:db8:1::1"), true},
		{"IPv6, not in the set", set(nil), from("2001:db9::1"), false},
		{"IPv4 as IPv6", set(nil), from("::ffff:192.0.2.1"), true},
		{"a prefix of IPv4 as IPv6", set(nil), from("198.19.0.1"), true},
		{"all of IPv4", Statement{IPSet: &IPSetMatch{Set: "all"}}, from("10.0.0.1"), true},
		{"all of IPv4 is not IPv6", Statement{IPSet: &IPSetMatch{Set: "all"}}, from("2001:db8::1"), false},

		{"first", set(xff(FirstIP, false)), from("10.0.0.1", "x-forwarded-for: 192.0.2.1, 10.1.1.1"), true},
		{"first, not the second", set(xff(FirstIP, false)), from("10.0.0.1", "X-Forwarded-For: 10.1.1.1, 192.0.2.1"), false},
		{"first is the default", set(xff("", false)), from("10.0.0.1", "X-Forwarded-For: 192.0.2.1,10.1.1.1"), true},
		{"last", set(xff(LastIP, false)), from("10.0.0.1", "X-Forwarded-For: 10.1.1.1, 192.0.2.1"), true},
		{"last of two fields", set(xff(LastIP, false)), from("10.0.0.1", "X-Forwarded-For: 10.1.1.1", "X-Forwarded-For: 192.0.2.1"), true},
		{"any", set(xff(AnyIP, false)), from("10.0.0.1", "X-Forwarded-For: 10.1.1.1, 192.0.2.1, 10.1.1.2"), true},
		{"any, among the last ten", set(xff(AnyIP, false)), from("10.0.0.1", "X-Forwarded-For: 192.0.2.1"+strings.Repeat(", 10.1.1.1", 9)), true},
		{"any, before the last ten", set(xff(AnyIP, false)), from("10.0.0.1", "X-Forwarded-For: 192.0.2.1"+strings.Repeat(", 10.1.1.1", 10)), false},
		{"any with one that is invalid", set(xff(AnyIP, true)), from("10.0.0.1", "X-Forwarded-For: unknown, 10.1.1.1"), false},
		{"any with none that is valid", set(xff(AnyIP, true)), from("10.0.0.1", "X-Forwarded-For: unknown"), true},
		{"the client's own address does not count", set(xff(FirstIP, false)), from("192.0.2.1", "X-Forwarded-For: 10.1.1.1"), false},
		{"invalid, falls back on a match", set(xff(FirstIP, true)), from("10.0.0.1", "X-Forwarded-For: nobody"), true},
		{"invalid, falls back on no match", set(xff(FirstIP, false)), from("192.0.2.1", "X-Forwarded-For: nobody"), false},
		{"empty is invalid", set(xff(FirstIP, true)), from("10.0.0.1", "X-Forwarded-For: "), true},
		{"absent", set(xff(FirstIP, true)), from("192.0.2.1"), false},
		{"not of absent", not(set(xff(FirstIP, false))), from("192.0.2.1"), false},
		{"not of not in the set", not(set(xff(FirstIP, false))), from("192.0.2.1", "X-Forwarded-For: 10.1.1.1"), true},
		{"not of invalid", not(set(xff(FirstIP, true))), from("192.0.2.1", "X-Forwarded-For: x"), false},
		{"absent and false", Statement{And: []Statement{set(xff(FirstIP, false)), path("/x")}}, from("192.0.2.1"), false},
		{"not of absent and false", not(Statement{And: []Statement{set(xff(FirstIP, false)), path("/x")}}), from("192.0.2.1"), true},
		{"absent or true", Statement{Or: []Statement{set(xff(FirstIP, false)), path("/")}}, from("192.0.2.1"), true},
		{"absent or false", Statement{Or: []Statement{set(xff(FirstIP, false)), path("/x")}}, from("192.0.2.1"), false},

		{"country", geo(nil, "DE", "US"), from("192.0.2.7"), true},
		{"another country", geo(nil, "DE"), from("192.0.2.7"), false},
		{"unknown country", geo(nil, "DE"), from("10.0.0.1"), false},
		{"not of an unknown country", not(geo(nil, "DE")), from("10.0.0.1"), true},
		{"forwarded country", geo(xff("", false), "DE"), from("192.0.2.7", "X-Forwarded-For: 198.51.100.1"), true},
		{"forwarded country, absent", not(geo(xff("", false), "DE")), from("192.0.2.7"), false},
		{"forwarded country, invalid", geo(xff("", true), "DE"), from("192.0.2.7", "X-Forwarded-For: ?"), true},

		{"ASN", asn(nil, 64499, 64500), from("192.0.2.7"), true},
		{"another ASN", asn(nil, 64499), from("192.0.2.7"), false},
		{"unknown ASN is not zero", asn(nil, 0), from("10.0.0.1"), false},
		{"forwarded ASN", asn(xff("", false), 64502), from("10.0.0.1", "X-Forwarded-For: 2001:db8::1"), true},
		{"forwarded ASN, absent", not(asn(xff("", false), 64502)), from("10.0.0.1"), false},
	} {
		if got := holds(t, c.s, Options{Sets: sets, Places: places}, c.r); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestLogicalStatements(t *testing.T) {
	a, b := path("/a"), contains(in(request.URIPath), "b")
	for _, c := range []struct {
		s      Statement
		target string
		want   bool
	}{
		{Statement{And: []Statement{a, b}}, "/ab", true},
		{Statement{And: []Statement{a, b}}, "/a", false},
		{Statement{And: []Statement{a, b}}, "/b", false},
		{Statement{Or: []Statement{a, b}}, "/b", true},
		{Statement{Or: []Statement{a, b}}, "/c", false},
		{not(a), "/c", true},
		{not(a), "/a", false},
		{not(not(a)), "/a", true},
		{Statement{And: []Statement{not(a), not(b)}}, "/c", true},
		{Statement{And: []Statement{not(a), not(b)}}, "/b", false},
		{Statement{Or: []Statement{Statement{And: []Statement{a, not(b)}}, path("/x")}}, "/ac", true},
		{Statement{Or: []Statement{Statement{And: []Statement{a, not(b)}}, path("/x")}}, "/ab", false},
	} {
		if got := holds(t, c.s, Options{}, get(c.target)); got != c.want {
			t.Errorf("%s: %v, want %v", c.target, got, c.want)
		}
	}
}
