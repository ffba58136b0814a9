package crs

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	crs "github.com/corazawaf/coraza-coreruleset/v4"
	"github.com/corazawaf/coraza/v3"
	txhttp "github.com/corazawaf/coraza/v3/http"
	"github.com/corazawaf/coraza/v3/types"

	"fastness/internal/clock"
	"fastness/internal/engine/waf/request"
	"fastness/internal/engine/waf/seclang"
	"fastness/internal/proxy"
)

// limits are the settings that the cases are written for.
var limits = map[string]string{
	"crs_validate_utf8_encoding": "1",
	"arg_name_length":            "100",
	"arg_length":                 "400",
	"total_arg_length":           "64000",
	"max_num_args":               "255",
	"max_file_size":              "64100",
	"combined_file_sizes":        "65535",
}

// recorder collects what a firewall says.
type recorder struct {
	mu   sync.Mutex
	ids  []int
	logs []string
}

func (r *recorder) add(id int, file, message, data string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ids = append(r.ids, id)
	r.logs = append(r.logs, fmt.Sprintf("[file %q] [id \"%d\"] [msg %q] [data \"%s\"]", file, id, message, data))
}

func (r *recorder) take() (ids []int, logs []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	ids, logs = r.ids, r.logs
	r.ids, r.logs = nil, nil
	return ids, logs
}

// firewall is a server that requests are sent to.
type firewall struct {
	addr string
	said recorder
}

// answering is what stands behind the firewalls.
func answering(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // a body that breaks off is none of its business
	w.Header().Set("Content-Type", "text/plain")
	_, _ = io.WriteString(w, "ok\n")
}

// corazaFirewall is Coraza with the Core Rule Set.
func corazaFirewall(t *testing.T) *firewall {
	t.Helper()
	f := &firewall{}
	var settings strings.Builder
	settings.WriteString("SecAction \"id:900005,phase:1,nolog,pass,setvar:tx.blocking_paranoia_level=4")
	for name, value := range limits {
		fmt.Fprintf(&settings, ",setvar:tx.%s=%s", name, value)
	}
	settings.WriteString("\"\n")
	waf, err := coraza.NewWAF(coraza.NewWAFConfig().WithRootFS(crs.FS).WithErrorCallback(func(m types.MatchedRule) {
		f.said.add(m.Rule().ID(), m.Rule().File(), m.Message(), m.Data())
	}).WithDirectives("Include @coraza.conf-recommended\nInclude @crs-setup.conf.example\n" + settings.String() +
		"SecRuleEngine DetectionOnly\nSecResponseBodyAccess Off\nSecAuditEngine Off\nInclude @owasp_crs/REQUEST-*.conf\n"))
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(txhttp.WrapHandler(waf, http.HandlerFunc(answering)))
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.Start()
	t.Cleanup(s.Close)
	f.addr = s.Listener.Addr().String()
	return f
}

// proxyFirewall is the proxy, whose web ACL is the Core Rule Set.
func proxyFirewall(t *testing.T) *firewall {
	t.Helper()
	f := &firewall{}
	sources, options, err := seclang.CoreRuleSet(crs.FS, seclang.Config{Paranoia: 4, Variables: limits, Detect: true})
	if err != nil {
		t.Fatal(err)
	}
	program, err := seclang.Compile(sources, options)
	if err != nil {
		t.Fatal(err)
	}
	backend := httptest.NewServer(http.HandlerFunc(answering))
	t.Cleanup(backend.Close)
	host, port, err := net.SplitHostPort(backend.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	p := proxy.New(proxy.Options{
		Clock: clock.System{}, Log: slog.New(slog.DiscardHandler),
		Compile: func(*proxy.WebACL, proxy.Inspector) (proxy.Inspector, error) { return inspector{program, f}, nil },
	})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := p.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	})
	err = p.Apply(proxy.Config{
		TargetGroups: []proxy.TargetGroup{{ARN: "g", Protocol: "HTTP", Targets: []proxy.Target{{IP: host, Port: n}}, Health: proxy.HealthCheck{Off: true}}},
		LoadBalancers: []proxy.LoadBalancer{{
			ARN: "lb", Attributes: proxy.Attributes{PreserveHost: true}, WebACL: "acl",
			Listeners: []proxy.Listener{{
				ARN: "l", Protocol: "HTTP", Bind: "127.0.0.1",
				Default: proxy.Action{Forward: &proxy.Forward{Groups: []proxy.WeightedGroup{{Group: "g", Weight: 1}}}},
			}},
		}},
		WebACLs: []proxy.WebACL{{ARN: "acl"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	f.addr = p.Addr("l").String()
	return f
}

// inspector asks the program and lets every request pass.
type inspector struct {
	program *seclang.Program
	f       *firewall
}

func (i inspector) Inspect(_ context.Context, r *request.Request, _ *proxy.Verdict) error {
	s := seclang.NewScratch(request.DefaultLimits())
	s.Explain = true
	for _, m := range i.program.Evaluate(r, s).Matches {
		if m.Rule.Log {
			i.f.said.add(m.Rule.ID, m.Rule.File, m.Message, m.Data)
		}
	}
	return nil
}

// patience is how long a firewall may take to answer.
const patience = 5 * time.Second

// ask sends a request and says what came of it.
func (f *firewall) ask(t *testing.T, text []byte, method string) account {
	t.Helper()
	f.said.take()
	var a account
	c, err := net.Dial("tcp", f.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	// A firewall may refuse what it has not read to its end.
	_, _ = c.Write(text)
	if res, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method}); err == nil {
		a.status = res.StatusCode
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
	}
	a.ids, a.log = f.said.take()
	slices.Sort(a.ids)
	a.ids = slices.Compact(a.ids)
	return a
}
