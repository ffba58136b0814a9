package pattern

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// hostileValues are values of n bytes made to cost much.
func hostileValues(tb testing.TB, n int) map[string][]byte {
	tb.Helper()
	fill := func(s string) []byte { return []byte(strings.Repeat(s, n/len(s)+1))[:n] }
	r := rand.New(rand.NewPCG(5, 6))
	random := func(alphabet string) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = alphabet[r.IntN(len(alphabet))]
		}
		return b
	}
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	payloads := crsValues(tb)
	r.Shuffle(len(payloads), func(i, j int) { payloads[i], payloads[j] = payloads[j], payloads[i] })
	mixed := bytes.Join(payloads, []byte(" "))
	if len(mixed) < n {
		mixed = bytes.Repeat(mixed, n/len(mixed)+1)
	}
	words := strings.Fields("select union or and like between having from where order by insert update drop exec cat ls bash curl wget script alert eval system php java proc etc passwd not null is div")
	var text strings.Builder
	for text.Len() < n {
		text.WriteString(words[r.IntN(len(words))])
		text.WriteByte(" \t\n'\"`(),;=<>|&$/*-#"[r.IntN(20)])
	}
	return map[string][]byte{
		"a":                  fill("a"),
		"spaces":             fill(" "),
		"quotes":             fill(`'"`),
		"newlines":           fill("\n"),
		"starts of strings":  fill("seluniexealescpasdeldroinwhevanochr"),
		"one payload":        fill("1' or '1'='1' union select 1,concat(user(),0x3a,version()) from information_schema.tables-- <script>alert(1)</script> ;cat /etc/passwd|sh "),
		"payloads":           mixed[:n],
		"keywords":           []byte(text.String()[:n]),
		"random letters":     random("abcdefghijklmnopqrstuvwxyz"),
		"random punctuation": random("'\"`()[]{}<>|&;$\\/*-=#!@%^~,.: \n"),
		"random bytes":       random(string(all)),
		"random ascii":       random(string(all[32:127])),
	}
}

func BenchmarkHostile(b *testing.B) {
	rules := argumentRules(b)
	set, err := Compile(rules, Options{})
	if err != nil {
		b.Fatal(err)
	}
	scratch, got := NewScratch(), NewBits(set.Len())
	for _, n := range []int{64 << 10} {
		for name, value := range hostileValues(b, n) {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				b.SetBytes(int64(n))
				b.ReportAllocs()
				before := scratch.Steps()
				spent := measure(b, func() {
					for b.Loop() {
						got.Reset()
						set.Match(value, nil, got, scratch)
					}
				})
				b.ReportMetric(float64(scratch.Steps()-before)/float64(b.N)/float64(n), "steps/byte")
				b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N)/float64(n), "cpu-ns/byte")
				b.ReportMetric(float64(got.Count()), "matches")
			})
		}
	}
}
