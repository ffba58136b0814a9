package app

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/request"
	"fastness/internal/service/wafv2"
)

// What is protected is not even kept.
func TestSamplesAreProtected(t *testing.T) {
	r := &request.Request{
		Method: "GET", Target: "/login?token=secret", Host: "shop.example.com", Proto: "HTTP/1.1", Remote: netip.MustParseAddr("192.0.2.1"),
		Fields: []request.Field{
			{Name: "Authorization", Value: "Bearer secret"}, {Name: "Cookie", Value: "theme=dark; session=secret; x=secret2"},
			{Name: "Referer", Value: "https://shop.example.com/?token=secret"}, {Name: "Accept", Value: "*/*"},
		},
	}
	got := sampledRequest(r, []waf.DataProtection{
		{Field: "SINGLE_HEADER", Keys: []string{"authorization"}},
		{Field: "SINGLE_COOKIE", Keys: []string{"session", "x"}, Hash: true},
		{Field: "QUERY_STRING"},
	})
	all := *got.URI
	for _, h := range got.Headers {
		all += "\n" + *h.Name + ": " + *h.Value
	}
	if strings.Contains(all, "secret") || !strings.Contains(all, "Authorization: REDACTED") || !strings.Contains(all, "theme=dark") || !strings.Contains(all, "Accept: */*") {
		t.Errorf("the sample is\n%s", all)
	}
	// SHA-256 of "secret", by sha256sum.
	if want := "session=2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"; !strings.Contains(all, want) {
		t.Errorf("the sample has no %s:\n%s", want, all)
	}
}

func TestPathsOfBots(t *testing.T) {
	s := newSightings()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	bot := func(path, name, category string) {
		s.deliver([]any{&sighting{WebACL: "acl", At: now, Path: path, Labels: []string{botLabels + "name:" + name, botLabels + "category:" + category, "awswaf:1:webacl:x:y"}}})
	}
	for range 3 {
		bot("/api/v1/users", "gptbot", "ai")
	}
	bot("/api/v2", "googlebot", "search_engine")
	bot("/", "gptbot", "ai")
	s.deliver([]any{&sighting{WebACL: "acl", At: now, Path: "/api/v1/users"}}) // no bot
	ask := func(q wafv2.PathQuery) wafv2.PathTraffic {
		q.WebACL, q.From, q.To, q.Bots = "acl", now.Add(-time.Hour), now.Add(time.Hour), 1
		return s.paths(&q)
	}
	all := ask(wafv2.PathQuery{})
	if all.Total != 5 || len(all.Paths) != 2 || all.Paths[0].Path != "/api/" || all.Paths[0].Requests != 4 || all.Paths[0].Bots[0] != (wafv2.BotCount{Bot: "gptbot", Requests: 3}) || len(all.Categories) != 3 {
		t.Errorf("all: %+v", all)
	}
	below := ask(wafv2.PathQuery{Prefix: "/api/"})
	if below.Total != 4 || below.Paths[0].Path != "/api/v1/users" {
		t.Errorf("below /api/: %+v", below)
	}
	if ai := ask(wafv2.PathQuery{Category: "ai"}); ai.Total != 4 || ai.Categories != nil {
		t.Errorf("of a category: %+v", ai)
	}
	if none := s.paths(&wafv2.PathQuery{WebACL: "other"}); none.Total != 0 {
		t.Errorf("of another web ACL: %+v", none)
	}
}

// Of a busy minute the first requests are looked at, those of the next one again.
func TestOrdinaryRequestsAreCopiedInBounds(t *testing.T) {
	d := newWitness()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	copied := 0
	for range 3 * sampledFirst {
		if !d.enough("acl", at) {
			copied++
		}
	}
	if copied != sampledFirst || d.enough("acl", at.Add(time.Minute)) || d.enough("other", at) {
		t.Errorf("%d requests of a minute are copied", copied)
	}
}
