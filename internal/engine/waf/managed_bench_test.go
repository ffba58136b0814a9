package waf_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/attack"
	"fastness/internal/engine/waf/managed"
	"fastness/internal/engine/waf/request"
)

// managedACL is an ACL of all managed groups that look at requests alone; with count, what they
// block only counts.
func managedACL(t testing.TB, memoBytes int, count bool) *waf.Program {
	t.Helper()
	return managedSteps(t, memoBytes, count, 0, -1)
}

// managedSteps is managedACL with a bound on steps and with a reserve of them.
func managedSteps(t testing.TB, memoBytes int, count bool, steps uint64, reserve int64) *waf.Program {
	t.Helper()
	catalogue, err := managed.New(managed.Feeds{})
	if err != nil {
		t.Fatal(err)
	}
	detector, err := attack.New()
	if err != nil {
		t.Fatal(err)
	}
	acl := &waf.ACL{LabelNamespace: "awswaf:111122223333:webacl:shop:", DefaultAction: waf.Action{Kind: waf.Allow}}
	for i, name := range []string{
		"AWSManagedRulesAmazonIpReputationList", "AWSManagedRulesAnonymousIpList", "AWSManagedRulesCommonRuleSet", "AWSManagedRulesAdminProtectionRuleSet",
		"AWSManagedRulesKnownBadInputsRuleSet", "AWSManagedRulesSQLiRuleSet", "AWSManagedRulesLinuxRuleSet", "AWSManagedRulesUnixRuleSet",
		"AWSManagedRulesWindowsRuleSet", "AWSManagedRulesPHPRuleSet", "AWSManagedRulesWordPressRuleSet",
	} {
		override := waf.OverrideNone
		if count {
			override = waf.OverrideCount
		}
		acl.Rules = append(acl.Rules, waf.Rule{Name: name, Override: override, Priority: int32(i), Statement: waf.Statement{Managed: &waf.ManagedGroup{Vendor: "AWS", Name: name}}})
	}
	p, err := waf.Compile(acl, waf.Options{Managed: catalogue, Attacks: detector, MemoBytes: memoBytes, Steps: steps, Reserve: reserve})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestManagedGroupsLetBrowsersPassWithoutAllocating(t *testing.T) {
	p := managedACL(t, 0, false)
	s := waf.NewScratch(request.DefaultLimits())
	for name, r := range map[string]*request.Request{"get": waf.BrowserGet(), "form": waf.Checkout(), "JSON": waf.Document()} {
		run := func() {
			if v, err := p.Evaluate(r, nil, s); err != nil || v.Action != waf.Allow {
				t.Fatal(name, err, v.Terminating)
			}
		}
		for range 4 {
			run()
		}
		if n := testing.AllocsPerRun(50, run); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// BenchmarkManaged evaluates with the managed groups: the same request again and again, requests
// whose arguments, session and body are new each time, and without the memo.
func BenchmarkManaged(b *testing.B) {
	for _, mode := range []string{"same", "fresh", "nomemo"} {
		memo := 0
		if mode == "nomemo" {
			memo = -1
		}
		p := managedACL(b, memo, false)
		for _, c := range []struct {
			name string
			r    *request.Request
		}{{"get", waf.BrowserGet()}, {"form", waf.Checkout()}, {"json", waf.Document()}} {
			b.Run(c.name+"/"+mode, func(b *testing.B) {
				list := []*request.Request{c.r}
				if mode == "fresh" {
					list = nil
					for i := range 2000 {
						list = append(list, fresh(c.r, i))
					}
				}
				s := waf.NewScratch(request.DefaultLimits())
				for range 4 {
					if v, err := p.Evaluate(list[0], nil, s); err != nil || v.Action != waf.Allow {
						b.Fatal(err, v.Terminating)
					}
				}
				b.ReportAllocs()
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
				before, i := waf.ThreadTime(b), 0
				for b.Loop() {
					if _, err := p.Evaluate(list[i%len(list)], nil, s); err != nil {
						b.Fatal(err)
					}
					i++
				}
				b.ReportMetric(float64(waf.ThreadTime(b)-before)/float64(b.N), "cpu-ns/op")
			})
		}
	}
}

// fresh is the request with other values where clients have other values.
func fresh(r *request.Request, i int) *request.Request {
	rng := rand.New(rand.NewPCG(uint64(i), 5))
	n := *r
	vary := strings.NewReplacer(
		"rock", fmt.Sprint("rock", rng.IntN(1e6)), "page=2", fmt.Sprint("page=", rng.IntN(1e6)), "min=10", fmt.Sprint("min=", rng.IntN(1e6)),
		"5f1c9f64a1f0b7d2c3", fmt.Sprintf("%018x", rng.Uint64()), "Jane", fmt.Sprint("Jane", rng.IntN(1e6)), "221B", fmt.Sprint(rng.IntN(1e6)),
		"Vinyl record", fmt.Sprint("Vinyl record ", rng.IntN(1e6)), "\"id\":1", fmt.Sprint("\"id\":", 1+rng.IntN(9)), "19.99", fmt.Sprint(rng.IntN(1e4), ".99"),
	)
	n.Target, n.Body = vary.Replace(r.Target), []byte(vary.Replace(string(r.Body)))
	n.Fields = append([]request.Field(nil), r.Fields...)
	for j := range n.Fields {
		n.Fields[j].Value = vary.Replace(n.Fields[j].Value)
	}
	return &n
}
