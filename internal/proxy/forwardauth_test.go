package proxy

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"fastness/internal/engine/waf/request"
	"fastness/internal/http1"
)

// asked makes the listener a forward-auth endpoint whose web ACL blocks requests with
// "attack" somewhere, and tells what it has seen.
func asked(seen chan<- request.Request, trusted ...string) func(*Config, *Options) {
	return func(c *Config, o *Options) {
		c.LoadBalancers[0].Listeners[0].ForwardAuth = &ForwardAuth{Trusted: trusted}
		inspected(c, o, func(r *request.Request, v *Verdict) error {
			copied := *r
			copied.Fields = append([]request.Field(nil), r.Fields...)
			seen <- copied
			v.Insert = []http1.Field{{Name: "x-amzn-waf-seen", Value: "yes"}}
			switch {
			case strings.Contains(r.Target, "attack"):
				v.Act = Block
			case strings.Contains(r.Target, "custom"):
				v.Act, v.Response = Block, &Response{Status: 429, Body: []byte("slow down"), ContentType: "text/plain"}
			case strings.Contains(r.Target, "agree"):
				v.Act, v.Response = Block, &Response{Status: 202, Body: []byte("prove it"), ContentType: "text/html"}
			}
			return nil
		})
	}
}

func TestForwardAuthUnderstandsWhoAsks(t *testing.T) {
	seen := make(chan request.Request, 1)
	r := start(t, baseConfig(), asked(seen, "127.0.0.0/8"))
	for name, c := range map[string]struct {
		fields string
		status int
		want   string // decision
	}{
		"nginx":                {"X-Original-URI: /a?b=%27\r\nX-Original-Method: POST\r\nX-Original-Host: shop.example\r\nX-Original-Proto: https\r\nX-Real-IP: 192.0.2.9\r\n", 200, "allow"},
		"nginx, whole URL":     {"X-Original-URL: https://shop.example/a?b=%27\r\nX-Original-Method: POST\r\nX-Forwarded-For: 198.51.100.1, 192.0.2.9\r\n", 200, "allow"},
		"Traefik":              {"X-Forwarded-Method: POST\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.example\r\nX-Forwarded-Uri: /a?b=%27\r\nX-Forwarded-For: 192.0.2.9\r\nX-Forwarded-Port: 443\r\nX-Forwarded-Server: t\r\n", 200, "allow"},
		"Caddy":                {"X-Forwarded-For: 192.0.2.9\r\nX-Forwarded-Host: shop.example\r\nX-Forwarded-Method: POST\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Uri: /a?b=%27\r\n", 200, "allow"},
		"nginx, attack":        {"X-Original-URI: /attack\r\nX-Real-IP: 192.0.2.9\r\n", 403, "block"},
		"nginx, custom":        {"X-Original-URI: /custom\r\nX-Real-IP: 192.0.2.9\r\n", 403, "block"},
		"Traefik, custom":      {"X-Forwarded-Uri: /custom\r\nX-Forwarded-For: 192.0.2.9\r\n", 429, "block"},
		"Traefik, 2XX":         {"X-Forwarded-Uri: /agree\r\nX-Forwarded-For: 192.0.2.9\r\n", 403, "block"},
		"nothing described":    {"", 400, "refuse"},
		"no client":            {"X-Original-URI: /a\r\n", 403, "refuse"}, // nginx would take 400 for a failure
		"Traefik, no client":   {"X-Forwarded-Uri: /a\r\n", 400, "refuse"},
		"client is no address": {"X-Original-URI: /a\r\nX-Real-IP: localhost\r\n", 403, "refuse"},
		"malformed target":     {"X-Original-URI: a b\r\nX-Real-IP: 192.0.2.9\r\n", 403, "refuse"},
		// What a client adds must not describe another request than its own.
		"nginx, forged target":       {"X-Original-URI: /attack\r\nX-Real-IP: 192.0.2.9\r\nX-Forwarded-Uri: /a\r\n", 403, "refuse"},
		"nginx, forged target twice": {"X-Original-URI: /attack\r\nX-Real-IP: 192.0.2.9\r\nX-Original-URL: /a\r\n", 403, "refuse"},
		"Traefik, forged target":     {"X-Forwarded-Uri: /attack\r\nX-Forwarded-For: 192.0.2.9\r\nX-Original-URI: /a\r\n", 403, "refuse"},
		"nginx, forged client":       {"X-Original-URI: /a?b=%27\r\nX-Original-Method: POST\r\nX-Original-Host: shop.example\r\nX-Original-Proto: https\r\nX-Real-IP: 192.0.2.9\r\nX-Forwarded-For: 198.51.100.1\r\nX-Forwarded-Host: other.example\r\nX-Forwarded-Method: PUT\r\nX-Forwarded-Proto: http\r\n", 200, "allow"},
		"nginx, two clients":         {"X-Original-URI: /a\r\nX-Real-IP: 192.0.2.9\r\nX-Real-IP: 198.51.100.1\r\n", 403, "refuse"},
		"Traefik, forged client":     {"X-Forwarded-Method: POST\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.example\r\nX-Forwarded-Uri: /a?b=%27\r\nX-Forwarded-For: 198.51.100.1\r\nX-Forwarded-For: 192.0.2.9\r\nX-Real-IP: 198.51.100.2\r\nX-Original-Method: PUT\r\nX-Original-Host: other.example\r\n", 200, "allow"},
	} {
		conn := r.dial()
		conn.send("GET /check HTTP/1.1\r\nHost: waf.local\r\nConnection: close\r\nUser-Agent: Firefox\r\nX-Amzn-Waf-Seen: forged\r\n" + c.fields + "\r\n")
		a := conn.receive("GET")
		decision, rest, _ := strings.Cut(a.Header.Get(AuthField), ";")
		if a.StatusCode != c.status || decision != c.want || !strings.HasSuffix(rest, "body-not-inspected") {
			t.Errorf("%s: status %d, %q", name, a.StatusCode, a.Header)
		}
		if c.want == "refuse" {
			continue
		}
		got := <-seen
		if got.Remote.String() != "192.0.2.9" || !got.BodyUnseen {
			t.Errorf("%s: %+v", name, got)
		}
		if c.want == "allow" && (got.Method != "POST" || got.Target != "/a?b=%27" || got.Host != "shop.example" || got.Scheme != "https" || a.Header.Get("x-amzn-waf-seen") != "yes") {
			t.Errorf("%s: %+v, %v", name, got, a.Header)
		}
		for _, f := range got.Fields {
			if strings.HasPrefix(strings.ToLower(f.Name), "x-original") || c.want == "allow" && f.Value == "waf.local" || strings.Contains(f.Value, "192.0.2.9") {
				t.Errorf("%s: the request has %+v", name, f)
			}
		}
		if strings.HasSuffix(name, "custom") && (a.body != "slow down" || c.status == 403 && a.Header.Get(AuthStatusField) != "429") {
			t.Errorf("%s: %q %v", name, a.body, a.Header)
		}
	}
}

func TestForwardAuthTrustsOnlyWhomItShall(t *testing.T) {
	seen := make(chan request.Request, 1)
	r := start(t, baseConfig(), asked(seen, "192.0.2.0/24"))
	conn := r.dial()
	conn.send("GET / HTTP/1.1\r\nHost: h\r\nX-Original-URI: /\r\nX-Real-IP: 192.0.2.9\r\n\r\n")
	if a := conn.receive("GET"); a.StatusCode != 403 || a.Header.Get(AuthField) != "refuse; caller-not-trusted; body-not-inspected" || len(seen) > 0 {
		t.Errorf("status %d, %v", a.StatusCode, a.Header)
	}
}

func TestNginxAsks(t *testing.T) {
	seen := make(chan request.Request, 10)
	r := start(t, baseConfig(), asked(seen, "127.0.0.1/32"))
	n := startNginx(t, `
		location / { auth_request /_waf; auth_request_set $seen $upstream_http_x_amzn_waf_seen; add_header X-Seen $seen; try_files /none @ok; }
		location @ok { return 200 "in"; }
		location = /_waf {
			internal; proxy_pass http://`+r.addr+`; proxy_pass_request_body off; proxy_set_header Content-Length "";
			proxy_set_header X-Original-URI $request_uri; proxy_set_header X-Original-Method $request_method;
			proxy_set_header X-Original-Host $http_host; proxy_set_header X-Original-Proto $scheme; proxy_set_header X-Real-IP $remote_addr;
		}`)
	for path, status := range map[string]int{"/ok?q=a%20b": 200, "/attack": 403, "/custom": 403} {
		res, err := client(t).Post("http://"+n.addr+path, "text/plain", strings.NewReader("a body that is not seen"))
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != status || status == 200 && string(body) != "in" {
			t.Errorf("%s: %d %q", path, res.StatusCode, body)
		}
		if got := <-seen; got.Target != path || got.Method != http.MethodPost || got.Host != n.addr {
			t.Errorf("%s: %+v", path, got)
		}
	}
}
