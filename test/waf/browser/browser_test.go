package browser

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// started starts a browser that ends with the test.
func started(t *testing.T) *Chromium {
	t.Helper()
	c, err := Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// values reads the values of a file of the tests of recall.
func values(t *testing.T, name string) (all []string) {
	t.Helper()
	b, err := os.ReadFile("../recall/testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	for l := range strings.Lines(string(b)) {
		var v struct{ Value string }
		if err := json.Unmarshal([]byte(l), &v); err != nil {
			t.Fatalf("%q: %v", l, err)
		}
		all = append(all, v.Value)
	}
	return all
}

func TestChromiumRunsTheScriptsThatAreBlocked(t *testing.T) {
	all := values(t, "scripts.jsonl")
	judged, err := started(t).Judge(t.Context(), all, Options{})
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for i, j := range judged {
		if j.Verdict == Runs {
			ran++
		}
		if j.Verdict == Neither {
			t.Errorf("%q: %+v", all[i], j)
		}
	}
	// The others have a handler that nothing calls here, an address that is followed elsewhere, or code with a mistake.
	t.Logf("of %d %d ran", len(all), ran)
	if ran < len(all)*7/10 {
		t.Errorf("of %d %d ran", len(all), ran)
	}
}

func TestChromiumRunsNothingInOrdinaryMarkup(t *testing.T) {
	all := values(t, "harmless.jsonl")
	judged, err := started(t).Judge(t.Context(), all, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i, j := range judged {
		if j.Verdict == Runs {
			t.Errorf("%q: %+v", all[i], j)
		}
	}
}
