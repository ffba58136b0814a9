package managed

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"fastness/internal/engine/waf"
)

func antiDDoSConfig(usage, challenge, block string) string {
	return fmt.Sprintf(`[{"AWSManagedRulesAntiDDoSRuleSet": {"SensitivityToBlock": %q, "ClientSideActionConfig": {"Challenge": {"UsageOfAction": %q, "Sensitivity": %q,
		"ExemptUriRegularExpressions": [{"RegexString": "\\/api\\/"}, {"RegexString": "\\.(css|js|png)$"}]}}}}]`, block, usage, challenge)
}

const ofDDoS = "awswaf:managed:aws:anti-ddos:"

// underAttack is a site that is flooded, after six minutes of ordinary traffic. Clients of 10.66.0.x
// made as many requests as x says in the last seconds, where four are ordinary.
func underAttack(t *testing.T, configs string, overrides waf.Overrides) *site {
	t.Helper()
	s := newSite(t, antiDDoS, configs, Feeds{}, overrides)
	for second := range 360 {
		for i := range 6 {
			o := s.send(client{address: fmt.Sprintf("10.1.1.%d", second%10/3*6+i), token: "t"}.request("GET", "/", ""))
			if o.has("event-detected") {
				t.Fatalf("an event in second %d", second)
			}
		}
		s.now = s.now.Add(time.Second)
	}
	for i := range 800 { // clients of all kinds
		s.send(client{address: fmt.Sprintf("10.66.%d.%d", 1+i%40, i%40), agent: fmt.Sprint("Mozilla/5.0 (", i, ")")}.request("POST", "/", ""))
	}
	return s
}

// burst has a client send n requests, and returns what became of the last one.
func (s *site) burst(n int, c client, method, target string) (o outcome) {
	for i := range n {
		c.agent = fmt.Sprint("Mozilla/5.0 (", c.address, i, ")")
		o = s.send(c.request(method, target, ""))
	}
	return o
}

func TestAntiDDoSChallengesAllDuringAnEvent(t *testing.T) {
	s := underAttack(t, antiDDoSConfig("ENABLED", "HIGH", "LOW"), waf.Overrides{})
	s.want("a page", s.burst(1, client{address: "10.7.0.1"}, "GET", "/"), waf.Challenge, "ChallengeAllDuringEvent",
		ofDDoS+"event-detected", ofDDoS+"challengeable-request", ofDDoS+"ChallengeAllDuringEvent")
	s.want("with a token", s.burst(1, client{address: "10.7.0.2", token: "t"}, "GET", "/"), waf.Allow, "", ofDDoS+"event-detected", "awswaf:managed:token:accepted")
	for _, target := range []string{"/api/x", "/a.css"} {
		o := s.burst(1, client{address: "10.7.0.3"}, "GET", target)
		s.want(target, o, waf.Allow, "", ofDDoS+"event-detected")
		if o.has("challengeable-request") {
			t.Errorf("%s: %v", target, o.labels)
		}
	}
	s.want("a form", s.burst(1, client{address: "10.7.0.4"}, "POST", "/"), waf.Allow, "", ofDDoS+"event-detected")
}

func TestAntiDDoSSuspicion(t *testing.T) {
	count := waf.Overrides{Actions: map[string]waf.Action{"ChallengeAllDuringEvent": {Kind: waf.Count}, "ChallengeDDoSRequests": {Kind: waf.Count}, "DDoSRequests": {Kind: waf.Count}}}
	s := underAttack(t, antiDDoSConfig("ENABLED", "HIGH", "HIGH"), count)
	for i, c := range []struct {
		requests int
		level    string
	}{{4, ""}, {8, ""}, {9, "low"}, {16, "low"}, {17, "medium"}, {32, "medium"}, {33, "high"}, {100, "high"}} {
		o := s.burst(c.requests, client{address: fmt.Sprintf("10.8.0.%d", i)}, "GET", "/")
		for _, level := range []string{"low", "medium", "high"} {
			if o.has(ofDDoS+level+"-suspicion-ddos-request") != (level == c.level) {
				t.Errorf("%d requests: %v", c.requests, o.labels)
			}
		}
		if o.has(ofDDoS+"ddos-request") != (c.level != "") {
			t.Errorf("%d requests: %v", c.requests, o.labels)
		}
	}
}

func TestAntiDDoSSensitivities(t *testing.T) {
	requests := map[string]int{"": 4, "low": 12, "medium": 20, "high": 40}
	for sensitivity, levels := range map[string]string{"LOW": "high", "MEDIUM": "medium high", "HIGH": "low medium high"} {
		all := waf.Overrides{Actions: map[string]waf.Action{"ChallengeAllDuringEvent": {Kind: waf.Count}}}
		challenges := underAttack(t, antiDDoSConfig("ENABLED", sensitivity, "LOW"), all)
		blocks := underAttack(t, antiDDoSConfig("DISABLED", "LOW", sensitivity), waf.Overrides{})
		i := 0
		for level, n := range requests {
			i++
			acts := level != "" && slices.Contains(strings.Fields(levels), level)
			o := challenges.burst(n, client{address: fmt.Sprintf("10.8.0.%d", i)}, "GET", "/")
			if acts {
				challenges.want(sensitivity+" "+level, o, waf.Challenge, "ChallengeDDoSRequests", ofDDoS+"ChallengeDDoSRequests")
			} else {
				challenges.want(sensitivity+" "+level, o, waf.Allow, "")
			}
			o = blocks.burst(n, client{address: fmt.Sprintf("10.8.0.%d", i)}, "GET", "/")
			if acts {
				blocks.want(sensitivity+" "+level, o, waf.Block, "DDoSRequests", ofDDoS+"DDoSRequests")
			} else {
				blocks.want(sensitivity+" "+level, o, waf.Allow, "", ofDDoS+"event-detected")
			}
			if o.has("challengeable-request") {
				t.Errorf("with challenges disabled: %v", o.labels)
			}
		}
	}
}
