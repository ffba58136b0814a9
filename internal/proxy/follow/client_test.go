package follow

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"fastness/internal/clock"
	"fastness/internal/proxy"
	"fastness/internal/sigv4"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func config(path string) proxy.Config {
	return proxy.Config{
		TargetGroups: []proxy.TargetGroup{{ARN: "g", Protocol: "HTTP", Health: proxy.HealthCheck{Path: path}}},
		Certificates: []proxy.Certificate{{ARN: "k", Key: "PRIVATE KEY"}},
	}
}

// plane is a control plane.
type plane struct {
	*httptest.Server
	published proxy.Published
	away      atomic.Bool
	reports   chan Report
}

func newPlane(t *testing.T) *plane {
	p := &plane{reports: make(chan Report, 10)}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.away.Load() {
			http.Error(w, "away", http.StatusServiceUnavailable)
			return
		}
		if auth := r.Header.Get("Authorization"); !strings.Contains(auth, "Credential=AKIDEXAMPLE/20200102/us-east-1/wafv2/aws4_request") {
			t.Errorf("Authorization: %s", auth)
		}
		switch r.URL.Path {
		case ReportPath:
			var report Report
			if err := json.NewDecoder(r.Body).Decode(&report); err != nil {
				t.Error(err)
			}
			p.reports <- report
			w.WriteHeader(http.StatusNoContent)
		case ConfigurationPath:
			var after uint64
			fmt.Sscan(r.FormValue("after"), &after)
			ctx, cancel := context.WithTimeout(r.Context(), 100*time.Millisecond)
			defer cancel()
			c, revision, err := p.published.Watch(ctx, after)
			if err != nil {
				w.WriteHeader(http.StatusNotModified)
				return
			}
			w.Header().Set(RevisionField, fmt.Sprint(revision))
			_ = json.NewEncoder(w).Encode(c)
		}
	}))
	t.Cleanup(p.Close)
	return p
}

func follower(t *testing.T, p *plane, file, secret string) *Client {
	t.Helper()
	c, err := New(Options{
		Endpoint: p.URL, Region: "us-east-1", File: file, Clock: clock.NewManual(time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)), Log: slog.New(slog.DiscardHandler),
		Credentials: func(context.Context) (sigv4.Credentials, error) {
			return sigv4.Credentials{AccessKeyID: "AKIDEXAMPLE", Secret: []byte(secret)}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestFollowsTheControlPlane(t *testing.T) {
	p := newPlane(t)
	c := follower(t, p, "", "secret")
	p.published.Publish(config("/one"), 7)
	got, revision, err := c.Watch(t.Context(), 0)
	if err != nil || revision != 7 || got.TargetGroups[0].Health.Path != "/one" {
		t.Fatalf("%+v %d %v", got, revision, err)
	}
	// It waits across several answers that there is nothing new.
	time.AfterFunc(300*time.Millisecond, func() { p.published.Publish(config("/two"), 9) })
	got, revision, err = c.Watch(t.Context(), 7)
	if err != nil || revision != 9 || got.TargetGroups[0].Health.Path != "/two" {
		t.Fatalf("%+v %d %v", got, revision, err)
	}
	p.away.Store(true)
	if _, _, err := c.Watch(t.Context(), 9); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("while it is away: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := c.Watch(ctx, 9); !errors.Is(err, context.Canceled) {
		t.Errorf("when cancelled: %v", err)
	}
}

func TestStartsWithTheConfigurationOfLastTime(t *testing.T) {
	p := newPlane(t)
	file := filepath.Join(t.TempDir(), "kept")
	p.published.Publish(config("/one"), 7)
	if _, _, err := follower(t, p, file, "secret").Watch(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatal(info, err)
	}
	raw, _ := os.ReadFile(file)
	if bytes.Contains(raw, []byte("PRIVATE")) || bytes.Contains(raw, []byte("/one")) {
		t.Error("the file can be read")
	}
	p.away.Store(true)
	c := follower(t, p, file, "secret")
	got, revision, err := c.Watch(t.Context(), 0)
	if err != nil || revision != 7 || got.TargetGroups[0].Health.Path != "/one" || got.Certificates[0].Key != "PRIVATE KEY" {
		t.Fatalf("%+v %d %v", got, revision, err)
	}
	if _, _, err := c.Watch(t.Context(), 7); err == nil {
		t.Error("the kept configuration came twice")
	}
	p.away.Store(false)
	p.published.Publish(config("/two"), 8)
	if got, revision, err := c.Watch(t.Context(), 7); err != nil || revision != 8 || got.TargetGroups[0].Health.Path != "/two" {
		t.Errorf("%+v %d %v", got, revision, err)
	}
	p.away.Store(true)
	if _, _, err := follower(t, p, file, "another").Watch(t.Context(), 0); !errors.Is(err, errKept) {
		t.Errorf("with other credentials: %v", err)
	}
	raw, _ = os.ReadFile(file)
	raw[len(raw)-1] ^= 1
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := follower(t, p, file, "secret").Watch(t.Context(), 0); !errors.Is(err, errKept) {
		t.Errorf("of a changed file: %v", err)
	}
}

func TestReports(t *testing.T) {
	p := newPlane(t)
	c := follower(t, p, "", "secret")
	if err := c.Report(t.Context(), &Report{Proxy: "edge-1", Revision: 3, Records: []json.RawMessage{[]byte(`{"a":1}`)}}); err != nil {
		t.Fatal(err)
	}
	if got := <-p.reports; got.Proxy != "edge-1" || got.Revision != 3 || len(got.Records) != 1 {
		t.Errorf("%+v", got)
	}
	p.away.Store(true)
	if err := c.Report(t.Context(), &Report{}); err == nil {
		t.Error("no error")
	}
}

func TestSecretsDoNotTravelInTheOpen(t *testing.T) {
	for endpoint, ok := range map[string]bool{
		"https://control.example:4566": true, "http://127.0.0.1:4566": true, "http://[::1]:4566/": true, "http://localhost:1": true,
		"http://control.example:4566": false, "http://192.0.2.1": false, "ftp://127.0.0.1": false, "": false, "https://a/b": false,
	} {
		if _, err := New(Options{Endpoint: endpoint}); (err == nil) != ok {
			t.Errorf("%q: %v", endpoint, err)
		}
	}
}
