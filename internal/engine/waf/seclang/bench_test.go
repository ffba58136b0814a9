package seclang

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"fastness/internal/engine/waf/request"
)

// browserGet is a page view: 7 arguments, 9 header fields, 4 cookies. The number makes the values of
// arguments and cookies others.
func browserGet(n int) *request.Request {
	return &request.Request{
		Method: "GET", Proto: "HTTP/1.1", Host: "shop.example", Scheme: "https", Remote: netip.MustParseAddr("192.0.2.7"),
		Target: fmt.Sprintf("/shop/search?q=rock+%%26+roll+%d&page=%d&sort=price_asc&brand=Acme%%20%%26%%20Sons+%d&min=%d&max=%d&ref=newsletter-%d", n, n%97, n, n, n+240, n),
		Fields: []request.Field{
			{Name: "Host", Value: "shop.example"},
			{Name: "User-Agent", Value: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"},
			{Name: "Accept", Value: "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"},
			{Name: "Accept-Language", Value: "en-GB,en;q=0.9,de;q=0.8"},
			{Name: "Accept-Encoding", Value: "gzip, deflate, br, zstd"},
			{Name: "Referer", Value: "https://shop.example/shop/category/vinyl?sort=new"},
			{Name: "Cookie", Value: fmt.Sprintf("session=5f1c9f64a1f0b7d2c3%d; theme=dark; _ga=GA1.2.1234567890.%d; cart=eyJpdGVtcyI6W119", n, n)},
			{Name: "Upgrade-Insecure-Requests", Value: "1"},
			{Name: "Sec-Fetch-Mode", Value: "navigate"},
		},
	}
}

// checkout is a form of 500 bytes with 18 arguments.
func checkout(n int) *request.Request {
	r := browserGet(n)
	r.Method, r.Target = "POST", "/shop/checkout"
	var b strings.Builder
	for i := range 18 {
		if i > 0 {
			b.WriteByte('&')
		}
		fmt.Fprintf(&b, "field_%02d=%s", i, []string{"Jane+Doe", "221B+Baker+Street", "London", "jane.doe%40mail.example", "Please+ring+the+bell", "2026-03-01"}[i%6])
		if n > 0 {
			fmt.Fprintf(&b, "+%d", n+i)
		}
	}
	return withBody(r, "application/x-www-form-urlencoded", []byte(b.String()))
}

// document is a JSON body of 4.9 KB: 40 objects, 240 leaves.
func document(n int) *request.Request {
	r := browserGet(n)
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
		items = append(items, item{10000 + i + n, fmt.Sprintf("Vinyl record no. %d (180 g, limited)", i+n), 19.99, i%2 == 0, []string{"vinyl"}, "Acme and Sons GmbH"})
	}
	body, _ := json.Marshal(items)
	return withBody(r, "application/json", body)
}

func withBody(r *request.Request, contentType string, body []byte) *request.Request {
	r.Body = body
	r.Fields = append(r.Fields, request.Field{Name: "Content-Type", Value: contentType}, request.Field{Name: "Content-Length", Value: fmt.Sprint(len(body))})
	return r
}

// benchmark evaluates benign requests of one kind: the same one over and over, which the memo
// knows; with other values each time, of which it knows those that repeat; and without a memo.
func benchmark(b *testing.B, make func(n int) *request.Request) {
	run := func(name string, config Config, memo int, n int) {
		b.Run(name, func(b *testing.B) {
			sources, options := loadCRS(b, config)
			options.MemoBytes = memo
			p, err := Compile(sources, options)
			if err != nil {
				b.Fatal(err)
			}
			var list []*request.Request
			for i := range n {
				list = append(list, make(i*7919))
			}
			s := NewScratch(request.DefaultLimits())
			for range 3 {
				for _, r := range list[:min(n, 1000)] {
					if v := p.Evaluate(r, s); v.Blocked || v.Score > 0 {
						b.Fatalf("score %d: %v", v.Score, v.Matches)
					}
				}
			}
			b.ReportAllocs()
			b.ResetTimer()
			measure(b, func() {
				for i := range b.N {
					p.Evaluate(list[i%n], s)
				}
			})
		})
	}
	run("repeated", Config{}, 0, 1)
	run("varied", Config{}, 0, 20_000)
	run("forgetful", Config{}, -1, 1000)
}

func BenchmarkGet(b *testing.B)  { benchmark(b, browserGet) }
func BenchmarkForm(b *testing.B) { benchmark(b, checkout) }
func BenchmarkJSON(b *testing.B) { benchmark(b, document) }

// BenchmarkHostile is the cost of 64 KB made to be slow.
func BenchmarkHostile(b *testing.B) {
	p := coreRuleSet(b, Config{})
	for name, r := range hostile() {
		b.Run(name, func(b *testing.B) {
			s := NewScratch(request.DefaultLimits())
			p.Evaluate(r, s)
			b.ResetTimer()
			measure(b, func() {
				for range b.N {
					p.Evaluate(r, s)
				}
			})
		})
	}
}
