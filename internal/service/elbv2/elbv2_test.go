package elbv2

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"fastness/internal/api/elbv2api"
	"fastness/internal/due"
	"fastness/internal/front/fronttest"
	"fastness/internal/store"
)

func TestLoadBalancerLifeCycle(t *testing.T) {
	h := newHarness(t)
	ctx := t.Context()
	lb := h.balancer("Shop")
	if arn := *lb.LoadBalancerArn; !strings.HasPrefix(arn, "arn:aws:elasticloadbalancing:us-east-1:111122223333:loadbalancer/app/Shop/") {
		t.Errorf("ARN %s", arn)
	}
	if !strings.HasPrefix(*lb.DNSName, "shop-") || !strings.HasSuffix(*lb.DNSName, ".us-east-1.elb.localhost") || *lb.State.Code != elbv2api.LoadBalancerStateEnumActive {
		t.Errorf("name %s, state %s", *lb.DNSName, *lb.State.Code)
	}
	// Making it again is no error, and makes no other.
	if again := h.balancer("Shop"); *again.LoadBalancerArn != *lb.LoadBalancerArn {
		t.Errorf("made again: %s", *again.LoadBalancerArn)
	}
	_, err := h.admin().CreateLoadBalancer(ctx, &elbv2api.CreateLoadBalancerInput{Name: new("Shop"), Scheme: new(elbv2api.LoadBalancerSchemeEnumInternal)})
	fronttest.Wants(t, err, "DuplicateLoadBalancerNameException: A load balancer with the same name 'Shop' exists, but with different settings")
	for _, c := range []struct {
		in   elbv2api.CreateLoadBalancerInput
		want string
	}{
		{elbv2api.CreateLoadBalancerInput{Name: new("-a")}, "ValidationException: Load balancer name '-a'"},
		{elbv2api.CreateLoadBalancerInput{Name: new(strings.Repeat("a", 33))}, "ValidationException: Load balancer name"},
		{elbv2api.CreateLoadBalancerInput{Name: new("internal-a")}, "ValidationException"},
		{elbv2api.CreateLoadBalancerInput{Name: new("net"), Type: new(elbv2api.LoadBalancerTypeEnumNetwork)}, "InvalidConfigurationRequestException: Load balancers of type 'network' are not supported; use 'application'"},
		{elbv2api.CreateLoadBalancerInput{Name: new("a"), Subnets: []string{"net-1"}}, "InvalidSubnetException"},
		{elbv2api.CreateLoadBalancerInput{Name: new("a"), SecurityGroups: []string{"group"}}, "InvalidSecurityGroupException"},
	} {
		_, err := h.admin().CreateLoadBalancer(ctx, &c.in)
		fronttest.Wants(t, err, c.want)
	}
	_, err = h.admin().DescribeLoadBalancers(ctx, &elbv2api.DescribeLoadBalancersInput{Names: []string{"none"}})
	fronttest.Wants(t, err, "LoadBalancerNotFoundException: Load balancers '[none]' not found")
	set := fronttest.Must[*elbv2api.SetSubnetsOutput](t)(h.admin().SetSubnets(ctx, &elbv2api.SetSubnetsInput{LoadBalancerArn: lb.LoadBalancerArn, Subnets: []string{"subnet-0a", "subnet-0b"}}))
	if len(set.AvailabilityZones) != 2 || *set.AvailabilityZones[1].SubnetId != "subnet-0b" {
		t.Errorf("zones %v", set.AvailabilityZones)
	}
	fronttest.Must[*elbv2api.SetSecurityGroupsOutput](t)(h.admin().SetSecurityGroups(ctx, &elbv2api.SetSecurityGroupsInput{LoadBalancerArn: lb.LoadBalancerArn, SecurityGroups: []string{"sg-0a"}}))
	fronttest.Must[*elbv2api.SetIpAddressTypeOutput](t)(h.admin().SetIpAddressType(ctx, &elbv2api.SetIpAddressTypeInput{LoadBalancerArn: lb.LoadBalancerArn, IpAddressType: new(elbv2api.IpAddressTypeDualstack)}))
	d := fronttest.Must[*elbv2api.DescribeLoadBalancersOutput](t)(h.admin().DescribeLoadBalancers(ctx, &elbv2api.DescribeLoadBalancersInput{LoadBalancerArns: []string{*lb.LoadBalancerArn}})).LoadBalancers[0]
	if !slices.Equal(d.SecurityGroups, []string{"sg-0a"}) || *d.IpAddressType != elbv2api.IpAddressTypeDualstack {
		t.Errorf("load balancer %+v", d)
	}
	fronttest.Must[*elbv2api.DescribeCapacityReservationOutput](t)(h.admin().DescribeCapacityReservation(ctx, &elbv2api.DescribeCapacityReservationInput{LoadBalancerArn: lb.LoadBalancerArn}))

	// Protection against deletion.
	protect := func(on string) {
		fronttest.Must[*elbv2api.ModifyLoadBalancerAttributesOutput](t)(h.admin().ModifyLoadBalancerAttributes(ctx, &elbv2api.ModifyLoadBalancerAttributesInput{
			LoadBalancerArn: lb.LoadBalancerArn, Attributes: []elbv2api.LoadBalancerAttribute{{Key: new("deletion_protection.enabled"), Value: &on}},
		}))
	}
	del := &elbv2api.DeleteLoadBalancerInput{LoadBalancerArn: lb.LoadBalancerArn}
	protect("true")
	_, err = h.admin().DeleteLoadBalancer(ctx, del)
	fronttest.Wants(t, err, "OperationNotPermittedException: Load balancer '"+*lb.LoadBalancerArn+"' cannot be deleted because deletion protection is enabled")
	protect("false")
	h.listener(lb, 8080, answer("404"))
	fronttest.Must[*elbv2api.DeleteLoadBalancerOutput](t)(h.admin().DeleteLoadBalancer(ctx, del))
	fronttest.Must[*elbv2api.DeleteLoadBalancerOutput](t)(h.admin().DeleteLoadBalancer(ctx, del))
	if !slices.Equal(h.deleted, []string{*lb.LoadBalancerArn}) {
		t.Errorf("deleted %v", h.deleted)
	}
	// Its port is free again.
	h.listener(h.balancer("next"), 8080, answer("404"))
}

func TestAttributes(t *testing.T) {
	h := newHarness(t)
	ctx := t.Context()
	lb := h.balancer("lb")
	set := func(key, value string) error {
		_, err := h.admin().ModifyLoadBalancerAttributes(ctx, &elbv2api.ModifyLoadBalancerAttributesInput{LoadBalancerArn: lb.LoadBalancerArn, Attributes: []elbv2api.LoadBalancerAttribute{{Key: &key, Value: &value}}})
		return err
	}
	fronttest.Wants(t, set("idle_timeout.timeout_seconds", "120"), "")
	fronttest.Wants(t, set("idle_timeout.timeout_seconds", "4001"), "ValidationException: '4001' is not a valid value for the attribute 'idle_timeout.timeout_seconds'")
	fronttest.Wants(t, set("idle_timeout.timeout_seconds", "+5"), "ValidationException")
	fronttest.Wants(t, set("none.such", "1"), "ValidationException: Attribute key 'none.such' is not recognized")
	fronttest.Wants(t, set("access_logs.s3.enabled", "true"), "InvalidConfigurationRequestException: 'true' of the attribute 'access_logs.s3.enabled' is not supported")
	fronttest.Wants(t, set("access_logs.s3.enabled", "false"), "")
	all := fronttest.Must[*elbv2api.DescribeLoadBalancerAttributesOutput](t)(h.admin().DescribeLoadBalancerAttributes(ctx, &elbv2api.DescribeLoadBalancerAttributesInput{LoadBalancerArn: lb.LoadBalancerArn}))
	got := make(map[string]string)
	for _, a := range all.Attributes {
		got[*a.Key] = *a.Value
	}
	if got["idle_timeout.timeout_seconds"] != "120" || got["routing.http2.enabled"] != "true" || len(got) != len(balancerAttributes) {
		t.Errorf("attributes %v", got)
	}
	g := h.group("g")
	setGroup := func(pairs ...string) error {
		in := &elbv2api.ModifyTargetGroupAttributesInput{TargetGroupArn: g.TargetGroupArn}
		for i := 0; i < len(pairs); i += 2 {
			in.Attributes = append(in.Attributes, elbv2api.TargetGroupAttribute{Key: &pairs[i], Value: &pairs[i+1]})
		}
		_, err := h.admin().ModifyTargetGroupAttributes(ctx, in)
		return err
	}
	fronttest.Wants(t, setGroup("slow_start.duration_seconds", "30"), "")
	fronttest.Wants(t, setGroup("slow_start.duration_seconds", "29"), "ValidationException")
	fronttest.Wants(t, setGroup("stickiness.enabled", "true", "stickiness.type", "app_cookie"), "ValidationException: A cookie name is required")
	fronttest.Wants(t, setGroup("stickiness.enabled", "true", "stickiness.type", "app_cookie", "stickiness.app_cookie.cookie_name", "AWSALB"), "ValidationException")
	fronttest.Wants(t, setGroup("stickiness.enabled", "true", "stickiness.type", "app_cookie", "stickiness.app_cookie.cookie_name", "session"), "")
	fronttest.Must[*elbv2api.DescribeTargetGroupAttributesOutput](t)(h.admin().DescribeTargetGroupAttributes(ctx, &elbv2api.DescribeTargetGroupAttributesInput{TargetGroupArn: g.TargetGroupArn}))
	l := h.listener(lb, 8080, answer("404"))
	fronttest.Must[*elbv2api.DescribeListenerAttributesOutput](t)(h.admin().DescribeListenerAttributes(ctx, &elbv2api.DescribeListenerAttributesInput{ListenerArn: l.ListenerArn}))
	_, err := h.admin().ModifyListenerAttributes(ctx, &elbv2api.ModifyListenerAttributesInput{ListenerArn: l.ListenerArn, Attributes: []elbv2api.ListenerAttribute{{Key: new("routing.http.response.server.enabled"), Value: new("false")}}})
	fronttest.Wants(t, err, "InvalidConfigurationRequestException")
}

func TestTargetGroups(t *testing.T) {
	h := newHarness(t)
	ctx := t.Context()
	create := func(change func(*elbv2api.CreateTargetGroupInput)) (*elbv2api.TargetGroup, error) {
		in := &elbv2api.CreateTargetGroupInput{Name: new("web"), Protocol: new(elbv2api.ProtocolEnumHTTP), Port: new(int32(80)), TargetType: new(elbv2api.TargetTypeEnumIp)}
		change(in)
		out, err := h.admin().CreateTargetGroup(ctx, in)
		if err != nil {
			return nil, err
		}
		return &out.TargetGroups[0], nil
	}
	g := fronttest.Must[*elbv2api.TargetGroup](t)(create(func(*elbv2api.CreateTargetGroupInput) {}))
	if *g.HealthCheckPort != "traffic-port" || *g.HealthCheckPath != "/" || *g.HealthCheckIntervalSeconds != 30 || *g.HealthCheckTimeoutSeconds != 5 || *g.HealthyThresholdCount != 5 || *g.UnhealthyThresholdCount != 2 || *g.Matcher.HttpCode != "200" || *g.ProtocolVersion != "HTTP1" {
		t.Errorf("defaults %+v", g)
	}
	fronttest.Must[*elbv2api.TargetGroup](t)(create(func(*elbv2api.CreateTargetGroupInput) {}))
	for _, c := range []struct {
		want   string
		change func(*elbv2api.CreateTargetGroupInput)
	}{
		{"DuplicateTargetGroupNameException: A target group with the same name 'web' exists, but with different settings", func(in *elbv2api.CreateTargetGroupInput) { in.Port = new(int32(81)) }},
		{"InvalidConfigurationRequestException: Targets of the type 'instance', which is the default, are not supported", func(in *elbv2api.CreateTargetGroupInput) { in.TargetType = nil }},
		{"InvalidConfigurationRequestException: Targets of the type 'lambda'", func(in *elbv2api.CreateTargetGroupInput) { in.TargetType = new(elbv2api.TargetTypeEnumLambda) }},
		{"InvalidConfigurationRequestException: Target groups with the protocol 'TCP'", func(in *elbv2api.CreateTargetGroupInput) { in.Protocol = new(elbv2api.ProtocolEnumTCP) }},
		{"ValidationException: A port must be specified", func(in *elbv2api.CreateTargetGroupInput) { in.Port = nil }},
		{"ValidationException: Protocol version 'HTTP3'", func(in *elbv2api.CreateTargetGroupInput) { in.ProtocolVersion = new("HTTP3") }},
		{"ValidationException: Health check path 'x'", func(in *elbv2api.CreateTargetGroupInput) { in.HealthCheckPath = new("x") }},
		{"ValidationException: Health check timeout '30' must be smaller", func(in *elbv2api.CreateTargetGroupInput) { in.HealthCheckTimeoutSeconds = new(int32(30)) }},
		{"ValidationException: Health check port '0'", func(in *elbv2api.CreateTargetGroupInput) { in.HealthCheckPort = new("0") }},
		{"ValidationException: Health check matcher '600'", func(in *elbv2api.CreateTargetGroupInput) { in.Matcher = &elbv2api.Matcher{HttpCode: new("600")} }},
		{"ValidationException: The matcher must have", func(in *elbv2api.CreateTargetGroupInput) { in.Matcher = &elbv2api.Matcher{GrpcCode: new("0")} }},
	} {
		_, err := create(c.change)
		fronttest.Wants(t, err, c.want)
	}
	grpc := fronttest.Must[*elbv2api.TargetGroup](t)(create(func(in *elbv2api.CreateTargetGroupInput) { in.Name, in.ProtocolVersion = new("grpc"), new("GRPC") }))
	if *grpc.HealthCheckPath != "/AWS.ALB/healthcheck" || *grpc.Matcher.GrpcCode != "12" {
		t.Errorf("gRPC: %+v", grpc)
	}
	m := fronttest.Must[*elbv2api.ModifyTargetGroupOutput](t)(h.admin().ModifyTargetGroup(ctx, &elbv2api.ModifyTargetGroupInput{TargetGroupArn: g.TargetGroupArn, HealthCheckPath: new("/ping"), Matcher: &elbv2api.Matcher{HttpCode: new("200-299,301")}}))
	if *m.TargetGroups[0].HealthCheckPath != "/ping" || *m.TargetGroups[0].HealthCheckIntervalSeconds != 30 {
		t.Errorf("modified %+v", m.TargetGroups[0])
	}
	// A page at a time.
	one := fronttest.Must[*elbv2api.DescribeTargetGroupsOutput](t)(h.admin().DescribeTargetGroups(ctx, &elbv2api.DescribeTargetGroupsInput{PageSize: new(int32(1))}))
	two := fronttest.Must[*elbv2api.DescribeTargetGroupsOutput](t)(h.admin().DescribeTargetGroups(ctx, &elbv2api.DescribeTargetGroupsInput{PageSize: new(int32(1)), Marker: one.NextMarker}))
	if *one.TargetGroups[0].TargetGroupName != "grpc" || *two.TargetGroups[0].TargetGroupName != "web" || two.NextMarker != nil {
		t.Errorf("pages %v, %v", one, two)
	}
	// One that is used stays.
	lb := h.balancer("lb")
	l := h.listener(lb, 8080, forwardTo(g))
	used := fronttest.Must[*elbv2api.DescribeTargetGroupsOutput](t)(h.admin().DescribeTargetGroups(ctx, &elbv2api.DescribeTargetGroupsInput{LoadBalancerArn: lb.LoadBalancerArn}))
	if len(used.TargetGroups) != 1 || !slices.Equal(used.TargetGroups[0].LoadBalancerArns, []string{*lb.LoadBalancerArn}) {
		t.Errorf("used %v", used)
	}
	del := &elbv2api.DeleteTargetGroupInput{TargetGroupArn: g.TargetGroupArn}
	_, err := h.admin().DeleteTargetGroup(ctx, del)
	fronttest.Wants(t, err, "ResourceInUseException: Target group '"+*g.TargetGroupArn+"' is currently in use by a listener or a rule")
	fronttest.Must[*elbv2api.DeleteListenerOutput](t)(h.admin().DeleteListener(ctx, &elbv2api.DeleteListenerInput{ListenerArn: l.ListenerArn}))
	fronttest.Must[*elbv2api.DeleteTargetGroupOutput](t)(h.admin().DeleteTargetGroup(ctx, del))
	fronttest.Must[*elbv2api.DeleteTargetGroupOutput](t)(h.admin().DeleteTargetGroup(ctx, del))
	_, err = h.admin().DescribeTargetGroups(ctx, &elbv2api.DescribeTargetGroupsInput{TargetGroupArns: []string{*g.TargetGroupArn}})
	fronttest.Wants(t, err, "TargetGroupNotFoundException: One or more target groups not found")
}

func TestTargetsAndTheirHealth(t *testing.T) {
	h := newHarness(t)
	ctx := t.Context()
	g := h.group("g")
	targets := func(list ...string) (all []elbv2api.TargetDescription) {
		for _, ip := range list {
			all = append(all, elbv2api.TargetDescription{Id: &ip})
		}
		return all
	}
	register := func(list ...elbv2api.TargetDescription) error {
		_, err := h.admin().RegisterTargets(ctx, &elbv2api.RegisterTargetsInput{TargetGroupArn: g.TargetGroupArn, Targets: list})
		return err
	}
	states := func() map[string]string {
		out := fronttest.Must[*elbv2api.DescribeTargetHealthOutput](t)(h.admin().DescribeTargetHealth(ctx, &elbv2api.DescribeTargetHealthInput{TargetGroupArn: g.TargetGroupArn}))
		all := make(map[string]string)
		for _, d := range out.TargetHealthDescriptions {
			all[*d.Target.Id] = string(*d.TargetHealth.State) + " " + string(value(d.TargetHealth.Reason))
		}
		return all
	}
	fronttest.Wants(t, register(targets("10.0.0.1", "10.0.0.2", "10.0.0.3")...), "")
	fronttest.Wants(t, register(targets("10.0.0.1")...), "")
	fronttest.Wants(t, register(targets("i-0123456789abcdef0")...), "InvalidTargetException: The IP address 'i-0123456789abcdef0' is not a valid target")
	fronttest.Wants(t, register(targets("2001:db8::1")...), "InvalidTargetException")
	if got := states(); len(got) != 3 || got["10.0.0.1"] != "unused Target.NotInUse" {
		t.Errorf("not in use: %v", got)
	}
	h.listener(h.balancer("lb"), 8080, forwardTo(g))
	h.health["10.0.0.2:8000"] = State{Known: true, Checked: true, Healthy: true}
	h.health["10.0.0.3:8000"] = State{Known: true, Checked: true, Reason: elbv2api.TargetHealthReasonEnumTargetTimeout, Description: "Request timed out"}
	want := map[string]string{"10.0.0.1": "initial Elb.RegistrationInProgress", "10.0.0.2": "healthy ", "10.0.0.3": "unhealthy Target.Timeout"}
	for ip, state := range states() {
		if want[ip] != state {
			t.Errorf("%s is %q, want %q", ip, state, want[ip])
		}
	}
	asked := fronttest.Must[*elbv2api.DescribeTargetHealthOutput](t)(h.admin().DescribeTargetHealth(ctx, &elbv2api.DescribeTargetHealthInput{TargetGroupArn: g.TargetGroupArn, Targets: targets("10.0.0.9")}))
	if r := *asked.TargetHealthDescriptions[0].TargetHealth.Reason; r != elbv2api.TargetHealthReasonEnumTargetNotRegistered {
		t.Errorf("reason %s", r)
	}
	// A target that is taken out finishes first.
	fronttest.Must[*elbv2api.DeregisterTargetsOutput](t)(h.admin().DeregisterTargets(ctx, &elbv2api.DeregisterTargetsInput{TargetGroupArn: g.TargetGroupArn, Targets: targets("10.0.0.1", "10.0.0.2")}))
	if got := states()["10.0.0.1"]; got != "draining Target.DeregistrationInProgress" {
		t.Errorf("draining: %q", got)
	}
	fronttest.Wants(t, register(targets("10.0.0.2")...), "")
	if got := states()["10.0.0.2"]; got != "healthy " {
		t.Errorf("taken up again: %q", got)
	}
	h.clock.Advance(301 * time.Second)
	h.runJobs()
	if got := states(); len(got) != 2 || got["10.0.0.1"] != "" {
		t.Errorf("after the delay: %v", got)
	}
}

// runJobs does the jobs that are due.
func (h *harness) runJobs() {
	h.Helper()
	for kind, handler := range h.service.JobHandlers() {
		var jobs []due.Job
		if err := h.store.View(h.Context(), func(r store.Reader) (err error) {
			jobs, err = h.queue.List(r, kind, "", 1000)
			return err
		}); err != nil {
			h.Fatal(err)
		}
		for _, j := range jobs {
			if j.At.After(h.clock.Now()) {
				continue
			}
			if _, err := h.store.Update(h.Context(), func(tx store.Txn) error { return handler.RunInTxn(h.Context(), tx, j) }); err != nil {
				h.Fatal(err)
			}
		}
	}
}

func TestListeners(t *testing.T) {
	h := newHarness(t)
	ctx := t.Context()
	lb, other := h.balancer("lb"), h.balancer("other")
	g := h.group("g")
	const cert, second = "arn:aws:acm:us-east-1:111122223333:certificate/a", "arn:aws:acm:us-east-1:111122223333:certificate/b"
	h.certs[cert], h.certs[second] = true, true
	create := func(lb *elbv2api.LoadBalancer, change func(*elbv2api.CreateListenerInput)) (*elbv2api.Listener, error) {
		in := &elbv2api.CreateListenerInput{LoadBalancerArn: lb.LoadBalancerArn, Protocol: new(elbv2api.ProtocolEnumHTTP), Port: new(int32(8080)), DefaultActions: forwardTo(g)}
		change(in)
		out, err := h.admin().CreateListener(ctx, in)
		if err != nil {
			return nil, err
		}
		return &out.Listeners[0], nil
	}
	same := func(*elbv2api.CreateListenerInput) {}
	https := func(in *elbv2api.CreateListenerInput) {
		in.Protocol, in.Port, in.Certificates = new(elbv2api.ProtocolEnumHTTPS), new(int32(8443)), []elbv2api.Certificate{{CertificateArn: new(cert)}}
	}
	l := fronttest.Must[*elbv2api.Listener](t)(create(lb, same))
	if f := l.DefaultActions[0].ForwardConfig; *f.TargetGroups[0].Weight != 1 || *f.TargetGroupStickinessConfig.Enabled || *l.DefaultActions[0].TargetGroupArn != *g.TargetGroupArn {
		t.Errorf("default action %+v", l.DefaultActions[0])
	}
	for _, c := range []struct {
		lb     *elbv2api.LoadBalancer
		want   string
		change func(*elbv2api.CreateListenerInput)
	}{
		{lb, "DuplicateListenerException: A listener already exists on this port for this load balancer '" + *lb.LoadBalancerArn + "'", same},
		{other, "InvalidConfigurationRequestException: Port 8080 of the proxies is taken by a listener of another load balancer", same},
		{lb, "UnsupportedProtocolException", func(in *elbv2api.CreateListenerInput) {
			in.Port, in.Protocol = new(int32(81)), new(elbv2api.ProtocolEnumTCP)
		}},
		{lb, "ValidationException: A listener port must be specified", func(in *elbv2api.CreateListenerInput) { in.Port = nil }},
		{lb, "ValidationException: A certificate must be specified for HTTPS listeners", func(in *elbv2api.CreateListenerInput) { https(in); in.Certificates = nil }},
		{lb, "CertificateNotFoundException: Certificate 'x' not found", func(in *elbv2api.CreateListenerInput) {
			https(in)
			in.Certificates = []elbv2api.Certificate{{CertificateArn: new("x")}}
		}},
		{lb, "SSLPolicyNotFoundException: SSL policy 'none' not found", func(in *elbv2api.CreateListenerInput) { https(in); in.SslPolicy = new("none") }},
		{lb, "InvalidConfigurationRequestException: Mutual authentication is not supported", func(in *elbv2api.CreateListenerInput) {
			https(in)
			in.MutualAuthentication = &elbv2api.MutualAuthenticationAttributes{Mode: new("verify")}
		}},
		{lb, "TargetGroupNotFoundException", func(in *elbv2api.CreateListenerInput) {
			in.Port = new(int32(81))
			in.DefaultActions = []elbv2api.Action{{Type: new(elbv2api.ActionTypeEnumForward), TargetGroupArn: new(strings.Replace(*g.TargetGroupArn, "/g/", "/h/", 1))}}
		}},
	} {
		_, err := create(c.lb, c.change)
		fronttest.Wants(t, err, c.want)
	}
	s := fronttest.Must[*elbv2api.Listener](t)(create(lb, https))
	if *s.SslPolicy != "ELBSecurityPolicy-2016-08" || *s.Certificates[0].CertificateArn != cert {
		t.Errorf("HTTPS: %+v", s)
	}
	add := &elbv2api.AddListenerCertificatesInput{ListenerArn: s.ListenerArn, Certificates: []elbv2api.Certificate{{CertificateArn: new(second)}}}
	fronttest.Must[*elbv2api.AddListenerCertificatesOutput](t)(h.admin().AddListenerCertificates(ctx, add))
	_, err := h.admin().AddListenerCertificates(ctx, &elbv2api.AddListenerCertificatesInput{ListenerArn: l.ListenerArn, Certificates: add.Certificates})
	fronttest.Wants(t, err, "InvalidConfigurationRequestException")
	certs := fronttest.Must[*elbv2api.DescribeListenerCertificatesOutput](t)(h.admin().DescribeListenerCertificates(ctx, &elbv2api.DescribeListenerCertificatesInput{ListenerArn: s.ListenerArn})).Certificates
	if len(certs) != 2 || !*certs[0].IsDefault || *certs[1].IsDefault || *certs[1].CertificateArn != second {
		t.Errorf("certificates %v", certs)
	}
	if err := h.store.View(ctx, func(r store.Reader) error {
		users, err := h.service.CertificateUsers(r, testAccount, testRegion, second)
		if !slices.Equal(users, []string{*lb.LoadBalancerArn}) {
			t.Errorf("users %v", users)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	_, err = h.admin().RemoveListenerCertificates(ctx, &elbv2api.RemoveListenerCertificatesInput{ListenerArn: s.ListenerArn, Certificates: []elbv2api.Certificate{{CertificateArn: new(cert)}}})
	fronttest.Wants(t, err, "OperationNotPermittedException")
	fronttest.Must[*elbv2api.RemoveListenerCertificatesOutput](t)(h.admin().RemoveListenerCertificates(ctx, &elbv2api.RemoveListenerCertificatesInput{ListenerArn: s.ListenerArn, Certificates: add.Certificates}))
	m := fronttest.Must[*elbv2api.ModifyListenerOutput](t)(h.admin().ModifyListener(ctx, &elbv2api.ModifyListenerInput{ListenerArn: s.ListenerArn, Port: new(int32(9443)), SslPolicy: new("ELBSecurityPolicy-TLS13-1-3-2021-06")}))
	if *m.Listeners[0].Port != 9443 || *m.Listeners[0].DefaultActions[0].TargetGroupArn != *g.TargetGroupArn {
		t.Errorf("modified %+v", m.Listeners[0])
	}
	fronttest.Must[*elbv2api.Listener](t)(create(other, https)) // the port that was left
	all := fronttest.Must[*elbv2api.DescribeListenersOutput](t)(h.admin().DescribeListeners(ctx, &elbv2api.DescribeListenersInput{LoadBalancerArn: lb.LoadBalancerArn}))
	if len(all.Listeners) != 2 {
		t.Errorf("%d listeners", len(all.Listeners))
	}
	_, err = h.admin().DescribeListeners(ctx, &elbv2api.DescribeListenersInput{ListenerArns: []string{strings.Replace(*l.ListenerArn, "lb", "none", 1)}})
	fronttest.Wants(t, err, "ListenerNotFoundException: One or more listeners not found")
}

func TestRules(t *testing.T) {
	h := newHarness(t)
	ctx := t.Context()
	lb := h.balancer("lb")
	g1, g2 := h.group("g1"), h.group("g2")
	l := h.listener(lb, 8080, answer("404"))
	create := func(priority int32, conditions []elbv2api.RuleCondition, actions []elbv2api.Action) (*elbv2api.Rule, error) {
		out, err := h.admin().CreateRule(ctx, &elbv2api.CreateRuleInput{ListenerArn: l.ListenerArn, Priority: &priority, Conditions: conditions, Actions: actions})
		if err != nil {
			return nil, err
		}
		return &out.Rules[0], nil
	}
	twenty := fronttest.Must[*elbv2api.Rule](t)(create(20, path("/api/*"), forwardTo(g1, g2)))
	ten := fronttest.Must[*elbv2api.Rule](t)(create(10, path("/img/*"), forwardTo(g1)))
	if c := ten.Conditions[0]; !slices.Equal(c.Values, []string{"/img/*"}) || !slices.Equal(c.PathPatternConfig.Values, []string{"/img/*"}) || *ten.IsDefault || *ten.Priority != "10" {
		t.Errorf("rule %+v", ten)
	}
	config := func(c elbv2api.RuleCondition) []elbv2api.RuleCondition { return []elbv2api.RuleCondition{c} }
	for _, c := range []struct {
		name       string
		priority   int32
		conditions []elbv2api.RuleCondition
		actions    []elbv2api.Action
		want       string
	}{
		{"a priority that is taken", 10, path("/x"), answer("200"), "PriorityInUseException: Priority '10' is currently in use"},
		{"a priority that is none", 50_001, path("/x"), answer("200"), "ValidationException"},
		{"no condition", 1, nil, answer("200"), "ValidationException"},
		{"an unknown field", 1, config(elbv2api.RuleCondition{Field: new("color"), Values: []string{"red"}}), answer("200"), "ValidationException: Condition field 'color' must be one of"},
		{"no values", 1, path(), answer("200"), "ValidationException"},
		{"six values", 1, path("/1", "/2", "/3", "/4", "/5", "/6"), answer("200"), "ValidationException: Conditions of a rule cannot have more than '5' values"},
		{"seven wildcards", 1, path("/*/*/*/*/*/*/*"), answer("200"), "ValidationException: Conditions of a rule cannot have more than '6' wildcards"},
		{"a path with a blank", 1, path("/a b"), answer("200"), "ValidationException: Condition value '/a b'"},
		{"two paths", 1, append(path("/a"), path("/b")...), answer("200"), "ValidationException: A rule can only have one 'path-pattern' condition"},
		{"a header without a configuration", 1, config(elbv2api.RuleCondition{Field: new("http-header"), Values: []string{"x"}}), answer("200"), "ValidationException"},
		{"the header Host", 1, config(elbv2api.RuleCondition{Field: new("http-header"), HttpHeaderConfig: &elbv2api.HttpHeaderConditionConfig{HttpHeaderName: new("Host"), Values: []string{"x"}}}), answer("200"), "ValidationException: HTTP header name 'Host' is not valid"},
		{"an address without a length", 1, config(elbv2api.RuleCondition{Field: new("source-ip"), SourceIpConfig: &elbv2api.SourceIpConditionConfig{Values: []string{"10.0.0.1"}}}), answer("200"), "ValidationException"},
		{"a method in lower case", 1, config(elbv2api.RuleCondition{Field: new("http-request-method"), HttpRequestMethodConfig: &elbv2api.HttpRequestMethodConditionConfig{Values: []string{"get"}}}), answer("200"), "ValidationException"},
		{"an expression that is none", 1, config(elbv2api.RuleCondition{Field: new("path-pattern"), PathPatternConfig: &elbv2api.PathPatternConditionConfig{RegexValues: []string{"("}}}), answer("200"), "ValidationException: '(' is not a valid regular expression"},

		{"no action", 1, path("/x"), nil, "ValidationException"},
		{"a status that is none", 1, path("/x"), answer("302"), "ValidationException"},
		{"an action to authenticate", 1, path("/x"), []elbv2api.Action{{Type: new(elbv2api.ActionTypeEnumAuthenticateOidc)}}, "InvalidConfigurationRequestException: Actions of the type 'authenticate-oidc' are not supported"},
		{"two actions", 1, path("/x"), append(answer("200"), answer("200")...), "InvalidLoadBalancerActionException"},
		{"an action without its configuration", 1, path("/x"), []elbv2api.Action{{Type: new(elbv2api.ActionTypeEnumRedirect), FixedResponseConfig: answer("200")[0].FixedResponseConfig}}, "InvalidLoadBalancerActionException"},
		{"a redirection to itself", 1, path("/x"), []elbv2api.Action{{Type: new(elbv2api.ActionTypeEnumRedirect), RedirectConfig: &elbv2api.RedirectActionConfig{StatusCode: new(elbv2api.RedirectActionStatusCodeEnumHTTP301)}}}, "ValidationException: The redirect configuration is not valid because it creates a loop."},
		{"a redirection with a strange placeholder", 1, path("/x"), []elbv2api.Action{{Type: new(elbv2api.ActionTypeEnumRedirect), RedirectConfig: &elbv2api.RedirectActionConfig{Path: new("/#{user}"), StatusCode: new(elbv2api.RedirectActionStatusCodeEnumHTTP301)}}}, "ValidationException: '#{user}' is not a component"},
		{"one target group twice", 1, path("/x"), forwardTo(g1, g1), "ValidationException"},
		{"a header", 1, config(elbv2api.RuleCondition{Field: new("http-header"), HttpHeaderConfig: &elbv2api.HttpHeaderConditionConfig{HttpHeaderName: new("User-Agent"), Values: []string{"*curl*"}}}), answer("200"), ""},
		{"a query", 2, config(elbv2api.RuleCondition{Field: new("query-string"), QueryStringConfig: &elbv2api.QueryStringConditionConfig{Values: []elbv2api.QueryStringKeyValuePair{{Key: new("version"), Value: new("v1")}, {Value: new("*beta*")}}}}), answer("200"), ""},
		{"a method and an address", 3, []elbv2api.RuleCondition{
			{Field: new("http-request-method"), HttpRequestMethodConfig: &elbv2api.HttpRequestMethodConditionConfig{Values: []string{"POST"}}},
			{Field: new("source-ip"), SourceIpConfig: &elbv2api.SourceIpConditionConfig{Values: []string{"10.0.0.0/8", "2001:db8::/32"}}},
		}, answer("200"), ""},
		{"to HTTPS", 4, config(elbv2api.RuleCondition{Field: new("host-header"), Values: []string{"*.example.com"}}), []elbv2api.Action{{Type: new(elbv2api.ActionTypeEnumRedirect), RedirectConfig: &elbv2api.RedirectActionConfig{Protocol: new("HTTPS"), Port: new("443"), StatusCode: new(elbv2api.RedirectActionStatusCodeEnumHTTP301)}}}, ""},
	} {
		_, err := create(c.priority, c.conditions, c.actions)
		if got := fronttest.Text(err); c.want == "" && got != "" || !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	rules := fronttest.Must[*elbv2api.DescribeRulesOutput](t)(h.admin().DescribeRules(ctx, &elbv2api.DescribeRulesInput{ListenerArn: l.ListenerArn})).Rules
	var order []string
	for _, r := range rules {
		order = append(order, *r.Priority)
	}
	if want := []string{"1", "2", "3", "4", "10", "20", "default"}; !slices.Equal(order, want) {
		t.Errorf("priorities %v, want %v", order, want)
	}
	fallback := rules[len(rules)-1]
	_, err := h.admin().DeleteRule(ctx, &elbv2api.DeleteRuleInput{RuleArn: fallback.RuleArn})
	fronttest.Wants(t, err, "OperationNotPermittedException: Default rule '"+*fallback.RuleArn+"' cannot be deleted")
	_, err = h.admin().ModifyRule(ctx, &elbv2api.ModifyRuleInput{RuleArn: fallback.RuleArn, Conditions: path("/x")})
	fronttest.Wants(t, err, "OperationNotPermittedException")
	fronttest.Must[*elbv2api.ModifyRuleOutput](t)(h.admin().ModifyRule(ctx, &elbv2api.ModifyRuleInput{RuleArn: fallback.RuleArn, Actions: forwardTo(g2)}))
	m := fronttest.Must[*elbv2api.ModifyRuleOutput](t)(h.admin().ModifyRule(ctx, &elbv2api.ModifyRuleInput{RuleArn: ten.RuleArn, Conditions: path("/pics/*")}))
	if !slices.Equal(m.Rules[0].Conditions[0].Values, []string{"/pics/*"}) || *m.Rules[0].Actions[0].TargetGroupArn != *g1.TargetGroupArn {
		t.Errorf("modified %+v", m.Rules[0])
	}
	// Two rules trade places.
	swap := func(a, b int32) error {
		_, err := h.admin().SetRulePriorities(ctx, &elbv2api.SetRulePrioritiesInput{RulePriorities: []elbv2api.RulePriorityPair{{RuleArn: ten.RuleArn, Priority: &a}, {RuleArn: twenty.RuleArn, Priority: &b}}})
		return err
	}
	fronttest.Wants(t, swap(20, 10), "")
	fronttest.Wants(t, swap(4, 10), "PriorityInUseException: Priority '4' is currently in use")
	d := fronttest.Must[*elbv2api.DescribeRulesOutput](t)(h.admin().DescribeRules(ctx, &elbv2api.DescribeRulesInput{RuleArns: []string{*ten.RuleArn, *fallback.RuleArn}})).Rules
	if *d[0].Priority != "20" || !*d[1].IsDefault || *d[1].Actions[0].TargetGroupArn != *g2.TargetGroupArn {
		t.Errorf("after the swap %+v", d)
	}
	fronttest.Must[*elbv2api.DeleteRuleOutput](t)(h.admin().DeleteRule(ctx, &elbv2api.DeleteRuleInput{RuleArn: ten.RuleArn}))
	_, err = h.admin().DescribeRules(ctx, &elbv2api.DescribeRulesInput{RuleArns: []string{*ten.RuleArn}})
	fronttest.Wants(t, err, "RuleNotFoundException: One or more rules not found")
}

func TestALoadBalancerOfTheLargestSizeCanBeDeleted(t *testing.T) {
	h := newHarness(t)
	ctx := t.Context()
	lb := h.balancer("big")
	var last *elbv2api.Listener
	for i := range int32(maxListeners) {
		last = h.listener(lb, 8000+i, answer("404"))
	}
	_, err := h.admin().CreateListener(ctx, &elbv2api.CreateListenerInput{LoadBalancerArn: lb.LoadBalancerArn, Protocol: new(elbv2api.ProtocolEnumHTTP), Port: new(int32(9000)), DefaultActions: answer("404")})
	fronttest.Wants(t, err, "TooManyListenersException")
	rule := func(i int32) error {
		_, err := h.admin().CreateRule(ctx, &elbv2api.CreateRuleInput{ListenerArn: last.ListenerArn, Priority: &i, Conditions: path("/x"), Actions: answer("200")})
		return err
	}
	for i := range int32(maxRules) {
		fronttest.Wants(t, rule(i+1), "")
	}
	fronttest.Wants(t, rule(1000), "TooManyRulesException")
	fronttest.Must[*elbv2api.DeleteLoadBalancerOutput](t)(h.admin().DeleteLoadBalancer(ctx, &elbv2api.DeleteLoadBalancerInput{LoadBalancerArn: lb.LoadBalancerArn}))
}

func TestTags(t *testing.T) {
	h := newHarness(t)
	ctx := t.Context()
	lb := h.balancer("lb")
	l := h.listener(lb, 8080, answer("404"))
	r := fronttest.Must[*elbv2api.CreateRuleOutput](t)(h.admin().CreateRule(ctx, &elbv2api.CreateRuleInput{ListenerArn: l.ListenerArn, Priority: new(int32(1)), Conditions: path("/x"), Actions: answer("200"), Tags: []elbv2api.Tag{{Key: new("k"), Value: new("v")}}})).Rules[0]
	all := []string{*lb.LoadBalancerArn, *l.ListenerArn, *r.RuleArn}
	fronttest.Must[*elbv2api.AddTagsOutput](t)(h.admin().AddTags(ctx, &elbv2api.AddTagsInput{ResourceArns: all, Tags: []elbv2api.Tag{{Key: new("env"), Value: new("prod")}}}))
	d := fronttest.Must[*elbv2api.DescribeTagsOutput](t)(h.admin().DescribeTags(ctx, &elbv2api.DescribeTagsInput{ResourceArns: all})).TagDescriptions
	if len(d) != 3 || len(d[2].Tags) != 2 || *d[0].Tags[0].Value != "prod" {
		t.Errorf("tags %v", d)
	}
	fronttest.Must[*elbv2api.RemoveTagsOutput](t)(h.admin().RemoveTags(ctx, &elbv2api.RemoveTagsInput{ResourceArns: all[:1], TagKeys: []string{"env"}}))
	_, err := h.admin().AddTags(ctx, &elbv2api.AddTagsInput{ResourceArns: all, Tags: []elbv2api.Tag{{Key: new("a")}, {Key: new("a")}}})
	fronttest.Wants(t, err, "DuplicateTagKeysException")
	// Tags are conditions, under the service's own name too.
	who := user(testAccount, "deleter")
	h.allow(who, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"elasticloadbalancing:DeleteListener","Resource":"*","Condition":{"StringEquals":{"elasticloadbalancing:ResourceTag/env":"prod"}}}}`)
	fronttest.Must[*elbv2api.DeleteListenerOutput](t)(h.as(who, testRegion).DeleteListener(ctx, &elbv2api.DeleteListenerInput{ListenerArn: l.ListenerArn}))
	_, err = h.as(who, testRegion).DeleteListener(ctx, &elbv2api.DeleteListenerInput{ListenerArn: h.listener(lb, 8081, answer("404")).ListenerArn})
	fronttest.Wants(t, err, "AccessDeniedException")
}

func TestPoliciesAndLimits(t *testing.T) {
	h := newHarness(t)
	p := fronttest.Must[*elbv2api.DescribeSSLPoliciesOutput](t)(h.admin().DescribeSSLPolicies(t.Context(), &elbv2api.DescribeSSLPoliciesInput{Names: []string{"ELBSecurityPolicy-TLS13-1-3-2021-06", "ELBSecurityPolicy-2016-08"}})).SslPolicies
	if len(p) != 2 || !slices.Equal(p[0].SslProtocols, []string{"TLSv1.2", "TLSv1.3"}) || !slices.Equal(p[1].SslProtocols, []string{"TLSv1.3"}) || len(p[1].Ciphers) != 3 {
		t.Errorf("policies %v", p)
	}
	_, err := h.admin().DescribeSSLPolicies(t.Context(), &elbv2api.DescribeSSLPoliciesInput{Names: []string{"none"}})
	fronttest.Wants(t, err, "SSLPolicyNotFoundException")
	if l := fronttest.Must[*elbv2api.DescribeAccountLimitsOutput](t)(h.admin().DescribeAccountLimits(t.Context(), &elbv2api.DescribeAccountLimitsInput{})); *l.Limits[0].Max != "50" {
		t.Errorf("limits %v", l.Limits)
	}
}

func TestPublish(t *testing.T) {
	h := newHarness(t)
	g, unused := h.group("g"), h.group("unused")
	fronttest.Must[*elbv2api.RegisterTargetsOutput](t)(h.admin().RegisterTargets(t.Context(), &elbv2api.RegisterTargetsInput{TargetGroupArn: g.TargetGroupArn, Targets: []elbv2api.TargetDescription{{Id: new("10.0.0.1"), Port: new(int32(9000))}}}))
	lb := h.balancer("lb")
	h.balancer("idle")
	h.listener(lb, 8080, forwardTo(g))
	var p Published
	if err := h.store.View(t.Context(), func(r store.Reader) (err error) {
		p, err = h.service.Publish(r)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if len(p.LoadBalancers) != 1 || p.LoadBalancers[0].ARN != *lb.LoadBalancerArn || p.LoadBalancers[0].Listeners[0].Port != 8080 || p.LoadBalancers[0].Attributes["idle_timeout.timeout_seconds"] != "60" {
		t.Errorf("load balancers %+v", p.LoadBalancers)
	}
	if len(p.TargetGroups) != 1 || p.TargetGroups[0].ARN != *g.TargetGroupArn || p.TargetGroups[0].Targets[0] != (PublishedTarget{IP: "10.0.0.1", Port: 9000}) || p.TargetGroups[0].ARN == *unused.TargetGroupArn {
		t.Errorf("target groups %+v", p.TargetGroups)
	}
	if _, err := json.Marshal(p); err != nil {
		t.Error(err)
	}
	problems, err := store.Fsck(t.Context(), h.store, h.registry.Checks()...)
	if err != nil || len(problems) > 0 {
		t.Errorf("problems %v, error %v", problems, err)
	}
}
