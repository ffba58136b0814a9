package seclang

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"fastness/internal/engine/waf/request"
)

// detail is what came of a request, with what was found where.
func detail(v *Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "score %d, %s", v.Score, summary(v))
	for _, m := range v.Matches {
		fmt.Fprintf(&b, "\n%d: %q %q", m.Rule.ID, m.Message, m.Data)
	}
	return b.String()
}

// TestWhatSavesWorkChangesNothing sends requests made of the regression cases' values, under names that rules look for and others, through
// a program and through one that evaluates rules as they are written.
func TestWhatSavesWorkChangesNothing(t *testing.T) {
	values := caseValues(t)
	for level := 1; level <= 4; level += 3 {
		config := Config{Paranoia: level, Detect: true}
		p, plain := coreRuleSet(t, config), plainCoreRuleSet(t, config)
		s, explained, other := NewScratch(request.DefaultLimits()), NewScratch(request.DefaultLimits()), NewScratch(request.DefaultLimits())
		explained.Explain = true
		rng := rand.New(rand.NewPCG(5, uint64(level)))
		pick := func(list ...string) string { return list[rng.IntN(len(list))] }
		matched := 0
		for range 400 {
			r := get(pick("/", "/index.php?a=b", "/a%20b/../c?x="+strings.ReplaceAll(string(values[rng.IntN(len(values))]), " ", "+"), "/?_charset_=x&sessionid=1"))
			r.Method, r.Proto = pick("GET", "GET", "HEAD", "POST", "PUT", "TRACE"), pick("HTTP/1.1", "HTTP/1.1", "HTTP/2.0", "HTTP/1.0")
			if rng.IntN(8) == 0 {
				r.Fields, r.Host = nil, ""
			}
			for range rng.IntN(8) {
				name := pick("Content-Length", "content-length", "Transfer-Encoding", "Content-Type", "Request-Range", "Range", "User-Agent", "Accept", "Referer", "Cookie", "Proxy", "PROXY",
					"Content-Encoding", "Lock-Token", "X-Other", "multipart_headers_content_types_1", "Accept-Charset", "Connection", "Host", "X_Up-Devcap-Post-Charset", "")
				value := pick("", "0", "1", "text/html", "application/json", "multipart/form-data; boundary=b", "application/x-www-form-urlencoded", "chunked", "bytes=1-2,3-4", "a=b; c=d",
					"https://other.example/", "keep-alive, close", string(values[rng.IntN(len(values))]))
				r.Fields = append(r.Fields, request.Field{Name: name, Value: value})
			}
			if rng.IntN(2) == 0 {
				r.Body = []byte(pick("a=b&c=d", `{"a":["b",1]}`, "--b\r\nContent-Disposition: form-data; name=\"_charset_\"\r\nContent-Type: text/plain; charset=utf-7\r\n\r\n1\r\n--b--\r\n", "a="+string(values[rng.IntN(len(values))])))
			}
			want := detail(plain.Evaluate(r, other))
			for range 3 {
				if got := detail(p.Evaluate(r, s)); got != want {
					t.Fatalf("level %d, %s %s %q %q:\n%s\nplainly\n%s", level, r.Method, r.Target, r.Fields, r.Body, got, want)
				}
			}
			matched += strings.Count(want, "\n")
			other.Explain = true
			want = detail(plain.Evaluate(r, other))
			other.Explain = false
			if got := detail(p.Evaluate(r, explained)); got != want {
				t.Fatalf("level %d, explained, %s %s %q %q:\n%s\nplainly\n%s", level, r.Method, r.Target, r.Fields, r.Body, got, want)
			}
		}
		if matched < 2500 {
			t.Errorf("level %d: only %d matches", level, matched)
		}
	}
}

// TestARuleOfWhatWasNotedIsNotRunForOrdinaryRequests looks at rules that note every value and ask about what they have noted.
func TestARuleOfWhatWasNotedIsNotRunForOrdinaryRequests(t *testing.T) {
	for _, level := range []int{1, 4} {
		p := coreRuleSet(t, Config{Paranoia: level})
		s := NewScratch(request.DefaultLimits())
		p.Evaluate(browserGet(1), s)
		for i, r := range p.rules {
			if noted := r.ID == 920450 || r.ID == 920451; noted && s.runs.Has(i) {
				t.Errorf("level %d: rule %d is run", level, r.ID)
			}
		}
	}
}

// TestWhatIsNotedIsSeenByOthers has a rule whose notes another one looks at, which may not be left out.
func TestWhatIsNotedIsSeenByOthers(t *testing.T) {
	notes := `SecRule REQUEST_HEADERS_NAMES "@rx ^.*$" "id:1,phase:1,pass,nolog,capture,t:lowercase,setvar:'tx.field_%{tx.0}=/%{tx.0}/',chain"
SecRule TX:/^field_/ "@within /proxy/ /range/" "setvar:tx.found=1"
`
	for _, c := range []struct{ other, want string }{
		{"", ""},
		{`SecRule TX:/^field_x/ "@unconditionalMatch" "id:2,phase:2,pass,log"`, "2"},
		{`SecRule TX:/x-a$/ "@unconditionalMatch" "id:2,phase:2,pass,log"`, "2"},
		{`SecRule TX "@streq /x-a/" "id:2,phase:2,pass,log"`, "2"},
		{`SecRule TX:field_x-a "@unconditionalMatch" "id:2,phase:2,pass,log"`, "2"},
		{`SecRule &TX:/^FIELD_/ "@eq 2" "id:2,phase:2,pass,log"`, "2"},
		{`SecRule REQUEST_METHOD "@streq %{tx.field_x-a}" "id:2,phase:2,pass,log"`, ""},
		{`SecRule TX:/^field_y/ "@unconditionalMatch" "id:2,phase:2,pass,log"`, ""},
	} {
		if got := run(t, notes+c.other, get("/", "X-A: 1"), get("/", "X-A: 1", "Proxy: 1")); got[0] != c.want || !strings.HasPrefix(got[1], "1") {
			t.Errorf("%s: %q", c.other, got)
		}
	}
}

func TestNamesAreFoundInAnyCase(t *testing.T) {
	list := []string{"", "a", "b", "content-type", "content-length", "x-a", "x-b", "ü", "host"}
	c := newCompiler(Options{})
	for i, key := range list {
		if c.p.named[headerValues] == nil {
			c.p.named[headerValues] = map[string]int32{}
		}
		c.p.named[headerValues][key] = int32(i)
	}
	c.p.counters[headerValues].named = map[string]int32{"host": 3, "other": 4}
	c.p.keys[headerValues] = []string{"x-a", "third"}
	c.nameTables()
	table := c.p.mentioned[headerValues]
	for i, key := range list {
		for _, name := range []string{key, strings.ToUpper(key)} {
			if key == "ü" {
				name = key
			}
			if n := table.find([]byte(name)); n == nil || n.class != int32(i) || n.kept != (key == "x-a") || (n.counter == 3) != (key == "host") {
				t.Errorf("%q: %+v", name, n)
			}
		}
	}
	for _, name := range []string{"c", "content-typf", "x-c", "hos", "Host:"} {
		if n := table.find([]byte(name)); n != nil {
			t.Errorf("%q: %+v", name, n)
		}
	}
	if n := table.find([]byte("Other")); n == nil || n.counter != 4 || n.class != c.p.class[headerValues] {
		t.Errorf("a name that is only counted: %+v", n)
	}
	if !slices.ContainsFunc(table.list, func(n named) bool { return n.key == "third" && n.kept }) {
		t.Error("a name that is only kept is not there")
	}
}
