package surge

import (
	"encoding/json"
	"net/netip"
	"slices"
	"testing"
	"time"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/request"
)

// one is a group whose rules name the signals that were raised.
type one struct{ w *Watcher }

func (g one) ManagedGroup(string, string, string, json.RawMessage) (waf.RuleGroup, waf.Sets, error) {
	out := waf.RuleGroup{LabelNamespace: "g:", Watch: func(waf.Observer) (waf.Observer, error) { return g.w, nil }}
	for i, name := range g.w.Names() {
		out.Rules = append(out.Rules, waf.Rule{
			Name: name, Priority: int32(i), Quiet: true, Labels: []string{name}, Statement: waf.Statement{Signal: &waf.SignalMatch{Names: []string{name}}},
		})
	}
	return out, waf.Sets{}, nil
}

// site is a program with the group, and a clock.
type site struct {
	t       *testing.T
	watcher *Watcher
	program *waf.Program
	scratch *waf.Scratch
	now     time.Time
}

func newSite(t *testing.T) *site {
	t.Helper()
	w, err := New()
	if err != nil {
		t.Fatal(err)
	}
	acl := &waf.ACL{DefaultAction: waf.Action{Kind: waf.Allow}, Rules: []waf.Rule{{Name: "r", Statement: waf.Statement{Managed: &waf.ManagedGroup{Vendor: "v", Name: "n"}}}}}
	p, err := waf.Compile(acl, waf.Options{Managed: one{w}})
	if err != nil {
		t.Fatal(err)
	}
	return &site{t: t, watcher: w, program: p, scratch: waf.NewScratch(request.DefaultLimits()), now: time.Unix(1_700_000_000, 0)}
}

// ask sends a request of a client and returns the signals.
func (s *site) ask(client int, method, target, agent string) []string {
	s.t.Helper()
	v, err := s.program.Evaluate(&request.Request{
		Time: s.now, Method: method, Target: target, Host: "h", Remote: netip.AddrFrom4([4]byte{10, byte(client >> 16), byte(client >> 8), byte(client)}),
		Fields: []request.Field{{Name: "User-Agent", Value: agent}},
	}, nil, s.scratch)
	if err != nil {
		s.t.Fatal(err)
	}
	var all []string
	for _, l := range v.AppendLabels(nil) {
		if l[:2] == "g:" {
			all = append(all, l[2:])
		}
	}
	return all
}

// ordinary has 20 clients make three requests each in ten seconds, for a time.
func (s *site) ordinary(d time.Duration) {
	s.t.Helper()
	for end := s.now.Add(d); s.now.Before(end); s.now = s.now.Add(time.Second) {
		for i := range 6 {
			got := s.ask(int(s.now.Unix()%10)/3*6+i, "GET", "/", "Browser")
			if slices.Contains(got, "event") {
				s.t.Fatalf("an event at an ordinary time: %v", s.now)
			}
		}
	}
}

// flood sends requests of clients in a second, and returns how many of them had each signal.
func (s *site) flood(clients, each int, agent string) map[string]int {
	seen := map[string]int{}
	for range each {
		for c := range clients {
			for _, name := range s.ask(1000+c, "GET", "/", agent) {
				seen[name]++
			}
		}
	}
	s.now = s.now.Add(time.Second)
	return seen
}

func TestAFloodIsAnEventWithinSeconds(t *testing.T) {
	s := newSite(t)
	s.ordinary(6 * time.Minute)
	s.flood(10, 40, "Tool") // 400 in a second: more than three times the bound of 100
	seen := s.flood(10, 40, "Tool")
	if seen["event"] != 400 || seen["suspicion:high"] < 300 {
		t.Errorf("%v", seen)
	}
	if got := s.ask(1, "GET", "/", "Browser"); !slices.Equal(got, []string{"event"}) {
		t.Errorf("an ordinary client during an event: %v", got)
	}
}

func TestAFloodOfManyClientsIsSuspiciousByItsKind(t *testing.T) {
	s := newSite(t)
	s.ordinary(6 * time.Minute)
	s.flood(400, 1, "Tool")
	if seen := s.flood(400, 1, "Tool"); seen["suspicion:low"] < 200 {
		t.Errorf("%v", seen)
	}
}

func TestASmallerFloodIsAnEventAfterTwoSpans(t *testing.T) {
	s := newSite(t)
	s.ordinary(6 * time.Minute)
	first, last := -1, 0
	for second := range 10 {
		if s.flood(20, 4, "Tool")["event"] > 0 && first < 0 {
			first = second
		}
		last = second
	}
	if first < 2 || first > 5 {
		t.Errorf("the event began in second %d of %d", first, last)
	}
}

func TestAnEventEndsWhenItIsCalm(t *testing.T) {
	s := newSite(t)
	s.ordinary(6 * time.Minute)
	for range 10 {
		s.flood(10, 40, "Tool")
	}
	ended := -1
	for second := range 60 {
		if !slices.Contains(s.ask(1, "GET", "/", "Browser"), "event") {
			ended = second
			break
		}
		s.now = s.now.Add(time.Second)
	}
	if ended < 28 || ended > 36 {
		t.Errorf("the event ended after %d seconds", ended)
	}
}

func TestWhatIsNotKnownToBeUnusualIsNoEvent(t *testing.T) {
	s := newSite(t)
	s.ordinary(4 * time.Minute)
	for range 10 {
		if seen := s.flood(10, 40, "Tool"); seen["event"] > 0 {
			t.Fatal("an event before anything was learned")
		}
	}
}

func TestWhatLastsForHoursIsUsual(t *testing.T) {
	s := newSite(t)
	s.ordinary(6 * time.Minute)
	for range 2 * 3600 {
		s.flood(60, 2, "Browser")
	}
	if seen := s.flood(60, 2, "Browser"); seen["event"] != 0 {
		t.Errorf("%v", seen)
	}
}

func TestExplanationsCountNothing(t *testing.T) {
	s := newSite(t)
	for range 1000 {
		if _, err := s.program.Explain(&request.Request{Time: s.now, Method: "GET", Target: "/", Host: "h"}, nil, s.scratch); err != nil {
			t.Fatal(err)
		}
	}
	if s.watcher.n != 0 || s.watcher.clients.Len() != 0 {
		t.Errorf("%d requests, %d clients", s.watcher.n, s.watcher.clients.Len())
	}
}
