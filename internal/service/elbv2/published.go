package elbv2

import (
	"crypto/tls"
	"fmt"

	"fastness/internal/api/elbv2api"
	"fastness/internal/arn"
	"fastness/internal/store"
)

// Published is all that proxies are told of load balancing, in every account and Region. Attributes
// have all values, defaults too; actions and conditions have the form in which answers show them.
type Published struct {
	LoadBalancers []PublishedLoadBalancer
	TargetGroups  []PublishedTargetGroup
}

// PublishedLoadBalancer is a load balancer that has listeners.
type PublishedLoadBalancer struct {
	ARN, Account, Region string
	Attributes           map[string]string
	Listeners            []PublishedListener
}

// PublishedListener is a listener.
type PublishedListener struct {
	ARN string
	// Protocol is HTTP or HTTPS, MinTLS "1.2" or "1.3".
	Protocol, MinTLS string
	Port             int
	Certificates     []string
	Rules            []PublishedRule
	Default          elbv2api.Action
}

// PublishedRule is a rule of a listener, in the order of the priorities.
type PublishedRule struct {
	ARN        string
	Priority   int
	Conditions []elbv2api.RuleCondition
	Action     elbv2api.Action
}

// PublishedTargetGroup is a target group that a listener uses.
type PublishedTargetGroup struct {
	ARN, Protocol, Version string
	Attributes             map[string]string
	Targets                []PublishedTarget
	Health                 PublishedHealthCheck
}

// PublishedTarget is a target.
type PublishedTarget struct {
	IP       string
	Port     int
	Draining bool
}

// PublishedHealthCheck is how targets are checked. Port is 0 for the target's own.
type PublishedHealthCheck struct {
	Protocol, Path, Matcher               string
	Port                                  int
	Interval, Timeout, Healthy, Unhealthy int
}

// Publish reads what proxies are told.
func (s *Service) Publish(r store.Reader) (p Published, err error) {
	listeners := make(map[string][]PublishedListener) // by the ARN of the load balancer
	used := make(map[string]struct{})
	for row, err := range s.tables.listeners.ScanAll(r) {
		if err != nil {
			return p, err
		}
		l := row.Record
		x, err := l.publish()
		if err != nil {
			return p, err
		}
		listeners[l.balancer().arn()] = append(listeners[l.balancer().arn()], x)
		for _, u := range l.used() {
			used[u] = struct{}{}
		}
	}
	for row, err := range s.tables.balancers.ScanAll(r) {
		if err != nil {
			return p, err
		}
		l := row.Record
		if own := listeners[l.name().arn()]; len(own) > 0 {
			p.LoadBalancers = append(p.LoadBalancers, PublishedLoadBalancer{
				ARN: l.name().arn(), Account: l.Account, Region: l.Region, Attributes: balancerAttributes.collect(l.Attributes), Listeners: own,
			})
		}
	}
	for row, err := range s.tables.groups.ScanAll(r) {
		if err != nil {
			return p, err
		}
		if _, ok := used[row.Record.name().arn()]; ok {
			p.TargetGroups = append(p.TargetGroups, row.Record.publish())
		}
	}
	return p, nil
}

func (as attributes) collect(set map[string]string) map[string]string {
	all := make(map[string]string, len(as))
	for key, v := range as.all(set) {
		all[key] = v
	}
	return all
}

func (l *listenerRecord) publish() (p PublishedListener, err error) {
	if len(l.Default) != 1 {
		return p, fmt.Errorf("elbv2: listener %s has %d default actions", l.name().arn(), len(l.Default))
	}
	p = PublishedListener{ARN: l.name().arn(), Protocol: string(l.Protocol), MinTLS: "1.2", Port: int(l.Port), Certificates: l.Certificates, Default: l.Default[0]}
	if oldestOf(l.Policy) == tls.VersionTLS13 {
		p.MinTLS = "1.3"
	}
	for i := range l.Rules {
		r := &l.Rules[i]
		if len(r.Actions) != 1 {
			return p, fmt.Errorf("elbv2: rule %s has %d actions", l.ruleName(r.ID).arn(), len(r.Actions))
		}
		p.Rules = append(p.Rules, PublishedRule{ARN: l.ruleName(r.ID).arn(), Priority: int(r.Priority), Conditions: r.Conditions, Action: r.Actions[0]})
	}
	return p, nil
}

func (g *targetGroupRecord) publish() PublishedTargetGroup {
	h := &g.Health
	p := PublishedTargetGroup{
		ARN: g.name().arn(), Protocol: string(g.Protocol), Version: g.Version, Attributes: groupAttributes.collect(g.Attributes),
		Health: PublishedHealthCheck{
			Protocol: string(h.Protocol), Path: h.Path, Matcher: h.Matcher,
			Interval: int(h.Interval), Timeout: int(h.Timeout), Healthy: int(h.Healthy), Unhealthy: int(h.Unhealthy),
		},
	}
	if h.Port != trafficPort {
		p.Health.Port = number(h.Port)
	}
	for i := range g.Targets {
		t := &g.Targets[i]
		p.Targets = append(p.Targets, PublishedTarget{IP: t.IP, Port: int(t.Port), Draining: !t.Draining.IsZero()})
	}
	return p
}

// Exists tells whether there is a load balancer with an ARN, and its tags: for who protects load
// balancers (wafv2.Resources).
func (s *Service) Exists(r store.Reader, text string) (bool, map[string]string, error) {
	a, err := arn.Parse(text)
	if err != nil {
		return false, nil, nil
	}
	n, ok := parseARN(text, kindLoadBalancer, a.Account, a.Region)
	if !ok {
		return false, nil, nil
	}
	l, err := s.tables.balancer(r, n)
	if isAbsent(err) {
		return false, nil, nil
	}
	if err != nil {
		return false, nil, err
	}
	tags := make(map[string]string, len(l.Tags))
	for _, t := range l.Tags {
		tags[t.Key] = t.Value
	}
	return true, tags, nil
}
