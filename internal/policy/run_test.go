package policy

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// plainFind is find as its definition says: the first place at which the run stands.
func plainFind(run, s string) int {
	for start := 0; ; {
		if n, ok := consume(run, s[start:]); ok {
			return start + n
		}
		if start == len(s) {
			return -1
		}
		_, size := utf8.DecodeRuneInString(s[start:])
		start += size
	}
}

// TestFindEqualsItsDefinition compares find with the plain search on random runs and
// texts of few different letters, so that near misses are many: of one to four bytes
// and, in texts, outside UTF-8; short and around the sizes of windows.
func TestFindEqualsItsDefinition(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	letters := []string{"a", "b", ":", "é", "è", "日", "𝒳"}
	draw := func(from []string, n int) string {
		var b strings.Builder
		for range n {
			b.WriteString(from[rnd.IntN(len(from))])
		}
		return b.String()
	}
	found := 0
	for i := range 20_000 {
		some := letters[:1+rnd.IntN(len(letters))]
		n := rnd.IntN(40)
		if i%20 == 0 {
			n = rnd.IntN(6000)
		}
		var text string
		if period := 1 + rnd.IntN(8); rnd.IntN(2) == 0 {
			text = strings.Repeat(draw(some, period), n/period+1)
		} else {
			text = draw(append([]string{"\x80", "\xff", "\xc3"}, some...), n)
		}
		var run string
		if rnd.IntN(3) > 0 && n > 0 {
			// What stands in the text, some letters replaced by question marks and perhaps
			// one by another letter.
			runes := []rune(strings.ToValidUTF8(text, "a"))
			from := rnd.IntN(len(runes))
			to := min(len(runes), from+1+rnd.IntN(1+rnd.IntN(len(runes))))
			var b strings.Builder
			for _, r := range runes[from:to] {
				if rnd.IntN(4) == 0 {
					b.WriteByte(wildOne)
				} else {
					b.WriteRune(r)
				}
			}
			run = b.String()
			if rnd.IntN(2) == 0 {
				run += some[rnd.IntN(len(some))]
			}
		} else {
			run = draw(append([]string{wildOneS, wildOneS}, some...), rnd.IntN(8))
		}
		want := plainFind(run, text)
		if got := find(run, text); got != want {
			t.Fatalf("find(%q, %q) = %d, want %d", run, text, got, want)
		}
		// Again by bits, whatever the sizes.
		mark := func(r rune) bool { return r == utf8.RuneError } // as a byte outside UTF-8 reads
		if core := strings.TrimFunc(run, mark); core != "" {
			if got, want := new(sieve).find(core, text), plainFind(core, text); got != want {
				t.Fatalf("sieve: find(%q, %q) = %d, want %d", core, text, got, want)
			}
		}
		if want >= 0 {
			found++
		}
	}
	if found < 5000 || found > 15000 {
		t.Errorf("%d of 20,000 found: the cases are one-sided", found)
	}
}

// hostile are patterns of the greatest size an inline policy of a role may have (10,240)
// against a value of the greatest size a header may have (64 KiB), chosen for the work
// they make.
func hostile() map[string]struct{ pattern, text string } {
	const p, n = 10_240, 64 << 10
	rep := func(s string, n int) string { return strings.Repeat(s, n/len(s)) }
	return map[string]struct{ pattern, text string }{
		"a?a?":      {"*" + rep("a?", p) + "b*", rep("a", n)},
		"aaa?b":     {"*" + rep("a", p) + "?b*", rep("a", n)},
		"marks":     {"*a" + rep("?", p) + "b*", rep("a", n)},
		"halves":    {"*" + rep("a", p/2) + "?" + rep("a", p/2) + "b*", rep("a", n)},
		"ab":        {"*" + rep("ab", p) + "?a*", rep("ab", n)},
		"many runs": {"*" + rep("a?a*", p) + "b*", rep("a", n)},
		"17":        {rep("*aaaaaaaa?aaaaaaa", p) + "b*", rep("a", n)},
		"é":         {"*" + rep("é?", p) + "b*", rep("é", n)},
		"everything": {"*" + rep("abcdefghijklmnopqrstuvwxyz0123456789?", p) + "!*",
			rep("abcdefghijklmnopqrstuvwxyz0123456789X", n)},
	}
}

func TestHostileRunsMatchNothing(t *testing.T) {
	for name, c := range hostile() {
		p := compilePattern(c.pattern, true, true)
		start := time.Now()
		if matchGlob(p.text, c.text) {
			t.Errorf("%s matches", name)
		}
		// Place by place it would be 0.7 s on the machine where this is at most 8 ms (and
		// 5 ms at the 6,144 characters of a managed policy).
		if d := time.Since(start); d > 200*time.Millisecond {
			t.Errorf("%s took %v", name, d)
		}
	}
}

func BenchmarkHostileRuns(b *testing.B) {
	for name, c := range hostile() {
		p := compilePattern(c.pattern, true, true)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if matchGlob(p.text, c.text) {
					b.Fatal("matches")
				}
			}
		})
	}
}
