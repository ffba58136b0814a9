package seclang

import (
	"testing"

	crs "github.com/corazawaf/coraza-coreruleset/v4"
)

func loadCRS(tb testing.TB, c Config) ([]Source, Options) {
	tb.Helper()
	sources, options, err := CoreRuleSet(crs.FS, c)
	if err != nil {
		tb.Fatal(err)
	}
	return sources, options
}

func coreRuleSet(tb testing.TB, c Config) *Program {
	tb.Helper()
	p, err := Compile(loadCRS(tb, c))
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// plainCoreRuleSet evaluates rules as they are written, without a memo, a screen or what else saves work.
func plainCoreRuleSet(tb testing.TB, c Config) *Program {
	tb.Helper()
	sources, options := loadCRS(tb, c)
	options.MemoBytes, options.plain = -1, true
	p, err := Compile(sources, options)
	if err != nil {
		tb.Fatal(err)
	}
	p.surveyed = false
	for i := range p.classes {
		p.classes[i].screened = false
	}
	return p
}

func TestCoreRuleSetCompiles(t *testing.T) {
	for level := 1; level <= 4; level++ {
		p := coreRuleSet(t, Config{Paranoia: level})
		t.Logf("level %d: %d rules, %d patterns, %d classes, %d bytes", level, len(p.rules), p.set.Len(), len(p.classes), p.SizeBytes())
	}
}
