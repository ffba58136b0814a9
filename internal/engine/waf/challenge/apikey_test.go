package challenge

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/request"
)

// site has three keys, for the domains that they are named after.
var site = Site{
	TokenDomains: []string{"example.com"},
	APIKeys: map[string][]string{
		APIKeyID("of two"):    {"shop.example.org", "example.com"},
		APIKeyID("of local"):  {"localhost"},
		APIKeyID("of suffix"): {"com"},
	},
}

// problem is what the script for puzzles gets.
type problem struct {
	Puzzle, Picture, Sound              string
	Letters, Digits, Max, Seconds, Code int
}

func ask(t *testing.T, g *Gate, s Site, host, key string) (p problem) {
	t.Helper()
	a, err := g.Serve(post(host, problemPath, url.Values{"k": {key}}), s)
	if err != nil {
		t.Fatal(err)
	}
	if a.Status == 200 {
		if err := json.Unmarshal(a.Body, &p); err != nil {
			t.Fatal(err)
		}
	}
	p.Code = a.Status
	return p
}

func TestAPIKeysAreForTheirDomains(t *testing.T) {
	g := newGate(t, Options{})
	for _, c := range []struct {
		key, host string
		status    int
	}{
		{"of two", "example.com", 200},
		{"of two", "www.example.com:8443", 200},
		{"of two", "shop.example.org", 200},
		{"of two", "a.SHOP.example.org", 200},
		{"of two", "example.org", 403},
		{"of two", "notexample.com", 403},
		{"of two", "example.com.evil.example", 403},
		{"of local", "localhost:8080", 200},
		{"of local", "www.localhost", 403},
		{"of suffix", "www.example.com", 403},
		{"unknown", "example.com", 403},
		{"", "example.com", 403},
		{strings.Repeat("k", maxAPIKey+1), "example.com", 403},
		{"of two", "bad host", 400},
	} {
		if p := ask(t, g, site, c.host, c.key); p.Code != c.status {
			t.Errorf("key %q at %s: %d, not %d", c.key[:min(len(c.key), 20)], c.host, p.Code, c.status)
		}
	}
	if p := ask(t, g, Site{}, "example.com", "of two"); p.Code != 403 {
		t.Errorf("where there are no keys: %d", p.Code)
	}
}

func TestPuzzleOfAPageGivesAToken(t *testing.T) {
	g := newGate(t, Options{})
	solve := func(host, answer string, change func(r *request.Request)) *Response {
		t.Helper()
		p := ask(t, g, site, host, "of two")
		if p.Letters != pictureLength || p.Digits != soundLength || p.Max != maxTones || p.Seconds != int(DefaultLifetime.Seconds()) {
			t.Fatalf("%+v", p)
		}
		opened, err := g.openPuzzle(get(host, "/"), p.Puzzle)
		if err != nil {
			t.Fatal(err)
		}
		for target, begin := range map[string]string{p.Picture: "\x89PNG", p.Sound: "RIFF"} {
			if a := serve(t, g, get(host, target)); a.Status != 200 || !bytes.HasPrefix(a.Body, []byte(begin)) {
				t.Errorf("%s: %d", begin, a.Status)
			}
		}
		if answer == "" {
			answer = string(opened.picture[:])
		}
		r := post(host, answerPath, url.Values{"puzzle": {p.Puzzle}, "p": {"Linux x86_64"}, "answer": {answer}, "u": {"Browser/1"}, "w": {"w"}, "s": {"1"}, "i": {"7"}})
		if change != nil {
			change(r)
		}
		return serve(t, g, r)
	}
	right := solve("www.example.com", "", nil)
	if right.Status != 204 || !strings.Contains(right.field("Set-Cookie"), "Domain=example.com") {
		t.Fatalf("%d %v", right.Status, right.Fields)
	}
	token := g.Token(get("other.example.com", "/", cookieOf(t, right)), site.TokenDomains, start)
	if token.Status != waf.TokenValid || token.CaptchaSolved != start.Unix() || token.ChallengeSolved != start.Unix() || !token.Automated || token.Interactions != 7 {
		t.Errorf("%+v", token)
	}
	if wrong := solve("www.example.com", "000000", nil); wrong.Status != 403 || wrong.field("Set-Cookie") != "" {
		t.Errorf("wrong: %d", wrong.Status)
	}
	if late := solve("www.example.com", "", func(r *request.Request) { r.Time = start.Add(DefaultLifetime) }); late.Status != 410 || late.field("Set-Cookie") != "" {
		t.Errorf("late: %d", late.Status)
	}
	if other := solve("www.example.com", "", func(r *request.Request) { r.Host = "www.example.net" }); other.Status != 410 {
		t.Errorf("another site: %d", other.Status)
	}
}

func TestScriptForPuzzlesHasThatForTokens(t *testing.T) {
	g := newGate(t, Options{})
	a := serve(t, g, get("www.example.com", captchaPath))
	if a.Status != 200 || !strings.HasPrefix(a.ContentType, "text/javascript") {
		t.Errorf("%d %s", a.Status, a.ContentType)
	}
	for _, name := range []string{"AwsWafIntegration", "AwsWafCaptcha", "renderCaptcha", problemPath, answerPath} {
		if !bytes.Contains(a.Body, []byte(name)) {
			t.Errorf("the script has no %s", name)
		}
	}
	for path, method := range map[string]string{captchaPath: "POST", problemPath: "GET", answerPath: "GET"} {
		r := get("www.example.com", path)
		r.Method = method
		if a := serve(t, g, r); a.Status != 405 || a.field("Allow") == "" {
			t.Errorf("%s %s: %d", method, path, a.Status)
		}
	}
}
