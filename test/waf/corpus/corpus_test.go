package corpus

import "testing"

func TestGlobsMatchAtAnyDepth(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"*.txt", "a.txt", true}, {"*.txt", "d/a.txt", false}, {"d/*.txt", "d/a.txt", true},
		{"**/*.har", "a.har", true}, {"**/*.har", "x/y/a.har", true}, {"**/*.har", "x/a.json", false},
	} {
		if got := globs(c.pattern, c.name); got != c.want {
			t.Errorf("%s, %s: %v", c.pattern, c.name, got)
		}
	}
}

func TestNoiseIsToldByItsForm(t *testing.T) {
	for _, c := range []struct {
		class Class
		value string
		want  bool
	}{
		{SQL, "' or 1=1--", false}, {SQL, "1 union select 2", false}, {SQL, "sqlvuln", true}, {XSS, "%3C", true}, {XSS, "<script>", false},
		{XSS, "Exploit Name: a name", true}, {Command, ";{cmd};", true}, {Traversal, "/etc/passwd", false}, {Traversal, "index", true}, {Ordinary, "shoes", false},
	} {
		if got := noise(c.class, c.value); got != c.want {
			t.Errorf("%s %q: %v", c.class, c.value, got)
		}
	}
}
