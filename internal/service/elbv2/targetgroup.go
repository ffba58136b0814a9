package elbv2

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"fastness/internal/api/elbv2api"
	"fastness/internal/call"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

// The protocol versions of target groups.
const (
	versionHTTP1 = "HTTP1"
	versionHTTP2 = "HTTP2"
	versionGRPC  = "GRPC"
)

// CreateTargetGroup implements the operation of that name. One that is there already, with the same
// settings, is answered as if it had been made.
func (s *Service) CreateTargetGroup(ctx context.Context, in *elbv2api.CreateTargetGroupInput) (*elbv2api.CreateTargetGroupOutput, error) {
	c, n, err := one(ctx)
	if err != nil {
		return nil, err
	}
	g, err := newTargetGroup(n, in)
	if err != nil {
		return nil, err
	}
	tx := c.Txn()
	old, err := s.tables.groups.Get(tx, n.scope(), parts(g.Name)...)
	if err == nil {
		if old.Protocol != g.Protocol || old.Version != g.Version || old.Port != g.Port || old.VPC != g.VPC || old.Addresses != g.Addresses || old.Health != g.Health {
			return nil, &elbv2api.DuplicateTargetGroupNameException{Message: new(fmt.Sprintf("A target group with the same name '%s' exists, but with different settings", g.Name))}
		}
		d, err := s.describeGroup(tx, old)
		return &elbv2api.CreateTargetGroupOutput{TargetGroups: []elbv2api.TargetGroup{d}}, err
	}
	if !isNotFound(err) {
		return nil, err
	}
	count := 0
	for _, err := range s.tables.groups.Scan(tx, n.scope(), table.Page{}) {
		if err != nil {
			return nil, err
		}
		count++
	}
	if count >= maxTargetGroups {
		return nil, &elbv2api.TooManyTargetGroupsException{Message: new("The maximum number of target groups has been reached")}
	}
	if g.Tags, err = withTags(nil, in.Tags); err != nil {
		return nil, err
	}
	if err := s.tables.groups.Insert(tx, g); err != nil {
		return nil, err
	}
	d, err := s.describeGroup(tx, g)
	return &elbv2api.CreateTargetGroupOutput{TargetGroups: []elbv2api.TargetGroup{d}}, err
}

// newTargetGroup makes a record of a request.
func newTargetGroup(n name, in *elbv2api.CreateTargetGroupInput) (*targetGroupRecord, error) {
	if err := checkName("Target group", n.short()); err != nil {
		return nil, err
	}
	switch t := value(in.TargetType); t {
	case elbv2api.TargetTypeEnumIp:
	case "":
		return nil, unsupported("Targets of the type 'instance', which is the default, are not supported; use the target type 'ip'")
	default:
		return nil, unsupported("Targets of the type '%s' are not supported; use the target type 'ip'", t)
	}
	switch p := value(in.Protocol); p {
	case elbv2api.ProtocolEnumHTTP, elbv2api.ProtocolEnumHTTPS:
	case "":
		return nil, invalid("A protocol must be specified")
	default:
		return nil, unsupported("Target groups with the protocol '%s' are not supported; use 'HTTP' or 'HTTPS'", p)
	}
	if in.Port == nil {
		return nil, invalid("A port must be specified")
	}
	if in.TargetControlPort != nil {
		return nil, unsupported("A target control port is not supported")
	}
	g := &targetGroupRecord{
		Account: n.account, Region: n.region, Name: n.short(), ID: n.id(), Protocol: *in.Protocol, Version: value(in.ProtocolVersion), Port: *in.Port,
		VPC: value(in.VpcId), Addresses: value(in.IpAddressType),
	}
	switch g.Version {
	case versionHTTP1, versionHTTP2, versionGRPC:
	case "":
		g.Version = versionHTTP1
	default:
		return nil, invalid("Protocol version '%s' must be one of '[GRPC, HTTP1, HTTP2]'", g.Version)
	}
	if g.Addresses == "" {
		g.Addresses = elbv2api.TargetGroupIpAddressTypeEnumIpv4
	}
	g.Health = defaultHealth(g.Version)
	return g, g.Health.change(healthChange{
		in.HealthCheckProtocol, in.HealthCheckPort, in.HealthCheckPath, in.HealthCheckEnabled,
		in.HealthCheckIntervalSeconds, in.HealthCheckTimeoutSeconds, in.HealthyThresholdCount, in.UnhealthyThresholdCount, in.Matcher,
	}, g.Version)
}

// describeGroup is a target group as answers show it.
func (s *Service) describeGroup(r store.Reader, g *targetGroupRecord) (elbv2api.TargetGroup, error) {
	users, err := s.tables.users(r, g.Account, g.Region, g.name().arn())
	return g.describe(users), err
}

// describe is a target group as answers show it; users are the load balancers that use it.
func (g *targetGroupRecord) describe(users []string) elbv2api.TargetGroup {
	h := &g.Health
	return elbv2api.TargetGroup{
		TargetGroupArn: new(g.name().arn()), TargetGroupName: &g.Name, Protocol: &g.Protocol, Port: &g.Port, VpcId: some(g.VPC),
		HealthCheckProtocol: &h.Protocol, HealthCheckPort: &h.Port, HealthCheckEnabled: &h.Enabled, HealthCheckIntervalSeconds: &h.Interval,
		HealthCheckTimeoutSeconds: &h.Timeout, HealthyThresholdCount: &h.Healthy, UnhealthyThresholdCount: &h.Unhealthy, HealthCheckPath: &h.Path,
		Matcher: h.matcherOf(g.Version), TargetType: new(elbv2api.TargetTypeEnumIp), ProtocolVersion: &g.Version, IpAddressType: &g.Addresses,
		LoadBalancerArns: append([]string{}, users...),
	}
}

// DescribeTargetGroups implements the operation of that name.
func (s *Service) DescribeTargetGroups(ctx context.Context, in *elbv2api.DescribeTargetGroupsInput) (*elbv2api.DescribeTargetGroupsOutput, error) {
	c := call.From(ctx)
	out := &elbv2api.DescribeTargetGroupsOutput{TargetGroups: []elbv2api.TargetGroup{}}
	p, err := s.pageOf(c, in.Marker, in.PageSize)
	if err != nil {
		return nil, err
	}
	err = s.store.View(ctx, func(r store.Reader) error {
		uses, err := s.tables.uses(r, c.Account, c.Region)
		if err != nil {
			return err
		}
		add := func(g *targetGroupRecord) {
			out.TargetGroups = append(out.TargetGroups, g.describe(uses[g.name().arn()]))
		}
		for _, text := range in.Names {
			g, err := s.tables.groups.Get(r, scope(c.Account, c.Region), parts(text)...)
			if isNotFound(err) {
				return noTargetGroup()
			}
			if err != nil {
				return err
			}
			add(g)
		}
		for _, text := range in.TargetGroupArns {
			g, err := s.groupAt(r, c, text)
			if err != nil {
				return err
			}
			add(g)
		}
		if len(in.Names)+len(in.TargetGroupArns) > 0 {
			return nil
		}
		if in.LoadBalancerArn != nil {
			if _, err := s.balancerAt(r, c, *in.LoadBalancerArn); err != nil {
				return err
			}
		}
		for row, err := range s.tables.groups.Scan(r, scope(c.Account, c.Region), table.Page{}) {
			if err != nil {
				return err
			}
			if in.LoadBalancerArn != nil && !slices.Contains(uses[row.Record.name().arn()], *in.LoadBalancerArn) {
				continue
			}
			if p.take(row.Record.Name) {
				add(row.Record)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out.NextMarker, err = s.nextMarker(c, p)
	return out, err
}

// groupAt reads the target group of an ARN.
func (s *Service) groupAt(r store.Reader, c *call.Call, text string) (*targetGroupRecord, error) {
	n, ok := parseARN(text, kindTargetGroup, c.Account, c.Region)
	if !ok {
		return nil, malformed(kindTargetGroup, text)
	}
	return s.tables.group(r, n)
}

// ownGroup reads the target group of a call that changes it.
func (s *Service) ownGroup(ctx context.Context) (*call.Call, *targetGroupRecord, error) {
	c, n, err := one(ctx)
	if err != nil {
		return nil, nil, err
	}
	g, err := s.tables.group(c.Txn(), n)
	return c, g, err
}

func (s *Service) saveGroup(tx store.Txn, g *targetGroupRecord) error {
	s.publish(tx)
	return s.tables.groups.Put(tx, g)
}

// ModifyTargetGroup implements the operation of that name: it changes the health check.
func (s *Service) ModifyTargetGroup(ctx context.Context, in *elbv2api.ModifyTargetGroupInput) (*elbv2api.ModifyTargetGroupOutput, error) {
	c, g, err := s.ownGroup(ctx)
	if err != nil {
		return nil, err
	}
	err = g.Health.change(healthChange{
		in.HealthCheckProtocol, in.HealthCheckPort, in.HealthCheckPath, in.HealthCheckEnabled,
		in.HealthCheckIntervalSeconds, in.HealthCheckTimeoutSeconds, in.HealthyThresholdCount, in.UnhealthyThresholdCount, in.Matcher,
	}, g.Version)
	if err != nil {
		return nil, err
	}
	if err := s.saveGroup(c.Txn(), g); err != nil {
		return nil, err
	}
	d, err := s.describeGroup(c.Txn(), g)
	return &elbv2api.ModifyTargetGroupOutput{TargetGroups: []elbv2api.TargetGroup{d}}, err
}

// DeleteTargetGroup implements the operation of that name. One that is not there is no error.
func (s *Service) DeleteTargetGroup(ctx context.Context, _ *elbv2api.DeleteTargetGroupInput) (*elbv2api.DeleteTargetGroupOutput, error) {
	c, g, err := s.ownGroup(ctx)
	out := new(elbv2api.DeleteTargetGroupOutput)
	if isAbsent(err) {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	users, err := s.tables.users(c.Txn(), g.Account, g.Region, g.name().arn())
	if err != nil {
		return nil, err
	}
	if len(users) > 0 {
		return nil, &elbv2api.ResourceInUseException{Message: new(fmt.Sprintf("Target group '%s' is currently in use by a listener or a rule", g.name().arn()))}
	}
	s.publish(c.Txn())
	return out, s.tables.groups.Delete(c.Txn(), g.name().scope(), parts(g.Name)...)
}

// DescribeTargetGroupAttributes implements the operation of that name.
func (s *Service) DescribeTargetGroupAttributes(ctx context.Context, in *elbv2api.DescribeTargetGroupAttributesInput) (*elbv2api.DescribeTargetGroupAttributesOutput, error) {
	out := new(elbv2api.DescribeTargetGroupAttributesOutput)
	err := s.store.View(ctx, func(r store.Reader) error {
		g, err := s.groupAt(r, call.From(ctx), value(in.TargetGroupArn))
		if err != nil {
			return err
		}
		out.Attributes = g.attributes()
		return nil
	})
	return out, err
}

func (g *targetGroupRecord) attributes() (all []elbv2api.TargetGroupAttribute) {
	for key, v := range groupAttributes.all(g.Attributes) {
		all = append(all, elbv2api.TargetGroupAttribute{Key: &key, Value: &v})
	}
	return all
}

// ModifyTargetGroupAttributes implements the operation of that name.
func (s *Service) ModifyTargetGroupAttributes(ctx context.Context, in *elbv2api.ModifyTargetGroupAttributesInput) (*elbv2api.ModifyTargetGroupAttributesOutput, error) {
	c, g, err := s.ownGroup(ctx)
	if err != nil {
		return nil, err
	}
	g.Attributes = maps.Clone(g.Attributes)
	for _, a := range in.Attributes {
		if err := groupAttributes.set(&g.Attributes, value(a.Key), value(a.Value)); err != nil {
			return nil, err
		}
	}
	if groupAttributes.get(g.Attributes, "stickiness.enabled") == "true" && groupAttributes.get(g.Attributes, "stickiness.type") == "app_cookie" &&
		groupAttributes.get(g.Attributes, "stickiness.app_cookie.cookie_name") == "" {
		return nil, invalid("A cookie name is required for application-based stickiness")
	}
	return &elbv2api.ModifyTargetGroupAttributesOutput{Attributes: g.attributes()}, s.saveGroup(c.Txn(), g)
}
