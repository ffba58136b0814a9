package waf_test

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"runtime"
	"strings"
	"testing"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/request"
)

// hostileTexts are texts of about n bytes made to cost a firewall much: of some letters in any order,
// which lead automata to new states all the time, and of words of the languages that it knows.
func hostileTexts(n int, seed uint64) map[string]string {
	rng := rand.New(rand.NewPCG(5, seed))
	letters := func(alphabet string) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = alphabet[rng.IntN(len(alphabet))]
		}
		return string(b)
	}
	words := func(list, between string) string {
		var b strings.Builder
		for w := strings.Fields(list); b.Len() < n; {
			b.WriteString(w[rng.IntN(len(w))])
			b.WriteByte(between[rng.IntN(len(between))])
		}
		return b.String()[:n]
	}
	nested := func(depth int, encode func(string) string) string {
		s := words("rock roll and the select of from script", " ")
		for range depth {
			s = encode(s)
			s = s[:min(len(s), n)]
		}
		return s
	}
	return map[string]string{
		"a":                  strings.Repeat("a", n),
		"random letters":     letters("abcdefghijklmnopqrstuvwxyz"),
		"letters and spaces": letters("etaoinshrdlu      "),
		"random punctuation": letters("'\"`()[]{}<>|&;$\\/*-=#!@%^~,.: \n"),
		"random ASCII":       letters(" !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~"),
		"quotes and letters": letters("abcdefghijklmnopqrstuvwxyz'"),
		"words of SQL":       words("select union all from where or and having like between null order by group insert into values update set delete drop table exec sleep", " "),
		"words of shells":    words("cat ls bash sh curl wget id whoami nc python perl etc passwd bin tmp echo", " /."),
		"words of markup":    words("script img svg iframe on error load alert eval document cookie src href body style div", " <=/"),
		"words of all":       words("select union script cat onload etc passwd eval system php java exec or and alert wget file http ldap class runtime", " \t\n'\"`(),;=<>|&$/*-#"),
		"percent signs":      strings.Repeat("%", n),
		"percent of percent": strings.Repeat("%25", n/3),
		"percent nested":     nested(4, url.QueryEscape),
		"ampersands":         strings.Repeat("&", n),
		"references":         strings.Repeat("&#97;", n/5),
		"backslashes":        strings.Repeat(`\`, n),
		"backslash n":        strings.Repeat(`\n`, n/2),
		"all codings":        strings.Repeat(`%61&#98;\x63+ADw-`, n/17),
		"comments":           strings.Repeat("/**/", n/4),
		"comments open":      strings.Repeat("/*", n/2),
		"comments of MySQL":  strings.Repeat("/*!1", n/4),
		"dots":               strings.Repeat("../", n/3),
		"spaces":             strings.Repeat(" ", n),
		"new lines":          strings.Repeat("a\n", n/2),
		"wide":               strings.Repeat("Ａ", n/3),
		"hexadecimal":        strings.Repeat("61", n/2),
		"base64":             strings.Repeat("YWJj", n/4),
	}
}

// held is how much of a body the proxy holds.
const held = 64 << 10

func jsonString(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`).Replace(s) + `"`
}

// hostileRequests are requests with a text as a body of each kind, in one value and in many, of up to most bytes.
func hostileRequests(text string, most int) map[string]*request.Request {
	make := func(kind, body string) *request.Request {
		r := waf.BrowserGet()
		r.Method, r.Target = "POST", "/api/items"
		hold(r, []byte(body[:min(len(body), most)]))
		r.Fields = append(r.Fields, request.Field{Name: "Content-Type", Value: kind})
		return r
	}
	cut := func(size int, f func(i int, part string)) {
		for i := 0; i < len(text); i += size {
			f(i, text[i:min(i+size, len(text))])
		}
	}
	var leaves, fields, parts strings.Builder
	leaves.WriteByte('[')
	cut(12, func(i int, p string) { fmt.Fprintf(&leaves, "%s,", jsonString(p)) })
	cut(12, func(i int, p string) { fmt.Fprintf(&fields, "%s&", url.QueryEscape(p)) })
	cut(200, func(i int, p string) {
		fmt.Fprintf(&parts, "--x\r\nContent-Disposition: form-data; name=\"%d\"\r\n\r\n%s\r\n", i, p)
	})
	return map[string]*request.Request{
		"text":      make("text/plain", text),
		"form":      make("application/x-www-form-urlencoded", "a="+text),
		"fields":    make("application/x-www-form-urlencoded", fields.String()),
		"JSON":      make("application/json", `{"a":`+jsonString(text[:len(text)*9/10])+`}`),
		"leaves":    make("application/json", leaves.String()),
		"multipart": make("multipart/form-data; boundary=x", parts.String()+"--x--\r\n"),
		"XML":       make("application/xml", "<a>"+text),
	}
}

// BenchmarkManagedHostile evaluates requests whose bodies are made to cost much, new ones each time, with the
// managed groups counting, so that nothing ends the evaluation.
func BenchmarkManagedHostile(b *testing.B) {
	const turns = 6
	p := managedACL(b, 0, true)
	for _, name := range []string{"random ASCII", "random punctuation", "words of all", "letters and spaces", "words of markup", "all codings", "dots"} {
		for _, kind := range []string{"JSON", "leaves", "multipart"} {
			b.Run(name+"/"+kind, func(b *testing.B) {
				var list []*request.Request
				for seed := range turns {
					list = append(list, hostileRequests(hostileTexts(held, uint64(seed))[name], held)[kind])
				}
				s := waf.NewScratch(request.DefaultLimits())
				b.ReportAllocs()
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
				before := waf.ThreadTime(b)
				for i := 0; b.Loop(); i++ {
					if _, err := p.Evaluate(list[i%turns], nil, s); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(waf.ThreadTime(b)-before)/float64(b.N)/1e6, "cpu-ms/op")
			})
		}
	}
}

// TestNothingCostsMoreThanItsSteps evaluates bodies made to cost much and holds them to the bound, and to
// being refused where they reach it.
func TestNothingCostsMoreThanItsSteps(t *testing.T) {
	refusing, counting := managedACL(t, -1, false), managedACL(t, -1, true)
	s := waf.NewScratch(request.DefaultLimits())
	reached := 0
	for _, size := range []int{held, 1 << 20} {
		reached += holdToBound(t, refusing, counting, s, size)
	}
	if reached < 6 {
		t.Errorf("the bound was reached %d times only", reached)
	}
}

// holdToBound evaluates bodies of a size, and tells how many reached the bound.
func holdToBound(t *testing.T, refusing, counting *waf.Program, s *waf.Scratch, size int) (reached int) {
	for name, text := range hostileTexts(size, 1) {
		for kind, r := range hostileRequests(text, size) {
			for _, program := range []*waf.Program{refusing, counting} {
				if size > held && program == refusing && kind != "JSON" {
					continue // one that refuses stops early
				}
				before := s.Steps()
				v, err := program.Evaluate(r, nil, s)
				if err != nil {
					t.Fatal(err)
				}
				// A last value may take a pass and some states of automata beyond the bound, and a look at each of many values.
				if spent := s.Steps() - before; spent > waf.DefaultSteps*4/3 {
					t.Errorf("%s, %s, %d bytes: %d steps", name, kind, size, spent)
				}
				if v.Exhausted {
					reached++
					if program == refusing && v.Action != waf.Block {
						t.Errorf("%s, %s: more than its steps, and %s", name, kind, v.Action)
					}
				}
			}
		}
	}
	return reached
}
