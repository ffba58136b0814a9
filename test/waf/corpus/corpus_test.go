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

func TestCollectionsOfTheFifthTimeAreInTheHalfOfTheirName(t *testing.T) {
	for _, s := range payloads() {
		if s.half != halfOf(s.repo) {
			t.Errorf("%s: %v", s.repo, s.half)
		}
	}
}

func TestARequestIsReadAsItWasSent(t *testing.T) {
	s := dispatched("POST /a b?c HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nX-Id: 7", "d=1")
	if s == nil || s.Method != "POST" || s.Value != "/a%20b?c" || s.Body != "d=1" || s.Fields[0] != [2]string{"Host", "shop.example"} || s.Fields[1] != [2]string{"X-Id", "7"} {
		t.Errorf("%+v", s)
	}
	if s := dispatched("GET http://shop.example/ HTTP/1.1", ""); s != nil {
		t.Errorf("%+v", s)
	}
}
