package percent

import (
	"slices"
	"testing"
)

func TestEscapesAreDecodedOnceAndTwice(t *testing.T) {
	for v, want := range map[string][]string{
		"":              {""},
		"a b":           {"a b"},
		"%41":           {"%41", "A"},
		"%2541":         {"%2541", "%41", "A"},
		"%252541":       {"%252541", "%2541", "%41"},
		"%u003cb%U000a": {"%u003cb%U000a", "<b\n"},
		"100%":          {"100%"},
		"%4":            {"%4"},
		"%zz%0":         {"%zz%0"},
		"%ff":           {"%ff", "\xff"},
	} {
		if got := Readings(v, Decode); !slices.Equal(got, want) {
			t.Errorf("%q: %q", v, got)
		}
	}
	if got := Readings("%ffa", DecodeText); !slices.Equal(got, []string{"%ffa", "\ufffda"}) {
		t.Errorf("%q", got)
	}
}
