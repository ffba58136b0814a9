package waf

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"reflect"
	"strconv"
	"testing"
	"time"

	"fastness/internal/engine/waf/attack"
	"fastness/internal/engine/waf/request"
	"fastness/internal/engine/waf/transform"
)

// generator makes random specifications and requests of few words, so that they meet.
type generator struct{ *rand.Rand }

func pick[T any](g generator, list ...T) T { return list[g.IntN(len(list))] }

var (
	words   = []string{"a", "b", "ab", "admin", "select", "%41", "A", "x.php", "1", "..", "<script>", "' or 1=1--", "%2527", "\xff", "é", "", "Mozilla/5.0 (X11; Linux) select a from b"}
	regexes = []string{"a", "^a", "b$", "^ab?$", "(?i)SELECT", "[0-9]+", "a.*b", "^$", "(admin|x\\.php)", "%[0-9a-fA-F]{2}", "\\.\\.", "[^a-z]"}
	names   = []string{"a", "b", "X-Key", "User-Agent", "q"}
	labels  = []string{"l1", "ns:l2", "ns:deep:l3", "l4"}
	keys    = []string{"l1", "l2", "ns:l2", "deep:l3", "ns:deep:l3", "none", aclLabels + "l1", groupLabels + "l1", groupLabels + "ns:l2",
		"awswaf:clientip:geo:country:US", "awswaf:clientip:geo:region:US-WA", "awswaf:clientip:geo:region:DE-XX", "awswaf:forwardedip:geo:country:DE"}
	spaces = []string{"ns:", "deep:", "ns:deep:", "none:", aclLabels, groupLabels + "ns:", "awswaf:clientip:geo:", "awswaf:forwardedip:geo:country:", "awswaf:"}
	addrs  = []string{"192.0.2.7", "198.51.100.1", "2001:db8::1", "10.0.0.1", "::ffff:192.0.2.7"}
)

func (g generator) inspect() Inspect {
	c := request.Component{Kind: pick(g, request.URIPath, request.URIPath, request.QueryString, request.SingleQueryArgument, request.AllQueryArguments,
		request.SingleHeader, request.SingleHeader, request.Headers, request.Cookies, request.HeaderOrder, request.Body, request.JSONBody, request.Method,
		request.URIFragment, request.JA3Fingerprint)}
	switch c.Kind {
	case request.SingleHeader, request.SingleQueryArgument:
		c.Name = pick(g, names...)
	case request.Headers, request.Cookies, request.JSONBody:
		c.Scope = pick(g, "", request.ScopeKey, request.ScopeValue)
		switch {
		case g.IntN(3) > 0:
		case c.Kind == request.JSONBody:
			c.Included = []string{pick(g, "/a", "/b/*", "/a/b")}
		case g.IntN(2) == 0:
			c.Included = []string{pick(g, names...)}
		default:
			c.Excluded = []string{pick(g, names...)}
		}
	case request.URIFragment, request.JA3Fingerprint:
		c.Fallback = pick(g, request.FallbackNone, request.FallbackMatch, request.FallbackNoMatch)
	}
	switch c.Kind {
	case request.Headers, request.Cookies, request.HeaderOrder, request.Body, request.JSONBody:
		c.Oversize = pick(g, "", request.OversizeMatch, request.OversizeNoMatch)
	}
	if c.Kind == request.JSONBody {
		c.Fallback = pick(g, request.FallbackNone, request.FallbackMatch, request.FallbackNoMatch, request.FallbackEvaluateAsString)
	}
	in := Inspect{Component: c}
	for range g.IntN(4) {
		in.Transformations = append(in.Transformations, pick(g, transform.None, transform.Lowercase, transform.URLDecode, transform.URLDecode,
			transform.HTMLEntityDecode, transform.CompressWhitespace, transform.NormalizePath, transform.RemoveNulls, transform.Base64DecodeExt))
	}
	return in
}

func (g generator) forwarded() *ForwardedIP {
	if g.IntN(2) == 0 {
		return nil
	}
	return &ForwardedIP{Header: "X-Forwarded-For", MatchInvalid: g.IntN(2) == 0}
}

func (g generator) statement(depth int) Statement {
	if depth > 0 && g.IntN(3) == 0 {
		var list []Statement
		for range 2 + g.IntN(2) {
			list = append(list, g.statement(depth-1))
		}
		switch g.IntN(3) {
		case 0:
			return Statement{And: list}
		case 1:
			return Statement{Or: list}
		}
		return not(list[0])
	}
	switch g.IntN(11) {
	case 0, 1, 2:
		b := &ByteMatch{Inspect: g.inspect(), Search: []byte(pick(g, words...)), Position: pick(g, Exactly, StartsWith, EndsWith, Contains)}
		if g.IntN(5) == 0 {
			b.Search, b.Position = []byte(pick(g, "a", "admin", "select", "1")), ContainsWord
		}
		return Statement{Byte: b}
	case 3:
		return regex(g.inspect(), pick(g, regexes...))
	case 4:
		return Statement{RegexSet: &RegexSetMatch{Inspect: g.inspect(), Set: pick(g, "one", "two")}}
	case 5:
		switch g.IntN(4) {
		case 0:
			return Statement{Attack: &AttackMatch{Inspect: g.inspect(), Place: pick(g, "path", "query", "cookie", "whole"), Families: []string{pick(g, "sql", "script"), pick(g, "traversal", "shell")}}}
		case 1:
			return Statement{SQLi: &SQLiMatch{Inspect: g.inspect(), High: g.IntN(2) == 0}}
		}
		return Statement{XSS: &XSSMatch{Inspect: g.inspect()}}
	case 6:
		return size(g.inspect(), pick(g, Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual), int64(g.IntN(6)))
	case 7:
		return Statement{Geo: &GeoMatch{Countries: []string{pick(g, "US", "DE", "JP")}, Forwarded: g.forwarded()}}
	case 8:
		return Statement{ASN: &ASNMatch{ASNs: []uint32{64500 + g.Uint32N(3)}, Forwarded: g.forwarded()}}
	case 9:
		f := g.forwarded()
		if f != nil {
			f.Position = pick(g, FirstIP, LastIP, AnyIP)
		}
		return Statement{IPSet: &IPSetMatch{Set: pick(g, "one", "two"), Forwarded: f}}
	}
	if g.IntN(2) == 0 {
		return namespace(pick(g, spaces...))
	}
	return label(pick(g, keys...))
}

func (g generator) rate() *RateBased {
	r := &RateBased{Limit: 1 + g.Int64N(4), Window: pick(g, time.Minute, 5*time.Minute), Aggregate: pick(g, AggregateIP, AggregateForwardedIP, AggregateKeys, AggregateKeys, AggregateConstant)}
	if r.Aggregate == AggregateConstant || g.IntN(2) == 0 {
		s := g.statement(1)
		r.ScopeDown = &s
	}
	if r.Aggregate == AggregateForwardedIP || r.Aggregate == AggregateKeys {
		r.Forwarded = &ForwardedIP{Header: "X-Forwarded-For", MatchInvalid: g.IntN(2) == 0}
	}
	if r.Aggregate == AggregateKeys {
		for range 1 + g.IntN(3) {
			k := RateKey{Kind: pick(g, KeyHeader, KeyCookie, KeyQueryArgument, KeyQueryString, KeyMethod, KeyForwardedIP, KeyIP, KeyLabelNamespace, KeyURIPath, KeyASN)}
			switch k.Kind {
			case KeyHeader, KeyCookie, KeyQueryArgument:
				k.Name = pick(g, names...)
				k.Transformations = g.inspect().Transformations
			case KeyLabelNamespace:
				k.Name = pick(g, spaces...)
			}
			r.Keys = append(r.Keys, k)
		}
	}
	return r
}

func (g generator) action() Action {
	a := Action{Kind: pick(g, Allow, Block, Count, Count, Count, Count, Captcha, Challenge)}
	if a.Kind == Block && g.IntN(2) == 0 {
		a.Response = &Response{Status: 400 + g.IntN(50), BodyKey: pick(g, "", "body")}
	}
	if a.Kind != Block && g.IntN(2) == 0 {
		a.Insert = []HeaderField{{"x-amzn-waf-n", strconv.Itoa(g.IntN(100))}}
	}
	return a
}

func (g generator) rules(n int, groups bool) []Rule {
	var all []Rule
	for i, p := range g.Perm(n) {
		r := Rule{Name: "r" + strconv.Itoa(i), Priority: int32(p)}
		switch {
		case groups && g.IntN(6) == 0:
			r.Statement.Group = &GroupReference{Group: pick(g, "one", "two")}
			if g.IntN(2) == 0 {
				r.Statement.Group.Overrides = Overrides{Actions: map[string]Action{"r0": g.action()}, Excluded: []string{"r1"}}
			}
			r.Override = pick(g, "", OverrideCount)
			all = append(all, r)
			continue
		case g.IntN(8) == 0:
			r.Statement.Rate = g.rate()
		default:
			r.Statement = g.statement(3)
		}
		r.Action = g.action()
		for range g.IntN(3) {
			r.Labels = append(r.Labels, pick(g, labels...))
		}
		r.Captcha.Duration = pick(g, 0, time.Minute, time.Hour)
		all = append(all, r)
	}
	return all
}

func (g generator) spec() (*ACL, Sets) {
	bodies := map[string]ResponseBody{"body": {Content: "of the ACL"}}
	sets := Sets{
		Addresses: map[string][]netip.Prefix{
			"one": {netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/64")},
			"two": {netip.MustParsePrefix("0.0.0.0/1"), netip.MustParsePrefix("198.51.100.1/32")},
		},
		Regexes: map[string][]string{"one": regexes[:3], "two": regexes[4:7]},
		Groups:  map[string]RuleGroup{},
	}
	for _, name := range []string{"one", "two"} {
		sets.Groups[name] = RuleGroup{LabelNamespace: groupLabels, Rules: g.rules(2+g.IntN(4), false), Bodies: map[string]ResponseBody{"body": {Content: name}}}
	}
	a := &ACL{LabelNamespace: aclLabels, DefaultAction: Action{Kind: pick(g, Allow, Block)}, Rules: g.rules(1+g.IntN(12), true), Bodies: bodies}
	a.Challenge.Duration = pick(g, 0, time.Hour)
	return a, sets
}

func (g generator) word() string {
	w := pick(g, words...)
	for g.IntN(3) == 0 {
		w += pick(g, words...)
	}
	return w
}

func (g generator) request() *request.Request {
	r := &request.Request{
		Time: noon, Method: pick(g, "GET", "POST", "a"), Target: "/" + g.word(), Host: "shop.example", Scheme: "https", Proto: "HTTP/1.1",
		Remote: netip.MustParseAddr(pick(g, addrs...)), JA3: pick(g, "", "a"),
	}
	for i := range g.IntN(4) {
		r.Target += pick(g, "?", "&")[:1]
		if i == 0 {
			r.Target = r.Target[:len(r.Target)-1] + "?"
		}
		r.Target += pick(g, names...) + "=" + g.word()
	}
	if g.IntN(5) == 0 {
		r.Target += "#" + g.word()
	}
	for range g.IntN(5) {
		switch g.IntN(4) {
		case 0:
			r.Fields = append(r.Fields, request.Field{Name: "Cookie", Value: pick(g, names...) + "=" + g.word() + "; " + pick(g, names...) + "=" + g.word()})
		case 1:
			list := pick(g, addrs...)
			for g.IntN(2) == 0 {
				list += ", " + pick(g, "192.0.2.7", "10.0.0.1", "198.51.100.1", "nobody", "")
			}
			r.Fields = append(r.Fields, request.Field{Name: pick(g, "X-Forwarded-For", "x-forwarded-for"), Value: pick(g, list, "nobody")})
		default:
			r.Fields = append(r.Fields, request.Field{Name: pick(g, names...), Value: g.word()})
		}
	}
	switch g.IntN(4) {
	case 0:
		r.Body = []byte(g.word())
	case 1:
		r.Body, _ = json.Marshal(map[string]any{"a": g.word(), "b": []string{g.word(), g.word()}})
		if g.IntN(3) == 0 {
			r.Body = r.Body[:len(r.Body)-1-g.IntN(3)]
		}
	}
	r.BodyTruncated = r.Body != nil && g.IntN(4) == 0
	return r
}

// outcomeOfVerdict puts a verdict in the reference's words.
func outcomeOfVerdict(v *Verdict) *outcome {
	o := &outcome{action: v.Action, labels: v.AppendLabels(nil)}
	for i := range v.Matches {
		m := &v.Matches[i]
		o.matches = append(o.matches, fmt.Sprint(m.Rule.Path(), " ", m.Action, " ", m.Terminating))
	}
	if v.Terminating != nil {
		o.terminating = v.Terminating.Rule.Path()
	}
	if v.Inner != nil {
		o.inner = v.Inner.Rule.Path()
	}
	for _, f := range v.Insert {
		o.insert = append(o.insert, f.Name+"="+f.Value)
	}
	if v.Response != nil {
		o.status = v.Response.Status
	}
	if v.Body != nil {
		o.body = v.Body.Content
	}
	for i := range v.Rates {
		if !v.Rates[i].Uncounted {
			o.counts = append(o.counts, v.Rates[i].Count)
		}
	}
	return o
}

// TestProgramsDecideAsTheSpecificationSays compares the program with the plain evaluator. The
// environment variable FASTNESS_WAF_CASES sets the number of evaluations: 10^6 before a release,
// which FASTNESS_WAF_SEED, the first seed, lets one do in pieces.
func TestProgramsDecideAsTheSpecificationSays(t *testing.T) {
	number := func(name string, otherwise uint64) uint64 {
		text := os.Getenv(name)
		if text == "" {
			return otherwise
		}
		n, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	cases, first := int(number("FASTNESS_WAF_CASES", 30_000)), number("FASTNESS_WAF_SEED", 0)
	detector, err := attack.New()
	if err != nil {
		t.Fatal(err)
	}
	s := NewScratch(request.DefaultLimits())
	const perACL = 20 // requests, each evaluated twice on average
	actions := map[ActionKind]int{}
	for seed := first; seed < first+uint64(cases/(2*perACL)); seed++ {
		g := generator{rand.New(rand.NewPCG(seed, 7))}
		a, sets := g.spec()
		p, err := Compile(a, Options{Sets: sets, Places: places, Attacks: detector})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		token := Token{Status: pick(g, TokenMissing, TokenValid, TokenValid, TokenInvalid), CaptchaSolved: noon.Unix() - g.Int64N(1000), ChallengeSolved: noon.Unix() - g.Int64N(1000)}
		f := &reference{acl: a, sets: sets, places: places, attacks: detector, token: token, counts: map[string]int64{}}
		var last *request.Request
		for i := range perACL {
			r := last
			if r == nil || g.IntN(4) > 0 { // sometimes the same again
				r = g.request()
			}
			last = r
			var e *Explanation
			if i%8 == 0 {
				e = explained(t, p, r, token, s)
			}
			for range 1 + g.IntN(3) { // what is remembered answers the third time
				want := f.evaluate(r)
				v, err := p.Evaluate(r, fixedToken(token), s)
				if err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				actions[v.Action]++
				if e != nil && (e.Action != v.Action || !reflect.DeepEqual(e.Labels, v.AppendLabels(nil))) {
					t.Errorf("seed %d: explained as %v %q, decided as %v", seed, e.Action, e.Labels, v.Action)
				}
				e = nil
				if got := outcomeOfVerdict(v); fmt.Sprint(*got) != fmt.Sprint(*want) {
					spec, _ := json.MarshalIndent(a, "", " ")
					groups, _ := json.Marshal(sets.Groups)
					t.Fatalf("seed %d, request %d\n%s\n%s\n%+v\n got %+v\nwant %+v", seed, i, spec, groups, r, *got, *want)
				}
			}
		}
	}
	t.Logf("%d ACLs, %v", cases/(2*perACL), actions)
	for _, k := range []ActionKind{Allow, Block, Captcha, Challenge} {
		if actions[k] < cases/200 {
			t.Errorf("%v is rare: %d", k, actions[k])
		}
	}
}

// explained returns a checked explanation.
func explained(t *testing.T, p *Program, r *request.Request, token Token, s *Scratch) *Explanation {
	t.Helper()
	e, err := p.Explain(r, fixedToken(token), s)
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range e.Rules {
		checkTrace(t, rule.Statement)
	}
	return e
}

func checkTrace(t *testing.T, st *StatementTrace) {
	t.Helper()
	if st == nil {
		return
	}
	if st.Component != nil && st.Outcome == Matched && st.Why == "" && len(st.Findings) == 0 {
		t.Errorf("%s matched nothing", st.Statement)
	}
	for _, f := range st.Findings {
		if f.Start < 0 || f.Start > f.End || f.End > len(f.Value) {
			t.Errorf("%s: %d to %d of %q", st.Statement, f.Start, f.End, f.Value)
		}
	}
	for i := range st.Statements {
		checkTrace(t, &st.Statements[i])
	}
}
