package waflog

import (
	"strings"

	"fastness/internal/engine/waf"
)

// The metrics of AWS WAF (AWS WAF Developer Guide, "AWS WAF metrics and dimensions").
const (
	passed       = "PassedRequests"
	captchaValid = "RequestsWithValidCaptchaToken"
	challengeOK  = "RequestsWithValidChallengeToken"
	allRules     = "ALL"
)

// metricOf is the metric of an action.
var metricOf = [...]string{
	waf.Allow: "AllowedRequests", waf.Block: "BlockedRequests", waf.Count: "CountedRequests", waf.Captcha: "CaptchaRequests", waf.Challenge: "ChallengeRequests",
}

// Series is a metric with its dimensions; those that are empty are not there. The Region is that of the
// web ACL.
type Series struct {
	Metric string
	// WebACL, Rule, RuleGroup are metric names; Rule may be ALL or Default_Action. ManagedGroup and
	// ManagedRule are about rules of managed rule groups.
	WebACL       string `json:",omitempty"`
	Rule         string `json:",omitempty"`
	RuleGroup    string `json:",omitempty"`
	ManagedGroup string `json:",omitempty"`
	ManagedRule  string `json:",omitempty"`
	// Namespace (without the colon behind it) and Label are those of a label.
	Namespace string `json:",omitempty"`
	Label     string `json:",omitempty"`
}

// Count is how often something happened.
type Count struct {
	// ACL is the ARN of the web ACL: its account and Region.
	ACL    string
	Series Series
	// Minute is the minute in which it happened, since 1970.
	Minute int64
	N      uint64
}

// countKey is what counts are kept by.
type countKey struct {
	acl    *webACL
	minute int64
	series Series
}

// count counts a request. add is called for each of its series.
func count(acl *webACL, p *waf.Program, v *waf.Verdict, labels []string, add func(Series)) {
	spec := p.ACL()
	own := spec.Visibility
	if own.Metrics {
		add(Series{Metric: metricOf[v.Action], WebACL: own.MetricName, Rule: allRules})
		if v.Terminating == nil {
			add(Series{Metric: metricOf[v.Action], WebACL: own.MetricName, Rule: defaultAction})
		}
	}
	counted := false
	for i := range v.Matches {
		m := &v.Matches[i]
		metric := metricOf[m.Action]
		if !m.Terminating {
			switch m.Action {
			case waf.Captcha:
				metric = captchaValid
			case waf.Challenge:
				metric = challengeOK
			}
		}
		counted = counted || m.Action == waf.Count && m.Rule.Group == nil
		if !m.Rule.Visibility.Metrics {
			continue
		}
		g := m.Rule.Group
		switch {
		case g == nil:
			add(Series{Metric: metric, WebACL: own.MetricName, Rule: m.Rule.Visibility.MetricName})
		case g.Kind == waf.ManagedGroupRule:
			if g.Visibility.Metrics {
				add(Series{Metric: metric, WebACL: own.MetricName, ManagedGroup: g.Visibility.MetricName, ManagedRule: m.Rule.Visibility.MetricName})
			}
		default:
			if name := acl.groups[g.GroupName]; name != "" {
				add(Series{Metric: metric, RuleGroup: name, Rule: m.Rule.Visibility.MetricName})
				if m.Terminating {
					add(Series{Metric: metric, RuleGroup: name, Rule: allRules})
				}
			}
		}
	}
	if counted && own.Metrics {
		add(Series{Metric: metricOf[waf.Count], WebACL: own.MetricName, Rule: allRules})
	}
	for _, r := range acl.groupRules(p) {
		if matchedIn(v, r) {
			continue
		}
		if r.Kind == waf.ManagedGroupRule {
			if r.Visibility.Metrics {
				add(Series{Metric: passed, WebACL: own.MetricName, ManagedGroup: r.Visibility.MetricName, ManagedRule: allRules})
			}
		} else if name := acl.groups[r.GroupName]; name != "" {
			add(Series{Metric: passed, RuleGroup: name, Rule: allRules})
		}
		if v.Terminating != nil && r.Priority > v.Terminating.Rule.Priority {
			break
		}
	}
	if !own.Metrics {
		return
	}
	for _, l := range labels {
		if at := strings.LastIndexByte(l, ':'); at > 0 {
			add(Series{Metric: metricOf[v.Action], WebACL: own.MetricName, Namespace: l[:at], Label: l[at+1:]})
		}
	}
}

// matchedIn tells whether a rule of the group that r refers to matched.
func matchedIn(v *waf.Verdict, r *waf.RuleInfo) bool {
	for i := range v.Matches {
		if v.Matches[i].Rule.Group == r {
			return true
		}
	}
	return false
}
