//go:build sandbox

package interpreter

import (
	"os"
	"testing"

	"fastness/test/waf/verdict"
)

func TestMain(m *testing.M) {
	Main()
	os.Exit(m.Run())
}

// judged is a value and its verdict.
type judged struct {
	value string
	want  verdict.Verdict
}

// judgeAll has a judge judge values, each twice, the second time in the other order.
func judgeAll(t *testing.T, j Judge, err error, all []judged) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	ask := func(c judged) {
		got, err := j.Judge(t.Context(), c.value)
		if err != nil {
			t.Fatalf("%q: %v", c.value, err)
		}
		if got.Verdict != c.want {
			t.Errorf("%q: %s, want %s: %s", c.value, got.Verdict, c.want, got.How)
		}
	}
	for _, c := range all {
		ask(c)
	}
	for i := range all {
		ask(all[len(all)-1-i])
	}
}

func TestReadersTellWhatSplitsAHead(t *testing.T) {
	j, err := NewHeaders()
	judgeAll(t, j, err, []judged{
		{"shoes", verdict.Neither},
		{"two\r\nlines", verdict.Neither},
		{"%0d%0a", verdict.Possible}, // at the end of a line
		{"%0d%0aa", verdict.Neither},
		{"%0d%0a%20folded: x", verdict.Shown}, // behind the target of a request, if Node is lenient
		{"%0d%0a%09", verdict.Neither},
		{"%0d%0aSet-Cookie:a=b", verdict.Shown},
		{"%0aX-Seen: 1", verdict.Shown},
		{"%250d%250aX-Seen: 1", verdict.Shown},
		{`\r\nX-Seen: 1`, verdict.Shown},
		{"%E5%98%8A%E5%98%8DX-Seen: 1", verdict.Shown},
		{"%u560a%u560dX-Seen:1", verdict.Shown},
		{"%c0%8d%c0%8aX-Seen:1", verdict.Shown},
		{"%0d%0a%0d%0a<h1>hello</h1>", verdict.Shown},
		{"%0d%0a%0d%0a", verdict.Possible},
		{"%0dX-Seen:1", verdict.Shown}, // Python's readers end lines there
		{"x HTTP/1.1%0d%0aHost: a%0d%0a%0d%0aGET /admin", verdict.Shown},
		{"a%0d%0aBcc: everybody@elsewhere.example", verdict.Shown},
		{"Content-Length: 0", verdict.Neither},
		{"%252525250d", verdict.Neither},
	})
}

func TestMessagesOfGo(t *testing.T) {
	c := inGo("response", "HTTP/1.1 200 OK\r\nA: 1\r\nA: 2\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 204 No Content\r\n\r\n")
	if len(c.Names) != 3 || string(c.Body) != "ok" || c.More != 1 || c.Error != "" {
		t.Errorf("%+v", c)
	}
}
