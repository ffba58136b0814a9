package clients

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	acmtypes "github.com/aws/aws-sdk-go-v2/service/acm/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/wafv2"
	"github.com/aws/aws-sdk-go-v2/service/wafv2/types"
)

// freePort finds a loopback port that nobody listens on.
func freePort(t *testing.T) int {
	t.Helper()
	_, port, err := net.SplitHostPort(must[string](t)(freeAddress()))
	if err != nil {
		t.Fatal(err)
	}
	return must[int](t)(strconv.Atoi(port))
}

// shop is a web server on the loopback address.
func shop(t *testing.T) (port int) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "welcome") }))
	t.Cleanup(s.Close)
	u := must[*url.URL](t)(url.Parse(s.URL))
	return must[int](t)(strconv.Atoi(u.Port()))
}

func TestWAFByTheCLI(t *testing.T) {
	for _, program := range []string{"aws", "bash", "curl", "jq"} {
		need(t, program)
	}
	env := append(server.environment(server.credentials), "TARGET_PORT="+strconv.Itoa(shop(t)), "LISTENER_PORT="+strconv.Itoa(freePort(t)))
	succeed(t, t.TempDir(), env, "bash", absolute(t, "testdata", "awscli_waf.sh"))
}

func TestWAFByBoto3(t *testing.T) {
	env := append(server.environment(server.credentials), "LISTENER_PORT="+strconv.Itoa(freePort(t)))
	succeed(t, t.TempDir(), env, pythonWithBoto3(t), absolute(t, "testdata", "boto3_waf.py"))
}

// A load balancer with a certificate of the platform's own authority and a web ACL, by the SDK for
// Go.
func TestWAFByTheGoSDK(t *testing.T) {
	ctx := t.Context()
	config := server.config(server.credentials, region)
	balancing, firewall, certificates := elb.NewFromConfig(config), wafv2.NewFromConfig(config), acm.NewFromConfig(config)

	lb := must[*elb.CreateLoadBalancerOutput](t)(balancing.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{Name: aws.String("go")})).LoadBalancers[0]
	group := must[*elb.CreateTargetGroupOutput](t)(balancing.CreateTargetGroup(ctx, &elb.CreateTargetGroupInput{
		Name: aws.String("go"), Protocol: elbtypes.ProtocolEnumHttp, Port: aws.Int32(int32(shop(t))), TargetType: elbtypes.TargetTypeEnumIp,
		HealthCheckIntervalSeconds: aws.Int32(5), HealthCheckTimeoutSeconds: aws.Int32(2), HealthyThresholdCount: aws.Int32(2),
	})).TargetGroups[0]
	must[*elb.RegisterTargetsOutput](t)(balancing.RegisterTargets(ctx, &elb.RegisterTargetsInput{TargetGroupArn: group.TargetGroupArn, Targets: []elbtypes.TargetDescription{{Id: aws.String("127.0.0.1")}}}))
	certificate := must[*acm.RequestCertificateOutput](t)(certificates.RequestCertificate(ctx, &acm.RequestCertificateInput{DomainName: lb.DNSName, KeyAlgorithm: acmtypes.KeyAlgorithmEcPrime256v1})).CertificateArn
	pem := must[*acm.GetCertificateOutput](t)(certificates.GetCertificate(ctx, &acm.GetCertificateInput{CertificateArn: certificate}))
	port := freePort(t)
	must[*elb.CreateListenerOutput](t)(balancing.CreateListener(ctx, &elb.CreateListenerInput{
		LoadBalancerArn: lb.LoadBalancerArn, Protocol: elbtypes.ProtocolEnumHttps, Port: aws.Int32(int32(port)), Certificates: []elbtypes.Certificate{{CertificateArn: certificate}},
		DefaultActions: []elbtypes.Action{{Type: elbtypes.ActionTypeEnumForward, TargetGroupArn: group.TargetGroupArn}},
	}))
	if err := elb.NewTargetInServiceWaiter(balancing, func(o *elb.TargetInServiceWaiterOptions) { o.MinDelay, o.MaxDelay = 100*time.Millisecond, time.Second }).Wait(ctx, &elb.DescribeTargetHealthInput{TargetGroupArn: group.TargetGroupArn}, time.Minute); err != nil {
		t.Fatal(err)
	}

	acl := must[*wafv2.CreateWebACLOutput](t)(firewall.CreateWebACL(ctx, &wafv2.CreateWebACLInput{
		Name: aws.String("go"), Scope: types.ScopeRegional, DefaultAction: &types.DefaultAction{Allow: &types.AllowAction{}}, VisibilityConfig: visibleAs("go"),
		Rules: []types.Rule{{
			Name: aws.String("injections"), Priority: 1, Action: &types.RuleAction{Block: &types.BlockAction{}}, VisibilityConfig: visibleAs("injections"),
			Statement: &types.Statement{SqliMatchStatement: &types.SqliMatchStatement{
				FieldToMatch: &types.FieldToMatch{AllQueryArguments: &types.AllQueryArguments{}}, TextTransformations: []types.TextTransformation{{Type: types.TextTransformationTypeUrlDecode}},
			}},
		}},
	})).Summary
	must[*wafv2.AssociateWebACLOutput](t)(firewall.AssociateWebACL(ctx, &wafv2.AssociateWebACLInput{WebACLArn: acl.ARN, ResourceArn: lb.LoadBalancerArn}))

	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(*pem.CertificateChain)) {
		t.Fatal("the chain has no certificate")
	}
	var dialer net.Dialer
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true, Proxy: nil,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, address)
		},
	}}
	get := func(query string) (int, string) {
		res, err := client.Get("https://" + *lb.DNSName + "/?q=" + url.QueryEscape(query))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body := must[[]byte](t)(io.ReadAll(res.Body))
		return res.StatusCode, string(body)
	}
	status := 0
	// Less than a second on a quiet machine; this is no measurement.
	for deadline := time.Now().Add(30 * time.Second); status != http.StatusForbidden && time.Now().Before(deadline); {
		status, _ = get("1' or 1=1--")
	}
	if status != http.StatusForbidden {
		t.Errorf("an injection is answered with %d long after the association", status)
	}
	if status, body := get("rock & roll"); status != http.StatusOK || body != "welcome" {
		t.Errorf("rock & roll is answered with %d, %q", status, body)
	}

	// Errors are the modelled types.
	_, err := firewall.DeleteWebACL(ctx, &wafv2.DeleteWebACLInput{Name: acl.Name, Scope: types.ScopeRegional, Id: acl.Id, LockToken: acl.LockToken})
	if _, ok := errors.AsType[*types.WAFAssociatedItemException](err); !ok {
		t.Errorf("deleting a web ACL in use: %v", err)
	}
	_, err = firewall.CreateIPSet(ctx, &wafv2.CreateIPSetInput{Name: aws.String("bad"), Scope: types.ScopeRegional, IPAddressVersion: types.IPAddressVersionIpv4, Addresses: []string{"192.0.2.1"}})
	if invalid, ok := errors.AsType[*types.WAFInvalidParameterException](err); !ok || invalid.Field != types.ParameterExceptionFieldIpAddress || *invalid.Parameter != "192.0.2.1" {
		t.Errorf("an address without a length: %v", err)
	}
	_, err = certificates.DeleteCertificate(ctx, &acm.DeleteCertificateInput{CertificateArn: certificate})
	if _, ok := errors.AsType[*acmtypes.ResourceInUseException](err); !ok {
		t.Errorf("deleting a certificate in use: %v", err)
	}
	_, err = balancing.DeleteTargetGroup(ctx, &elb.DeleteTargetGroupInput{TargetGroupArn: group.TargetGroupArn})
	if _, ok := errors.AsType[*elbtypes.ResourceInUseException](err); !ok {
		t.Errorf("deleting a target group in use: %v", err)
	}
	_, err = balancing.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{Name: aws.String("net"), Type: elbtypes.LoadBalancerTypeEnumNetwork})
	if _, ok := errors.AsType[*elbtypes.InvalidConfigurationRequestException](err); !ok || !strings.Contains(err.Error(), "'network'") {
		t.Errorf("a network load balancer: %v", err)
	}

	// What was read may be written again: Terraform's way.
	full := must[*wafv2.GetWebACLOutput](t)(firewall.GetWebACL(ctx, &wafv2.GetWebACLInput{Name: acl.Name, Scope: types.ScopeRegional, Id: acl.Id}))
	up := must[*wafv2.UpdateWebACLOutput](t)(firewall.UpdateWebACL(ctx, &wafv2.UpdateWebACLInput{
		Name: acl.Name, Scope: types.ScopeRegional, Id: acl.Id, LockToken: full.LockToken, DefaultAction: full.WebACL.DefaultAction, Rules: full.WebACL.Rules, VisibilityConfig: full.WebACL.VisibilityConfig,
	}))
	must[*elb.DeleteLoadBalancerOutput](t)(balancing.DeleteLoadBalancer(ctx, &elb.DeleteLoadBalancerInput{LoadBalancerArn: lb.LoadBalancerArn}))
	must[*wafv2.DeleteWebACLOutput](t)(firewall.DeleteWebACL(ctx, &wafv2.DeleteWebACLInput{Name: acl.Name, Scope: types.ScopeRegional, Id: acl.Id, LockToken: up.NextLockToken}))
	must[*acm.DeleteCertificateOutput](t)(certificates.DeleteCertificate(ctx, &acm.DeleteCertificateInput{CertificateArn: certificate}))
	must[*elb.DeleteTargetGroupOutput](t)(balancing.DeleteTargetGroup(ctx, &elb.DeleteTargetGroupInput{TargetGroupArn: group.TargetGroupArn}))
}

func visibleAs(name string) *types.VisibilityConfig {
	return &types.VisibilityConfig{SampledRequestsEnabled: true, CloudWatchMetricsEnabled: true, MetricName: &name}
}

func TestWhatWebACLsLogByTheCLI(t *testing.T) {
	for _, program := range []string{"aws", "bash", "curl", "jq"} {
		need(t, program)
	}
	env := append(server.environment(server.credentials), "TARGET_PORT="+strconv.Itoa(shop(t)), "LISTENER_PORT="+strconv.Itoa(freePort(t)))
	succeed(t, t.TempDir(), env, "bash", absolute(t, "testdata", "awscli_waflogs.sh"))
}
