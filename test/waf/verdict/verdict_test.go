package verdict

import (
	"maps"
	"strings"
	"testing"
)

func TestWhatIsWrittenIsRead(t *testing.T) {
	s := Set{Of("a"): Runs, Of("b"): Neither, Of("c"): Possible}
	var b strings.Builder
	if err := s.Write(&b); err != nil {
		t.Fatal(err)
	}
	// sha256sum of "a".
	if !strings.Contains(b.String(), "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb\truns\n") {
		t.Errorf("%s", b.String())
	}
	again := Set{}
	if err := again.Read(strings.NewReader(b.String())); err != nil || !maps.Equal(s, again) {
		t.Errorf("%v %v", again, err)
	}
}

func TestLinesThatAreNoneAreRefused(t *testing.T) {
	h := strings.Repeat("ab", 32)
	for _, l := range []string{"", "runs", h, h + "\t", h + "\tsaid", h[2:] + "\truns", h + "ab\truns", strings.Repeat("xy", 32) + "\truns"} {
		if err := (Set{}).Read(strings.NewReader(l + "\n")); err == nil {
			t.Errorf("%q", l)
		}
	}
}
