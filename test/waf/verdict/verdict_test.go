package verdict

import (
	"maps"
	"strings"
	"testing"
)

func TestWhatIsWrittenIsRead(t *testing.T) {
	s := Set{Of("x", "a"): Runs, Of("x", "b"): Neither, Of("y", "a"): Possible}
	var b strings.Builder
	if err := s.Write(&b); err != nil {
		t.Fatal(err)
	}
	// What sha256sum says of printf 'x\0a'.
	if !strings.Contains(b.String(), "614968d965a3bf7b6c43797e9e531abca66accecaf14c252cdf653a757310620\truns\n") {
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
