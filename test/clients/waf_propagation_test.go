package clients

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/wafv2"
	"github.com/aws/aws-sdk-go-v2/service/wafv2/types"
)

// TestChangesReachTheProxyInside waits for changes at the proxy in the process of serve.
func TestChangesReachTheProxyInside(t *testing.T) { changesReach(t, server) }

// TestChangesReachAProxyElsewhere waits for changes at a proxy that follows the server as one on another host
// does: serve listens for nobody itself.
func TestChangesReachAProxyElsewhere(t *testing.T) {
	dir := t.TempDir()
	own := must[*process](t)(start(program, dir, "--proxy-off"))
	t.Cleanup(func() {
		if err := own.stop(); err != nil {
			t.Error(err)
		}
	})
	output := must[*os.File](t)(os.Create(filepath.Join(dir, "proxy.log")))
	defer output.Close()
	follower := exec.Command(program, "proxy", "--control-plane", own.http(), "--region", region)
	follower.Env, follower.Stdout, follower.Stderr = own.environment(own.credentials), output, output
	if err := follower.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = follower.Process.Kill()
		_ = follower.Wait()
	})
	changesReach(t, own)
}

// changesReach changes an IP set and a web ACL again and again, and waits each time until a listener answers
// accordingly. How long that took is logged; the promise of a second is measured on a machine that is left
// alone (docs/waf.md), not asserted here.
func changesReach(t *testing.T, p *process) {
	ctx := t.Context()
	balancing, firewall := elb.NewFromConfig(p.config(p.credentials, region)), wafv2.NewFromConfig(p.config(p.credentials, region))
	lb := must[*elb.CreateLoadBalancerOutput](t)(balancing.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{Name: aws.String("soon")})).LoadBalancers[0].LoadBalancerArn
	port := freePort(t)
	must[*elb.CreateListenerOutput](t)(balancing.CreateListener(ctx, &elb.CreateListenerInput{
		LoadBalancerArn: lb, Protocol: elbtypes.ProtocolEnumHttp, Port: aws.Int32(int32(port)),
		DefaultActions: []elbtypes.Action{{Type: elbtypes.ActionTypeEnumFixedResponse, FixedResponseConfig: &elbtypes.FixedResponseActionConfig{StatusCode: aws.String("200"), ContentType: aws.String("text/plain")}}},
	}))
	set := must[*wafv2.CreateIPSetOutput](t)(firewall.CreateIPSet(ctx, &wafv2.CreateIPSetInput{Name: aws.String("soon"), Scope: types.ScopeRegional, IPAddressVersion: types.IPAddressVersionIpv4, Addresses: []string{}})).Summary
	rules := func(status int32) []types.Rule {
		return []types.Rule{{
			Name: aws.String("set"), VisibilityConfig: visibleAs("set"), Statement: &types.Statement{IPSetReferenceStatement: &types.IPSetReferenceStatement{ARN: set.ARN}},
			Action: &types.RuleAction{Block: &types.BlockAction{CustomResponse: &types.CustomResponse{ResponseCode: aws.Int32(status)}}},
		}}
	}
	allow := &types.DefaultAction{Allow: &types.AllowAction{}}
	acl := must[*wafv2.CreateWebACLOutput](t)(firewall.CreateWebACL(ctx, &wafv2.CreateWebACLInput{Name: aws.String("soon"), Scope: types.ScopeRegional, DefaultAction: allow, VisibilityConfig: visibleAs("soon"), Rules: rules(403)})).Summary
	must[*wafv2.AssociateWebACLOutput](t)(firewall.AssociateWebACL(ctx, &wafv2.AssociateWebACLInput{WebACLArn: acl.ARN, ResourceArn: lb}))

	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: time.Minute}
	// reached waits for an answer of a status and tells how long after from it came.
	reached := func(from time.Time, status int) time.Duration {
		t.Helper()
		last := "nothing"
		pause := time.NewTicker(time.Millisecond)
		defer pause.Stop()
		for time.Since(from) < time.Minute {
			res, err := client.Get("http://127.0.0.1:" + strconv.Itoa(port) + "/")
			if err != nil {
				last = err.Error()
			} else {
				_, _ = io.Copy(io.Discard, res.Body)
				res.Body.Close()
				if last = res.Status; res.StatusCode == status {
					return time.Since(from)
				}
			}
			<-pause.C
		}
		t.Fatalf("a minute after the change the answer is still %s, not %d", last, status)
		return 0
	}
	reached(time.Now(), 200)
	setToken, aclToken := set.LockToken, acl.LockToken
	change := func(addresses ...string) time.Time {
		setToken = must[*wafv2.UpdateIPSetOutput](t)(firewall.UpdateIPSet(ctx, &wafv2.UpdateIPSetInput{Name: aws.String("soon"), Scope: types.ScopeRegional, Id: set.Id, LockToken: setToken, Addresses: addresses})).NextLockToken
		return time.Now()
	}
	var ofSets, ofACLs []time.Duration
	for range 10 {
		ofSets = append(ofSets, reached(change("127.0.0.0/8"), 403), reached(change("192.0.2.0/24"), 200))
	}
	reached(change("127.0.0.0/8"), 403)
	for n := range 10 {
		status := []int32{404, 429}[n%2]
		aclToken = must[*wafv2.UpdateWebACLOutput](t)(firewall.UpdateWebACL(ctx, &wafv2.UpdateWebACLInput{
			Name: aws.String("soon"), Scope: types.ScopeRegional, Id: acl.Id, LockToken: aclToken, DefaultAction: allow, VisibilityConfig: visibleAs("soon"), Rules: rules(status),
		})).NextLockToken
		ofACLs = append(ofACLs, reached(time.Now(), int(status)))
	}
	keys := must[*wafv2.CreateAPIKeyOutput](t)(firewall.CreateAPIKey(ctx, &wafv2.CreateAPIKeyInput{Scope: types.ScopeRegional, TokenDomains: []string{"soon.example"}}))
	for _, c := range []struct {
		host   string
		status int
	}{{"www.soon.example", 200}, {"soon.example", 200}, {"www.sooner.example", 403}} {
		asked(t, port, c.host, *keys.APIKey, c.status)
	}
	must[*wafv2.DeleteAPIKeyOutput](t)(firewall.DeleteAPIKey(ctx, &wafv2.DeleteAPIKeyInput{Scope: types.ScopeRegional, APIKey: keys.APIKey}))
	asked(t, port, "www.soon.example", *keys.APIKey, 403)
	t.Logf("IP sets: %s; web ACLs: %s after the answer to the change", spread(ofSets), spread(ofACLs))
	must[*wafv2.DisassociateWebACLOutput](t)(firewall.DisassociateWebACL(ctx, &wafv2.DisassociateWebACLInput{ResourceArn: lb}))
	reached(time.Now(), 200)
	must[*wafv2.DeleteWebACLOutput](t)(firewall.DeleteWebACL(ctx, &wafv2.DeleteWebACLInput{Name: aws.String("soon"), Scope: types.ScopeRegional, Id: acl.Id, LockToken: aclToken}))
	must[*wafv2.DeleteIPSetOutput](t)(firewall.DeleteIPSet(ctx, &wafv2.DeleteIPSetInput{Name: aws.String("soon"), Scope: types.ScopeRegional, Id: set.Id, LockToken: setToken}))
	must[*elb.DeleteLoadBalancerOutput](t)(balancing.DeleteLoadBalancer(ctx, &elb.DeleteLoadBalancerInput{LoadBalancerArn: lb}))
}

// asked waits until a page of a host that asks for a CAPTCHA puzzle with an API key is answered with a status.
func asked(t *testing.T, port int, host, key string, status int) {
	t.Helper()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	last, pause := 0, time.NewTicker(time.Millisecond)
	defer pause.Stop()
	for from := time.Now(); time.Since(from) < time.Minute; <-pause.C {
		body := url.Values{"k": {key}}.Encode()
		req := must[*http.Request](t)(http.NewRequestWithContext(t.Context(), "POST", "http://127.0.0.1:"+strconv.Itoa(port)+"/__fastness-waf/problem", strings.NewReader(body)))
		req.Host = host
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		res := must[*http.Response](t)(transport.RoundTrip(req))
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if last = res.StatusCode; last == status {
			return
		}
	}
	t.Fatalf("a puzzle for %s: %d, not %d", host, last, status)
}

// spread is the median and the longest of durations.
func spread(d []time.Duration) string {
	slices.Sort(d)
	return fmt.Sprintf("median %v, longest %v of %d", d[len(d)/2].Round(time.Millisecond), d[len(d)-1].Round(time.Millisecond), len(d))
}
