package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	crs "github.com/corazawaf/coraza-coreruleset/v4"
	"github.com/corazawaf/coraza/v3"
	txhttp "github.com/corazawaf/coraza/v3/http"

	"fastness/internal/clock"
	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/attack"
	"fastness/internal/engine/waf/managed"
	"fastness/internal/proxy"
	"fastness/test/bench/contest"
)

// backendVariable names the variable of the environment that has the address of what stands behind the
// firewalls.
const backendVariable = "FASTNESS_BENCH_BACKEND"

// handlers are the servers that this command is by itself, by their flags. Each prints its address.
var handlers = map[string]func() error{
	"backend":       serveBackend,
	"proxy":         func() error { return serveProxy("proxy", nil, nil) },
	"proxy-crs":     func() error { a := acl(); return serveProxy("proxy-crs", &a, coreRuleSet{}) },
	"proxy-managed": serveManaged,
	"reverse":       func() error { return serveReverse(nil) },
	"reverse-coraza": func() error {
		w, err := coraza.NewWAF(coraza.NewWAFConfig().WithRootFS(crs.FS).WithDirectives(corazaRules))
		if err != nil {
			return err
		}
		return serveReverse(func(h http.Handler) http.Handler { return txhttp.WrapHandler(w, h) })
	},
}

// serveBackend answers every request with 1 KiB.
func serveBackend() error {
	answer := []byte(strings.Repeat("x", 1024))
	return contest.ServeFloor(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Content-Type"] = []string{"text/html"}
		w.Header()["Content-Length"] = []string{strconv.Itoa(len(answer))}
		_, _ = w.Write(answer)
	})
}

// serveManaged is the proxy with all managed rule groups.
func serveManaged() error {
	catalogue, err := managed.New(managed.Feeds{})
	if err != nil {
		return err
	}
	a := waf.ACL{Name: "managed", LabelNamespace: "awswaf:111122223333:webacl:managed:", DefaultAction: waf.Action{Kind: waf.Allow}}
	for i, name := range []string{
		"AWSManagedRulesAmazonIpReputationList", "AWSManagedRulesAnonymousIpList", "AWSManagedRulesCommonRuleSet", "AWSManagedRulesAdminProtectionRuleSet",
		"AWSManagedRulesKnownBadInputsRuleSet", "AWSManagedRulesSQLiRuleSet", "AWSManagedRulesLinuxRuleSet", "AWSManagedRulesUnixRuleSet",
		"AWSManagedRulesWindowsRuleSet", "AWSManagedRulesPHPRuleSet", "AWSManagedRulesWordPressRuleSet",
	} {
		a.Rules = append(a.Rules, waf.Rule{Name: name, Priority: int32(i), Statement: waf.Statement{Managed: &waf.ManagedGroup{Vendor: "AWS", Name: name}}})
	}
	return serveProxy("proxy-managed", &a, catalogue)
}

// serveProxy is this proxy, with a web ACL unless that is nil.
func serveProxy(name string, acl *waf.ACL, groups waf.ManagedGroups) error {
	detector, err := attack.New()
	if err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(os.Getenv(backendVariable))
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return err
	}
	config := proxy.Config{
		TargetGroups: []proxy.TargetGroup{{ARN: "g", Protocol: "HTTP", Targets: []proxy.Target{{IP: host, Port: n}}, Health: proxy.HealthCheck{Off: true}}},
		LoadBalancers: []proxy.LoadBalancer{{
			ARN: "lb",
			Listeners: []proxy.Listener{{
				ARN: "l", Protocol: "HTTP", Bind: "127.0.0.1",
				Default: proxy.Action{Forward: &proxy.Forward{Groups: []proxy.WeightedGroup{{Group: "g", Weight: 1}}}},
			}},
		}},
	}
	if acl != nil {
		config.LoadBalancers[0].WebACL = "acl"
		config.WebACLs = []proxy.WebACL{{ARN: "acl", ACL: *acl}}
	}
	p := proxy.New(proxy.Options{
		Clock: clock.System{}, Log: slog.New(slog.DiscardHandler),
		Compile: proxy.NewEngine(waf.Options{Managed: groups, Attacks: detector}, nil).Compile,
	})
	if err := p.Apply(config); err != nil {
		return err
	}
	if err := startProfile(name); err != nil {
		return err
	}
	fmt.Fprintln(os.Stdout, p.Addr("l"))
	select {}
}

// serveReverse is the standard library's proxy.
func serveReverse(wrap func(http.Handler) http.Handler) error {
	r := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: os.Getenv(backendVariable)})
	r.Transport = &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}
	h := http.Handler(r)
	if wrap != nil {
		h = wrap(h)
	}
	return contest.ServeFloor(h.ServeHTTP)
}

// Names of the servers that others are compared with.
const (
	bareName   = "fastness without a web ACL"
	corazaName = "ReverseProxy, Coraza"
	modName    = "nginx, ModSecurity"
)

// compareServers starts the servers, measures and prints.
func compareServers(ctx context.Context, c *contest.Contest, conns []int, only []string, once, own bool, modsecurity string) (err error) {
	dir, err := os.MkdirTemp("", "bench-waf")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	backend, err := contest.StartFloor("backend", "-backend")
	if err != nil {
		return err
	}
	defer backend.Stop()
	if err := os.Setenv(backendVariable, backend.Addr); err != nil {
		return err
	}
	for _, s := range []struct{ name, flag string }{
		{bareName, "-proxy"}, {"fastness, Core Rule Set", "-proxy-crs"}, {"fastness, eleven managed groups", "-proxy-managed"},
	} {
		if err := c.Enter(s.name, func() (*contest.Server, error) { return sending(contest.StartFloor(s.name, s.flag)) }); err != nil {
			return err
		}
	}
	if !own {
		enterPeers(ctx, c, dir, backend, modsecurity)
	}
	var results []contest.Result
	defer func() { contest.Print(os.Stdout, results, bareName, corazaName, modName) }()
	for _, k := range kinds {
		if !slices.Contains(only, k.name) {
			continue
		}
		for _, n := range conns {
			for _, op := range []string{k.name, k.name + variedSuffix} {
				if once && op == k.name {
					continue
				}
				r, err := c.Compare(ctx, op, n)
				results = append(results, r...)
				if err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// enterPeers starts the servers of others.
func enterPeers(ctx context.Context, c *contest.Contest, dir string, backend *contest.Server, modsecurity string) {
	c.EnterPeer("ReverseProxy", func() (*contest.Server, error) { return sending(contest.StartFloor("ReverseProxy", "-reverse")) })
	c.EnterPeer(corazaName, func() (*contest.Server, error) { return sending(contest.StartFloor(corazaName, "-reverse-coraza")) })
	c.EnterPeer("nginx", func() (*contest.Server, error) {
		return sending(startNginx(ctx, "nginx", filepath.Join(dir, "nginx"), backend.Addr, ""))
	})
	if modsecurity != "" {
		c.EnterPeer(modName, func() (*contest.Server, error) {
			return sending(startNginx(ctx, modName, filepath.Join(dir, "modsecurity"), backend.Addr, modsecurity))
		})
	}
}

// variedSuffix is behind the name of a kind of requests of which none comes twice.
const variedSuffix = ", each once"

// sending gives a server its requests: another one for each connection, which is sent again and again, or varied.
func sending(s *contest.Server, err error) (*contest.Server, error) {
	if s != nil {
		turn := 0
		s.Requests = func(_ context.Context, op string, conns int) ([][]byte, error) {
			var all [][]byte
			name, each := strings.CutSuffix(op, variedSuffix)
			from, apart := 0, 7919
			if s.Vary = nil; each {
				// Turns and connections are so far apart that none comes to where another one began.
				s.Vary = vary
				from, apart = varied+turn*2_000_000, 700_000_000/conns
				turn++
			}
			for _, k := range kinds {
				for i := range conns {
					if k.name == name {
						all = append(all, k.make(from+i*apart).wire())
					}
				}
			}
			return all, nil
		}
	}
	return s, err
}

// startNginx starts nginx in front of the backend, with ModSecurity and the Core Rule Set if there is a module.
func startNginx(ctx context.Context, name, dir, backend, module string) (*contest.Server, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	port, err := contest.FreePort()
	if err != nil {
		return nil, err
	}
	load, on := "", ""
	if module != "" {
		rules, err := writeRules(dir)
		if err != nil {
			return nil, err
		}
		load, on = "load_module "+module+";", "modsecurity on; modsecurity_rules_file "+rules+";"
	}
	config := fmt.Sprintf(`%[4]s
daemon off; master_process off; worker_processes 1; pid %[1]s/pid; error_log %[1]s/error.log crit;
events { worker_connections 1024; }
http {
	access_log off; keepalive_requests 10000000; client_max_body_size 0;
	client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
	upstream up { server %[3]s; keepalive 64; keepalive_requests 10000000; }
	server {
		listen 127.0.0.1:%[2]s; %[5]s
		location / { proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; }
	}
}`, dir, port, backend, load, on)
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, err
	}
	binary, err := exec.LookPath("nginx")
	if err != nil {
		binary = "/usr/sbin/nginx"
	}
	cmd := exec.Command(binary, "-p", dir, "-c", file)
	cmd.Stderr = os.Stderr
	return contest.Start(ctx, name, port, cmd)
}

// writeRules writes the Core Rule Set for ModSecurity and returns the file that includes it.
func writeRules(dir string) (string, error) {
	err := fs.WalkDir(crs.FS, "@owasp_crs", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(crs.FS, path)
		if err != nil {
			return err
		}
		// ModSecurity wants an empty line behind a rule without actions.
		text := strings.ReplaceAll(string(b), "\"\nSec", "\"\n\nSec")
		return os.WriteFile(filepath.Join(dir, filepath.Base(path)), []byte(text), 0o600)
	})
	if err != nil {
		return "", err
	}
	setup, err := fs.ReadFile(crs.FS, "@crs-setup.conf.example")
	if err != nil {
		return "", err
	}
	main := `SecRuleEngine On
SecRequestBodyAccess On
SecResponseBodyAccess Off
SecAuditEngine Off
SecRule REQUEST_HEADERS:Content-Type "^(?:application(?:/soap\+|/)|text/)xml" "id:200000,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=XML"
SecRule REQUEST_HEADERS:Content-Type "^application/json" "id:200001,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRequestBodyLimit 13107200
SecRequestBodyNoFilesLimit 131072
SecRequestBodyJsonDepthLimit 512
SecPcreMatchLimit 100000
SecPcreMatchLimitRecursion 100000
` + string(setup) + "\nInclude " + dir + "/REQUEST-*.conf\n"
	file := filepath.Join(dir, "main.conf")
	return file, os.WriteFile(file, []byte(main), 0o600)
}
