package main

import (
	"bufio"
	"math/rand/v2"
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

func TestBrowsingTheWebIsNotBlocked(t *testing.T) { notBlocked(t, "browsing.txt", 200) }

func TestCallsOfServicesAreNotBlocked(t *testing.T) { notBlocked(t, "services.txt", 115) }

// notBlocked asks the groups about the requests of a file of testdata, of which there are so many at least.
func notBlocked(t *testing.T, name string, least int) {
	t.Helper()
	program, scratch := allGroups(t)
	f, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
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
	if n < least {
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

// Pages pack and seal what they send; that has no text in it, and what has is looked at.
func TestSealedBodiesPassAndWhatIsInThemIsFound(t *testing.T) {
	program, scratch := allGroups(t)
	rng := rand.New(rand.NewPCG(1, 2))
	const attack = "<script>alert(document.cookie)</script>"
	for _, media := range []string{"application/octet-stream", "application/x-protobuf", "text/plain;charset=UTF-8", "application/json", "application/x-www-form-urlencoded", "application/grpc-web+proto"} {
		blocked, found, n := 0, 0, 0
		for _, size := range []int{200, 2000} {
			for range 50 {
				sealed := make([]byte, size)
				latin := make([]rune, size) // as recordings of browsers have it
				for i := range sealed {
					sealed[i] = byte(rng.Uint32())
					latin[i] = rune(sealed[i])
				}
				for _, body := range []string{string(sealed), string(latin)} {
					n++
					for _, inside := range []string{"", attack} {
						s := corpus.Exchange("POST", "www.example.com", "/collect", [][2]string{{"Content-Type", media}}, body[:size/2]+inside+body[size/2:])
						r, _ := s.Request(corpus.AsIs)
						v, err := program.Evaluate(r, nil, scratch)
						if err != nil {
							t.Fatal(err)
						}
						switch {
						case v.Action != waf.Block:
						case inside == "":
							blocked++
						default:
							found++
						}
					}
				}
			}
		}
		if blocked > n/100 || found < n*99/100 {
			t.Errorf("%s: of %d bodies %d are blocked, and %d with an attack in them", media, n, blocked, found)
		}
	}
}
