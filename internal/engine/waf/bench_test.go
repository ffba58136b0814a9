package waf

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fastness/internal/engine/waf/request"
	"fastness/internal/engine/waf/transform"
)

// browserGet is a page view: 7 arguments, 9 header fields, 4 cookies.
func browserGet() *request.Request {
	r := get("/shop/search?q=rock+%26+roll&page=2&sort=price_asc&brand=Acme%20%26%20Sons&min=10&max=250&ref=newsletter-2026-03",
		"Host: shop.example",
		"User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
		"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
		"Accept-Language: en-GB,en;q=0.9,de;q=0.8",
		"Accept-Encoding: gzip, deflate, br, zstd",
		"Referer: https://shop.example/shop/category/vinyl?sort=new",
		"Cookie: session=5f1c9f64a1f0b7d2c3; theme=dark; _ga=GA1.2.1234567890.1700000000; cart=eyJpdGVtcyI6W119",
		"Upgrade-Insecure-Requests: 1",
		"Sec-Fetch-Mode: navigate",
	)
	return r
}

// checkout is a form of 500 bytes with 18 arguments.
func checkout() *request.Request {
	r := browserGet()
	r.Method, r.Target = "POST", "/shop/checkout"
	var b strings.Builder
	for i := range 18 {
		if i > 0 {
			b.WriteByte('&')
		}
		fmt.Fprintf(&b, "field_%02d=%s", i, []string{"Jane+Doe", "221B+Baker+Street", "London", "jane.doe%40mail.example", "Please+ring+the+bell", "2026-03-01"}[i%6])
	}
	r.Body = []byte(b.String())
	r.Fields = append(r.Fields, request.Field{Name: "Content-Type", Value: "application/x-www-form-urlencoded"})
	return r
}

// document is a JSON body of 5 KB: 40 objects, 240 leaves.
func document() *request.Request {
	r := browserGet()
	r.Method, r.Target = "POST", "/api/orders"
	type item struct {
		ID       int      `json:"id"`
		Name     string   `json:"name"`
		Price    float64  `json:"price"`
		Stock    bool     `json:"in_stock"`
		Tags     []string `json:"tags"`
		Supplier string   `json:"supplier"`
	}
	var items []item
	for i := range 40 {
		items = append(items, item{10000 + i, fmt.Sprintf("Vinyl record no. %d (180 g, limited)", i), 19.99, i%2 == 0, []string{"vinyl"}, "Acme & Sons GmbH"})
	}
	r.Body, _ = json.Marshal(items)
	r.Fields = append(r.Fields, request.Field{Name: "Content-Type", Value: "application/json"})
	return r
}

// benchmarkACL is an ACL of about wcu capacity units: expressions and strings on several
// components behind the usual chains, sets of addresses, sizes, labels, one rate-based rule.
func benchmarkACL(wcu, expressions int) (*ACL, Sets) {
	rng := rand.New(rand.NewPCG(1, uint64(wcu)))
	g := generator{rng}
	verbs := []string{"select", "union", "insert", "update", "delete", "exec", "system", "passthru", "eval", "include", "onerror", "onload", "script",
		"iframe", "document", "window", "cookie", "passwd", "shadow", "boot.ini", "cmd.exe", "wget", "curl", "powershell", "base64", "sleep", "benchmark", "waitfor"}
	inspect := func() Inspect {
		kinds := [][]transform.Kind{
			nil, {transform.URLDecodeUni}, {transform.URLDecodeUni, transform.Lowercase}, {transform.URLDecodeUni, transform.HTMLEntityDecode, transform.Lowercase},
			{transform.URLDecodeUni, transform.CmdLine}, {transform.URLDecodeUni, transform.CompressWhitespace},
		}[rng.IntN(6)]
		switch rng.IntN(10) {
		case 0, 1:
			return in(request.URIPath, kinds...)
		case 2:
			return in(request.QueryString, kinds...)
		case 3, 4, 5:
			return in(request.AllQueryArguments, kinds...)
		case 6:
			return named(request.SingleHeader, pick(g, "user-agent", "referer"), kinds...)
		case 7:
			return Inspect{Component: request.Component{Kind: request.Cookies, Scope: request.ScopeValue}, Transformations: kinds}
		case 8:
			return Inspect{Component: request.Component{Kind: request.JSONBody, Fallback: request.FallbackNone}, Transformations: kinds}
		}
		return in(request.Body, kinds...)
	}
	expression := func() string {
		a, b := pick(g, verbs...), pick(g, verbs...)
		n := rng.IntN(1000)
		switch rng.IntN(5) {
		case 0:
			return fmt.Sprintf(`(?i)\b%s\s+(all\s+)?%s_%d\b`, a, b, n)
		case 1:
			return fmt.Sprintf(`%s[0-9]{2,4}\.%s\(.*\)#%d`, a, b, n)
		case 2:
			return fmt.Sprintf(`(?i)<%s[^>]*%s%d\s*=`, a, b, n)
		case 3:
			return fmt.Sprintf(`(\.\./){2,}.*%s%d$`, b, n)
		}
		return fmt.Sprintf(`(?i)(%s|%s|x%d)\s*[;|&]\s*%s`, a, b, n, pick(g, verbs...))
	}
	var rules []Rule
	add := func(r Rule) {
		r.Name, r.Priority = fmt.Sprint("r", len(rules)), int32(len(rules))
		rules = append(rules, r)
	}
	used := 0
	add(Rule{Action: Action{Kind: Block}, Statement: Statement{IPSet: &IPSetMatch{Set: "blocked"}}})
	add(Rule{Action: Action{Kind: Count}, Labels: []string{"office"}, Statement: Statement{IPSet: &IPSetMatch{Set: "office"}}})
	add(Rule{Action: Action{Kind: Block}, Statement: Statement{Rate: &RateBased{Limit: 1 << 30, Window: 5 * time.Minute, Aggregate: AggregateIP}}})
	add(Rule{Action: Action{Kind: Block}, Statement: Statement{SQLi: &SQLiMatch{Inspect: in(request.AllQueryArguments, transform.URLDecodeUni)}}})
	add(Rule{Action: Action{Kind: Block}, Statement: Statement{XSS: &XSSMatch{Inspect: in(request.AllQueryArguments, transform.URLDecodeUni)}}})
	for used < wcu {
		r := Rule{Action: Action{Kind: Block}, Labels: []string{fmt.Sprint("ns:", len(rules))}}
		switch rng.IntN(8) {
		case 0:
			r.Statement = contains(inspect(), fmt.Sprint(pick(g, verbs...), rng.IntN(1000)))
			used += 10
		case 1:
			r.Statement = byteMatch(inspect(), EndsWith, fmt.Sprint(".", pick(g, verbs...), rng.IntN(1000)))
			used += 2
		case 2:
			r.Statement = size(inspect(), Greater, 8000)
			used++
		case 3:
			r.Statement = Statement{And: []Statement{label("office"), regex(inspect(), expression())}}
			used += 4
		default:
			r.Statement = regex(inspect(), expression())
			used += 3
		}
		used += 5 // its share of the transformations
		add(r)
	}
	for range expressions {
		add(Rule{Action: Action{Kind: Block}, Statement: regex(inspect(), expression())})
	}
	return &ACL{LabelNamespace: aclLabels, DefaultAction: Action{Kind: Allow}, Rules: rules}, Sets{Addresses: map[string][]netip.Prefix{
		"blocked": {netip.MustParsePrefix("203.0.113.0/24")}, "office": {netip.MustParsePrefix("198.51.100.0/24")},
	}}
}

func BenchmarkEvaluate(b *testing.B) {
	for _, size := range []struct {
		name             string
		wcu, expressions int
	}{{"1500", 1500, 0}, {"5000", 5000, 0}, {"5000+1000", 5000, 1000}} {
		acl, sets := benchmarkACL(size.wcu, size.expressions)
		for _, memo := range []struct {
			name  string
			bytes int
		}{{"", 0}, {"/nomemo", -1}} {
			p := compiled(b, acl, Options{Sets: sets, MemoBytes: memo.bytes})
			for _, c := range []struct {
				name string
				r    *request.Request
			}{{"get", browserGet()}, {"form", checkout()}, {"json", document()}} {
				b.Run(size.name+"/"+c.name+memo.name, func(b *testing.B) {
					s := NewScratch(request.DefaultLimits())
					for range 3 {
						if v, err := p.Evaluate(c.r, nil, s); err != nil || v.Action != Allow {
							b.Fatal(err, matched(v))
						}
					}
					b.ReportAllocs()
					runtime.LockOSThread()
					defer runtime.UnlockOSThread()
					before := threadTime(b)
					for b.Loop() {
						if _, err := p.Evaluate(c.r, nil, s); err != nil {
							b.Fatal(err)
						}
					}
					b.ReportMetric(float64(threadTime(b)-before)/float64(b.N), "cpu-ns/op")
				})
			}
		}
	}
}

// threadTime is the processor time of this thread: on a busy machine it tells more than the clock.
func threadTime(b testing.TB) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkCompile(b *testing.B) {
	acl, sets := benchmarkACL(5000, 0)
	b.ReportAllocs()
	for b.Loop() {
		compiled(b, acl, Options{Sets: sets})
	}
}

// hostileUnits make bodies that are dear to somebody.
var hostileUnits = []string{"a", "select ", "../", "%2e%2e%2f", "<script ", "{", `["`, `{"a":`, "&#x3c;", "\xff\x00", "1,", "a=b&", "union all select_1 ", "eval12.exec(", "'", "/**/"}

// BenchmarkHostile evaluates requests with 64 KB of hostile body, 8 KB of hostile query and
// a hostile header field, on rules that all count, so that nothing ends the evaluation.
func BenchmarkHostile(b *testing.B) {
	acl, sets := benchmarkACL(5000, 0)
	for i := range acl.Rules {
		if acl.Rules[i].Action.Kind == Block {
			acl.Rules[i].Action.Kind = Count
		}
	}
	p := compiled(b, acl, Options{Sets: sets})
	for _, unit := range hostileUnits {
		b.Run(fmt.Sprintf("%q", unit), func(b *testing.B) {
			body := strings.Repeat(unit, 64<<10/len(unit))
			r := post("/?q="+body[:8<<10], body, "User-Agent: "+body[:8<<10])
			s := NewScratch(request.DefaultLimits())
			b.ReportAllocs()
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			before := threadTime(b)
			for b.Loop() {
				if _, err := p.Evaluate(r, nil, s); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(threadTime(b)-before)/float64(b.N), "cpu-ns/op")
		})
	}
	b.Run("distinct JSON", func(b *testing.B) {
		var t strings.Builder
		t.WriteByte('[')
		for i := 10_000; t.Len() < 64<<10; i++ {
			fmt.Fprintf(&t, "%d,", i)
		}
		r := post("/", t.String())
		s := NewScratch(request.DefaultLimits())
		b.ReportAllocs()
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		before := threadTime(b)
		for b.Loop() {
			if _, err := p.Evaluate(r, nil, s); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(threadTime(b)-before)/float64(b.N), "cpu-ns/op")
	})
}
