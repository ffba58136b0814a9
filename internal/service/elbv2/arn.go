package elbv2

import (
	"crypto/rand"
	"encoding/hex"
	"strings"

	"fastness/internal/arn"
	"fastness/internal/call"
)

// kind is what an ARN names.
type kind string

const (
	kindLoadBalancer kind = "loadbalancer"
	kindTargetGroup  kind = "targetgroup"
	kindListener     kind = "listener"
	kindRule         kind = "listener-rule"
)

// name is what an ARN says (Service Authorization Reference, "Resource types defined by AWS
// Elastic Load Balancing V2").
type name struct {
	account, region string
	kind            kind
	// of is the load balancer or target group, as NAME/ID.
	of string
	// listener and rule are ids.
	listener, rule string
}

// parseARN reads an ARN of the kind in an account and a Region; ok is false for any other.
func parseARN(text string, want kind, account, region string) (n name, ok bool) {
	a, err := arn.Parse(text)
	if err != nil || a.Partition != call.Partition || a.Service != "elasticloadbalancing" || a.Region != region || a.Account != account {
		return n, false
	}
	parts := strings.Split(a.Resource, "/")
	n = name{account: account, region: region, kind: kind(parts[0])}
	if n.kind != want {
		return n, false
	}
	for _, p := range parts {
		if p == "" {
			return n, false
		}
	}
	app := len(parts) > 1 && parts[1] == "app"
	switch {
	case n.kind == kindTargetGroup && len(parts) == 3:
		n.of = parts[1] + "/" + parts[2]
	case n.kind == kindLoadBalancer && len(parts) == 4 && app:
		n.of = parts[2] + "/" + parts[3]
	case n.kind == kindListener && len(parts) == 5 && app:
		n.of, n.listener = parts[2]+"/"+parts[3], parts[4]
	case n.kind == kindRule && len(parts) == 6 && app:
		n.of, n.listener, n.rule = parts[2]+"/"+parts[3], parts[4], parts[5]
	default:
		return n, false
	}
	return n, true
}

// parseAny reads an ARN of any kind.
func parseAny(text, account, region string) (n name, ok bool) {
	for _, k := range []kind{kindLoadBalancer, kindTargetGroup, kindListener, kindRule} {
		if n, ok = parseARN(text, k, account, region); ok {
			return n, true
		}
	}
	return n, false
}

func (n name) arn() string {
	resource := string(n.kind)
	if n.kind != kindTargetGroup {
		resource += "/app"
	}
	resource += "/" + n.of
	if n.listener != "" {
		resource += "/" + n.listener
	}
	if n.rule != "" {
		resource += "/" + n.rule
	}
	return "arn:" + call.Partition + ":elasticloadbalancing:" + n.region + ":" + n.account + ":" + resource
}

// short and id are the two halves of NAME/ID.
func (n name) short() string { s, _, _ := strings.Cut(n.of, "/"); return s }
func (n name) id() string    { _, id, _ := strings.Cut(n.of, "/"); return id }

func (l *loadBalancerRecord) name() name {
	return name{account: l.Account, region: l.Region, kind: kindLoadBalancer, of: l.Name + "/" + l.ID}
}

func (t *targetGroupRecord) name() name {
	return name{account: t.Account, region: t.Region, kind: kindTargetGroup, of: t.Name + "/" + t.ID}
}

func (l *listenerRecord) name() name {
	return name{account: l.Account, region: l.Region, kind: kindListener, of: l.LoadBalancer, listener: l.ID}
}

func (l *listenerRecord) balancer() name {
	return name{account: l.Account, region: l.Region, kind: kindLoadBalancer, of: l.LoadBalancer}
}

func (l *listenerRecord) ruleName(id string) name {
	return name{account: l.Account, region: l.Region, kind: kindRule, of: l.LoadBalancer, listener: l.ID, rule: id}
}

// newID is a random id: 16 hexadecimal digits.
func newID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
