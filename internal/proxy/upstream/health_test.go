package upstream

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"fastness/internal/clock"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 20 * time.Second

// checked is a group of one target whose status can be set, on a clock that stands still.
type checked struct {
	t      *testing.T
	clock  *clock.Manual
	group  *Group
	addr   string
	status atomic.Int32
	asked  atomic.Int32
	change chan Health
}

func newChecked(t *testing.T, check Check) *checked {
	c := &checked{t: t, clock: clock.NewManual(time.Unix(1e9, 0)), change: make(chan Health, 100)}
	c.status.Store(200)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.asked.Add(1)
		if r.URL.Path != "/health" || !strings.HasPrefix(r.UserAgent(), "ELB-HealthChecker/") {
			t.Errorf("asked for %s by %s", r.URL, r.UserAgent())
		}
		w.WriteHeader(int(c.status.Load()))
	}))
	t.Cleanup(s.Close)
	c.addr = strings.TrimPrefix(s.URL, "http://")
	check.Path, check.Interval, check.Timeout = "/health", 10*time.Second, patience
	c.group = NewGroup(c.clock, Config{Targets: []Address{{Addr: c.addr}}, Check: check}, func(_ string, h Health) { c.change <- h })
	t.Cleanup(c.group.Close)
	return c
}

// round waits until the target was asked, and moves time to the next check.
func (c *checked) round(status int) Health {
	c.t.Helper()
	c.status.Store(int32(status))
	c.clock.Advance(10 * time.Second)
	if err := c.clock.AwaitWaiters(c.t.Context(), 1); err != nil {
		c.t.Fatal(err)
	}
	return c.group.Health()[c.addr]
}

func TestHealthChangesAfterSeveralChecks(t *testing.T) {
	matcher, err := ParseMatcher("200,301-302", 200, 499)
	if err != nil {
		t.Fatal(err)
	}
	c := newChecked(t, Check{Healthy: 3, Unhealthy: 2, Matcher: matcher})
	if err := c.clock.AwaitWaiters(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if h := c.group.Health()[c.addr]; h.State != Healthy {
		t.Errorf("after the first good answer: %+v", h)
	}
	for i, step := range []struct {
		status int
		want   State
	}{
		{301, Healthy}, {500, Healthy}, {200, Healthy}, {500, Healthy}, {503, Unhealthy}, {200, Unhealthy}, {200, Unhealthy},
		{303, Unhealthy}, {302, Unhealthy}, {200, Unhealthy}, {200, Healthy},
	} {
		h := c.round(step.status)
		if h.State != step.want {
			t.Errorf("step %d, status %d: %+v, want %s", i, step.status, h, step.want)
		}
		if h.State == Unhealthy && step.status == 503 && (h.Reason != "Target.ResponseCodeMismatch" || h.Description != "Health checks failed with these codes: [503]") {
			t.Errorf("%+v", h)
		}
	}
	if n := len(c.change); n != 3 {
		t.Errorf("%d changes were told, want 3", n)
	}
}

func TestATargetThatCannotBeReachedIsUnhealthy(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	m := clock.NewManual(time.Unix(1e9, 0))
	matcher, _ := ParseMatcher("200", 200, 499)
	g := NewGroup(m, Config{Targets: []Address{{Addr: l.Addr().String()}}, Check: Check{Path: "/", Interval: time.Second, Timeout: patience, Healthy: 2, Unhealthy: 2, Matcher: matcher}}, nil)
	defer g.Close()
	for range 2 {
		if err := m.AwaitWaiters(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		m.Advance(time.Second)
	}
	if err := m.AwaitWaiters(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if h := g.Health()[l.Addr().String()]; h.State != Unhealthy || h.Reason != "Target.FailedHealthChecks" {
		t.Errorf("%+v", h)
	}
	// To try is better than to refuse.
	if g.Choose(m.Now(), nil) == nil {
		t.Error("no target is chosen when all are unhealthy")
	}
}

// still is a group whose targets are taken for healthy.
func still(t *testing.T, m clock.Clock, c Config, n int) *Group {
	c.Check.Off = true
	for i := range n {
		c.Targets = append(c.Targets, Address{Addr: "192.0.2.1:" + strconv.Itoa(i+1)})
	}
	g := NewGroup(m, c, nil)
	t.Cleanup(g.Close)
	return g
}

func TestChoices(t *testing.T) {
	m := clock.NewManual(time.Unix(1e9, 0))
	now := m.Now()
	count := map[string]int{}
	g := still(t, m, Config{}, 3)
	for range 30 {
		count[g.Choose(now, nil).Addr]++
	}
	for addr, n := range count {
		if n != 10 {
			t.Errorf("in turn: %s %d times of 30", addr, n)
		}
	}
	g = still(t, m, Config{Choice: LeastOutstanding}, 3)
	first := g.Choose(now, nil)
	first.Begin()
	second := g.Choose(now, nil)
	second.Begin()
	second.Begin()
	third := g.Choose(now, nil)
	third.Begin()
	third.Begin()
	if first == second || second == third || first == third || g.Choose(now, nil) != first {
		t.Error("the target with the fewest requests was not chosen")
	}
	if g.Choose(now, []*Target{first, second, third}) != nil {
		t.Error("a target that was tried already")
	}
	draining := Config{Check: Check{Off: true}, Targets: []Address{{Addr: first.Addr, Draining: true}, {Addr: second.Addr}}}
	g.Update(draining)
	for range 5 {
		if g.Choose(now, nil) != second {
			t.Error("a draining target was chosen, or one was forgotten that stays")
		}
	}
	if g.Find(first.Addr) != nil || g.Health()[first.Addr].State != Draining {
		t.Error("a draining target is found")
	}
}

func TestSlowStart(t *testing.T) {
	m := clock.NewManual(time.Unix(1e9, 0))
	g := still(t, m, Config{SlowStart: 100 * time.Second}, 1)
	g.Update(Config{Check: Check{Off: true}, SlowStart: 100 * time.Second, Targets: []Address{{Addr: "192.0.2.1:1"}, {Addr: "192.0.2.1:9"}}})
	share := func() (n int) {
		for range 1000 {
			if g.Choose(m.Now(), nil).Addr == "192.0.2.1:9" {
				n++
			}
		}
		return n
	}
	m.Advance(10 * time.Second)
	early := share()
	m.Advance(40 * time.Second)
	middle := share()
	m.Advance(50 * time.Second)
	if late := share(); early > 120 || middle < 150 || middle > 380 || late != 500 {
		t.Errorf("the share of a new target: %d, %d, %d of 1000", early, middle, late)
	}
}

func TestMatchers(t *testing.T) {
	for _, bad := range []string{"", "x", "199", "500", "300-200", "200,", "200-", "-200", "200-500"} {
		if _, err := ParseMatcher(bad, 200, 499); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
