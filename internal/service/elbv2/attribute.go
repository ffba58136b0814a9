package elbv2

import (
	"iter"
	"slices"
	"strconv"
)

// attribute is one attribute of a kind of resource.
type attribute struct {
	key, otherwise string
	// check tells whether a value is one; nil: only the default is supported here.
	check func(string) bool
}

// attributes are those of a kind of resource, in AWS's order.
type attributes []attribute

func oneOf(values ...string) func(string) bool {
	return func(v string) bool { return slices.Contains(values, v) }
}

var boolean = oneOf("true", "false")

func between(low, high int) func(string) bool {
	return func(v string) bool {
		n, err := strconv.Atoi(v)
		return err == nil && low <= n && n <= high && strconv.Itoa(n) == v
	}
}

// anyText is for values that say nothing by themselves.
func anyText(v string) bool { return len(v) <= 1024 }

// balancerAttributes are those of Application Load Balancers (Elastic Load Balancing API reference,
// LoadBalancerAttribute). Logs are not written here, so they cannot be turned on.
var balancerAttributes = attributes{
	{"access_logs.s3.enabled", "false", nil},
	{"access_logs.s3.bucket", "", anyText},
	{"access_logs.s3.prefix", "", anyText},
	{"client_keep_alive.seconds", "3600", between(60, 604_800)},
	{"connection_logs.s3.enabled", "false", nil},
	{"connection_logs.s3.bucket", "", anyText},
	{"connection_logs.s3.prefix", "", anyText},
	{"deletion_protection.enabled", "false", boolean},
	{"health_check_logs.s3.enabled", "false", nil},
	{"health_check_logs.s3.bucket", "", anyText},
	{"health_check_logs.s3.prefix", "", anyText},
	{"idle_timeout.timeout_seconds", "60", between(1, 4000)},
	{"ipv6.deny_all_igw_traffic", "false", boolean},
	{"load_balancing.cross_zone.enabled", "true", oneOf("true")},
	{"routing.http.desync_mitigation_mode", "defensive", oneOf("monitor", "defensive", "strictest")},
	{"routing.http.drop_invalid_header_fields.enabled", "false", boolean},
	{"routing.http.preserve_host_header.enabled", "false", boolean},
	{"routing.http.x_amzn_tls_version_and_cipher_suite.enabled", "false", boolean},
	{"routing.http.xff_client_port.enabled", "false", boolean},
	{"routing.http.xff_header_processing.mode", "append", oneOf("append", "preserve", "remove")},
	{"routing.http2.enabled", "true", boolean},
	{"waf.fail_open.enabled", "false", boolean},
	{"zonal_shift.config.enabled", "false", nil},
}

// groupAttributes are those of target groups (Elastic Load Balancing API reference,
// TargetGroupAttribute).
var groupAttributes = attributes{
	{"deregistration_delay.timeout_seconds", "300", between(0, 3600)},
	{"load_balancing.algorithm.anomaly_mitigation", "off", nil},
	{"load_balancing.algorithm.type", "round_robin", oneOf("round_robin", "least_outstanding_requests", "weighted_random")},
	{"load_balancing.cross_zone.enabled", "use_load_balancer_configuration", oneOf("true", "false", "use_load_balancer_configuration")},
	{"slow_start.duration_seconds", "0", func(v string) bool { return v == "0" || between(30, 900)(v) }},
	{"stickiness.enabled", "false", boolean},
	{"stickiness.type", "lb_cookie", oneOf("lb_cookie", "app_cookie")},
	{"stickiness.lb_cookie.duration_seconds", "86400", between(1, 604_800)},
	{"stickiness.app_cookie.cookie_name", "", cookieName},
	{"stickiness.app_cookie.duration_seconds", "86400", between(1, 604_800)},
	{"target_group_health.dns_failover.minimum_healthy_targets.count", "1", nil},
	{"target_group_health.dns_failover.minimum_healthy_targets.percentage", "off", nil},
	{"target_group_health.unhealthy_state_routing.minimum_healthy_targets.count", "1", nil},
	{"target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage", "off", nil},
}

// listenerAttributes are those of listeners of Application Load Balancers.
var listenerAttributes = attributes{
	{"routing.http.response.server.enabled", "true", nil},
	{"routing.http.response.strict_transport_security.header_value", "", nil},
	{"routing.http.response.access_control_allow_origin.header_value", "", nil},
	{"routing.http.response.access_control_allow_methods.header_value", "", nil},
	{"routing.http.response.access_control_allow_headers.header_value", "", nil},
	{"routing.http.response.access_control_allow_credentials.header_value", "", nil},
	{"routing.http.response.access_control_expose_headers.header_value", "", nil},
	{"routing.http.response.access_control_max_age.header_value", "", nil},
	{"routing.http.response.content_security_policy.header_value", "", nil},
	{"routing.http.response.x_content_type_options.header_value", "", nil},
	{"routing.http.response.x_frame_options.header_value", "", nil},
}

// cookieName: a token of RFC 6265 that is not one of the load balancer's own.
func cookieName(v string) bool {
	switch v {
	case "AWSALB", "AWSALBAPP", "AWSALBTG":
		return false
	}
	for i := range len(v) {
		if c := v[i]; c <= ' ' || c >= 0x7f || slices.Contains([]byte(`()<>@,;:\"/[]?={}`), c) {
			return false
		}
	}
	return len(v) > 0 && len(v) <= 256
}

func (as attributes) find(key string) *attribute {
	for i := range as {
		if as[i].key == key {
			return &as[i]
		}
	}
	return nil
}

// get is the value of an attribute: the one that was set, or the default.
func (as attributes) get(set map[string]string, key string) string {
	if v, ok := set[key]; ok {
		return v
	}
	if a := as.find(key); a != nil {
		return a.otherwise
	}
	return ""
}

// all yields every attribute with its value.
func (as attributes) all(set map[string]string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for i := range as {
			if !yield(as[i].key, as.get(set, as[i].key)) {
				return
			}
		}
	}
}

// set sets an attribute.
func (as attributes) set(set *map[string]string, key, v string) error {
	a := as.find(key)
	switch {
	case a == nil:
		return invalid("Attribute key '%s' is not recognized", key)
	case v == a.otherwise:
	case a.check == nil:
		return unsupported("'%s' of the attribute '%s' is not supported", v, key)
	case !a.check(v):
		return invalid("'%s' is not a valid value for the attribute '%s'", v, key)
	}
	if *set == nil {
		*set = make(map[string]string)
	}
	(*set)[key] = v
	return nil
}
