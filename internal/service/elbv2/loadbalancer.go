package elbv2

import (
	"context"
	"fmt"
	"hash/crc32"
	"maps"
	"regexp"
	"slices"
	"strings"

	"fastness/internal/api/elbv2api"
	"fastness/internal/call"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

// The quotas of an account in a Region (Elastic Load Balancing User Guide, "Quotas for your
// Application Load Balancers").
const (
	maxLoadBalancers = 50
	maxListeners     = 50
	maxRules         = 100
	maxCertificates  = 25
	maxTargetGroups  = 3000
	maxTargets       = 1000
)

// validName is what load balancers and target groups can be called: 32 letters, digits and hyphens,
// none of these at an end.
var validName = regexp.MustCompile(`^[0-9A-Za-z](?:[0-9A-Za-z-]{0,30}[0-9A-Za-z])?$`)

func checkName(what, name string) error {
	switch {
	case len(name) > 32:
		return invalid("%s name '%s' cannot be longer than '32' characters", what, name)
	case !validName.MatchString(name):
		return invalid("%s name '%s' can only contain characters that are alphanumeric characters and hyphens(-), and it cannot begin or end with a hyphen", what, name)
	}
	return nil
}

// CreateLoadBalancer implements the operation of that name. One that is there already, with the same
// settings, is answered as if it had been made.
func (s *Service) CreateLoadBalancer(ctx context.Context, in *elbv2api.CreateLoadBalancerInput) (*elbv2api.CreateLoadBalancerOutput, error) {
	c, n, err := one(ctx)
	if err != nil {
		return nil, err
	}
	l, err := newLoadBalancer(n, in)
	if err != nil {
		return nil, err
	}
	tx := c.Txn()
	old, err := s.tables.balancers.Get(tx, n.scope(), parts(l.Name)...)
	if err == nil {
		if old.Scheme != l.Scheme || old.AddressType != l.AddressType || !slices.Equal(old.Subnets, l.Subnets) || !slices.Equal(old.SecurityGroups, l.SecurityGroups) {
			return nil, &elbv2api.DuplicateLoadBalancerNameException{Message: new(fmt.Sprintf("A load balancer with the same name '%s' exists, but with different settings", l.Name))}
		}
		return &elbv2api.CreateLoadBalancerOutput{LoadBalancers: []elbv2api.LoadBalancer{s.describe(old)}}, nil
	}
	if !isNotFound(err) {
		return nil, err
	}
	count := 0
	for _, err := range s.tables.balancers.Scan(tx, n.scope(), table.Page{}) {
		if err != nil {
			return nil, err
		}
		count++
	}
	if count >= maxLoadBalancers {
		return nil, &elbv2api.TooManyLoadBalancersException{Message: new("The maximum number of load balancers has been reached")}
	}
	if l.Tags, err = withTags(nil, in.Tags); err != nil {
		return nil, err
	}
	l.Created, l.DNSName = s.now(), s.dnsName(l)
	if err := s.tables.balancers.Insert(tx, l); err != nil {
		return nil, err
	}
	s.publish(tx)
	return &elbv2api.CreateLoadBalancerOutput{LoadBalancers: []elbv2api.LoadBalancer{s.describe(l)}}, nil
}

// newLoadBalancer makes a record of a request.
func newLoadBalancer(n name, in *elbv2api.CreateLoadBalancerInput) (*loadBalancerRecord, error) {
	if err := checkName("Load balancer", n.short()); err != nil {
		return nil, err
	}
	if strings.HasPrefix(n.short(), "internal-") {
		return nil, invalid("Load balancer name '%s' cannot begin with 'internal-'", n.short())
	}
	if t := value(in.Type); t != "" && t != elbv2api.LoadBalancerTypeEnumApplication {
		return nil, unsupported("Load balancers of type '%s' are not supported; use 'application'", t)
	}
	if in.CustomerOwnedIpv4Pool != nil || in.IpamPools != nil {
		return nil, unsupported("Address pools are not supported")
	}
	if len(in.Subnets) > 0 && len(in.SubnetMappings) > 0 {
		return nil, invalid("You can specify either subnets or subnet mappings, not both")
	}
	l := &loadBalancerRecord{
		Account: n.account, Region: n.region, Name: n.short(), ID: n.id(), Scheme: value(in.Scheme), AddressType: value(in.IpAddressType),
		Subnets: subnetsOf(in.Subnets, in.SubnetMappings), SecurityGroups: in.SecurityGroups,
	}
	if l.Scheme == "" {
		l.Scheme = elbv2api.LoadBalancerSchemeEnumInternetFacing
	}
	if l.AddressType == "" {
		l.AddressType = elbv2api.IpAddressTypeIpv4
	}
	if err := checkSubnets(l.Subnets); err != nil {
		return nil, err
	}
	return l, checkSecurityGroups(l.SecurityGroups)
}

// dnsName is the name of a load balancer.
func (s *Service) dnsName(l *loadBalancerRecord) string {
	name := fmt.Sprintf("%s-%d.%s.%s", strings.ToLower(l.Name), crc32.ChecksumIEEE([]byte(l.name().arn())), l.Region, s.domain)
	if l.Scheme == elbv2api.LoadBalancerSchemeEnumInternal {
		name = "internal-" + name
	}
	return name
}

// describe is a load balancer as answers show it.
func (s *Service) describe(l *loadBalancerRecord) elbv2api.LoadBalancer {
	b := elbv2api.LoadBalancer{
		LoadBalancerArn: new(l.name().arn()), DNSName: &l.DNSName, CreatedTime: &l.Created, LoadBalancerName: &l.Name, Scheme: &l.Scheme,
		State: &elbv2api.LoadBalancerState{Code: new(elbv2api.LoadBalancerStateEnumActive)}, Type: new(elbv2api.LoadBalancerTypeEnumApplication),
		AvailabilityZones: zonesOf(l), SecurityGroups: l.SecurityGroups, IpAddressType: &l.AddressType,
	}
	return b
}

// DescribeLoadBalancers implements the operation of that name.
func (s *Service) DescribeLoadBalancers(ctx context.Context, in *elbv2api.DescribeLoadBalancersInput) (*elbv2api.DescribeLoadBalancersOutput, error) {
	c := call.From(ctx)
	if len(in.Names) > 0 && len(in.LoadBalancerArns) > 0 {
		return nil, invalid("Load balancer names and load balancer ARNs cannot be specified at the same time")
	}
	out := &elbv2api.DescribeLoadBalancersOutput{LoadBalancers: []elbv2api.LoadBalancer{}}
	p, err := s.pageOf(c, in.Marker, in.PageSize)
	if err != nil {
		return nil, err
	}
	err = s.store.View(ctx, func(r store.Reader) error {
		if len(in.Names) == 0 && len(in.LoadBalancerArns) == 0 {
			for row, err := range s.tables.balancers.Scan(r, scope(c.Account, c.Region), table.Page{}) {
				if err != nil {
					return err
				}
				if p.take(row.Record.Name) {
					out.LoadBalancers = append(out.LoadBalancers, s.describe(row.Record))
				}
			}
			return nil
		}
		for _, text := range in.Names {
			l, err := s.tables.balancers.Get(r, scope(c.Account, c.Region), parts(text)...)
			if isNotFound(err) {
				return &elbv2api.LoadBalancerNotFoundException{Message: new(fmt.Sprintf("Load balancers '[%s]' not found", text))}
			}
			if err != nil {
				return err
			}
			out.LoadBalancers = append(out.LoadBalancers, s.describe(l))
		}
		for _, text := range in.LoadBalancerArns {
			l, err := s.balancerAt(r, c, text)
			if err != nil {
				return err
			}
			out.LoadBalancers = append(out.LoadBalancers, s.describe(l))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out.NextMarker, err = s.nextMarker(c, p)
	return out, err
}

// balancerAt reads the load balancer of an ARN.
func (s *Service) balancerAt(r store.Reader, c *call.Call, text string) (*loadBalancerRecord, error) {
	n, ok := parseARN(text, kindLoadBalancer, c.Account, c.Region)
	if !ok {
		return nil, malformed(kindLoadBalancer, text)
	}
	return s.tables.balancer(r, n)
}

// DeleteLoadBalancer implements the operation of that name, with its listeners and their rules. One
// that is not there is no error.
func (s *Service) DeleteLoadBalancer(ctx context.Context, _ *elbv2api.DeleteLoadBalancerInput) (*elbv2api.DeleteLoadBalancerOutput, error) {
	c, n, err := one(ctx)
	if err != nil {
		return nil, err
	}
	out := new(elbv2api.DeleteLoadBalancerOutput)
	tx := c.Txn()
	l, err := s.tables.balancer(tx, n)
	if isAbsent(err) {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	if balancerAttributes.get(l.Attributes, "deletion_protection.enabled") == "true" {
		return nil, &elbv2api.OperationNotPermittedException{Message: new(fmt.Sprintf("Load balancer '%s' cannot be deleted because deletion protection is enabled", n.arn()))}
	}
	listeners, err := s.tables.listenersOf(tx, n)
	if err != nil {
		return nil, err
	}
	for _, l := range listeners {
		if err := s.deleteListener(tx, l); err != nil {
			return nil, err
		}
	}
	if err := s.tables.balancers.Delete(tx, n.scope(), parts(n.short())...); err != nil {
		return nil, err
	}
	if s.deleted != nil {
		if err := s.deleted(tx, n.account, n.region, n.arn()); err != nil {
			return nil, err
		}
	}
	s.publish(tx)
	return out, nil
}

// DescribeLoadBalancerAttributes implements the operation of that name.
func (s *Service) DescribeLoadBalancerAttributes(ctx context.Context, in *elbv2api.DescribeLoadBalancerAttributesInput) (*elbv2api.DescribeLoadBalancerAttributesOutput, error) {
	out := new(elbv2api.DescribeLoadBalancerAttributesOutput)
	err := s.store.View(ctx, func(r store.Reader) error {
		l, err := s.balancerAt(r, call.From(ctx), value(in.LoadBalancerArn))
		if err != nil {
			return err
		}
		for key, v := range balancerAttributes.all(l.Attributes) {
			out.Attributes = append(out.Attributes, elbv2api.LoadBalancerAttribute{Key: &key, Value: &v})
		}
		return nil
	})
	return out, err
}

// ModifyLoadBalancerAttributes implements the operation of that name.
func (s *Service) ModifyLoadBalancerAttributes(ctx context.Context, in *elbv2api.ModifyLoadBalancerAttributesInput) (*elbv2api.ModifyLoadBalancerAttributesOutput, error) {
	c, l, err := s.ownBalancer(ctx)
	if err != nil {
		return nil, err
	}
	l.Attributes = maps.Clone(l.Attributes)
	for _, a := range in.Attributes {
		if err := balancerAttributes.set(&l.Attributes, value(a.Key), value(a.Value)); err != nil {
			return nil, err
		}
	}
	if err := s.saveBalancer(c.Txn(), l); err != nil {
		return nil, err
	}
	out := new(elbv2api.ModifyLoadBalancerAttributesOutput)
	for key, v := range balancerAttributes.all(l.Attributes) {
		out.Attributes = append(out.Attributes, elbv2api.LoadBalancerAttribute{Key: &key, Value: &v})
	}
	return out, nil
}

// ownBalancer reads the load balancer of a call that changes it.
func (s *Service) ownBalancer(ctx context.Context) (*call.Call, *loadBalancerRecord, error) {
	c, n, err := one(ctx)
	if err != nil {
		return nil, nil, err
	}
	l, err := s.tables.balancer(c.Txn(), n)
	return c, l, err
}

func (s *Service) saveBalancer(tx store.Txn, l *loadBalancerRecord) error {
	s.publish(tx)
	return s.tables.balancers.Put(tx, l)
}

// DescribeCapacityReservation implements the operation of that name: none is reserved.
func (s *Service) DescribeCapacityReservation(ctx context.Context, in *elbv2api.DescribeCapacityReservationInput) (*elbv2api.DescribeCapacityReservationOutput, error) {
	err := s.store.View(ctx, func(r store.Reader) error {
		_, err := s.balancerAt(r, call.From(ctx), value(in.LoadBalancerArn))
		return err
	})
	return &elbv2api.DescribeCapacityReservationOutput{}, err
}
