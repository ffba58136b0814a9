package session

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/request"
)

// watched is a group with nothing but a Watcher.
type watched struct{ w *Watcher }

func (g watched) ManagedGroup(string, string, string, json.RawMessage) (waf.RuleGroup, waf.Sets, error) {
	return waf.RuleGroup{Watch: func(waf.Observer) (waf.Observer, error) { return g.w, nil }}, waf.Sets{}, nil
}

func program(t testing.TB) (*Watcher, *waf.Program) {
	t.Helper()
	w, err := New(true)
	if err != nil {
		t.Fatal(err)
	}
	acl := &waf.ACL{DefaultAction: waf.Action{Kind: waf.Allow}, Rules: []waf.Rule{{Name: "r", Statement: waf.Statement{Managed: &waf.ManagedGroup{Vendor: "v", Name: "n"}}}}}
	p, err := waf.Compile(acl, waf.Options{Managed: watched{w}})
	if err != nil {
		t.Fatal(err)
	}
	return w, p
}

func visit(i int) *request.Request {
	return &request.Request{
		Time: time.Unix(1_700_000_000, 0), Method: "GET", Target: "/a", Host: "h", Remote: netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}),
		Fields: []request.Field{{Name: "User-Agent", Value: fmt.Sprint("Browser/", i)}},
	}
}

func TestExplanationsAreNotRemembered(t *testing.T) {
	w, p := program(t)
	s := waf.NewScratch(request.DefaultLimits())
	for i := range 100 {
		if _, err := p.Explain(visit(i), nil, s); err != nil {
			t.Fatal(err)
		}
	}
	if w.absent.Len() != 0 || w.sources.Len() != 0 {
		t.Errorf("%d addresses, %d kinds", w.absent.Len(), w.sources.Len())
	}
}

func TestInventedClientsAreBounded(t *testing.T) {
	w, p := program(t)
	s := waf.NewScratch(request.DefaultLimits())
	for i := range 120_000 {
		if _, err := p.Evaluate(visit(i), nil, s); err != nil {
			t.Fatal(err)
		}
	}
	if n := w.absent.Len(); n > maxClients*21/20 {
		t.Errorf("%d addresses", n)
	}
	if n := w.sources.Len(); n > maxKinds {
		t.Errorf("%d kinds", n)
	}
}

func BenchmarkObserve(b *testing.B) {
	_, p := program(b)
	s := waf.NewScratch(request.DefaultLimits())
	r := visit(1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Evaluate(r, nil, s); err != nil {
			b.Fatal(err)
		}
	}
}
