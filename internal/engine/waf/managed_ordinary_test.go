package waf_test

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/request"
)

// ordinaryTexts are 64 KiB each of what people and programs send: this repository's documentation, its source, descriptions
// of interfaces, files.
func ordinaryTexts(t testing.TB) map[string]string {
	t.Helper()
	read := func(pattern string, size int) string {
		names, err := filepath.Glob(filepath.Join("..", "..", "..", pattern))
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if b.Write(data); b.Len() >= size {
				return b.String()[:size]
			}
		}
		t.Fatalf("%s has %d bytes only", pattern, b.Len())
		return ""
	}
	// Sentences: without tables, lists of commands and what stands between backquotes.
	var prose strings.Builder
	for line := range strings.Lines(read("docs/*.md", 128<<10)) {
		if line[0] >= 'A' && line[0] <= 'z' && !strings.ContainsAny(line, "`|{}") {
			prose.WriteString(line)
		}
	}
	return map[string]string{
		"English": prose.String()[:min(prose.Len(), held)],
		"source":  read("internal/proxy/*.go", held),
		"JSON":    read("models/*.json", held),
		"base64":  base64.StdEncoding.EncodeToString([]byte(read("internal/service/kms/*.go", held/4*3))),
	}
}

// ordinaryRequests are requests with a text in one string of JSON, in values of 12 and of 600 bytes, as the field of a form, and as it is.
func ordinaryRequests(t testing.TB, text string) map[string]*request.Request {
	t.Helper()
	post := func(kind string, body []byte) *request.Request {
		r := waf.BrowserGet()
		r.Method, r.Target = "POST", "/api/items"
		r.Body = body
		if len(body) > held {
			t.Fatalf("%d bytes", len(body))
		}
		r.Fields = append(r.Fields, request.Field{Name: "Content-Type", Value: kind})
		return r
	}
	marshal := func(size int) []byte {
		for n := len(text); ; n = n * 15 / 16 {
			var list []string
			for i := 0; i < n; i += size {
				list = append(list, text[i:min(i+size, n)])
			}
			if b, err := json.Marshal(list); err == nil && len(b) <= held {
				return b
			}
		}
	}
	return map[string]*request.Request{
		"one string": post("application/json", marshal(held)),
		"12 bytes":   post("application/json", marshal(12)),
		"600 bytes":  post("application/json", marshal(600)),
		"text":       post("text/plain", []byte(text)),
	}
}

// TestOrdinaryTextIsJudgedWhole evaluates ordinary text as the first request of a program that has no reserve (waf.DefaultReserve): rules refuse what they
// have not looked at for its cost. Sizes are what takes less than the bound by far. (Text of this kind that is larger than 8 KiB is refused for its size where it is
// not in JSON, a form or a field.)
func TestOrdinaryTextIsJudgedWhole(t *testing.T) {
	texts := ordinaryTexts(t)
	for _, c := range []struct {
		text, how string
		size      int
	}{
		{"English", "one string", 16 << 10}, {"English", "600 bytes", 6 << 10}, {"English", "12 bytes", 3 << 10},
		{"JSON", "one string", 16 << 10}, {"JSON", "600 bytes", 6 << 10}, {"JSON", "12 bytes", 2 << 10}, {"JSON", "text", 4 << 10},
		{"source", "one string", 6 << 10}, {"source", "600 bytes", 3 << 10}, {"source", "12 bytes", 1 << 10},
		{"base64", "one string", 8 << 10}, {"base64", "12 bytes", 3 << 9},
	} {
		r := ordinaryRequests(t, texts[c.text][:c.size])[c.how]
		p := managedACL(t, 0, true)
		s := waf.NewScratch(request.DefaultLimits())
		v, err := p.Evaluate(r, nil, s)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s, %s: %d bytes, %.1f million steps", c.text, c.how, len(r.Body), float64(s.Steps())/1e6)
		if v.Exhausted {
			t.Errorf("%s, %s: %d bytes are not judged whole", c.text, c.how, len(r.Body))
		}
	}
}
