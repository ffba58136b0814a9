package app

import (
	"fmt"
	"testing"
	"time"

	"fastness/internal/clock"
	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/rate"
	"fastness/internal/proxy"
)

// counted is what a proxy gives: n keys.
func counted(n int) []proxy.Shared {
	s := proxy.Shared{WebACL: "acl", RuleCounts: waf.RuleCounts{Rule: "r", Settings: "s"}}
	for i := range n {
		s.Deltas = append(s.Deltas, rate.Delta{Key: rate.Key{byte(i), byte(i >> 8), byte(i >> 16)}, N: 1})
	}
	return []proxy.Shared{s}
}

func keysOf(all []proxy.Shared) (n int) {
	for i := range all {
		n += len(all[i].Deltas)
	}
	return n
}

func TestEachProxyGetsWhatOthersCountOnce(t *testing.T) {
	x := newExchange(clock.NewManual(time.Unix(1_700_000_000, 0)))
	after := map[string]uint64{}
	swap := func(name string, n int) int {
		var given []proxy.Shared
		if n > 0 {
			given = counted(n)
		}
		next, taken, _ := x.swap(name, after[name], given)
		after[name] = next
		return keysOf(taken)
	}
	for _, step := range []struct {
		name       string
		give, want int
	}{
		{"a", 5, 0}, // alone: nobody wants it
		{"b", 7, 0}, {"a", 11, 7}, {"a", 0, 0}, {"b", 0, 11}, {"b", 0, 0}, {"c", 0, 0}, {"a", 13, 0}, {"c", 17, 13}, {"b", 0, 30}, {"a", 0, 17},
	} {
		if got := swap(step.name, step.give); got != step.want {
			t.Fatalf("%s gives %d and gets %d, want %d", step.name, step.give, got, step.want)
		}
	}
}

func TestCountsOfLongAgoAreNotGiven(t *testing.T) {
	c := clock.NewManual(time.Unix(1_700_000_000, 0))
	x := newExchange(c)
	next, _, alone := x.swap("a", 0, nil)
	if !alone {
		t.Error("the first one is not alone")
	}
	x.swap("b", 0, counted(5))
	c.Advance(keptCounts + time.Second)
	_, taken, alone := x.swap("a", next, nil)
	if len(taken) > 0 || !alone {
		t.Errorf("%d keys of long ago; alone: %v", keysOf(taken), alone)
	}
	if _, taken, _ := x.swap("c", next+100, nil); len(taken) > 0 {
		t.Error("one that knows a number of another process gets something")
	}
}

func TestAnExchangeIsBounded(t *testing.T) {
	x := newExchange(clock.NewManual(time.Unix(1_700_000_000, 0)))
	after, _, _ := x.swap("a", 0, nil)
	for range 50 {
		x.swap("b", 1, counted(60_000))
	}
	if x.keys > keptKeys+60_000 {
		t.Errorf("%d keys are kept", x.keys)
	}
	all, calls := 0, 0
	for {
		next, taken, _ := x.swap("a", after, nil)
		if len(taken) == 0 {
			break
		}
		if n := keysOf(taken); n > givenKeys {
			t.Errorf("%d keys at a time", n)
		}
		all += keysOf(taken)
		after = next
		calls++
	}
	if all < keptKeys-60_000 || calls < 10 {
		t.Errorf("%d keys in %d calls", all, calls)
	}
	for i := range 2 * maxProxies {
		x.swap(fmt.Sprint("p", i), 0, nil)
	}
	if len(x.members) > maxProxies {
		t.Errorf("%d members", len(x.members))
	}
}
