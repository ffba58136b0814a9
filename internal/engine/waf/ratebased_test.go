package waf

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"fastness/internal/engine/waf/request"
	"fastness/internal/engine/waf/transform"
)

func limited(limit int64, r RateBased) Rule {
	r.Limit = limit
	if r.Window == 0 {
		r.Window = time.Minute
	}
	if r.Aggregate == "" {
		r.Aggregate = AggregateKeys
	}
	return Rule{Name: "rate", Action: Action{Kind: Block}, Statement: Statement{Rate: &r}}
}

func TestTheFirstRequestAboveTheLimitIsBlocked(t *testing.T) {
	p := compiled(t, acl(limited(10, RateBased{Aggregate: AggregateIP})), Options{})
	s := NewScratch(request.DefaultLimits())
	for i := 1; i <= 30; i++ {
		r := get("/")
		v, err := p.Evaluate(r, nil, s)
		if err != nil {
			t.Fatal(err)
		}
		if blocked := v.Action == Block; blocked != (i > 10) || v.Limited() != blocked || len(v.Rates) != 1 || v.Rates[0].Count != int64(i) {
			t.Fatalf("request %d: %v, %+v", i, v.Action, v.Rates)
		}
	}
	other := get("/")
	other.Remote = netip.MustParseAddr("192.0.2.8")
	if v := judge(t, p, other); v.Action != Allow {
		t.Error("another address is limited")
	}
	// Requests that were blocked count as well: the client has to slow down.
	later := get("/")
	later.Time = noon.Add(59 * time.Second)
	if v := judge(t, p, later); v.Action != Block || v.Rates[0].Count != 31 {
		t.Errorf("59 s later: %v, %+v", v.Action, v.Rates)
	}
	later.Time = noon.Add(2 * time.Minute)
	if v := judge(t, p, later); v.Action != Allow {
		t.Error("limited after the window")
	}
	got, err := p.Limited("rate", noon.Add(30*time.Second), 100)
	if err != nil || len(got) != 0 {
		// The window has moved on with the last request.
		t.Errorf("limited: %v, %v", got, err)
	}
}

func TestScopeDownCountsAndLimitsOnlyWhatMatches(t *testing.T) {
	down := path("/login")
	p := compiled(t, acl(limited(2, RateBased{Aggregate: AggregateIP, ScopeDown: &down})), Options{})
	for range 10 {
		judge(t, p, get("/"))
	}
	for i := 1; i <= 4; i++ {
		if v := judge(t, p, get("/login")); (v.Action == Block) != (i > 2) {
			t.Errorf("login %d: %v", i, v.Action)
		}
	}
	if v := judge(t, p, get("/")); v.Action != Allow || len(v.Rates) != 0 {
		t.Errorf("a request outside the scope: %v, %+v", v.Action, v.Rates)
	}
}

func TestARuleBeforeHidesRequestsFromTheCount(t *testing.T) {
	rate := limited(1, RateBased{Aggregate: AggregateIP})
	p := compiled(t, acl(doing("first", Block, path("/bad")), rate), Options{})
	for range 5 {
		judge(t, p, get("/bad"))
	}
	if v := judge(t, p, get("/")); v.Action != Allow || v.Rates[0].Count != 1 {
		t.Errorf("%+v", v.Rates)
	}
}

func TestForwardedAddressesOfRateRules(t *testing.T) {
	f := func(matchInvalid bool) RateBased {
		return RateBased{Aggregate: AggregateForwardedIP, Forwarded: &ForwardedIP{Header: "X-Forwarded-For", MatchInvalid: matchInvalid}}
	}
	p := compiled(t, acl(limited(1, f(true))), Options{})
	v := judge(t, p, get("/", "X-Forwarded-For: 203.0.113.1, 10.0.0.1"))
	if v.Action != Allow || v.Rates[0].Address != netip.MustParseAddr("203.0.113.1") {
		t.Errorf("%+v", v.Rates)
	}
	if v := judge(t, p, get("/", "X-Forwarded-For: 203.0.113.1, 10.0.0.2")); v.Action != Block {
		t.Error("the second request of the address passes")
	}
	if v := judge(t, p, get("/")); v.Action != Allow || len(v.Rates) != 0 {
		t.Errorf("without the field: %v %v", v.Action, v.Rates)
	}
	if v := judge(t, p, get("/", "X-Forwarded-For: nobody")); v.Action != Block {
		t.Error("an invalid address does not fall back on a match")
	}
	if got, err := p.Limited("rate", noon, 10); err != nil || len(got) != 1 || got[0].String() != "203.0.113.1" {
		t.Errorf("limited: %v, %v", got, err)
	}
	p = compiled(t, acl(limited(1, f(false))), Options{})
	for range 3 {
		if v := judge(t, p, get("/", "X-Forwarded-For: nobody")); v.Action != Allow {
			t.Error("an invalid address falls back on a match")
		}
	}
}

func TestEveryKindOfKey(t *testing.T) {
	ja := func(three, four string) *request.Request {
		r := get("/")
		r.JA3, r.JA4 = three, four
		return r
	}
	from := func(a string, fields ...string) *request.Request {
		r := get("/", fields...)
		r.Remote = netip.MustParseAddr(a)
		return r
	}
	mark := func(i int) Rule {
		m := fmt.Sprint("/m", i)
		return Rule{Name: m, Priority: int32(100 + i), Action: Action{Kind: Count}, Statement: contains(in(request.URIPath), m), Labels: []string{fmt.Sprint("ns:", i)}}
	}
	lower := []transform.Kind{transform.Lowercase}
	for _, c := range []struct {
		name       string
		keys       []RateKey
		a, same, b *request.Request
		missing    *request.Request
	}{
		{"header", []RateKey{{Kind: KeyHeader, Name: "X-Key", Transformations: lower}},
			get("/", "x-key: One"), get("/", "X-Key: oNE"), get("/", "X-Key: two"), get("/")},
		{"cookie", []RateKey{{Kind: KeyCookie, Name: "id", Transformations: lower}},
			get("/", "Cookie: id=One; x=1"), get("/", "Cookie: x=2; id=one"), get("/", "Cookie: id=two"), get("/", "Cookie: x=1")},
		{"query argument", []RateKey{{Kind: KeyQueryArgument, Name: "city", Transformations: lower}},
			get("/?city=Bonn"), get("/?x=1&city=BONN"), get("/?city=Rome"), get("/?town=Bonn")},
		{"query string", []RateKey{{Kind: KeyQueryString}}, get("/?a=1"), get("/x?a=1"), get("/?a=2"), get("/")},
		{"method", []RateKey{{Kind: KeyMethod}}, get("/"), get("/x"), post("/", ""), nil},
		{"forwarded address and path", []RateKey{{Kind: KeyForwardedIP}, {Kind: KeyURIPath}},
			get("/", "X-Forwarded-For: 10.1.1.1"), from("10.9.9.9", "X-Forwarded-For: 10.1.1.1, 10.0.0.1"), get("/", "X-Forwarded-For: 10.1.1.2"), get("/")},
		{"address and method", []RateKey{{Kind: KeyIP}, {Kind: KeyMethod}}, get("/"), get("/y"), from("10.0.0.1"), nil},
		{"label namespace", []RateKey{{Kind: KeyLabelNamespace, Name: "ns:"}}, get("/m1"), get("/x/m1"), get("/m2"), get("/")},
		{"two labels", []RateKey{{Kind: KeyLabelNamespace, Name: "ns:"}}, get("/m1/m2"), get("/m2/m1"), get("/m2"), get("/")},
		{"country label", []RateKey{{Kind: KeyLabelNamespace, Name: "awswaf:clientip:geo:country:"}}, get("/"), get("/"), from("198.51.100.1"), nil},
		{"path", []RateKey{{Kind: KeyURIPath, Transformations: lower}}, get("/A"), get("/a?x"), get("/b"), nil},
		{"JA3", []RateKey{{Kind: KeyJA3}}, ja("1", ""), ja("1", "x"), ja("2", ""), get("/")},
		{"JA4", []RateKey{{Kind: KeyJA4}}, ja("", "1"), ja("x", "1"), ja("", "2"), get("/")},
		{"ASN", []RateKey{{Kind: KeyASN}}, get("/", "X-Forwarded-For: 192.0.2.7"), get("/", "X-Forwarded-For: 192.0.2.7"), get("/", "X-Forwarded-For: 2001:db8::1"), get("/", "X-Forwarded-For: 10.0.0.1")},
		{"two headers", []RateKey{{Kind: KeyHeader, Name: "a"}, {Kind: KeyHeader, Name: "b"}},
			get("/", "a: xy", "b: z"), get("/", "b: z", "a: xy"), get("/", "a: x", "b: yz"), get("/", "a: xy")},
	} {
		geo := Rule{Name: "geo", Priority: 90, Action: Action{Kind: Count}, Statement: Statement{Geo: &GeoMatch{Countries: []string{"AQ"}}}}
		rule := limited(3, RateBased{Keys: c.keys, Forwarded: &ForwardedIP{Header: "X-Forwarded-For"}})
		rule.Priority = 200
		p := compiled(t, acl(geo, mark(1), mark(2), rule), Options{Places: places})
		want := func(what string, r *request.Request, a ActionKind) {
			t.Helper()
			if v := judge(t, p, r); v.Action != a {
				t.Errorf("%s: %s: %v, want %v (%+v)", c.name, what, v.Action, a, v.Rates)
			}
		}
		want("first", c.a, Allow)
		want("the same", c.same, Allow)
		if v := judge(t, p, c.a); len(v.Rates) > 0 {
			for i, part := range v.RateValues(&v.Rates[0]) {
				if part.Kind != c.keys[i].Kind || part.Name != c.keys[i].Name || part.Value == "" {
					t.Errorf("%s: %+v", c.name, part)
				}
			}
		}
		want("another", c.b, Allow)
		want("a fourth time", c.a, Block)
		want("another again", c.b, Allow)
		if c.missing != nil {
			for range 4 {
				want("missing", c.missing, Allow)
			}
		}
		if _, err := p.Limited("rate", noon, 10); !errors.Is(err, ErrAggregation) {
			t.Errorf("%s: listing keys: %v", c.name, err)
		}
	}
}

func TestAMissingFingerprintFallsBack(t *testing.T) {
	p := compiled(t, acl(limited(5, RateBased{Keys: []RateKey{{Kind: KeyJA3, MatchMissing: true}}})), Options{})
	v := judge(t, p, get("/"))
	if v.Action != Block || len(v.Rates) != 1 || !v.Rates[0].Uncounted || !v.Rates[0].Limited || v.Rates[0].Count != 0 {
		t.Errorf("%v %v", v.Action, v.Rates)
	}
	if all := v.RateValues(&v.Rates[0]); len(all) != 1 || all[0] != (RateValue{Kind: KeyJA3}) {
		t.Errorf("%v", all)
	}
}

func TestConstantAggregation(t *testing.T) {
	down := path("/")
	p := compiled(t, acl(limited(3, RateBased{Aggregate: AggregateConstant, ScopeDown: &down})), Options{})
	for i := 1; i <= 5; i++ {
		r := get("/")
		r.Remote = netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})
		if v := judge(t, p, r); (v.Action == Block) != (i > 3) {
			t.Errorf("request %d: %v", i, v.Action)
		}
	}
}

func TestIPv6AddressesCountByPrefixIfAsked(t *testing.T) {
	from := func(a string) *request.Request {
		r := get("/")
		r.Remote = netip.MustParseAddr(a)
		return r
	}
	for bits, want := range map[int]ActionKind{0: Allow, 64: Block} {
		p := compiled(t, acl(limited(1, RateBased{Aggregate: AggregateIP})), Options{IPv6Prefix: bits})
		judge(t, p, from("2001:db8::1"))
		if v := judge(t, p, from("2001:db8::2")); v.Action != want {
			t.Errorf("%d bits: %v", bits, v.Action)
		}
		if v := judge(t, p, from("2001:db8:0:1::1")); v.Action != Allow {
			t.Errorf("%d bits: another network is limited", bits)
		}
		judge(t, p, from("10.0.0.1"))
		if v := judge(t, p, from("10.0.0.2")); v.Action != Allow {
			t.Errorf("%d bits: another IPv4 address is limited", bits)
		}
	}
}

func TestCountsSurviveANewProgramUnlessTheRuleChanged(t *testing.T) {
	base := RateBased{Aggregate: AggregateIP}
	first := compiled(t, acl(limited(2, base)), Options{})
	for range 2 {
		judge(t, first, get("/"))
	}
	same := acl(doing("new", Count, path("/x")), limited(2, base))
	if v := judge(t, compiled(t, same, Options{Previous: first}), get("/")); v.Action != Block {
		t.Error("the counts were lost")
	}
	if v := judge(t, compiled(t, acl(limited(2, base)), Options{}), get("/")); v.Action != Allow {
		t.Error("two programs share counts")
	}
	for what, r := range map[string]Rule{
		"limit":  limited(1, base),
		"window": limited(2, RateBased{Aggregate: AggregateIP, Window: 2 * time.Minute}),
	} {
		if v := judge(t, compiled(t, acl(r), Options{Previous: first}), get("/")); v.Action != Allow || v.Rates[0].Count != 1 {
			t.Errorf("another %s: %+v", what, v.Rates)
		}
	}
}

func TestEachUseOfAGroupCountsByItself(t *testing.T) {
	r := limited(1, RateBased{Aggregate: AggregateIP})
	r.Action.Kind = Count
	one, two := groupRef("", Overrides{}), groupRef("", Overrides{})
	one.Name, two.Name = "one", "two"
	p := compiled(t, acl(one, two), groupOf(r))
	v := judge(t, p, get("/"))
	if len(v.Rates) != 2 || v.Rates[0].Count != 1 || v.Rates[1].Count != 1 {
		t.Errorf("%+v", v.Rates)
	}
	v = judge(t, p, get("/"))
	wantStrings(t, "matched", matched(v), "one/rate", "two/rate")
	if got, err := p.Limited("two/rate", noon, 10); err != nil || len(got) != 1 {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := p.Limited("rate", noon, 10); !errors.Is(err, ErrNoRateRule) {
		t.Error(err)
	}
}

func TestExplainingDoesNotCount(t *testing.T) {
	p := compiled(t, acl(limited(1, RateBased{Aggregate: AggregateIP})), Options{})
	s := NewScratch(request.DefaultLimits())
	for range 3 {
		e, err := p.Explain(get("/"), nil, s)
		if err != nil || e.Rules[0].Count != 1 || e.Rules[0].Limit != 1 || e.Rules[0].Matched {
			t.Errorf("%+v, %v", e, err)
		}
	}
	if v := judge(t, p, get("/")); v.Rates[0].Count != 1 {
		t.Errorf("%+v", v.Rates)
	}
}
