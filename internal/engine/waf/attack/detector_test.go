package attack

import (
	"testing"
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
			for place := Path; place <= Whole; place <<= 1 {
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
