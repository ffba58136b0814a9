package waflog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fastness/internal/clock"
	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/request"
	"fastness/internal/engine/waf/transform"
	"fastness/internal/proxy"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const (
	aclARN   = "arn:aws:wafv2:us-east-1:111122223333:regional/webacl/shop/a1"
	groupARN = "arn:aws:wafv2:us-east-1:111122223333:regional/rulegroup/mine/b2"
	lbARN    = "arn:aws:elasticloadbalancing:us-east-1:111122223333:loadbalancer/app/web/50dc6c495c0c9188"
	logARN   = "arn:aws:logs:us-east-1:111122223333:log-group:aws-waf-logs-shop"
)

func visible(name string) waf.Visibility { return waf.Visibility{MetricName: name, Metrics: true} }

func path(text string) waf.Statement {
	return waf.Statement{Byte: &waf.ByteMatch{Inspect: waf.Inspect{Component: request.Component{Kind: request.URIPath}}, Search: []byte(text), Position: waf.StartsWith}}
}

// shopACL has a rule of each kind that a record tells of.
func shopACL() *proxy.WebACL {
	sqli := waf.Statement{SQLi: &waf.SQLiMatch{Inspect: waf.Inspect{Component: request.Component{Kind: request.AllQueryArguments}, Transformations: []transform.Kind{transform.URLDecode}}}}
	return &proxy.WebACL{
		ARN: aclARN,
		ACL: waf.ACL{
			Name: "shop", LabelNamespace: "awswaf:111122223333:webacl:shop:", DefaultAction: waf.Action{Kind: waf.Allow}, Visibility: visible("shop"),
			Rules: []waf.Rule{
				{Name: "counted", Priority: 1, Action: waf.Action{Kind: waf.Count, Insert: []waf.HeaderField{{Name: "x-amzn-waf-seen", Value: "1"}}}, Statement: path("/count"), Labels: []string{"seen:count"}, Visibility: visible("counted")},
				{Name: "group", Priority: 2, Statement: waf.Statement{Group: &waf.GroupReference{Group: groupARN}}, Visibility: visible("group")},
				{Name: "injections", Priority: 3, Action: waf.Action{Kind: waf.Block, Response: &waf.Response{Status: 418}}, Statement: sqli, Visibility: visible("injections")},
				{Name: "puzzle", Priority: 4, Action: waf.Action{Kind: waf.Captcha}, Statement: path("/puzzle"), Visibility: visible("puzzle")},
				{Name: "limit", Priority: 5, Action: waf.Action{Kind: waf.Block}, Visibility: visible("limit"), Statement: waf.Statement{Rate: &waf.RateBased{Limit: 10, Window: time.Minute, Aggregate: waf.AggregateIP, ScopeDown: new(path("/rate"))}}},
			},
		},
		Sets: waf.Sets{Groups: map[string]waf.RuleGroup{groupARN: {
			Name: "mine", LabelNamespace: "awswaf:111122223333:rulegroup:mine:", Visibility: visible("mine"), Rules: []waf.Rule{
				{Name: "noted", Priority: 1, Action: waf.Action{Kind: waf.Count}, Statement: path("/group"), Visibility: visible("noted")},
				{Name: "refused", Priority: 2, Action: waf.Action{Kind: waf.Block}, Statement: path("/group/no"), Visibility: visible("refused"), Labels: []string{"no"}},
			},
		}}},
		Logging: []proxy.Logging{{Destination: logARN, KeepOthers: true}},
	}
}

// atlas says that everything is in one place.
type atlas struct{}

func (atlas) Country(netip.Addr) (string, string) { return "DE", "" }
func (atlas) ASN(netip.Addr) uint32               { return 64500 }

// stand is a recorder for a web ACL, which it judges requests by.
type stand struct {
	testing.TB
	recorder  *Recorder
	inspector proxy.Inspector
	clock     *clock.Manual
	ended     chan error

	mu      sync.Mutex
	batches []*Batch
	fail    bool
}

func newStand(t testing.TB, w *proxy.WebACL) *stand {
	t.Helper()
	s := &stand{TB: t, clock: clock.NewManual(noon), ended: make(chan error, 1)}
	s.recorder = New(Options{Clock: s.clock, Log: slog.New(slog.DiscardHandler), Limits: request.DefaultLimits(), Deliver: s.deliver})
	if err := s.recorder.Configure(&proxy.Config{WebACLs: []proxy.WebACL{*w}, LoadBalancers: []proxy.LoadBalancer{{ARN: lbARN, WebACL: w.ARN}}}); err != nil {
		t.Fatal(err)
	}
	var err error
	if s.inspector, err = proxy.NewEngine(waf.Options{Places: atlas{}}, nil).Compile(w, nil); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *stand) deliver(_ context.Context, b *Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail {
		return errors.New("away")
	}
	s.batches = append(s.batches, b)
	return nil
}

// ask has a request judged and recorded. Its memory is then used again.
func (s *stand) ask(r *request.Request, o proxy.Outcome) {
	s.Helper()
	var v proxy.Verdict
	if err := s.inspector.Inspect(s.Context(), r, &v); err != nil {
		s.Fatal(err)
	}
	o.Resource = lbARN
	s.recorder.Record(r, &v, &o)
	if v.Release != nil {
		v.Release()
	}
	for i := range r.Body {
		r.Body[i] = 0xff
	}
	for i := range r.Fields {
		r.Fields[i] = request.Field{Name: "gone", Value: "gone"}
	}
}

// all ends the recorder and returns what it handed over.
func (s *stand) all() (records []Record, counts map[Series]uint64, lost uint64) {
	s.Helper()
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	if err := s.recorder.Run(ctx, time.Minute); !errors.Is(err, context.Canceled) {
		s.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	counts = make(map[Series]uint64)
	for _, b := range s.batches {
		records = append(records, b.Records...)
		lost += b.Lost
		for _, c := range b.Counts {
			if c.ACL != aclARN || c.Minute != noon.Unix()/60 {
				s.Errorf("count %+v", c)
			}
			counts[c.Series] += c.N
		}
	}
	return records, counts, lost
}

func get(target string, fields ...string) *request.Request {
	r := &request.Request{
		ID: "Root=1-1", Time: noon, Method: "GET", Target: target, Host: "shop.example", Scheme: "https", Proto: "HTTP/1.1", Remote: netip.MustParseAddr("192.0.2.7"), JA3: "j3", JA4: "j4",
	}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		r.Fields = append(r.Fields, request.Field{Name: name, Value: value})
	}
	return r
}

// record has one request recorded and returns its record.
func record1(t *testing.T, w *proxy.WebACL, r *request.Request, o proxy.Outcome) map[string]any {
	t.Helper()
	s := newStand(t, w)
	s.ask(r, o)
	records, _, _ := s.all()
	if len(records) != 1 || records[0].ACL != aclARN || records[0].Destination != logARN || records[0].At != noon.UnixMilli() {
		t.Fatalf("records %+v", records)
	}
	var m map[string]any
	if err := json.Unmarshal(records[0].Text, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// The example of the AWS WAF Developer Guide ("Log examples"), for a rule that looks for SQL injection, with
// the values of this request.
func TestARecordHasTheFieldsOfAWS(t *testing.T) {
	const want = `{
		"timestamp": 1772366400000, "formatVersion": 1, "webaclId": "arn:aws:wafv2:us-east-1:111122223333:regional/webacl/shop/a1",
		"terminatingRuleId": "injections", "terminatingRuleType": "REGULAR", "action": "BLOCK",
		"terminatingRuleMatchDetails": [{"conditionType": "SQL_INJECTION", "sensitivityLevel": "LOW", "location": "ALL_QUERY_ARGS", "matchedData": ["1", "'", "or", "1", "=", "1", "-", "-"], "matchedFieldName": "q"}],
		"httpSourceName": "ALB", "httpSourceId": "111122223333-app/web/50dc6c495c0c9188",
		"ruleGroupList": [{"ruleGroupId": "arn:aws:wafv2:us-east-1:111122223333:regional/rulegroup/mine/b2", "terminatingRule": null, "nonTerminatingMatchingRules": [], "excludedRules": null, "customerConfig": null}],
		"rateBasedRuleList": [],
		"nonTerminatingMatchingRules": [{"ruleId": "counted", "action": "COUNT", "ruleMatchDetails": []}],
		"requestHeadersInserted": [{"name": "x-amzn-waf-seen", "value": "1"}], "responseCodeSent": 418,
		"httpRequest": {"clientIp": "192.0.2.7", "country": "DE", "headers": [{"name": "Host", "value": "shop.example"}, {"name": "User-Agent", "value": "<b>"}],
			"uri": "/count/it", "args": "q=1%27%20or%201=1--", "httpVersion": "HTTP/1.1", "httpMethod": "GET", "requestId": "Root=1-1", "fragment": "", "scheme": "https", "host": "shop.example"},
		"labels": [{"name": "awswaf:111122223333:webacl:shop:seen:count"}],
		"requestBodySize": 3, "requestBodySizeInspectedByWAF": 0, "ja3Fingerprint": "j3", "ja4Fingerprint": "j4"}`
	s := newStand(t, shopACL())
	s.ask(get("/count/it?q=1%27%20or%201=1--", "Host: shop.example", "User-Agent: <b>"), proxy.Outcome{Status: 418, Received: 3})
	records, _, _ := s.all()
	if len(records) != 1 {
		t.Fatalf("%d records", len(records))
	}
	var got, wanted map[string]any
	if err := errors.Join(json.Unmarshal(records[0].Text, &got), json.Unmarshal([]byte(want), &wanted)); err != nil {
		t.Fatal(err)
	}
	for _, key := range slices.Sorted(maps.Keys(wanted)) {
		if g, w := fmt.Sprint(got[key]), fmt.Sprint(wanted[key]); g != w {
			t.Errorf("%s: %s, want %s", key, g, w)
		}
	}
	if len(got) != len(wanted) {
		t.Errorf("members %v", slices.Sorted(maps.Keys(got)))
	}
	if !strings.Contains(string(records[0].Text), `"<b>"`) {
		t.Error("the record is escaped for HTML, which AWS's are not")
	}
}

func TestRecordsTellOfGroupsPuzzlesRatesAndDefaults(t *testing.T) {
	show := func(v any) string { b, _ := json.Marshal(v); return string(b) }
	in := func(m map[string]any, keys ...string) string {
		var parts []string
		for _, k := range keys {
			parts = append(parts, show(m[k]))
		}
		return strings.Join(parts, " ")
	}
	m := record1(t, shopACL(), get("/group/no"), proxy.Outcome{Status: 403})
	if got, want := in(m, "terminatingRuleId", "terminatingRuleType", "action", "responseCodeSent"), `"group" "GROUP" "BLOCK" null`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := show(m["ruleGroupList"]), `[{"customerConfig":null,"excludedRules":null,"nonTerminatingMatchingRules":[{"action":"COUNT","ruleId":"noted","ruleMatchDetails":[]}],"ruleGroupId":"`+groupARN+`","terminatingRule":{"action":"BLOCK","ruleId":"refused","ruleMatchDetails":[]}}]`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	m = record1(t, shopACL(), get("/puzzle"), proxy.Outcome{Status: 405})
	if got, want := in(m, "terminatingRuleId", "action", "responseCodeSent", "captchaResponse"), `"puzzle" "CAPTCHA" 405 {"failureReason":"TOKEN_MISSING","responseCode":405,"solveTimestamp":0}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	m = record1(t, shopACL(), get("/"), proxy.Outcome{Status: 200})
	if got, want := in(m, "terminatingRuleId", "terminatingRuleType", "action", "labels", "requestHeadersInserted", "nonTerminatingMatchingRules"), `"Default_Action" "REGULAR" "ALLOW" null null []`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	s := newStand(t, shopACL())
	for range 11 {
		s.ask(get("/rate"), proxy.Outcome{Status: 200})
	}
	records, _, _ := s.all()
	if err := json.Unmarshal(records[10].Text, &m); err != nil {
		t.Fatal(err)
	}
	if got, want := in(m, "terminatingRuleType", "rateBasedRuleList"), `"RATE_BASED" [{"evaluationWindowSec":"60","limitKey":"IP","limitValue":"192.0.2.7","maxRateAllowed":10,"rateBasedRuleId":"limit","rateBasedRuleName":"limit"}]`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestNothingHiddenIsInARecord(t *testing.T) {
	attack := "?a=1&q=1%27%20or%201=1--secret&token=secret"
	fields := []string{"Host: shop.example", "Cookie: id=secret; theme=dark", "Authorization: secret", "Referer: https://shop.example/x?token=secret"}
	for name, c := range map[string]struct {
		logging    proxy.Logging
		protection []waf.DataProtection
		left       []string // what must still be there
	}{
		"redaction": {logging: proxy.Logging{RedactPath: true, RedactQuery: true, RedactMethod: true, RedactHeaders: []string{"cookie", "AUTHORIZATION"}}},
		"protection": {protection: []waf.DataProtection{{Field: protectHeader, Keys: []string{"authorization"}}, {Field: protectCookie, Keys: []string{"id"}}, {Field: protectArgument, Keys: []string{"q", "token"}}}, left: []string{
			"theme=dark", "/secretpath", "a=1&q=REDACTED&token=REDACTED"}},
		"hash": {protection: []waf.DataProtection{{Field: protectHeader, Hash: true, Keys: []string{"authorization", "cookie"}}, {Field: protectQuery, Hash: true}}, left: []string{
			"/secretpath", "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"}}, // SHA-256 of "secret" (sha256sum)
	} {
		w := shopACL()
		w.ACL.DataProtection = c.protection
		c.logging.Destination, c.logging.KeepOthers = logARN, true
		w.Logging = []proxy.Logging{c.logging}
		s := newStand(t, w)
		r := get("/secretpath"+attack, fields...)
		s.ask(r, proxy.Outcome{Status: 403})
		records, _, _ := s.all()
		text := string(records[0].Text)
		for _, left := range c.left {
			if !strings.Contains(text, left) {
				t.Errorf("%s: no %s in %s", name, left, text)
			}
			text = strings.ReplaceAll(text, left, "")
		}
		if strings.Contains(text, "secret") {
			t.Errorf("%s: %s", name, text)
		}
		if !strings.Contains(text, "SQL_INJECTION") {
			t.Errorf("%s: the details are missing: %s", name, text)
		}
	}
}

func TestFiltersDecideWhatIsLogged(t *testing.T) {
	filter := func(keepOthers bool, filters ...proxy.LogFilter) proxy.Logging {
		return proxy.Logging{Destination: logARN, KeepOthers: keepOthers, Filters: filters}
	}
	action := func(a string) proxy.LogCondition { return proxy.LogCondition{Action: a} }
	seen := proxy.LogCondition{Label: "awswaf:111122223333:webacl:shop:seen:count"}
	for _, c := range []struct {
		logging proxy.Logging
		want    string // of the targets below, those that are logged
	}{
		{filter(true), "/ /count /group/no /puzzle"},
		{filter(false, proxy.LogFilter{Keep: true, Conditions: []proxy.LogCondition{action("BLOCK")}}), "/group/no"},
		{filter(false, proxy.LogFilter{Keep: true, Conditions: []proxy.LogCondition{action("BLOCK"), action("CAPTCHA")}}), "/group/no /puzzle"},
		{filter(false, proxy.LogFilter{Keep: true, All: true, Conditions: []proxy.LogCondition{action("BLOCK"), action("COUNT")}}), "/group/no"},
		{filter(false, proxy.LogFilter{Keep: true, Conditions: []proxy.LogCondition{action("COUNT")}}), "/count /group/no"},
		{filter(false, proxy.LogFilter{Keep: true, Conditions: []proxy.LogCondition{seen}}), "/count"},
		{filter(true, proxy.LogFilter{Conditions: []proxy.LogCondition{action("ALLOW")}}), "/group/no /puzzle"},
		{filter(true, proxy.LogFilter{Keep: true, Conditions: []proxy.LogCondition{seen}}, proxy.LogFilter{Conditions: []proxy.LogCondition{action("ALLOW")}}), "/count /group/no /puzzle"},
	} {
		w := shopACL()
		w.Logging = []proxy.Logging{c.logging}
		s := newStand(t, w)
		for _, target := range []string{"/", "/count", "/group/no", "/puzzle"} {
			s.ask(get(target), proxy.Outcome{Status: 200})
		}
		records, _, _ := s.all()
		var got []string
		for _, r := range records {
			var m struct{ HTTPRequest struct{ URI string } }
			if err := json.Unmarshal(r.Text, &m); err != nil {
				t.Fatal(err)
			}
			got = append(got, m.HTTPRequest.URI)
		}
		if text := strings.Join(got, " "); text != c.want {
			t.Errorf("%+v: %s, want %s", c.logging, text, c.want)
		}
	}
}

func TestMetricsAreCountedByRuleAndLabel(t *testing.T) {
	s := newStand(t, shopACL())
	for _, target := range []string{"/", "/", "/count", "/group", "/group/no", "/puzzle"} {
		s.ask(get(target), proxy.Outcome{Status: 200})
	}
	_, counts, _ := s.all()
	want := map[Series]uint64{
		{Metric: "AllowedRequests", WebACL: "shop", Rule: "ALL"}:                                                       4,
		{Metric: "AllowedRequests", WebACL: "shop", Rule: "Default_Action"}:                                            4,
		{Metric: "BlockedRequests", WebACL: "shop", Rule: "ALL"}:                                                       1,
		{Metric: "BlockedRequests", WebACL: "shop", Rule: "group"}:                                                     1,
		{Metric: "BlockedRequests", RuleGroup: "mine", Rule: "refused"}:                                                1,
		{Metric: "BlockedRequests", RuleGroup: "mine", Rule: "ALL"}:                                                    1,
		{Metric: "CountedRequests", RuleGroup: "mine", Rule: "noted"}:                                                  2,
		{Metric: "CountedRequests", WebACL: "shop", Rule: "ALL"}:                                                       1,
		{Metric: "CountedRequests", WebACL: "shop", Rule: "counted"}:                                                   1,
		{Metric: "CaptchaRequests", WebACL: "shop", Rule: "ALL"}:                                                       1,
		{Metric: "CaptchaRequests", WebACL: "shop", Rule: "puzzle"}:                                                    1,
		{Metric: "PassedRequests", RuleGroup: "mine", Rule: "ALL"}:                                                     4,
		{Metric: "AllowedRequests", WebACL: "shop", Namespace: "awswaf:111122223333:webacl:shop:seen", Label: "count"}: 1,
		{Metric: "BlockedRequests", WebACL: "shop", Namespace: "awswaf:111122223333:rulegroup:mine", Label: "no"}:      1,
	}
	for s, n := range want {
		if counts[s] != n {
			t.Errorf("%+v: %d, want %d", s, counts[s], n)
		}
	}
	for s, n := range counts {
		if want[s] == 0 {
			t.Errorf("%+v: %d", s, n)
		}
	}
}

func TestNoMetricsWhereTheyAreOff(t *testing.T) {
	w := shopACL()
	w.ACL.Visibility.Metrics = false
	for i := range w.ACL.Rules {
		w.ACL.Rules[i].Visibility.Metrics = false
	}
	g := w.Sets.Groups[groupARN]
	g.Visibility.Metrics = false
	w.Sets.Groups[groupARN] = g
	s := newStand(t, w)
	for _, target := range []string{"/", "/count", "/group/no", "/puzzle"} {
		s.ask(get(target), proxy.Outcome{Status: 200})
	}
	if _, counts, _ := s.all(); len(counts) > 0 {
		t.Errorf("%v", counts)
	}
}

func TestALossIsCountedAndNobodyWaits(t *testing.T) {
	s := newStand(t, shopACL())
	const n = maxNotes + 100
	for range n { // nobody takes them
		s.ask(get("/"), proxy.Outcome{Status: 200})
	}
	records, counts, lost := s.all()
	if len(records) != maxNotes || lost != 100 || s.recorder.Lost() != 100 {
		t.Errorf("%d records, %d lost, of %d", len(records), lost, n)
	}
	if got := counts[Series{Metric: "AllowedRequests", WebACL: "shop", Rule: "ALL"}]; got != n {
		t.Errorf("%d are counted", got)
	}
}

func TestCountsSurviveAFailedDelivery(t *testing.T) {
	s := newStand(t, shopACL())
	s.fail = true
	s.ask(get("/"), proxy.Outcome{Status: 200})
	s.ask(get("/"), proxy.Outcome{Status: 200})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { s.ended <- s.recorder.Run(ctx, time.Minute) }()
	_ = s.clock.AwaitWaiters(t.Context(), 1)
	s.clock.Advance(DefaultPeriod)
	_ = s.clock.AwaitWaiters(t.Context(), 1)
	s.mu.Lock()
	s.fail = false
	s.mu.Unlock()
	cancel()
	<-s.ended
	var n, lost uint64
	for _, b := range s.batches {
		lost += b.Lost + uint64(len(b.Records))
		for _, c := range b.Counts {
			if c.Series == (Series{Metric: "AllowedRequests", WebACL: "shop", Rule: "ALL"}) {
				n += c.N
			}
		}
	}
	if n != 2 || lost != 2 {
		t.Errorf("%d counted, %d records lost or delivered, want 2", n, lost)
	}
}

// BenchmarkRecord is what a request costs on its path, beside its inspection.
func BenchmarkRecord(b *testing.B) {
	for _, c := range []struct {
		name string
		drop bool
	}{{"logged", false}, {"filtered", true}} {
		b.Run(c.name, func(b *testing.B) {
			w := shopACL()
			w.Logging[0].KeepOthers = !c.drop
			if c.drop {
				w.Logging[0].Filters = []proxy.LogFilter{{Keep: true, Conditions: []proxy.LogCondition{{Action: "BLOCK"}}}}
			}
			s := newStand(b, w)
			ctx, cancel := context.WithCancel(b.Context())
			go func() { s.ended <- s.recorder.Run(ctx, time.Minute) }()
			r := get("/page?x=1", "Host: shop.example", "User-Agent: Mozilla/5.0", "Accept: */*", "Accept-Language: de", "Cookie: a=b")
			var v proxy.Verdict
			if err := s.inspector.Inspect(b.Context(), r, &v); err != nil {
				b.Fatal(err)
			}
			o := proxy.Outcome{Status: 200, Resource: lbARN}
			b.ReportAllocs()
			for b.Loop() {
				s.recorder.Record(r, &v, &o)
			}
			cancel()
			<-s.ended
		})
	}
	b.Run("inspection", func(b *testing.B) {
		s := newStand(b, shopACL())
		r := get("/page?x=1", "Host: shop.example", "User-Agent: Mozilla/5.0", "Accept: */*", "Accept-Language: de", "Cookie: a=b")
		b.ReportAllocs()
		for b.Loop() {
			var v proxy.Verdict
			if err := s.inspector.Inspect(b.Context(), r, &v); err != nil {
				b.Fatal(err)
			}
			v.Release()
		}
	})
}
