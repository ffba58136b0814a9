package attack

import (
	"strings"
	"testing"
)

// FuzzPlainTextIsTheSameInEachForm holds appendLower's verdict to the forms themselves.
func FuzzPlainTextIsTheSameInEachForm(f *testing.F) {
	for _, s := range []string{"Shoes of size 42", "https://shop.example/a/b?c=d", "a//b", "a/./b", "./a", "a/*b*/c", " lead", "two  spaces", "trail ", "a://///b", "$IFS", "O'Neill", "a\tb", "ｆｕｌｌ", "a*/b", "a/.b", "a:b//c", "//", "/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		lower, k := appendLower(nil, []byte(s)), kindsOf([]byte(s))
		if raw := appendForm(nil, Raw, []byte(s), appendLower(nil, []byte(s))); string(raw) != string(lower) {
			t.Fatalf("%q in lower case is %q, not %q", s, raw, lower)
		}
		if k&changing != 0 {
			return
		}
		if others := strings.Trim(string(lower), wordBytes); (others == "") != (k == 0) {
			t.Errorf("%q: kinds %b, and %q is not of words", s, k, others)
		}
		for form := range forms {
			if got := appendForm(nil, form, []byte(s), appendLower(nil, []byte(s))); string(got) != string(lower) {
				t.Errorf("%q as %s is %q", s, formNames[form], got)
			}
		}
	})
}
