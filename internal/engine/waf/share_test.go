package waf

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"fastness/internal/engine/waf/rate"
)

// pair is two programs of the same ACL that share a secret.
func pair(t *testing.T, r *RateBased) (one, two *Program) {
	t.Helper()
	secret := make([]byte, rate.SecretSize)
	make1 := func() *Program {
		return compiled(t, acl(doing("limit", Block, Statement{Rate: r})), Options{ShareCounts: true, Hasher: rate.NewHasherWith(secret)})
	}
	return make1(), make1()
}

func TestALimitHoldsOverTwoProgramsThatShare(t *testing.T) {
	for name, r := range map[string]*RateBased{
		"addresses": {Limit: 10, Window: time.Minute, Aggregate: AggregateIP},
		"keys":      {Limit: 10, Window: time.Minute, Aggregate: AggregateKeys, Keys: []RateKey{{Kind: KeyURIPath}, {Kind: KeyIP}}},
		"all":       {Limit: 10, Window: time.Minute, Aggregate: AggregateConstant, ScopeDown: &Statement{Size: &SizeMatch{Inspect: in("UriPath"), Comparison: Greater}}},
	} {
		one, two := pair(t, r)
		passed := 0
		for range 30 {
			for _, p := range []*Program{one, two} {
				if judge(t, p, get("/a")).Action == Allow {
					passed++
				}
			}
			fromOne, fromTwo := one.TakeCounts(1000), two.TakeCounts(1000)
			one.AddCounts(fromTwo, noon)
			two.AddCounts(fromOne, noon)
		}
		if passed != 10 {
			t.Errorf("%s: %d requests passed", name, passed)
		}
	}
}

func TestCountsUnderOtherSettingsAreLeftOut(t *testing.T) {
	r := &RateBased{Limit: 10, Window: time.Minute, Aggregate: AggregateIP}
	one, _ := pair(t, r)
	_, other := pair(t, &RateBased{Limit: 11, Window: time.Minute, Aggregate: AggregateIP})
	for range 10 {
		judge(t, one, get("/"))
	}
	counts := one.TakeCounts(100)
	other.AddCounts(counts, noon)
	other.AddCounts([]RuleCounts{{Rule: "none", Settings: counts[0].Settings, Deltas: counts[0].Deltas}}, noon)
	if v := judge(t, other, get("/")); v.Rates[0].Count != 1 {
		t.Errorf("%d requests", v.Rates[0].Count)
	}
}

func TestAllLimited(t *testing.T) {
	one, _ := pair(t, &RateBased{Limit: 1, Window: time.Minute, Aggregate: AggregateIP})
	for range 3 {
		judge(t, one, get("/"))
	}
	if got := fmt.Sprint(one.AllLimited(noon, 10)); got != fmt.Sprint(map[string][]netip.Addr{"limit": {netip.MustParseAddr("192.0.2.7")}}) {
		t.Errorf("%s", got)
	}
}
