package elbv2

import (
	"cmp"
	"regexp"
	"strconv"

	"fastness/internal/api/elbv2api"
)

// The defaults of health checks of target groups whose targets are addresses (Elastic Load
// Balancing API reference, CreateTargetGroup).
const (
	defaultInterval  = 30
	defaultTimeout   = 5
	defaultHealthy   = 5
	defaultUnhealthy = 2
	trafficPort      = "traffic-port"
)

var (
	httpMatcher = regexp.MustCompile(`^[2-4][0-9]{2}(-[2-4][0-9]{2})?(,[2-4][0-9]{2}(-[2-4][0-9]{2})?)*$`)
	grpcMatcher = regexp.MustCompile(`^[0-9]{1,2}(-[0-9]{1,2})?(,[0-9]{1,2}(-[0-9]{1,2})?)*$`)
)

// defaultHealth is how the targets of a group of a version are checked.
func defaultHealth(version string) healthCheck {
	h := healthCheck{
		Enabled: true, Protocol: elbv2api.ProtocolEnumHTTP, Port: trafficPort, Path: "/", Interval: defaultInterval, Timeout: defaultTimeout,
		Healthy: defaultHealthy, Unhealthy: defaultUnhealthy, Matcher: "200",
	}
	if version == versionGRPC {
		h.Path, h.Matcher = "/AWS.ALB/healthcheck", "12"
	}
	return h
}

// healthChange is what a request says about health checks; what is nil stays.
type healthChange struct {
	protocol                              *elbv2api.ProtocolEnum
	port, path                            *string
	enabled                               *bool
	interval, timeout, healthy, unhealthy *int32
	matcher                               *elbv2api.Matcher
}

// change applies a request to a health check.
func (h *healthCheck) change(ch healthChange, version string) error {
	set := func(at *int32, to *int32) { *at = cmp.Or(value(to), *at) }
	set(&h.Interval, ch.interval)
	set(&h.Timeout, ch.timeout)
	set(&h.Healthy, ch.healthy)
	set(&h.Unhealthy, ch.unhealthy)
	h.Port, h.Path = cmp.Or(value(ch.port), h.Port), cmp.Or(value(ch.path), h.Path)
	h.Protocol = cmp.Or(value(ch.protocol), h.Protocol)
	if ch.enabled != nil {
		h.Enabled = *ch.enabled
	}
	if m := ch.matcher; m != nil {
		switch {
		case version == versionGRPC && m.GrpcCode != nil && m.HttpCode == nil:
			h.Matcher = *m.GrpcCode
		case version != versionGRPC && m.HttpCode != nil && m.GrpcCode == nil:
			h.Matcher = *m.HttpCode
		default:
			return invalid("The matcher must have HTTP codes, or gRPC codes for the protocol version GRPC")
		}
	}
	return h.check(version)
}

func (h *healthCheck) check(version string) error {
	matcher := httpMatcher
	if version == versionGRPC {
		matcher = grpcMatcher
	}
	switch {
	case h.Protocol != elbv2api.ProtocolEnumHTTP && h.Protocol != elbv2api.ProtocolEnumHTTPS:
		return invalid("Health check protocol '%s' is not supported by target groups of this kind", h.Protocol)
	case h.Port != trafficPort && !between(1, 65_535)(h.Port):
		return invalid("Health check port '%s' must be '%s' or a number from 1 to 65535", h.Port, trafficPort)
	case h.Path[0] != '/':
		return invalid("Health check path '%s' must begin with a '/' character", h.Path)
	case !matcher.MatchString(h.Matcher):
		return invalid("Health check matcher '%s' is not valid", h.Matcher)
	case h.Timeout >= h.Interval:
		return invalid("Health check timeout '%d' must be smaller than the interval '%d'", h.Timeout, h.Interval)
	case !h.Enabled:
		return invalid("Health check enabled must be true for groups with target type 'ip'")
	}
	for _, n := range []struct {
		what      string
		is        int32
		low, high int
	}{
		{"interval", h.Interval, 5, 300}, {"timeout", h.Timeout, 2, 120}, {"healthy threshold count", h.Healthy, 2, 10}, {"unhealthy threshold count", h.Unhealthy, 2, 10},
	} {
		if !between(n.low, n.high)(strconv.Itoa(int(n.is))) {
			return invalid("Health check %s '%d' not in range [%d, %d]", n.what, n.is, n.low, n.high)
		}
	}
	return nil
}

// matcherOf is the matcher as answers show it.
func (h *healthCheck) matcherOf(version string) *elbv2api.Matcher {
	if version == versionGRPC {
		return &elbv2api.Matcher{GrpcCode: &h.Matcher}
	}
	return &elbv2api.Matcher{HttpCode: &h.Matcher}
}
