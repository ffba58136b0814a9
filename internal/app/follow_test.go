package app

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"fastness/internal/clock"
	"fastness/internal/engine/waf"
	"fastness/internal/proxy"
	"fastness/internal/proxy/follow"
	"fastness/internal/proxy/upstream"
	"fastness/internal/sigv4"
)

// balancing calls an operation of Elastic Load Balancing and returns the answer.
func (a *App) balancing(t *testing.T, key sigv4.Credentials, form url.Values) string {
	t.Helper()
	form.Set("Version", "2015-12-01")
	body := []byte(form.Encode())
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+a.Endpoint()+"/", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if err := sigv4.Sign(req, body, key, sigv4.Scope{Region: "us-east-1", Service: "elasticloadbalancing"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	res, err := lone.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: status %d, error %v: %s", form.Get("Action"), res.StatusCode, err, text)
	}
	return string(text)
}

// between is what stands between two texts.
func between(t *testing.T, text, before, after string) string {
	t.Helper()
	_, rest, ok := strings.Cut(text, before)
	found, _, ok2 := strings.Cut(rest, after)
	if !ok || !ok2 {
		t.Fatalf("no %s in %s", before, text)
	}
	return found
}

// A proxy on another host gets the configuration, serves it, and its report is the health that
// DescribeTargetHealth tells.
func TestAProxyOnAnotherHostFollows(t *testing.T) {
	a := startDev(t)
	key := sigv4.Credentials{AccessKeyID: DefaultAccount, Secret: []byte("x")}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	elb := func(action string, pairs ...string) string {
		form := url.Values{"Action": {action}}
		for i := 0; i < len(pairs); i += 2 {
			form.Set(pairs[i], pairs[i+1])
		}
		return a.balancing(t, key, form)
	}
	lb := between(t, elb("CreateLoadBalancer", "Name", "lb"), "<LoadBalancerArn>", "<")
	group := between(t, elb("CreateTargetGroup", "Name", "g", "Protocol", "HTTP", "Port", "9", "TargetType", "ip"), "<TargetGroupArn>", "<")
	elb("RegisterTargets", "TargetGroupArn", group, "Targets.member.1.Id", "192.0.2.1")
	elb("CreateListener", "LoadBalancerArn", lb, "Protocol", "HTTP", "Port", strconv.Itoa(port), "DefaultActions.member.1.Type", "forward", "DefaultActions.member.1.TargetGroupArn", group)
	client := func(access string) *follow.Client {
		c, err := follow.New(follow.Options{
			Endpoint: "http://" + a.Endpoint(), Region: "us-east-1", Clock: clock.System{}, Log: slog.New(slog.DiscardHandler),
			Credentials: func(context.Context) (sigv4.Credentials, error) {
				return sigv4.Credentials{AccessKeyID: access, Secret: []byte("x")}, nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return c
	}
	own := client(DefaultAccount)
	var config proxy.Config
	var revision uint64
	for len(config.LoadBalancers) == 0 || len(config.TargetGroups) == 0 || len(config.TargetGroups[0].Targets) == 0 {
		if config, revision, err = own.Watch(t.Context(), revision); err != nil {
			t.Fatal(err)
		}
	}
	if b := config.LoadBalancers[0]; b.ARN != lb || b.Listeners[0].Port != port || b.Listeners[0].Default.Forward.Groups[0].Group != group {
		t.Errorf("configuration %+v", b)
	}
	// It is one that a proxy takes.
	p := proxy.New(proxy.Options{Clock: clock.System{}, Log: slog.New(slog.DiscardHandler), Compile: proxy.NewEngine(waf.Options{}, nil).Compile})
	config.LoadBalancers[0].Listeners[0].Port = 0
	if err := p.Apply(config); err != nil {
		t.Error(err)
	}
	if err := p.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := own.Report(t.Context(), &follow.Report{Proxy: "edge", Revision: revision, Health: map[string]map[string]upstream.Health{group: {"192.0.2.1:9": {State: upstream.Healthy}}}}); err != nil {
		t.Fatal(err)
	}
	if state := between(t, elb("DescribeTargetHealth", "TargetGroupArn", group), "<State>", "<"); state != "healthy" {
		t.Errorf("the target is %s", state)
	}
	// So do records of requests, once it is known where they go; what is for nowhere is not taken there.
	if err := own.SendActivity(t.Context(), []byte(`{"Records": [{"ACL": "arn:x", "Destination": "arn:y", "At": 1, "Text": {}}], "Lost": 2}`)); err != nil {
		t.Error(err)
	}
	if n := a.activity.lost.Load(); n != 3 {
		t.Errorf("%d records are lost, want 3", n)
	}
	if err := own.SendActivity(t.Context(), []byte(`[]`)); err == nil || !strings.Contains(err.Error(), "400") {
		t.Errorf("what is no batch: %v", err)
	}
	// Other accounts get nothing.
	if _, _, err := client("111122223333").Watch(t.Context(), 0); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("another account follows: %v", err)
	}
	if err := client("111122223333").Report(t.Context(), &follow.Report{Proxy: "x"}); err == nil {
		t.Error("another account reports")
	}
	if err := client("111122223333").SendActivity(t.Context(), []byte(`{}`)); err == nil {
		t.Error("another account tells of requests")
	}
}
