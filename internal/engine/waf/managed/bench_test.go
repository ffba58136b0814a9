package managed

import (
	"encoding/json"
	"testing"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/request"
)

// BenchmarkWatching evaluates the request of a browser, or a login, with each of the groups that look at more than
// one request.
func BenchmarkWatching(b *testing.B) {
	groups, err := New(Feeds{})
	if err != nil {
		b.Fatal(err)
	}
	browser := client{}.request("GET", "/catalogue/shoes?page=2", "", "Accept", "text/html", "Accept-Language", "en", "Referer", "https://shop.example/")
	logs := login(client{}, "ann", "a")
	for _, c := range []struct {
		name, group, configs string
		r                    *request.Request
	}{
		{"common bots", botControl, commonLevel, browser}, {"targeted bots", botControl, targetedLevel, browser},
		{"no login", takeover, takeoverJSON, browser}, {"login", takeover, takeoverJSON, logs},
		{"floods", antiDDoS, antiDDoSConfig("ENABLED", "HIGH", "LOW"), browser},
	} {
		acl := waf.ACL{DefaultAction: waf.Action{Kind: waf.Allow}, Rules: []waf.Rule{
			{Name: "g", Override: waf.OverrideCount, Statement: waf.Statement{Managed: &waf.ManagedGroup{Vendor: Vendor, Name: c.group, Configs: json.RawMessage(c.configs)}}},
		}}
		p, err := waf.Compile(&acl, waf.Options{Managed: groups, Places: lands{}})
		if err != nil {
			b.Fatal(err)
		}
		s := waf.NewScratch(request.DefaultLimits())
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.r.Time = clock
				if _, err := p.Evaluate(c.r, nil, s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
