package rotator

import (
	"strings"
	"testing"
)

func TestPasswordTypes(t *testing.T) {
	for _, c := range []struct {
		name string
		p    Password
		only string // what it may consist of
		each []string
	}{
		{"all", Password{Length: 4, RequireEachIncludedType: true}, lowercase + uppercase + numbers + punctuation, []string{lowercase, uppercase, numbers, punctuation}},
		{"letters", Password{Length: 2, ExcludeNumbers: true, ExcludePunctuation: true, RequireEachIncludedType: true}, lowercase + uppercase, []string{lowercase, uppercase}},
		{"numbers", Password{Length: 40, ExcludeUppercase: true, ExcludePunctuation: true, ExcludeLowercase: true}, numbers, nil},
		{"few", Password{Length: 8, ExcludeCharacters: lowercase[1:] + uppercase[1:] + numbers[1:] + punctuation[1:], RequireEachIncludedType: true}, "aA0!", []string{"a", "A", "0", "!"}},
	} {
		for range 200 {
			p, err := c.p.Generate()
			if err != nil {
				t.Fatal(err)
			}
			if len(p) != c.p.Length || strings.Trim(string(p), c.only) != "" {
				t.Errorf("%s: %q", c.name, p)
			}
			for _, set := range c.each {
				if !strings.ContainsAny(string(p), set) {
					t.Errorf("%s: %q has none of %q", c.name, p, set)
				}
			}
		}
	}
	for _, p := range []Password{{}, {Length: 4097}, {Length: 3, RequireEachIncludedType: true},
		{Length: 8, ExcludeLowercase: true, ExcludeUppercase: true, ExcludeNumbers: true, ExcludePunctuation: true},
		{Length: 8, ExcludeCharacters: numbers, RequireEachIncludedType: true}} {
		if got, err := p.Generate(); err == nil {
			t.Errorf("%+v made %q", p, got)
		}
	}
}

// Each of 94 characters is as likely: the chi-square of 93 degrees of freedom is under
// 160 except once in 50,000 runs.
func TestPasswordIsUniform(t *testing.T) {
	const draws = 94_000
	counts := map[byte]int{}
	for range draws / 94 {
		p, err := Password{Length: 94}.Generate()
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range p {
			counts[c]++
		}
	}
	chi := 0.0
	for _, n := range counts {
		d := float64(n - draws/94)
		chi += d * d / (draws / 94)
	}
	if len(counts) != 94 || chi > 160 {
		t.Errorf("%d characters, chi-square %.1f", len(counts), chi)
	}
}

// Passwords that have each type are as likely as each other: putting a missing type
// into a place of its own would favour some.
func TestRequiredTypesAreUniform(t *testing.T) {
	p := Password{Length: 3, ExcludeCharacters: lowercase[1:] + uppercase[2:], ExcludeNumbers: true, ExcludePunctuation: true, RequireEachIncludedType: true}
	counts := map[string]int{}
	const draws = 18_000
	for range draws {
		got, err := p.Generate()
		if err != nil {
			t.Fatal(err)
		}
		counts[string(got)]++
	}
	// Of the 27 strings over a, A, B, 1 is aaa and 8 have no a.
	if len(counts) != 18 {
		t.Fatalf("%d different ones: %v", len(counts), counts)
	}
	chi := 0.0
	for _, n := range counts {
		d := float64(n - draws/18)
		chi += d * d / (draws / 18)
	}
	if chi > 60 { // 17 degrees of freedom: less often than once in 10^6
		t.Errorf("chi-square %.1f: %v", chi, counts)
	}
}

func BenchmarkGeneratePassword(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := (Password{Length: 32, RequireEachIncludedType: true}).Generate(); err != nil {
			b.Fatal(err)
		}
	}
}
