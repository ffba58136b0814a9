package waf

import (
	"testing"

	"fastness/internal/engine/waf/request"
)

func TestOnlyAVerdictThatHasNothingToTellIsDetached(t *testing.T) {
	acl := &ACL{DefaultAction: Action{Kind: Allow}, TokenDomains: []string{"shop.example"}, Rules: []Rule{
		{Name: "count", Priority: 1, Action: Action{Kind: Count}, Labels: []string{"counted"}, Statement: contains(in(request.URIPath), "count")},
		{Name: "body", Priority: 3, Action: Action{Kind: Block}, Statement: contains(in(request.Body), "block")},
		{Name: "block", Priority: 2, Action: Action{Kind: Block}, Statement: contains(in(request.URIPath), "block")},
	}}
	p := compiled(t, acl, Options{})
	s := NewScratch(request.DefaultLimits())
	for target, want := range map[string]bool{"/plain": true, "/count": false, "/block": false} {
		v, err := p.Evaluate(get(target), nil, s)
		if err != nil {
			t.Fatal(err)
		}
		var kept Verdict
		if got := v.Detach(&kept); got != want {
			t.Errorf("%s: detached %v", target, got)
		}
		if !want {
			continue
		}
		if _, err := p.Evaluate(get("/block"), nil, s); err != nil {
			t.Fatal(err)
		}
		if kept.Action != Allow || kept.Program() != p || kept.ACL() != &p.acl || len(kept.TokenDomains()) != 1 || len(kept.AppendLabels(nil)) != 0 || kept.Detach(&kept) {
			t.Errorf("%s: %+v", target, kept)
		}
	}
	large := get("/plain")
	large.Method, large.Body, large.BodyTruncated = "POST", []byte("body"), true
	v, err := p.Evaluate(large, nil, s)
	if err != nil {
		t.Fatal(err)
	}
	if kept := (Verdict{}); !v.Detach(&kept) || !v.Oversize().Body || kept.Oversize() != v.Oversize() {
		t.Errorf("of a verdict on a body that is too large %+v was kept", kept.Oversize())
	}
}
