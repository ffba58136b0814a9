package sigv4

import (
	"strings"
	"testing"
)

func TestHeaderValuesAreFolded(t *testing.T) {
	for in, want := range map[string]string{
		"": "", " ": "", " \t\r\n\v\f ": "", "a": "a", " a ": "a", "a b": "a b", "a  b": "a b", "\ta \v\f b\r\n": "a b",
		"a\x00b": "a\x00b", "a\x08 \x0eb": "a\x08 \x0eb", "é  ü": "é ü", "a\u00a0b": "a\u00a0b", strings.Repeat("x ", 9): strings.Repeat("x ", 8) + "x",
	} {
		for _, before := range []string{"", "name:"} {
			if got := string(appendFolded([]byte(before), in)); got != before+want {
				t.Errorf("%q behind %q: %q", in, before, got)
			}
		}
	}
}
