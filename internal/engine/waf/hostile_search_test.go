package waf_test

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/crs"
	"fastness/internal/engine/waf/request"
)

// coreRuleSetACL is a web ACL of the Core Rule Set that only counts, with a reserve (waf.Options.Reserve).
func coreRuleSetACL(tb testing.TB, reserve int64) *waf.Program {
	tb.Helper()
	groups, err := crs.New(crs.Embedded())
	if err != nil {
		tb.Fatal(err)
	}
	acl := &waf.ACL{LabelNamespace: "awswaf:111122223333:webacl:shop:", DefaultAction: waf.Action{Kind: waf.Allow}, Rules: []waf.Rule{
		{Name: "crs", Override: waf.OverrideCount, Statement: waf.Statement{Managed: &waf.ManagedGroup{Vendor: "OWASP", Name: "CoreRuleSet"}}},
	}}
	p, err := waf.Compile(acl, waf.Options{Managed: groups, Reserve: reserve})
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// recipe is a way to make hostile text: units, joined by signs, in codings.
type recipe struct {
	units   []string
	between string
	codings []int
	piece   int // bytes of a value, where a body has many
	repeat  int // how often a unit comes in a row
}

// ingredients are what units are made of.
var ingredients = strings.Fields(`a aa ab 1 0x1 ' " \ / // /* */ -- # ; | & && || $ $( ${ { } {{ [ ] ( ) < > <a <!-- = == + % %2 %25 & &# &lt; &#x \x \u00 \n . .. ../ ..\ : , @ @@ ! ~ ^ * ? é ｓ select union from where and or like case
	sleep( script onerror= javascript: alert( eval( cat ls /etc/passwd cmd.exe php:// <?php __proto__ constructor java.lang jndi: ${jndi: ldap:// http:// 127.0.0.1 169.254 class. exec( system( base64 PHNj YWJj= true null 1=1 'a'='a' limit having order by group into insert values drop table`)

func newRecipe(rng *rand.Rand) recipe {
	var r recipe
	for range 1 + rng.IntN(12) {
		r.units = append(r.units, ingredients[rng.IntN(len(ingredients))])
	}
	return r.vary(rng)
}

// vary returns a recipe that differs in one thing.
func (r recipe) vary(rng *rand.Rand) recipe {
	r.units = slices.Clone(r.units)
	switch rng.IntN(6) {
	case 0:
		r.units[rng.IntN(len(r.units))] = ingredients[rng.IntN(len(ingredients))]
	case 1:
		r.units = append(r.units, ingredients[rng.IntN(len(ingredients))])
	case 2:
		r.between = []string{"", " ", " ", "\t", "\n", "'", "/", ",", ".", "(", ";"}[rng.IntN(11)]
	case 3:
		r.codings = nil
		for range rng.IntN(4) {
			r.codings = append(r.codings, rng.IntN(4))
		}
	case 4:
		r.piece = []int{3, 8, 12, 24, 60, 200, 601, 1500}[rng.IntN(8)]
	case 5:
		r.repeat = rng.IntN(40)
	}
	return r
}

// text makes about n bytes.
func (r recipe) text(n int, rng *rand.Rand) string {
	var b strings.Builder
	for b.Len() < n {
		u := r.units[rng.IntN(len(r.units))]
		b.WriteString(strings.Repeat(u, 1+rng.IntN(r.repeat+1)))
		b.WriteString(r.between)
	}
	s := b.String()[:n]
	for _, c := range r.codings {
		switch c {
		case 0:
			s = url.QueryEscape(s)
		case 1:
			s = base64.StdEncoding.EncodeToString([]byte(s))
		case 2:
			s = strings.NewReplacer("<", "&lt;", "'", "&#39;", "a", "&#x61;", "(", "&#40;").Replace(s)
		case 3:
			s = strings.NewReplacer("a", `\x61`, "'", `\u0027`, "<", `\u003c`).Replace(s)
		}
		s = s[:min(len(s), n)]
	}
	return s
}

// request is a request of a kind with such text, whose body has up to most bytes.
func (r recipe) request(kind, most int, rng *rand.Rand) (*request.Request, string) {
	names := [...]string{"JSON", "leaves", "keys", "form", "fields", "names", "multipart", "files", "XML", "attributes", "text", "cookies", "headers", "query"}
	kind %= len(names)
	size := most
	if kind >= 11 {
		size = 30 << 10
	}
	text := r.text(size, rng)
	q := waf.BrowserGet()
	q.Method, q.Target = "POST", "/api/items"
	piece := max(r.piece, 3)
	join := func(f func(i int, p string) string) string {
		var b strings.Builder
		for i := 0; i < len(text) && b.Len() < size; i += piece {
			b.WriteString(f(i, text[i:min(i+piece, len(text))]))
		}
		return b.String()
	}
	body := func(contentType, b string) {
		hold(q, []byte(b[:min(len(b), most)]))
		q.Fields = append(q.Fields, request.Field{Name: "Content-Type", Value: contentType})
	}
	header := func(s string) string {
		return strings.Map(func(c rune) rune {
			if c < ' ' {
				return ' '
			}
			return c
		}, s)
	}
	switch names[kind] {
	case "JSON":
		body("application/json", `{"a":`+jsonString(text[:len(text)*9/10])+`}`)
	case "leaves":
		body("application/json", "["+join(func(_ int, p string) string { return jsonString(p) + "," })+"1]")
	case "keys":
		body("application/json", "{"+join(func(i int, p string) string { return jsonString(fmt.Sprint(p, i)) + ":1," })+`"z":1}`)
	case "form":
		body("application/x-www-form-urlencoded", "a="+url.QueryEscape(text))
	case "fields":
		body("application/x-www-form-urlencoded", join(func(i int, p string) string { return fmt.Sprintf("a%d=%s&", i, url.QueryEscape(p)) }))
	case "names":
		body("application/x-www-form-urlencoded", join(func(_ int, p string) string { return url.QueryEscape(p) + "&" }))
	case "multipart":
		body("multipart/form-data; boundary=x", join(func(i int, p string) string {
			return fmt.Sprintf("--x\r\nContent-Disposition: form-data; name=\"%d\"\r\n\r\n%s\r\n", i, p)
		})+"--x--\r\n")
	case "files":
		body("multipart/form-data; boundary=x", join(func(i int, p string) string {
			return fmt.Sprintf("--x\r\nContent-Disposition: form-data; name=\"%d\"; filename=\"%s\"\r\n\r\n%s\r\n", i, strings.ReplaceAll(p, "\n", ""), p)
		})+"--x--\r\n")
	case "XML":
		body("application/xml", "<a>"+text+"</a>")
	case "attributes":
		body("application/xml", "<a>"+join(func(_ int, p string) string { return "<b c=\"" + strings.ReplaceAll(p, `"`, "'") + "\">" + p + "</b>" })+"</a>")
	case "text":
		body("text/plain", text)
	case "cookies":
		q.Fields = append(q.Fields, request.Field{Name: "Cookie", Value: header(join(func(i int, p string) string { return fmt.Sprintf("c%d=%s; ", i, strings.ReplaceAll(p, ";", ",")) }))})
	case "headers":
		for i := 0; i < len(text) && i < 100*300; i += 300 {
			q.Fields = append(q.Fields, request.Field{Name: fmt.Sprintf("X-A%d", i), Value: header(text[i:min(i+300, len(text))])})
		}
	case "query":
		q.Target = "/a?" + join(func(i int, p string) string { return fmt.Sprintf("a%d=%s&", i, url.QueryEscape(p)) })
	}
	return q, names[kind]
}

// BenchmarkHostileSearch looks for the dearest requests of 64 KiB to 1 MiB, which is what the proxy holds of a body: it tries recipes, and goes on with what varies the worst ones. Its metrics are the
// processor time and the steps of the worst one that it found, and what a step took; -v tells which those are. A request is tried with three new texts and counts with the one between the others:
// what a thread's clock says of a few milliseconds is off by some, up and down, on a machine that others use, too. (-benchtime 2000x)
func BenchmarkHostileSearch(b *testing.B) {
	type search struct {
		name    string
		size    int
		program func() *waf.Program
	}
	var searches []search
	for _, size := range []int{64 << 10, 128 << 10, 256 << 10, 1 << 20} {
		searches = append(searches, search{"managed", size, func() *waf.Program { return managedACL(b, -1, true) }}, search{"CoreRuleSet", size, func() *waf.Program { return coreRuleSetACL(b, -1) }})
	}
	for _, c := range searches {
		b.Run(fmt.Sprintf("%s/%dKiB", c.name, c.size>>10), func(b *testing.B) {
			type found struct {
				recipe
				kind  int
				what  string
				cpu   time.Duration
				steps uint64
			}
			const worth = 5 * time.Millisecond // it is tried again
			p, s := c.program(), waf.NewScratch(request.DefaultLimits())
			rng := rand.New(rand.NewPCG(1, 2))
			var worst []found
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			tried := 0
			for b.Loop() {
				f := found{recipe: newRecipe(rng), kind: rng.IntN(14)}
				if len(worst) > 0 && rng.IntN(3) > 0 {
					f = worst[rng.IntN(len(worst))]
					if f.recipe = f.vary(rng); rng.IntN(6) == 0 {
						f.kind = rng.IntN(14)
					}
				}
				if tried++; tried%100 == 0 && c.name == "managed" {
					p = c.program() // one that knows nothing, and has no reserve
				}
				var tries []found
				for len(tries) < 3 && (len(tries) == 0 || tries[0].cpu > worth) {
					r, name := f.request(f.kind, c.size, rng)
					runtime.GC()
					steps, before := s.Steps(), waf.ThreadTime(b)
					if _, err := p.Evaluate(r, nil, s); err != nil {
						b.Fatal(err)
					}
					f.what, f.cpu, f.steps = name, waf.ThreadTime(b)-before, s.Steps()-steps
					tries = append(tries, f)
				}
				slices.SortFunc(tries, func(a, b found) int { return int(a.cpu - b.cpu) })
				f = tries[len(tries)/2]
				worst = append(worst, f)
				slices.SortFunc(worst, func(a, b found) int { return int(b.cpu - a.cpu) })
				worst = worst[:min(len(worst), 12)]
			}
			b.ReportMetric(float64(worst[0].cpu)/1e6, "worst-cpu-ms")
			b.ReportMetric(float64(worst[0].steps)/1e6, "worst-Msteps")
			b.ReportMetric(float64(worst[0].cpu)/float64(max(worst[0].steps, 1)), "worst-ns/step")
			for _, f := range worst[:min(len(worst), 5)] {
				b.Logf("%s %v, %.1f million steps: %q between %q, codings %v, pieces of %d, up to %d times", f.what, f.cpu, float64(f.steps)/1e6, f.units, f.between, f.codings, f.piece, f.repeat)
			}
		})
	}
}
