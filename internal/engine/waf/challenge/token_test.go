package challenge

import (
	"strings"
	"testing"
	"time"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/request"
)

func tokenOf(t testing.TB, g *Gate, host, domain string, puzzle bool) string {
	t.Helper()
	set, err := g.earn(get(host, "/"), domain, puzzle, nil)
	if err != nil {
		t.Fatal(err)
	}
	pair, _, _ := strings.Cut(set, ";")
	return strings.TrimPrefix(pair, Cookie+"=")
}

func TestTokenStatuses(t *testing.T) {
	g := newGate(t, Options{})
	other := newGate(t, Options{Keys: []Key{{ID: 1, Secret: secret(9)}}})
	text := tokenOf(t, g, "www.example.com", "www.example.com", false)
	wide := tokenOf(t, g, "www.example.com", "example.com", false)
	w, sealed, err := g.newWork(get("www.example.com", "/"), "www.example.com")
	if err != nil || w.domain != "www.example.com" {
		t.Fatal(err)
	}
	cookie := func(s string) request.Field {
		return request.Field{Name: "cookie", Value: "a=b; aws-waf-token=" + s + "; c=d"}
	}
	agent := request.Field{Name: "User-Agent", Value: "Browser/1"}
	for _, c := range []struct {
		name    string
		host    string
		field   request.Field
		domains []string
		after   time.Duration
		want    waf.TokenStatus
	}{
		{"none", "www.example.com", request.Field{Name: "Cookie", Value: "a=b; xaws-waf-token=1"}, nil, 0, waf.TokenMissing},
		{"cookie", "www.example.com", cookie(text), nil, 0, waf.TokenValid},
		{"port, case, last dot", "WWW.example.COM.:8443", cookie(text), nil, 0, waf.TokenValid},
		{"header", "www.example.com", request.Field{Name: "x-aws-waf-token", Value: text}, nil, 0, waf.TokenValid},
		{"other host", "www.example.org", cookie(text), nil, 0, waf.TokenDomainMismatch},
		{"parent without token domains", "www.example.com", cookie(wide), nil, 0, waf.TokenDomainMismatch},
		{"parent", "shop.example.com", cookie(wide), []string{"example.com"}, 0, waf.TokenValid},
		{"below a token domain", "shop.example.org", cookie(text), []string{"example.com", "example.org"}, 0, waf.TokenValid},
		{"similar name", "x", cookie(tokenOf(t, g, "badexample.com", "badexample.com", false)), []string{"example.com"}, 0, waf.TokenDomainMismatch},
		{"public suffix", "x.com", cookie(text), []string{"com"}, 0, waf.TokenDomainMismatch},
		{"longest age", "www.example.com", cookie(text), nil, MaxAge - time.Second, waf.TokenValid},
		{"expired", "www.example.com", cookie(text), nil, MaxAge, waf.TokenExpired},
		{"of the future", "www.example.com", cookie(text), nil, -2 * time.Minute, waf.TokenInvalid},
		{"clock behind", "www.example.com", cookie(text), nil, -time.Minute, waf.TokenValid},
		{"garbage", "www.example.com", cookie("garbage"), nil, 0, waf.TokenInvalid},
		{"empty", "www.example.com", cookie(""), nil, 0, waf.TokenInvalid},
		{"huge", "www.example.com", cookie(strings.Repeat("A", 1<<16)), nil, 0, waf.TokenInvalid},
		{"changed", "www.example.com", cookie(text[:len(text)-8] + "AAAAAAAA"), nil, 0, waf.TokenInvalid},
		{"other key", "www.example.com", cookie(tokenOf(t, other, "www.example.com", "www.example.com", false)), nil, 0, waf.TokenInvalid},
		{"a challenge for a token", "www.example.com", cookie(sealed), nil, 0, waf.TokenInvalid},
		{"good after bad", "www.example.com", cookie("garbage; aws-waf-token=" + text), nil, 0, waf.TokenValid},
		{"good after too many", "www.example.com", cookie(strings.Repeat("x; aws-waf-token=", maxCandidates) + text), nil, 0, waf.TokenInvalid},
	} {
		r := &request.Request{Host: c.host, Fields: []request.Field{agent, c.field}}
		got := g.Token(r, c.domains, start.Add(c.after))
		if got.Status != c.want {
			t.Errorf("%s: %q, want %q", c.name, got.Status, c.want)
		}
		if (got.ID != "") != (c.want == waf.TokenValid) {
			t.Errorf("%s: ID %q", c.name, got.ID)
		}
	}
	r := get("www.example.com", "/", cookie(text))
	r.Fields[0].Value = "Script/2"
	if got := g.Token(r, nil, start); got.Status != waf.TokenInvalid {
		t.Errorf("another client's: %q", got.Status)
	}
}

func TestTokenKeepsWhatItProved(t *testing.T) {
	g := newGate(t, Options{})
	const host = "www.example.com"
	first := request.Field{Name: "Cookie", Value: Cookie + "=" + tokenOf(t, g, host, host, true)}
	before := g.Token(get(host, "/", first), nil, start)
	if before.CaptchaSolved != start.Unix() || before.ChallengeSolved != start.Unix() {
		t.Fatalf("%+v", before)
	}
	r := get(host, "/", first)
	r.Time = start.Add(time.Hour)
	set, err := g.earn(r, host, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	pair, _, _ := strings.Cut(set, ";")
	// The old cookie comes first, as browsers order them.
	r = get(host, "/", request.Field{Name: "Cookie", Value: first.Value + "; " + pair})
	after := g.Token(r, nil, start.Add(time.Hour))
	if after.ID != before.ID || after.CaptchaSolved != start.Unix() || after.ChallengeSolved != start.Add(time.Hour).Unix() {
		t.Errorf("%+v, before %+v", after, before)
	}
}

func TestCookieAttributes(t *testing.T) {
	g := newGate(t, Options{})
	for _, c := range []struct{ host, domain, scheme, want string }{
		{"example.com", "example.com", "http", "; Path=/; Max-Age=345600; SameSite=Lax"},
		{"www.example.com:8443", "example.com", "https", "; Path=/; Max-Age=345600; SameSite=Lax; Domain=example.com; Secure"},
	} {
		r := get(c.host, "/")
		r.Scheme = c.scheme
		set, err := g.earn(r, c.domain, false, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, got, _ := strings.Cut(set, ";"); ";"+got != c.want {
			t.Errorf("%s: %s", c.host, got)
		}
	}
}

func TestTokenDomains(t *testing.T) {
	for _, c := range []struct {
		host    string
		domains []string
		want    string
	}{
		{"www.example.com", nil, "www.example.com"},
		{"a.www.example.com:80", []string{"www.example.com", "example.com", "example.org"}, "example.com"},
		{"a.co.uk", []string{"co.uk", "uk"}, "a.co.uk"},
		{"me.github.io", []string{"github.io"}, "me.github.io"},
		{"badexample.com", []string{"example.com"}, "badexample.com"},
		{"localhost:8080", []string{"localhost"}, "localhost"},
		{"10.0.0.1", []string{"0.0.1", "1"}, "10.0.0.1"},
		{"[2001:db8::1]:443", nil, "2001:db8::1"},
		{"a;b", nil, ""},
		{"[x", nil, ""},
		{strings.Repeat("a", 300), nil, ""},
	} {
		host := hostOf(c.host)
		if got := domainFor(host, c.domains); got != c.want {
			t.Errorf("%s in %v: %q, want %q", c.host, c.domains, got, c.want)
		}
	}
	for domain, want := range map[string]bool{"example.com": true, "com": false, "co.uk": false, "localhost": false, "192.0.2.1": false, "": false} {
		if ValidDomain(domain) != want {
			t.Errorf("%q: want %v", domain, want)
		}
	}
}

func FuzzToken(f *testing.F) {
	g := newGate(f, Options{})
	f.Add("www.example.com", Cookie+"="+tokenOf(f, g, "www.example.com", "www.example.com", true), []byte(nil))
	f.Add("[::1]:80", "aws-waf-token=; aws-waf-token", (&token{domain: "a.b", challenge: 1}).append(nil))
	f.Add("", ";;=", []byte("short"))
	f.Fuzz(func(t *testing.T, host, cookie string, payload []byte) {
		r := get(host, "/", request.Field{Name: "Cookie", Value: cookie})
		g.Token(r, []string{host, "example.com"}, start)
		if parsed, ok := parseToken(payload); ok && string(parsed.append(nil)) != string(payload) {
			t.Errorf("%x is not what was read", payload)
		}
		if text, err := g.keys().seal(g.random, forToken, payload); err == nil {
			r.Fields[2].Value = Cookie + "=" + text
			g.Token(r, []string{host}, start)
		}
		var s stamp
		s.parse(payload, 12)
	})
}

func BenchmarkToken(b *testing.B) {
	g := newGate(b, Options{})
	r := get("www.example.com", "/", request.Field{Name: "Cookie", Value: Cookie + "=" + tokenOf(b, g, "www.example.com", "www.example.com", true)})
	b.ReportAllocs()
	for b.Loop() {
		if g.Token(r, nil, start).Status != waf.TokenValid {
			b.Fatal("not valid")
		}
	}
}
