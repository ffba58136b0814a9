package pattern

import (
	"fmt"
	"strings"
	"testing"

	"rsc.io/binaryregexp"
)

// getValues are what rules see of a request of a browser: seven arguments and four cookies
// with their names, the path, its last part, the agent and the referrer.
func getValues() [][]byte {
	var out [][]byte
	for _, s := range []string{
		"q", "rock & roll shoes", "page", "3", "sort", "price-asc", "color", "dark blue", "size", "42", "utm_source", "newsletter", "session_hint", "a8f3c21b",
		"sid", "9f86d081884c7d659a2f", "theme", "dark", "consent", "1", "_ga", "GA1.2.1717.1718",
		"/shop/catalog/search.html", "search.html",
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
		"https://shop.example.com/catalog/women/shoes?ref=home",
	} {
		out = append(out, []byte(s))
	}
	return out
}

// formValues are the names and values of a form of 18 fields.
func formValues() [][]byte {
	var out [][]byte
	for _, f := range []string{
		"first_name=Maria", "last_name=O'Neill", "email=maria.oneill@example.com", "phone=+49 30 901820", "street=12 Unter den Linden", "city=Berlin",
		"zip=10117", "country=DE", "company=Neill & Sons (Ltd.)", "subject=Order #4711 has not arrived", "message=Hello, I ordered two pairs of shoes on the 3rd of May and they still have not been delivered. Could you select another carrier and send them from your shop in Hamburg? Thanks!",
		"newsletter=on", "terms=accepted", "birthday=1984-02-29", "csrf=YWJjZGVmZ2hpamtsbW5vcA", "plan=basic", "coupon=", "submit=Send",
	} {
		name, value, _ := strings.Cut(f, "=")
		out = append(out, []byte(name), []byte(value))
	}
	return out
}

// jsonValues are the names and values of 240 leaves.
func jsonValues() [][]byte {
	var out [][]byte
	for i := range 40 {
		for _, f := range []string{
			fmt.Sprintf("id=%d", 1000+i), fmt.Sprintf("name=item number %d", i), fmt.Sprintf("price=%d.99", i), "currency=EUR", "in_stock=true",
			fmt.Sprintf("sku=AB-%04d-X", i*37),
		} {
			name, value, _ := strings.Cut(f, "=")
			out = append(out, []byte(fmt.Sprintf("json.items.%d.%s", i, name)), []byte(value))
		}
	}
	return out
}

// otherRules are n expressions as customers and vendors write them: for paths, scanners and
// exploits.
func otherRules(n int) []Pattern {
	shapes := []string{
		`^/wp-content/plugins/plugin%d/.*\.php$`, `(?i)exploit-%d[a-z]+\.jsp`, `/cgi-bin/app%d\.(?:cgi|pl)\?cmd=`, `(?i)\bscanner%dbot/\d+`,
		`\.\./\.\./etc/app%d\.conf`, `(?i)union\s+select.{1,40}table%d`, `<script src=.{0,20}//evil%d\.`, `cmd%d=[;|&]`, `^/api/v\d+/tenant%d/`, `[?&]debug%d=(?:1|true)`,
	}
	var out []Pattern
	for i := range n {
		out = append(out, Pattern{Kind: Regexp, Text: fmt.Sprintf(shapes[i%len(shapes)], i), Syntax: AWS})
	}
	return out
}

func benchmark(b *testing.B, patterns []Pattern, values [][]byte) {
	set, err := Compile(patterns, Options{})
	if err != nil {
		b.Fatal(err)
	}
	scratch, got := NewScratch(), NewBits(set.Len())
	total := 0
	for _, v := range values {
		for range 10 { // make the states that it needs, some each time
			set.Match(v, nil, got, scratch)
		}
		total += len(v)
	}
	b.ReportAllocs()
	b.SetBytes(int64(total))
	measure(b, func() {
		for b.Loop() {
			for _, v := range values {
				got.Reset()
				set.Match(v, nil, got, scratch)
			}
		}
	})
}

func benchmarkGo(b *testing.B, patterns []Pattern, values [][]byte) {
	var all []*binaryregexp.Regexp
	for _, p := range patterns {
		all = append(all, binaryregexp.MustCompile("(?sm)"+p.Text))
	}
	total := 0
	for _, v := range values {
		total += len(v)
	}
	b.ReportAllocs()
	b.SetBytes(int64(total))
	measure(b, func() {
		for b.Loop() {
			for _, v := range values {
				for _, p := range all {
					p.Match(v)
				}
			}
		}
	})
}

func BenchmarkCoreRuleSet(b *testing.B) {
	rules := argumentRules(b)
	for _, c := range []struct {
		name   string
		values [][]byte
	}{{"get", getValues()}, {"form", formValues()}, {"json", jsonValues()}} {
		b.Run(c.name, func(b *testing.B) { benchmark(b, rules, c.values) })
		b.Run(c.name+"/go", func(b *testing.B) { benchmarkGo(b, rules, c.values) })
		b.Run(c.name+"/thousand more", func(b *testing.B) { benchmark(b, append(rules[:len(rules):len(rules)], otherRules(1000)...), c.values) })
	}
}

func BenchmarkCompile(b *testing.B) {
	rules := argumentRules(b)
	for _, c := range []struct {
		name     string
		patterns []Pattern
	}{{"core rule set", rules}, {"thousand rules", otherRules(1000)}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			measure(b, func() {
				for b.Loop() {
					set, err := Compile(c.patterns, Options{})
					if err != nil {
						b.Fatal(err)
					}
					b.ReportMetric(float64(set.SizeBytes()), "bytes")
				}
			})
		})
	}
}
