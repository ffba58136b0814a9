package live

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/request"
	"fastness/internal/proxy"
)

// blocked is the address of a client that the web ACL does not want.
const blocked = "127.0.0.66"

// asked is a forward-auth endpoint behind which is a web ACL of all managed groups that also blocks an address,
// a word in bodies, and adds a field.
func asked(t *testing.T) *proxied {
	t.Helper()
	acl := everyGroup(t)
	contains := func(c request.Component, word string) waf.Statement {
		return waf.Statement{Byte: &waf.ByteMatch{Inspect: waf.Inspect{Component: c}, Search: []byte(word), Position: waf.Contains}}
	}
	rule := func(name string, s waf.Statement, a waf.Action) {
		acl.ACL.Rules = append(acl.ACL.Rules, waf.Rule{Name: name, Priority: 100 + int32(len(acl.ACL.Rules)), Statement: s, Action: a})
	}
	rule("address", waf.Statement{IPSet: &waf.IPSetMatch{Set: "unwanted"}}, waf.Action{Kind: waf.Block})
	rule("body", contains(request.Component{Kind: request.Body}, "forbidden"), waf.Action{Kind: waf.Block})
	rule("slow down", contains(request.Component{Kind: request.URIPath}, "/busy"), waf.Action{Kind: waf.Block, Response: &waf.Response{Status: 429, BodyKey: "busy"}})
	rule("method", waf.Statement{And: []waf.Statement{contains(request.Component{Kind: request.Method}, "DELETE"), contains(request.Component{Kind: request.Host}, "shop.example")}}, waf.Action{Kind: waf.Block})
	rule("seen", contains(request.Component{Kind: request.URIPath}, "/"), waf.Action{Kind: waf.Allow, Insert: []waf.HeaderField{{Name: "x-amzn-waf-seen", Value: "yes"}}})
	acl.ACL.Bodies = map[string]waf.ResponseBody{"busy": {ContentType: "TEXT_PLAIN", Content: "slow down"}}
	acl.Sets.Addresses = map[string][]netip.Prefix{"unwanted": {netip.MustParsePrefix(blocked + "/32")}}
	c := behind(t, "127.0.0.1:1", acl)
	c.LoadBalancers[0].Listeners[0].ForwardAuth = &proxy.ForwardAuth{Trusted: []string{"127.0.0.1/32"}}
	return startProxy(t, c)
}

// told is an application that says what has reached it.
func told() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<16))
		fmt.Fprintf(w, "%s %s seen=%s body=%s", r.Method, r.RequestURI, r.Header.Get("X-Amzn-Waf-Seen"), body)
	})
}

// askers are the proxies that ask, as docs/proxy.md configures them.
var askers = []struct {
	name  string
	start func(t *testing.T, waf, app string) string
	// custom is what becomes of an answer of status 429 of the web ACL.
	custom int
}{
	{"nginx", nginxAsks, 403},
	{"Caddy", caddyAsks, 429},
}

func nginxAsks(t *testing.T, waf, app string) string {
	t.Helper()
	dir := t.TempDir()
	addr := "127.0.0.1:" + strconv.Itoa(freePort(t))
	config := fmt.Sprintf(`
daemon off; master_process off; worker_processes 1; pid %[1]s/pid; error_log %[1]s/error.log warn;
events { worker_connections 128; }
http {
	access_log off;
	client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
	server {
		listen %[2]s;
		location / {
			auth_request /_waf;
			auth_request_set $seen $upstream_http_x_amzn_waf_seen;
			proxy_set_header X-Amzn-Waf-Seen $seen;
			proxy_set_header Host $http_host;
			proxy_pass http://%[4]s;
		}
		location = /_waf {
			internal;
			proxy_pass http://%[3]s;
			proxy_pass_request_body off;
			proxy_set_header Content-Length "";
			proxy_set_header X-Original-URI $request_uri;
			proxy_set_header X-Original-Method $request_method;
			proxy_set_header X-Original-Host $http_host;
			proxy_set_header X-Original-Proto $scheme;
			proxy_set_header X-Real-IP $remote_addr;
		}
	}
}`, dir, addr, waf, app)
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	launch(t, nil, lookFor(t, "nginx", "nginx", "/usr/sbin/nginx"), "-p", dir, "-c", file).listening(addr)
	return addr
}

func caddyAsks(t *testing.T, waf, app string) string {
	t.Helper()
	dir := t.TempDir()
	port := freePort(t)
	config := fmt.Sprintf(`
{
	admin off
	auto_https off
	storage file_system %s
}
http://:%d {
	bind 127.0.0.1
	forward_auth %s {
		uri /
		copy_headers X-Amzn-Waf-Seen
	}
	reverse_proxy %s
}
`, dir, port, waf, app)
	file := filepath.Join(dir, "Caddyfile")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	addr := "127.0.0.1:" + strconv.Itoa(port)
	launch(t, nil, lookFor(t, "caddy", "caddy", "/usr/bin/caddy"), "run", "--config", file, "--adapter", "caddyfile").listening(addr)
	return addr
}

func TestOtherProxiesAsk(t *testing.T) {
	endpoint := asked(t).addr("site")
	app := serve(t, told())
	for _, asker := range askers {
		t.Run(asker.name, func(t *testing.T) {
			addr := asker.start(t, endpoint, app)
			for _, c := range []struct {
				name, method, target, body, from string
				fields                           map[string]string
				status                           int
				want                             string // in the answer
			}{
				{name: "ordinary", target: "/search?q=rock+%26+roll", status: 200, want: "GET /search?q=rock+%26+roll seen=yes body="},
				{name: "form", method: "POST", target: "/order", body: "wish=tea", status: 200, want: "POST /order seen=yes body=wish=tea"},
				{name: "injection", target: "/search?q=1%27%20or%201=1--", status: 403},
				{name: "script", target: "/search?q=%3Cscript%3Ealert(1)%3C/script%3E", status: 403},
				{name: "bad cookie", target: "/", fields: map[string]string{"Cookie": "id=1' or 1=1--"}, status: 403},
				{name: "address", target: "/", from: blocked, status: 403},
				{name: "address that another claims", target: "/", fields: map[string]string{"X-Forwarded-For": blocked, "X-Real-IP": blocked}, status: 200, want: "seen=yes"},
				{name: "address hidden", target: "/", from: blocked, fields: map[string]string{"X-Forwarded-For": "192.0.2.1", "X-Real-IP": "192.0.2.1"}, status: 403},
				{name: "target hidden", target: "/search?q=1%27%20or%201=1--", fields: map[string]string{"X-Forwarded-Uri": "/", "X-Original-Uri": "/", "X-Original-Url": "/"}, status: -1},
				{name: "method and host", method: "DELETE", target: "/", status: 403},
				{name: "method and host hidden", method: "DELETE", target: "/", fields: map[string]string{"X-Forwarded-Method": "GET", "X-Original-Method": "GET", "X-Forwarded-Host": "h", "X-Original-Host": "h"}, status: 403},
				{name: "field of the firewall forged", target: "/", fields: map[string]string{"X-Amzn-Waf-Seen": "forged"}, status: 200, want: "seen=yes"},
				{name: "custom", target: "/busy", status: asker.custom},
				// As the documentation says: bodies are not seen.
				{name: "body", method: "POST", target: "/order", body: "forbidden", status: 200, want: "POST /order seen=yes body=forbidden"},
			} {
				status, body := ask(t, addr, c.from, c.method, c.target, c.body, c.fields)
				if c.status == -1 {
					if status < 400 || strings.Contains(body, "seen=") {
						t.Errorf("%s: %d %q", c.name, status, body)
					}
					continue
				}
				if status != c.status || !strings.Contains(body, c.want) || status != 200 && strings.Contains(body, "seen=") {
					t.Errorf("%s: %d %q", c.name, status, body)
				}
			}
		})
	}
}

// TestEndpointSaysWhatItDoesNotSee asks as a proxy does.
func TestEndpointSaysWhatItDoesNotSee(t *testing.T) {
	p := asked(t)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+p.addr("site")+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Forwarded-Uri", "/")
	r.Header.Set("X-Forwarded-Method", "POST")
	r.Header.Set("X-Forwarded-For", "192.0.2.1")
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	a.Body.Close()
	if got := a.Header.Get(proxy.AuthField); a.StatusCode != 200 || got != "allow; body-not-inspected" {
		t.Errorf("%d %q", a.StatusCode, got)
	}
	p.until("warns of bodies that it does not see", func() bool {
		return strings.Contains(p.output.String(), "rules on bodies are not evaluated")
	})
}

// ask sends one request, from a loopback address if one is given.
func ask(t *testing.T, addr, from, method, target, body string, fields map[string]string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+addr+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "www.shop.example"
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for n, v := range fields {
		r.Header.Set(n, v)
	}
	var dialer net.Dialer
	if from != "" {
		dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
	}
	tr := &http.Transport{DialContext: func(ctx context.Context, network, to string) (net.Conn, error) {
		return dialer.DialContext(ctx, network, to)
	}}
	defer tr.CloseIdleConnections()
	a, err := (&http.Client{Transport: tr, Timeout: patience}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	b, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return a.StatusCode, string(b)
}
