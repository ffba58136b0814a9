package elbv2

import (
	"context"
	"strconv"

	"fastness/internal/api/elbv2api"
)

// DescribeAccountLimits implements the operation of that name.
func (s *Service) DescribeAccountLimits(context.Context, *elbv2api.DescribeAccountLimitsInput) (*elbv2api.DescribeAccountLimitsOutput, error) {
	out := new(elbv2api.DescribeAccountLimitsOutput)
	for _, l := range []struct {
		name string
		max  int
	}{
		{"application-load-balancers", maxLoadBalancers},
		{"listeners-per-application-load-balancer", maxListeners},
		{"rules-per-application-load-balancer", maxRules},
		{"certificates-per-application-load-balancer", maxCertificates},
		{"target-groups", maxTargetGroups},
		{"target-groups-per-action-on-application-load-balancer", maxForwardGroups},
		{"targets-per-target-group", maxTargets},
		{"condition-values-per-alb-rule", maxConditionValues},
		{"condition-wildcards-per-alb-rule", maxWildcards},
	} {
		out.Limits = append(out.Limits, elbv2api.Limit{Name: new(l.name), Max: new(strconv.Itoa(l.max))})
	}
	return out, nil
}
