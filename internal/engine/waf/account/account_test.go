package account

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/rate"
	"fastness/internal/engine/waf/request"
)

func TestReadStolenRefusesWhatIsNoHash(t *testing.T) {
	for _, c := range []struct{ pairs, passwords, want string }{
		{"abc\n", "", "line 1"}, {strings.Repeat("g", 64), "", "line 1"}, {"", "\n\n" + strings.Repeat("a", 64), "line 3"},
		{strings.Repeat("a", 100_000), "", "too long"},
	} {
		_, err := ReadStolen(strings.NewReader(c.pairs), strings.NewReader(c.passwords))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.20q %.20q: %v", c.pairs, c.passwords, err)
		}
	}
	s, err := ReadStolen(nil, strings.NewReader("# nothing\n\n"))
	if err != nil || s.Pair([]byte("a"), []byte("b")) || s.Password([]byte("")) {
		t.Errorf("%v %v", s, err)
	}
}

func FuzzReadStolen(f *testing.F) {
	f.Add([]byte("5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8 # a comment\n"), []byte("b7a875fc1ea228b9061041b7cec4bd3c52ab3ce3:12\n"))
	f.Add([]byte("\r\n#"), []byte(":"))
	f.Fuzz(func(t *testing.T, pairs, passwords []byte) {
		s, err := ReadStolen(strings.NewReader(string(pairs)), strings.NewReader(string(passwords)))
		if err == nil {
			s.Pair(pairs, passwords)
			s.Password(passwords)
		}
	})
}

func TestStreaksAreBounded(t *testing.T) {
	s := newStreaks(10, time.Minute)
	at := time.Unix(1_700_000_000, 0)
	for i := range 1000 {
		s.lasts(rate.Key{byte(i), byte(i >> 8)}, at, false)
		at = at.Add(time.Second)
	}
	if len(s.of) > 10 {
		t.Errorf("%d streaks", len(s.of))
	}
	if d := s.lasts(rate.Key{1, 2, 3}, at, true); d != 0 || len(s.of) > 10 {
		t.Errorf("peeked %v", d)
	}
}

func TestPathsAreReadAsServersReadThem(t *testing.T) {
	p, err := compilePath("/web/login", false)
	if err != nil {
		t.Fatal(err)
	}
	for target, want := range map[string]bool{
		"/web/login": true, "/web/login/": true, "/web/loginPage": true, "/web/login/thisPage": true, "/home/web/login": false, "/website/login": false,
		"/web/%6Cogin": true, "/x/..//web/./login": true, "/web%2flogin": true, "https://shop.example/web/login": true, "/web": false,
	} {
		if got := p.matches(&request.Request{Target: target}); got != want {
			t.Errorf("%s: %v", target, got)
		}
	}
	for _, bad := range []struct {
		text  string
		regex bool
	}{{"", false}, {"(", true}} {
		if _, err := compilePath(bad.text, bad.regex); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}

func BenchmarkPath(b *testing.B) {
	p, err := compilePath("/web/login", false)
	if err != nil {
		b.Fatal(err)
	}
	r := &request.Request{Target: "/some/other/path?with=a&query=" + fmt.Sprint(b.N)}
	b.ReportAllocs()
	for b.Loop() {
		p.matches(r)
	}
}

func TestAnswersAreReadThroughTheirCoding(t *testing.T) {
	const text = `{"login": "no"}`
	var gz, zl bytes.Buffer
	g, z := gzip.NewWriter(&gz), zlib.NewWriter(&zl)
	for _, w := range []io.WriteCloser{g, z} {
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for coding, body := range map[string][]byte{"gzip": gz.Bytes(), "deflate": zl.Bytes(), "": []byte(text), "br": []byte(text)} {
		if got := decoded(body, []request.Field{{Name: "content-encoding", Value: coding}}); string(got) != text {
			t.Errorf("%s: %q", coding, got)
		}
	}
	var bomb bytes.Buffer
	w := gzip.NewWriter(&bomb)
	_, _ = w.Write(make([]byte, 10<<20))
	_ = w.Close()
	if n := len(decoded(bomb.Bytes(), []request.Field{{Name: "Content-Encoding", Value: "gzip"}})); n != waf.MaxAnswerBody {
		t.Errorf("a bomb of %d bytes", n)
	}
	if got := decoded(gz.Bytes()[:len(gz.Bytes())-9], []request.Field{{Name: "Content-Encoding", Value: "gzip"}}); !strings.HasPrefix(text, string(got)) {
		t.Errorf("a beginning: %q", got)
	}
}
