package elbv2

import (
	"context"
	"regexp"

	"fastness/internal/api/elbv2api"
)

// Ids of subnets and security groups are taken as they are given: they have AWS's form and no more
// is known of them.
var (
	subnetID        = regexp.MustCompile(`^subnet-[0-9a-f]{1,32}$`)
	securityGroupID = regexp.MustCompile(`^sg-[0-9a-f]{1,32}$`)
)

func subnetsOf(ids []string, mappings []elbv2api.SubnetMapping) (all []string) {
	all = append(all, ids...)
	for _, m := range mappings {
		all = append(all, value(m.SubnetId))
	}
	return all
}

func checkSubnets(ids []string) error {
	seen := make(map[string]struct{}, len(ids))
	for _, id := range ids {
		if _, twice := seen[id]; twice || !subnetID.MatchString(id) {
			return &elbv2api.InvalidSubnetException{Message: new("The subnet ID '" + id + "' is not valid")}
		}
		seen[id] = struct{}{}
	}
	return nil
}

func checkSecurityGroups(ids []string) error {
	for _, id := range ids {
		if !securityGroupID.MatchString(id) {
			return &elbv2api.InvalidSecurityGroupException{Message: new("The security group ID '" + id + "' is not valid")}
		}
	}
	return nil
}

// zonesOf are the zones of the subnets. Which zone a subnet is in nobody here knows: they are told
// apart in the order in which they were given.
func zonesOf(l *loadBalancerRecord) []elbv2api.AvailabilityZone {
	zones := []elbv2api.AvailabilityZone{}
	for i, id := range l.Subnets {
		zones = append(zones, elbv2api.AvailabilityZone{ZoneName: new(l.Region + string(rune('a'+i%26))), SubnetId: &id, LoadBalancerAddresses: []elbv2api.LoadBalancerAddress{}})
	}
	return zones
}

// SetSubnets implements the operation of that name.
func (s *Service) SetSubnets(ctx context.Context, in *elbv2api.SetSubnetsInput) (*elbv2api.SetSubnetsOutput, error) {
	c, l, err := s.ownBalancer(ctx)
	if err != nil {
		return nil, err
	}
	l.Subnets = subnetsOf(in.Subnets, in.SubnetMappings)
	if err := checkSubnets(l.Subnets); err != nil {
		return nil, err
	}
	if in.IpAddressType != nil {
		l.AddressType = *in.IpAddressType
	}
	return &elbv2api.SetSubnetsOutput{AvailabilityZones: zonesOf(l), IpAddressType: &l.AddressType}, s.saveBalancer(c.Txn(), l)
}

// SetSecurityGroups implements the operation of that name.
func (s *Service) SetSecurityGroups(ctx context.Context, in *elbv2api.SetSecurityGroupsInput) (*elbv2api.SetSecurityGroupsOutput, error) {
	c, l, err := s.ownBalancer(ctx)
	if err != nil {
		return nil, err
	}
	if err := checkSecurityGroups(in.SecurityGroups); err != nil {
		return nil, err
	}
	l.SecurityGroups = in.SecurityGroups
	return &elbv2api.SetSecurityGroupsOutput{SecurityGroupIds: l.SecurityGroups}, s.saveBalancer(c.Txn(), l)
}

// SetIpAddressType implements the operation of that name.
func (s *Service) SetIpAddressType(ctx context.Context, in *elbv2api.SetIpAddressTypeInput) (*elbv2api.SetIpAddressTypeOutput, error) {
	c, l, err := s.ownBalancer(ctx)
	if err != nil {
		return nil, err
	}
	l.AddressType = value(in.IpAddressType)
	return &elbv2api.SetIpAddressTypeOutput{IpAddressType: &l.AddressType}, s.saveBalancer(c.Txn(), l)
}
