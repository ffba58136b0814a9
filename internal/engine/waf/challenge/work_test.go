package challenge

import (
	"crypto/sha256"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/request"
)

// solve does what the page's script does.
func solve(t *testing.T, page []byte) (sealed, n string) {
	t.Helper()
	seed := attribute(t, page, "data-seed")
	difficulty, err := strconv.Atoi(attribute(t, page, "data-difficulty"))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; ; i++ {
		sum, zeros := sha256.Sum256([]byte(seed+strconv.Itoa(i))), 0
		for zeros < difficulty && sum[zeros/8]>>(7-zeros%8)&1 == 0 {
			zeros++
		}
		if zeros == difficulty {
			return attribute(t, page, "data-challenge"), strconv.Itoa(i)
		}
	}
}

func challenged(t *testing.T, g *Gate, r *request.Request, domains ...string) *Response {
	t.Helper()
	a, err := g.Answer(r, waf.Challenge, domains)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestSolvedWorkGivesAToken(t *testing.T) {
	g := newGate(t, Options{})
	a := challenged(t, g, get("www.example.com", "/shop?a=1&b=2"), "example.com")
	if a.Status != 202 || a.field("x-amzn-waf-action") != "challenge" || !strings.HasPrefix(a.ContentType, "text/html") {
		t.Fatalf("%d %v", a.Status, a.Fields)
	}
	if to := attribute(t, a.Body, `name="to" value`); to != "/shop?a=1&amp;b=2" {
		t.Errorf("returns to %q", to)
	}
	sealed, n := solve(t, a.Body)
	solution := url.Values{"c": {sealed}, "n": {n}}
	got := serve(t, g, post("www.example.com", verifyPath, solution))
	if got.Status != 204 {
		t.Fatalf("status %d", got.Status)
	}
	token := g.Token(get("shop.example.com", "/", cookieOf(t, got)), []string{"example.com"}, start)
	if token.Status != waf.TokenValid || token.ChallengeSolved != start.Unix() || token.CaptchaSolved != 0 {
		t.Errorf("%+v", token)
	}
	if again := serve(t, g, post("www.example.com", verifyPath, solution)); again.Status != 403 || again.field("Set-Cookie") != "" {
		t.Errorf("the same solution again: %d", again.Status)
	}
}

func TestWorkThatIsNotTaken(t *testing.T) {
	g := newGate(t, Options{Difficulty: 16})
	easy := newGate(t, Options{Difficulty: 1, Keys: []Key{{ID: 1, Secret: secret(2)}}})
	page := challenged(t, g, get("www.example.com", "/")).Body
	sealed, n := solve(t, page)
	easySealed, easyN := solve(t, challenged(t, easy, get("www.example.com", "/")).Body)
	captcha, err := g.newPuzzle(get("www.example.com", "/"), "www.example.com")
	if err != nil {
		t.Fatal(err)
	}
	number, _ := strconv.Atoi(n)
	form := func(c, n string) *request.Request {
		return post("www.example.com", verifyPath, url.Values{"c": {c}, "n": {n}})
	}
	for _, c := range []struct {
		name   string
		r      *request.Request
		change func(r *request.Request)
		status int
	}{
		{"other number", form(sealed, strconv.Itoa(number+1)), nil, 403}, // of 16 bits: once in 65,536 runs right
		{"no number", form(sealed, ""), nil, 403},
		{"number with a zero in front", form(sealed, "0"+n), nil, 403},
		{"no digits", form(sealed, "x"+n), nil, 403},
		{"long number", form(sealed, strings.Repeat("1", 13)), nil, 403},
		{"nothing", form("", n), nil, 403},
		{"changed", form(sealed[:len(sealed)-4]+"AAAA", n), nil, 403},
		{"other key's", form(easySealed, easyN), nil, 403},
		{"a puzzle", form(captcha, n), nil, 403},
		{"too late", form(sealed, n), func(r *request.Request) { r.Time = start.Add(DefaultLifetime) }, 403},
		{"other host", form(sealed, n), func(r *request.Request) { r.Host = "www.example.org" }, 403},
		{"host below", form(sealed, n), func(r *request.Request) { r.Host = "x.www.example.org" }, 403},
		{"other client", form(sealed, n), func(r *request.Request) { r.Fields[0].Value = "Script/1" }, 403},
		{"body that goes on", form(sealed, n), func(r *request.Request) { r.BodyTruncated = true }, 400},
		{"other type", form(sealed, n), func(r *request.Request) { r.Fields = r.Fields[:2] }, 400},
		{"bad form", form(sealed, n), func(r *request.Request) { r.Body = []byte("c=%zz") }, 400},
		{"many fields", form(sealed, n), func(r *request.Request) { r.Body = []byte(strings.Repeat("&c=1", 100)) }, 400},
		{"GET", form(sealed, n), func(r *request.Request) { r.Method = "GET" }, 405},
		{"other path", form(sealed, n), func(r *request.Request) { r.Target = Prefix + "else" }, 404},
		{"last moment", form(sealed, n), func(r *request.Request) { r.Time = start.Add(DefaultLifetime - time.Second) }, 204},
	} {
		if c.change != nil {
			c.change(c.r)
		}
		a := serve(t, g, c.r)
		if a.Status != c.status || (a.field("Set-Cookie") != "") != (c.status == 204) {
			t.Errorf("%s: %d, want %d", c.name, a.Status, c.status)
		}
	}
	if a, err := g.Serve(get("www.example.com", "/else"), Site{}); a != nil || err != nil {
		t.Errorf("a request of somebody else was answered: %v, %v", a, err)
	}
}

func TestPageOnlyForBrowsersThatGet(t *testing.T) {
	g := newGate(t, Options{})
	for _, c := range []struct {
		name, method, accept string
		page                 bool
	}{
		{"browser", "GET", "text/html,*/*;q=0.8", true},
		{"case and parameters", "GET", "image/png , TEXT/HTML ;q=0.5", true},
		{"anything", "GET", "*/*", false},
		{"JSON", "GET", "application/json", false},
		{"a longer name", "GET", "text/html5", false},
		{"form", "POST", "text/html", false},
		{"HEAD", "HEAD", "text/html", false},
	} {
		for action, want := range map[waf.ActionKind]struct {
			status int
			name   string
		}{waf.Challenge: {202, "challenge"}, waf.Captcha: {405, "captcha"}} {
			r := get("www.example.com", "/")
			r.Method, r.Fields[1].Value = c.method, c.accept
			a, err := g.Answer(r, action, nil)
			if err != nil {
				t.Fatal(err)
			}
			if a.Status != want.status || a.field("x-amzn-waf-action") != want.name || (len(a.Body) > 0) != c.page {
				t.Errorf("%s: %d %v, %d bytes", c.name, a.Status, a.Fields, len(a.Body))
			}
			if c.page && !strings.HasPrefix(a.field("Content-Security-Policy"), "default-src 'none'; ") {
				t.Errorf("%s: policy %q", c.name, a.field("Content-Security-Policy"))
			}
		}
	}
}

func TestPagesLoadNothingFromElsewhere(t *testing.T) {
	g := newGate(t, Options{})
	for _, action := range []waf.ActionKind{waf.Challenge, waf.Captcha} {
		a, err := g.Answer(get("www.example.com", `/"><script>alert(1)</script>`), action, nil)
		if err != nil {
			t.Fatal(err)
		}
		if page := string(a.Body); strings.Contains(page, "//www") || strings.Contains(page, "http") && strings.Contains(page, "://") || strings.Contains(page, "alert(1)</script>") {
			t.Errorf("%v:\n%s", action, page)
		}
	}
}

func TestReturnsOnlyToThisHost(t *testing.T) {
	for target, want := range map[string]string{
		"/": "/", "/a?b=c": "/a?b=c", "//evil.example": "/", `/\evil.example`: "/", "https://evil.example/": "/", "": "/",
		"/\tx": "/", "/\r\nSet-Cookie: a=b": "/", "*": "/", "/" + strings.Repeat("a", maxReturn): "/", verifyPath: "/",
	} {
		if got := returnTo(target); got != want {
			t.Errorf("%q: %q, want %q", target, got, want)
		}
	}
}

func TestUsedForgetsTheOldest(t *testing.T) {
	u := newUsed(3)
	name := func(i int) [16]byte { return [16]byte{byte(i)} }
	for i := range 3 {
		if !u.claim(name(i)) || u.claim(name(i)) {
			t.Fatalf("nonce %d", i)
		}
	}
	if !u.claim(name(3)) || u.claim(name(1)) || u.claim(name(2)) || !u.claim(name(0)) {
		t.Error("not the oldest was forgotten")
	}
	if len(u.known) != 3 {
		t.Errorf("%d are known", len(u.known))
	}
}

func FuzzServe(f *testing.F) {
	g := newGate(f, Options{Difficulty: 1})
	r := get("www.example.com", "/")
	_, sealed, err := g.newWork(r, "www.example.com")
	if err != nil {
		f.Fatal(err)
	}
	puzzle, err := g.newPuzzle(r, "www.example.com")
	if err != nil {
		f.Fatal(err)
	}
	f.Add("POST", verifyPath, "c="+sealed+"&n=1", "text/html")
	f.Add("POST", puzzlePath, "p="+puzzle+"&answer=123456&to=%2Fa", "text/html")
	f.Add("GET", puzzlePath+"?to=//x&c="+sealed, "", "*/*")
	f.Add("GET", soundPath+"?p="+puzzle, "", "")
	f.Add("POST", problemPath, "k=key", "")
	f.Add("POST", answerPath, "puzzle="+puzzle+"&answer=abcdef&u=Browser/1", "")
	f.Fuzz(func(t *testing.T, method, target, body, accept string) {
		r := post("www.example.com", target, nil)
		r.Method, r.Body, r.Fields[1].Value = method, []byte(body), accept
		a, err := g.Serve(r, Site{APIKeys: map[string][]string{APIKeyID("key"): {"example.com"}}})
		if err != nil || (a != nil) != Owns(target) {
			t.Fatalf("%v, %v", a, err)
		}
		if a == nil {
			if a, err = g.Answer(r, waf.Captcha, nil); err != nil {
				t.Fatal(err)
			}
		}
		if to := a.field("Location"); to != "" && (to[0] != '/' || strings.HasPrefix(to, "//")) {
			t.Errorf("sends to %q", to)
		}
		for _, f := range a.Fields {
			if strings.ContainsAny(f.Value, "\r\n\x00") {
				t.Errorf("field %q", f)
			}
		}
	})
}
