package challenge

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/request"
)

// earned does the work that the script for applications is given, tells what fields say, and returns the
// token.
func earned(t *testing.T, g *Gate, fields url.Values, headers ...request.Field) (waf.Token, request.Field) {
	t.Helper()
	inputs := serve(t, g, get("www.example.com", inputsPath, headers...))
	var work struct {
		Seed, Challenge, Verify string
		Difficulty              int
	}
	if err := json.Unmarshal(inputs.Body, &work); err != nil {
		t.Fatalf("%s: %v", inputs.Body, err)
	}
	solved := 0
	for w := mustOpen(t, g, work.Challenge, headers); !w.solvedBy(strconv.Itoa(solved)); solved++ {
	}
	form := url.Values{"c": {work.Challenge}, "n": {strconv.Itoa(solved)}}
	for k, v := range fields {
		form[k] = v
	}
	answer := serve(t, g, post("www.example.com", work.Verify, form, headers...))
	if answer.Status != 204 {
		t.Fatalf("status %d", answer.Status)
	}
	cookie := cookieOf(t, answer)
	return g.Token(get("www.example.com", "/", cookie), nil, start), cookie
}

func mustOpen(t *testing.T, g *Gate, sealed string, headers []request.Field) work {
	t.Helper()
	w, err := g.openWork(get("www.example.com", "/", headers...), sealed)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestTokensTellWhatTheScriptToldOfTheBrowser(t *testing.T) {
	const windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/142"
	told := func(pairs ...string) url.Values {
		v := url.Values{"u": {"Browser/1"}, "p": {""}, "l": {"en"}, "z": {"UTC"}, "i": {"0"}}
		for i := 0; i < len(pairs); i += 2 {
			v.Set(pairs[i], pairs[i+1])
		}
		return v
	}
	for name, c := range map[string]struct {
		fields url.Values
		want   waf.Token
	}{
		"nothing":                {url.Values{}, waf.Token{}},
		"a browser":              {told(), waf.Token{Told: true}},
		"somebody at work":       {told("s", "1", "i", "17", "f", "1"), waf.Token{Told: true, Used: true, Interactions: 17, Form: true}},
		"webdriver":              {told("w", "w"), waf.Token{Told: true, Automated: true}},
		"a framework":            {told("w", "a"), waf.Token{Told: true, Automated: true}},
		"an extension":           {told("w", "e"), waf.Token{Told: true, Extension: true}},
		"another User-Agent":     {told("u", "Browser/2"), waf.Token{Told: true, Inconsistent: true}},
		"too many interactions":  {told("i", "1000"), waf.Token{Told: true}},
		"more than is looked at": {told("l", strings.Repeat("e", 2000)), waf.Token{}},
	} {
		got, _ := earned(t, newGate(t, Options{Difficulty: 4}), c.fields)
		if got.Told && len(got.Browser) != 16 || !got.Told && got.Browser != "" {
			t.Errorf("%s: the browser is %q", name, got.Browser)
		}
		c.want.Status, c.want.ID, c.want.ChallengeSolved, c.want.Browser = waf.TokenValid, got.ID, start.Unix(), got.Browser
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
	for _, c := range []struct {
		agent, platform, languages string
		want                       bool
	}{
		{windows, "Win32", "en", false}, {windows, "Linux x86_64", "en", true}, {windows, "", "en", false}, {windows, "Win32", "", true},
		{"Mozilla/5.0 (Linux; Android 10; K)", "Linux armv81", "de,en", false}, {"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X)", "iPhone", "en", false},
		{"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)", "MacIntel", "en", false}, {"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)", "Linux x86_64", "en", true},
		{"Mozilla/5.0 (X11; Linux x86_64)", "Linux x86_64", "en", false},
	} {
		r := &request.Request{Fields: []request.Field{{Name: "User-Agent", Value: c.agent}, {Name: "Accept-Language", Value: "en"}}}
		if got := inconsistent(r, c.agent, c.platform, c.languages); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

func TestInteractionsAddUpInAToken(t *testing.T) {
	g := newGate(t, Options{Difficulty: 4})
	first, cookie := earned(t, g, url.Values{"u": {"Browser/1"}, "i": {"200"}, "s": {"1"}})
	second, cookie := earned(t, g, url.Values{"u": {"Browser/1"}, "i": {"50"}, "s": {"1"}}, cookie)
	third, _ := earned(t, g, url.Values{"u": {"Browser/1"}, "i": {"50"}}, cookie)
	if first.Interactions != 200 || second.Interactions != 250 || third.Interactions != 255 || first.ID != second.ID || !third.Used {
		t.Errorf("%+v, %+v, %+v", first, second, third)
	}
}

func TestTheScriptForApplicationsIsServed(t *testing.T) {
	g := newGate(t, Options{})
	a := serve(t, g, get("www.example.com", scriptPath))
	if a.Status != 200 || !strings.HasPrefix(a.ContentType, "text/javascript") {
		t.Errorf("%d %s", a.Status, a.ContentType)
	}
	for _, name := range []string{"AwsWafIntegration", "getToken", "hasToken", "forceRefreshToken", "x-aws-waf-token", inputsPath} {
		if !strings.Contains(string(a.Body), name) {
			t.Errorf("the script has no %s", name)
		}
	}
	// The token that it earns is for the widest token domain.
	r := get("www.example.com", inputsPath)
	inputs, err := g.Serve(r, Site{TokenDomains: []string{"example.com"}})
	if err != nil {
		t.Fatal(err)
	}
	var work struct{ Challenge string }
	if err := json.Unmarshal(inputs.Body, &work); err != nil {
		t.Fatal(err)
	}
	if w := mustOpen(t, g, work.Challenge, nil); w.domain != "example.com" {
		t.Errorf("the work is for %s", w.domain)
	}
	for path, method := range map[string]string{scriptPath: "POST", inputsPath: "POST"} {
		q := get("www.example.com", path)
		q.Method = method
		if a := serve(t, g, q); a.Status != 405 {
			t.Errorf("%s %s: %d", method, path, a.Status)
		}
	}
}
