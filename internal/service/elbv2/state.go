package elbv2

import (
	"time"

	"fastness/internal/api/elbv2api"
)

// loadBalancerRecord is a load balancer. Names are unique in an account and a Region.
type loadBalancerRecord struct {
	Account        string                          `json:"account"`
	Region         string                          `json:"region"`
	Name           string                          `json:"name"`
	ID             string                          `json:"id"` // 16 hexadecimal digits
	Scheme         elbv2api.LoadBalancerSchemeEnum `json:"scheme"`
	AddressType    elbv2api.IpAddressType          `json:"addressType"`
	Subnets        []string                        `json:"subnets,omitempty"`
	SecurityGroups []string                        `json:"securityGroups,omitempty"`
	DNSName        string                          `json:"dnsName"`
	Created        time.Time                       `json:"created"`
	// Attributes are those that were set.
	Attributes map[string]string `json:"attributes,omitempty"`
	Tags       []tag             `json:"tags,omitempty"`
}

// targetGroupRecord is a target group with its targets.
type targetGroupRecord struct {
	Account    string                                `json:"account"`
	Region     string                                `json:"region"`
	Name       string                                `json:"name"`
	ID         string                                `json:"id"`
	Protocol   elbv2api.ProtocolEnum                 `json:"protocol"` // HTTP or HTTPS
	Version    string                                `json:"version"`  // HTTP1, HTTP2 or GRPC
	Port       int32                                 `json:"port"`
	VPC        string                                `json:"vpc,omitempty"`
	Addresses  elbv2api.TargetGroupIpAddressTypeEnum `json:"addresses"`
	Health     healthCheck                           `json:"health"`
	Targets    []target                              `json:"targets,omitempty"`
	Attributes map[string]string                     `json:"attributes,omitempty"`
	Tags       []tag                                 `json:"tags,omitempty"`
}

// healthCheck is how targets are checked, with all defaults filled in.
type healthCheck struct {
	Enabled   bool                  `json:"enabled"`
	Protocol  elbv2api.ProtocolEnum `json:"protocol"`
	Port      string                `json:"port"` // a number, or traffic-port
	Path      string                `json:"path"`
	Interval  int32                 `json:"interval"` // seconds
	Timeout   int32                 `json:"timeout"`
	Healthy   int32                 `json:"healthy"`
	Unhealthy int32                 `json:"unhealthy"`
	// Matcher are HTTP codes, or gRPC codes of a group whose version is GRPC.
	Matcher string `json:"matcher"`
}

// target is an address.
type target struct {
	IP   string `json:"ip"`
	Port int32  `json:"port"`
	Zone string `json:"zone,omitempty"`
	// Draining is until when a target that was deregistered may finish; zero: it is registered.
	Draining time.Time `json:"draining,omitzero"`
}

// listenerRecord is a listener.
type listenerRecord struct {
	Account      string                `json:"account"`
	Region       string                `json:"region"`
	LoadBalancer string                `json:"loadBalancer"` // name/id
	ID           string                `json:"id"`
	Port         int32                 `json:"port"`
	Protocol     elbv2api.ProtocolEnum `json:"protocol"`
	Policy       string                `json:"policy,omitempty"`
	// Certificates are ARNs; the first is the default one.
	Certificates []string          `json:"certificates,omitempty"`
	Default      []elbv2api.Action `json:"default"`
	// Rules are in the order of their priorities. They are part of the listener's record, so that a
	// load balancer can be deleted in one transaction.
	Rules []rule `json:"rules,omitempty"`
	// DefaultRule is the id of the rule that the default action is shown as.
	DefaultRule string            `json:"defaultRule"`
	Attributes  map[string]string `json:"attributes,omitempty"`
	Tags        []tag             `json:"tags,omitempty"`
}

// rule is a rule of a listener.
type rule struct {
	ID         string                   `json:"id"`
	Priority   int32                    `json:"priority"`
	Conditions []elbv2api.RuleCondition `json:"conditions"`
	Actions    []elbv2api.Action        `json:"actions"`
	Tags       []tag                    `json:"tags,omitempty"`
}

// portRecord is a port of the proxies.
type portRecord struct {
	Port     int32  `json:"port"`
	Listener string `json:"listener"` // ARN
}

// tag is one tag, in the order in which it came.
type tag struct {
	Key   string `json:"k"`
	Value string `json:"v"`
}
