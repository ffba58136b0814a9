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

func TestTheNameDecidesTheHalf(t *testing.T) {
	for repo, want := range map[string]Half{"haralyzer+haralyzer": Test, "octokit+webhooks": Tuning, "sitespeedio+sitespeed.io": Test, "microsoft+fhir-server": Tuning} {
		if got := halfOf(repo); got != want {
			t.Errorf("%s: %v", repo, got)
		}
	}
}

func TestLinesOfAServersLogAreRead(t *testing.T) {
	m := accessLine.FindStringSubmatch(`203.0.113.9 - - [17/May/2015:10:05:03 +0000] "GET /a?b=1 HTTP/1.1" 200 203023 "http://www.example.com/\"x\"" "Mozilla/5.0 (X11)"`)
	if m == nil || m[1] != "GET" || m[2] != "/a?b=1" || m[3] != `http://www.example.com/\"x\"` || m[4] != "Mozilla/5.0 (X11)" {
		t.Errorf("%q", m)
	}
}
