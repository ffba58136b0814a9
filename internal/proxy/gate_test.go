package proxy

import (
	"crypto/sha256"
	"encoding/binary"
	"io"
	"log/slog"
	"math/bits"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/challenge"
	"fastness/internal/engine/waf/request"
)

// gated is a proxy whose web ACL has the action for everything.
func gated(t *testing.T, action waf.ActionKind, target Target) *rig {
	gate, err := NewGate(challenge.Options{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return start(t, baseConfig(target), func(c *Config, o *Options) {
		all := waf.ByteMatch{Inspect: waf.Inspect{Component: request.Component{Kind: request.URIPath}}, Search: []byte("/"), Position: waf.StartsWith}
		c.TokenKeys = [][]byte{make([]byte, 32)}
		c.LoadBalancers[0].WebACL = "acl"
		c.WebACLs = []WebACL{{ARN: "acl", ACL: waf.ACL{
			Name: "a", DefaultAction: waf.Action{Kind: waf.Allow}, TokenDomains: []string{"example.com"},
			Rules: []waf.Rule{{Name: "r", Statement: waf.Statement{Byte: &all}, Action: waf.Action{Kind: action}}},
		}}}
		o.Compile, o.Interstitial = NewEngine(waf.Options{}, gate).Compile, gate
	})
}

// browse sends a browser's request for www.example.com.
func browse(t *testing.T, r *rig, method, target, cookie, body string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+r.addr+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "www.example.com"
	req.Header.Set("User-Agent", "Browser/1")
	req.Header.Set("Accept", "text/html,*/*")
	if cookie != "" {
		req.Header.Set("Cookie", cookie)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	transport := &http.Transport{DisableKeepAlives: true}
	answer, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(text)
}

func found(t *testing.T, page, pattern string) string {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("no %s in:\n%s", pattern, page)
	}
	return m[1]
}

func TestClientPassesOnceItDidTheWork(t *testing.T) {
	server := backend(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "behind") })
	r := gated(t, waf.Challenge, targetOf(t, server.URL))
	stopped, page := browse(t, r, "GET", "/a?b=c", "", "")
	if stopped.StatusCode != 202 || stopped.Header.Get("X-Amzn-Waf-Action") != "challenge" {
		t.Fatalf("%d %v", stopped.StatusCode, stopped.Header)
	}
	seed, sealed := found(t, page, `data-seed="([^"]+)"`), found(t, page, `data-challenge="([^"]+)"`)
	difficulty, err := strconv.Atoi(found(t, page, `data-difficulty="(\d+)"`))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for ; ; n++ {
		sum := sha256.Sum256([]byte(seed + strconv.Itoa(n)))
		if bits.LeadingZeros32(binary.BigEndian.Uint32(sum[:])) >= difficulty {
			break
		}
	}
	path := found(t, page, `data-verify="([^"]+)"`)
	solved, _ := browse(t, r, "POST", path, "", url.Values{"c": {sealed}, "n": {strconv.Itoa(n)}}.Encode())
	if solved.StatusCode != 204 || len(solved.Cookies()) != 1 || solved.Cookies()[0].Domain != "example.com" {
		t.Fatalf("%d %v", solved.StatusCode, solved.Header)
	}
	cookie := challenge.Cookie + "=" + solved.Cookies()[0].Value
	if passed, text := browse(t, r, "GET", "/a?b=c", cookie, ""); passed.StatusCode != 200 || text != "behind" {
		t.Errorf("with the token: %d %s", passed.StatusCode, text)
	}
	if refused, text := browse(t, r, "POST", "/a", "", "x=y"); refused.StatusCode != 202 || text != "" {
		t.Errorf("a form without a token: %d %q", refused.StatusCode, text)
	}
	// Who did the work is no human yet.
	captcha := gated(t, waf.Captcha, targetOf(t, server.URL))
	if stopped, page := browse(t, captcha, "GET", "/", cookie, ""); stopped.StatusCode != 405 || !strings.Contains(page, `name="answer"`) {
		t.Errorf("CAPTCHA with a token of a challenge: %d", stopped.StatusCode)
	}
	// Another proxy with the same keys takes the token, with other keys it does not.
	second := gated(t, waf.Challenge, targetOf(t, server.URL))
	if passed, _ := browse(t, second, "GET", "/", cookie, ""); passed.StatusCode != 200 {
		t.Errorf("another proxy: %d", passed.StatusCode)
	}
	second.config.TokenKeys = [][]byte{[]byte(strings.Repeat("k", 32))}
	if err := second.Apply(second.config); err != nil {
		t.Fatal(err)
	}
	if stopped, _ := browse(t, second, "GET", "/", cookie, ""); stopped.StatusCode != 202 {
		t.Errorf("after the keys have changed: %d", stopped.StatusCode)
	}
	second.config.TokenKeys = [][]byte{{1}}
	if err := second.Apply(second.config); err == nil {
		t.Error("a key of one byte was taken")
	}
}

func TestPuzzleIsServedThroughTheProxy(t *testing.T) {
	r := gated(t, waf.Captcha, targetOf(t, "http://127.0.0.1:1"))
	stopped, page := browse(t, r, "GET", "/", "", "")
	if stopped.StatusCode != 405 || stopped.Header.Get("X-Amzn-Waf-Action") != "captcha" {
		t.Fatalf("%d %v", stopped.StatusCode, stopped.Header)
	}
	for kind, pattern := range map[string]string{"image/png": `<img src="([^"]+)"`, "audio/wav": `<audio [^>]*src="([^"]+)"`} {
		if a, body := browse(t, r, "GET", found(t, page, pattern), "", ""); a.StatusCode != 200 || a.Header.Get("Content-Type") != kind || len(body) < 500 {
			t.Errorf("%s: %d %v, %d bytes", kind, a.StatusCode, a.Header, len(body))
		}
	}
	form := url.Values{"p": {found(t, page, `name="p" value="([^"]+)"`)}, "answer": {"WRONG"}, "to": {"/"}}
	if a, _ := browse(t, r, "POST", found(t, page, `method="post" action="([^"]+)"`), "", form.Encode()); a.StatusCode != 403 || len(a.Cookies()) != 0 {
		t.Errorf("wrong answer: %d", a.StatusCode)
	}
}
