package attack

import (
	"testing"

	"fastness/internal/engine/waf/pattern"
)

func TestRulesMatchTheirSamples(t *testing.T) {
	d, err := New()
	if err != nil {
		t.Fatal(err)
	}
	var s Scratch
	for _, r := range d.rules {
		fires := func(sample string) bool {
			found := false
			for place := Path; place <= FileName; place <<= 1 {
				d.Inspect([]byte(sample), place, &s, func(h Hit) { found = found || h.Rule == r.name })
			}
			return found
		}
		for _, m := range r.match {
			if !fires(m) {
				t.Errorf("%s does not match %q", r.name, m)
			}
		}
		for _, m := range r.pass {
			if fires(m) {
				t.Errorf("%s matches %q", r.name, m)
			}
		}
	}
}

// TestNothingIsReadWithoutSteps looks at an attack when all steps are taken: no reading of it may be made any more, since that
// is not counted.
func TestNothingIsReadWithoutSteps(t *testing.T) {
	d, err := New()
	if err != nil {
		t.Fatal(err)
	}
	m := pattern.NewScratch()
	s := NewScratch(m)
	m.Allow(1000)
	m.Spend(2000)
	if found := d.Inspect([]byte("%3Cscript%3Ealert(1)%3C/script%3E"), Query, s, nil); found != 0 || !m.Exhausted() || len(s.variants) > 0 {
		t.Errorf("found %v, exhausted %v, %d readings", found, m.Exhausted(), len(s.variants))
	}
	m.Allow(1 << 40)
	if found := d.Inspect([]byte("%3Cscript%3Ealert(1)%3C/script%3E"), Query, s, nil); found == 0 || m.Exhausted() {
		t.Errorf("with steps: found %v", found)
	}
}
