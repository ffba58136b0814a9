package app

import (
	"context"
	"encoding/json"
	"fmt"
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
	"fastness/internal/engine/waf/challenge"
	"fastness/internal/proxy"
	"fastness/internal/proxy/follow"
	"fastness/internal/sigv4"
)

// firewall calls an operation of AWS WAF.
func (a *App) firewall(t *testing.T, operation, body string) map[string]any {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+a.Endpoint()+"/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "AWSWAF_20190729."+operation)
	key := sigv4.Credentials{AccessKeyID: DefaultAccount, Secret: []byte("x")}
	if err := sigv4.Sign(req, []byte(body), key, sigv4.Scope{Region: "us-east-1", Service: "wafv2"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	res, err := lone.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	out := map[string]any{}
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: status %d, error %v: %s", operation, res.StatusCode, err, text)
	}
	return out
}

// elsewhere is the configuration of a proxy with the ports of its listeners free: those of the configuration
// are taken on this host.
type elsewhere struct{ *follow.Client }

func (e elsewhere) Watch(ctx context.Context, after uint64) (proxy.Config, uint64, error) {
	c, revision, err := e.Client.Watch(ctx, after)
	for i := range c.LoadBalancers {
		for j := range c.LoadBalancers[i].Listeners {
			c.LoadBalancers[i].Listeners[j].Port = 0
		}
	}
	return c, revision, err
}

// protected is a server with a listener that answers by itself behind a web ACL with rules.
type protected struct {
	*App
	acl, listener, addr string
}

func startProtected(t *testing.T, rules string) *protected {
	t.Helper()
	a := startDev(t)
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
		return a.balancing(t, sigv4.Credentials{AccessKeyID: DefaultAccount, Secret: []byte("x")}, form)
	}
	lb := between(t, elb("CreateLoadBalancer", "Name", "lb"), "<LoadBalancerArn>", "<")
	listener := between(t, elb("CreateListener", "LoadBalancerArn", lb, "Protocol", "HTTP", "Port", strconv.Itoa(port),
		"DefaultActions.member.1.Type", "fixed-response", "DefaultActions.member.1.FixedResponseConfig.StatusCode", "200", "DefaultActions.member.1.FixedResponseConfig.MessageBody", "in"), "<ListenerArn>", "<")
	made := a.firewall(t, "CreateWebACL", `{"Name": "shop", "Scope": "REGIONAL", "DefaultAction": {"Allow": {}}, "Rules": `+rules+`,
		"VisibilityConfig": {"SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": "shop"}}`)
	arn := made["Summary"].(map[string]any)["ARN"].(string)
	a.firewall(t, "AssociateWebACL", fmt.Sprintf(`{"WebACLArn": %q, "ResourceArn": %q}`, arn, lb))
	p := &protected{a, arn, listener, net.JoinHostPort("127.0.0.1", strconv.Itoa(port))}
	eventually(t, "the web ACL is enforced", func() bool { return ask(t, p.addr, "/stop") == 403 })
	return p
}

// remote runs a proxy on a host of its own, and returns the address of its listener.
func (p *protected) remote(t *testing.T, name string) (addr string) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	client, err := follow.New(follow.Options{
		Endpoint: "http://" + p.Endpoint(), Region: "us-east-1", Clock: clock.System{}, Log: log,
		Credentials: func(context.Context) (sigv4.Credentials, error) {
			return sigv4.Credentials{AccessKeyID: DefaultAccount, Secret: []byte("x")}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	groups, err := ManagedGroups(FirewallConfig{}, log)
	if err != nil {
		t.Fatal(err)
	}
	gate, err := proxy.NewGate(challenge.Options{}, log)
	if err != nil {
		t.Fatal(err)
	}
	reporter := NewReporter(clock.System{}, log)
	records := NewActivityRecorder(client, clock.System{}, log, gate)
	served := proxy.New(proxy.Options{
		Clock: clock.System{}, Log: log, Compile: NewFirewall(FirewallConfig{}, groups, gate), Interstitial: gate, Recorder: Recorders{reporter.Recorder(), records},
	})
	ctx, cancel := context.WithCancel(t.Context())
	reported, ran, recorded := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() { defer close(ran); _ = served.Run(ctx, records.Source(elsewhere{client})) }()
	go func() { defer close(recorded); _ = records.Run(ctx, time.Minute) }()
	go func() { defer close(reported); reporter.Run(ctx, client, served, name) }()
	t.Cleanup(func() {
		cancel()
		<-ran
		<-reported
		<-recorded
		if err := served.Shutdown(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
		reporter.Close()
		client.Close()
	})
	eventually(t, "the proxy listens", func() bool {
		a := served.Addr(p.listener)
		if a != nil {
			addr = a.String()
		}
		return a != nil
	})
	return addr
}

// eventually waits until something holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !holds(); <-time.After(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

func ask(t *testing.T, addr, target string) int {
	t.Helper()
	res, err := lone.Get("http://" + addr + target)
	if err != nil {
		return 0
	}
	res.Body.Close()
	return res.StatusCode
}

// stopRule blocks the path /stop, by which it is seen whether a web ACL is enforced.
const stopRule = `{"Name": "stop", "Priority": 0, "Action": {"Block": {}}, "Statement": {"ByteMatchStatement": {"SearchString": "L3N0b3A=", "FieldToMatch": {"UriPath": {}},
		"TextTransformations": [{"Priority": 0, "Type": "NONE"}], "PositionalConstraint": "EXACTLY"}},
		"VisibilityConfig": {"SampledRequestsEnabled": false, "CloudWatchMetricsEnabled": true, "MetricName": "stop"}}`

const rateAndWord = `[` + stopRule + `,
	{"Name": "limit", "Priority": 1, "Action": {"Block": {}}, "Statement": {"RateBasedStatement": {"Limit": 10, "EvaluationWindowSec": 600, "AggregateKeyType": "IP"}},
		"VisibilityConfig": {"SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": "limit"}},
	{"Name": "word", "Priority": 2, "Action": {"Count": {}}, "Statement": {"ByteMatchStatement": {"SearchString": "c2VjcmV0", "FieldToMatch": {"QueryString": {}},
		"TextTransformations": [{"Priority": 0, "Type": "NONE"}], "PositionalConstraint": "CONTAINS"}},
		"VisibilityConfig": {"SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": "word"}}]`

// What a proxy on another host counts limits the client everywhere, and what it sees is among the samples.
func TestProxiesCountTogether(t *testing.T) {
	p := startProtected(t, rateAndWord)
	one, two := p.remote(t, "one"), p.remote(t, "two")
	for range 5 {
		ask(t, one, "/?a=secret")
		ask(t, two, "/")
	}
	// These are the ten.
	for _, addr := range []string{p.addr, one, two} {
		eventually(t, addr+" limits the client", func() bool { return ask(t, addr, "/") == 403 })
	}
	window := fmt.Sprintf(`{"StartTime": %d, "EndTime": %d}`, time.Now().Add(-time.Hour).Unix(), time.Now().Add(time.Hour).Unix())
	eventually(t, "the samples of the other proxy are there", func() bool {
		got := p.firewall(t, "GetSampledRequests", fmt.Sprintf(`{"WebAclArn": %q, "RuleMetricName": "word", "Scope": "REGIONAL", "TimeWindow": %s, "MaxItems": 100}`, p.acl, window))
		list, _ := got["SampledRequests"].([]any)
		return len(list) == 5 && got["PopulationSize"].(float64) == 5
	})
	keys := p.firewall(t, "GetRateBasedStatementManagedKeys", fmt.Sprintf(`{"Scope": "REGIONAL", "WebACLName": "shop", "WebACLId": %q, "RuleName": "limit"}`, p.acl[strings.LastIndexByte(p.acl, '/')+1:]))
	if got := fmt.Sprint(keys["ManagedKeysIPV4"]); !strings.Contains(got, "127.0.0.1/32") {
		t.Errorf("%s", got)
	}
}
