package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestProxyServesWhatItsFileSays(t *testing.T) {
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "in") }))
	defer target.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().(*net.TCPAddr)
	l.Close()
	to := target.Listener.Addr().(*net.TCPAddr)
	file := filepath.Join(t.TempDir(), "proxy.json")
	text := fmt.Sprintf(`{
		"TargetGroups": [{"ARN": "g", "Protocol": "HTTP", "Targets": [{"IP": "127.0.0.1", "Port": %d}], "Health": {"Off": true}, "DeregistrationDelaySeconds": 0}],
		"WebACLs": [{"ARN": "acl", "Sets": {}, "ACL": {"Name": "a", "DefaultAction": {"Kind": "ALLOW"}, "Rules": [
			{"Name": "r", "Priority": 1, "Action": {"Kind": "BLOCK"}, "Statement": {"Byte": {"Component": {"Kind": "QueryString"}, "Search": "YXR0YWNr", "Position": "CONTAINS"}}}
		]}}],
		"LoadBalancers": [{"ARN": "lb", "WebACL": "acl", "Attributes": {}, "Listeners": [{"ARN": "l", "Protocol": "HTTP", "Bind": "127.0.0.1", "Port": %d,
			"Default": {"Forward": {"Groups": [{"Group": "g", "Weight": 1}]}}}]}]
	}`, to.Port, addr.Port)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	r := root()
	r.SetArgs([]string{"proxy", "--file", file, "--log-level", "error"})
	r.SetOut(io.Discard)
	go func() { ended <- r.ExecuteContext(ctx) }()
	get := func(path string) (int, string) {
		res, err := http.Get("http://" + addr.String() + path)
		if err != nil {
			return 0, err.Error()
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(b)
	}
	deadline := time.Now().Add(20 * time.Second)
	for {
		status, body := get("/?q=fine")
		if status == 200 && body == "in" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d %q", status, body)
		}
		<-time.After(20 * time.Millisecond)
	}
	if status, body := get("/?q=an+attack"); status != 403 || !strings.Contains(body, "403 Forbidden") {
		t.Errorf("%d %q", status, body)
	}
	http.DefaultClient.CloseIdleConnections()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestProxyWantsOneSource(t *testing.T) {
	for _, args := range [][]string{{"proxy"}, {"proxy", "--file", "a", "--control-plane", "https://b"}} {
		r := root()
		r.SetArgs(args)
		r.SetOut(io.Discard)
		if err := r.ExecuteContext(t.Context()); err == nil {
			t.Errorf("%q was taken", args)
		}
	}
}
