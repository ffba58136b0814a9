package seclang

import (
	"io/fs"
	"math/rand/v2"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	crstests "github.com/corazawaf/coraza-coreruleset/v4/tests"

	"fastness/internal/engine/waf/request"
	"fastness/internal/engine/waf/transform"
)

// caseValues are values out of the Core Rule Set's regression cases: what stands behind equal signs and in fields.
func caseValues(t *testing.T) [][]byte {
	t.Helper()
	line := regexp.MustCompile(`(?m)^\s+(?:[\w-]+): (.*)$`)
	seen := map[string]bool{}
	err := fs.WalkDir(crstests.FS, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(crstests.FS, name)
		for _, m := range line.FindAllStringSubmatch(string(b), -1) {
			v := strings.Trim(strings.TrimSpace(m[1]), `"'`)
			seen[v] = true
			for _, pair := range strings.FieldsFunc(v, func(r rune) bool { return r == '&' || r == '?' }) {
				if _, value, ok := strings.Cut(pair, "="); ok {
					seen[value] = true
					if u, err := url.QueryUnescape(value); err == nil {
						seen[u] = true
					}
				}
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var out [][]byte
	for v := range seen {
		out = append(out, []byte(v))
	}
	slices.SortFunc(out, func(a, b []byte) int { return strings.Compare(string(a), string(b)) })
	return out
}

// TestConditionsAgreeWithPlainEvaluation compares what inspect finds for values of every class, with its shared forms
// and one set of patterns, with each condition asked by itself: transformation after transformation, pattern by
// pattern.
func TestConditionsAgreeWithPlainEvaluation(t *testing.T) {
	p := plainCoreRuleSet(t, Config{Paranoia: 4})
	s, plain := NewScratch(request.DefaultLimits()), NewScratch(request.DefaultLimits())
	r := get("/")
	s.begin(p, r)
	plain.begin(p, r)
	values := caseValues(t)
	rng := rand.New(rand.NewPCG(3, 4))
	rng.Shuffle(len(values), func(i, j int) { values[i], values[j] = values[j], values[i] })
	values = values[:120]
	for range 80 { // pieces put together, with what transformations undo in between
		a, b := values[rng.IntN(len(values))], values[rng.IntN(len(values))]
		glue := []string{"", " ", "/**/", "%00", "\x00", "\\x41", "&lt;", "\t\n", "\xc3\xa4", "..\\", "%u0061", "PHN2Zz4="}[rng.IntN(12)]
		values = append(values, []byte(string(a[:rng.IntN(len(a)+1)])+glue+string(b[:rng.IntN(len(b)+1)])))
	}
	holds := 0
	for src := range sources {
		classes := map[string]int32{"": p.class[src]}
		for key, id := range p.named[src] {
			classes[key] = id
		}
		for key, id := range classes {
			for _, value := range values {
				s.matcher.Allow(1 << 40)
				plain.matcher.Allow(1 << 40)
				s.budget, plain.budget = 1<<40, 1<<40
				got := s.inspect(nil, &p.classes[id], value)
				slices.Sort(got)
				got = slices.Compact(got)
				var want []int32
				for _, l := range p.links {
					if looksAt(l, src, key) && plainly(plain, l, value) {
						want = append(want, l.id)
					}
				}
				holds += len(want)
				if !slices.Equal(got, want) {
					t.Fatalf("source %d, name %q, value %q: conditions %v, plainly %v", src, key, value, rulesOf(p, got), rulesOf(p, want))
				}
			}
		}
	}
	if holds < 5_000 {
		t.Errorf("only %d conditions held", holds)
	}
	t.Logf("%d values, %d conditions held", len(values), holds)
}

// looksAt tells whether a condition looks at values of a name of a source. Names that no rule has are those
// that no exact name selects.
func looksAt(l *link, src source, key string) bool {
	for i := range l.targets {
		tg := &l.targets[i]
		if !slices.Contains(tg.sources, src) {
			continue
		}
		literal := tg.only != nil && tg.only.pattern == nil
		switch {
		case literal && tg.only.key == key:
			return true
		case !literal && key == "", !literal && tg.wants([]byte(key)):
			return true
		}
	}
	return false
}

// plainly asks one condition about a value.
func plainly(s *Scratch, l *link, value []byte) bool {
	found := l.multi && s.holds(&l.op, value)
	for _, kind := range l.chain {
		if out, changed := transform.Append(nil, kind, value); changed {
			value = out
			found = found || l.multi && s.holds(&l.op, value)
		}
	}
	return found || !l.multi && s.holds(&l.op, value)
}

func rulesOf(p *Program, ids []int32) (out []int) {
	for _, id := range ids {
		out = append(out, p.rules[p.links[id].rule].ID)
	}
	return out
}
