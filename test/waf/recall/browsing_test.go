package main

import (
	"bufio"
	"os"
	"strings"
	"testing"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/request"
	"fastness/test/waf/corpus"
)

// browsed makes the request of a line of testdata/browsing.txt.
func browsed(t *testing.T, line string) *request.Request {
	t.Helper()
	var s *corpus.Sample
	kind, rest, _ := strings.Cut(line, " ")
	switch kind {
	case "GET":
		_, address, _ := strings.Cut(rest, "://")
		host, target, _ := strings.Cut(address, "/")
		s = corpus.Exchange("GET", host, "/"+target, nil, "")
	case "POST":
		media, body, _ := strings.Cut(rest, " ")
		if strings.HasPrefix(media, "text/") {
			body = strings.ReplaceAll(body, `\n`, "\n")
		}
		s = corpus.Exchange("POST", "www.example.com", "/collect?v=2", [][2]string{{"Content-Type", media}}, body)
	default:
		name, value, _ := strings.Cut(line, ": ")
		s = corpus.Exchange("GET", "www.example.com", "/", [][2]string{{name, value}}, "")
	}
	r, _ := s.Request(corpus.AsIs)
	return r
}

func TestBrowsingTheWebIsNotBlocked(t *testing.T) {
	program, err := everything("")
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open("testdata/browsing.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	scratch := waf.NewScratch(request.DefaultLimits())
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, maxLine)
	n := 0
	for sc.Scan() {
		l := sc.Text()
		if l == "" || strings.HasPrefix(l, "# ") {
			continue
		}
		n++
		e, err := program.Explain(browsed(t, l), nil, scratch)
		if err != nil {
			t.Fatal(err)
		}
		if e.Action == waf.Block {
			t.Errorf("%.200q is blocked by %s: %.300s", l, e.Terminating, why(e))
		}
	}
	if sc.Err() != nil {
		t.Fatal(sc.Err())
	}
	if n < 200 {
		t.Errorf("%d requests", n)
	}
}

// why gives what was found in a request that is blocked.
func why(e *waf.Explanation) (found string) {
	var walk func(s *waf.StatementTrace)
	walk = func(s *waf.StatementTrace) {
		for _, f := range s.Findings {
			found += f.Attack + " in " + f.Name + "=" + string(f.Value) + " "
		}
		for i := range s.Statements {
			walk(&s.Statements[i])
		}
	}
	for i := range e.Rules {
		if r := &e.Rules[i]; r.Matched && r.Statement != nil {
			walk(r.Statement)
		}
	}
	return found
}
