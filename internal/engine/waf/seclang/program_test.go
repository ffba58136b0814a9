package seclang

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"fastness/internal/engine/waf/request"
)

// summary is what came of a request, in words.
func summary(v *Result) string {
	var b strings.Builder
	for _, m := range v.Matches {
		if m.Rule.ID > 0 {
			fmt.Fprintf(&b, "%d ", m.Rule.ID)
		}
	}
	if v.Blocked {
		fmt.Fprintf(&b, "blocked by %d with %d ", v.Rule.ID, v.Status)
	}
	return strings.TrimSpace(b.String())
}

// run compiles rules and runs requests through them.
func run(t *testing.T, rules string, requests ...*request.Request) []string {
	t.Helper()
	p, err := Compile([]Source{{Name: "test.conf", Text: rules}}, Options{ReadFile: func(name string) ([]byte, error) {
		if name != "words.data" {
			return nil, errors.New("no such file")
		}
		return []byte("# comment\nforbidden\n\n  Other \n"), nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	s := NewScratch(request.DefaultLimits())
	var out []string
	for _, r := range requests {
		first := summary(p.Evaluate(r, s))
		for range 3 { // the memo has it then
			if again := summary(p.Evaluate(r, s)); again != first {
				t.Errorf("first %q, then %q", first, again)
			}
		}
		out = append(out, first)
	}
	return out
}

func get(target string, fields ...string) *request.Request {
	r := &request.Request{Method: "GET", Target: target, Proto: "HTTP/1.1", Host: "h", Fields: []request.Field{{Name: "Host", Value: "h"}}}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		r.Fields = append(r.Fields, request.Field{Name: name, Value: value})
	}
	return r
}

func post(contentType, body string) *request.Request {
	r := get("/")
	r.Method = "POST"
	return withBody(r, contentType, []byte(body))
}

func TestVariablesAndOperators(t *testing.T) {
	multipart := "--b\r\nContent-Disposition: form-data; name=\"n\"\r\n\r\nfield\r\n" +
		"--b\r\nContent-Disposition: form-data; name=\"up\"; filename=\"x.php\"\r\nContent-Type: text/x\r\n\r\ncontent\r\n--b--\r\n"
	for _, c := range []struct {
		rule    string
		request *request.Request
		want    bool
	}{
		{`ARGS "@streq rock & roll"`, get("/?q=rock+%26+roll"), true},
		{`ARGS:Q "@streq x"`, get("/?q=x"), true},
		{`ARGS:q "@streq x"`, get("/?p=x"), false},
		{`ARGS|!ARGS:q "@streq x"`, get("/?q=x"), false},
		{`ARGS|!ARGS:q "@streq x"`, get("/?q=x&p=x"), true},
		{`ARGS|!ARGS:/^q/ "@streq x"`, get("/?qq=x"), false},
		{`ARGS:/^q/ "@streq x"`, get("/?pq=x&qq=x"), true},
		{`ARGS_NAMES "@rx ^b$"`, get("/?a=b"), false},
		{`ARGS_GET_NAMES "@rx ^b$"`, get("/?b"), true},
		{`&ARGS "@eq 2"`, get("/?a=1&a=2"), true},
		{`&ARGS:a "@gt 1"`, get("/?a=1&b=2"), false},
		{`&REQUEST_HEADERS:X-A "@eq 0"`, get("/"), true},
		{`&REQUEST_HEADERS:X-A "!@eq 0"`, get("/"), false},
		{`REQUEST_HEADERS:x-a "!@rx ^[0-9]+$"`, get("/", "X-A: 12"), false},
		{`REQUEST_HEADERS:x-a "!@rx ^[0-9]+$"`, get("/", "X-A: 12x"), true},
		{`REQUEST_HEADERS:x-a "!@rx ^[0-9]+$"`, get("/"), false}, // what is missing does not match
		{`REQUEST_HEADERS|!REQUEST_HEADERS:X-A "@contains needle"`, get("/", "x-a: needle"), false},
		{`REQUEST_HEADERS_NAMES "@streq X-A"`, get("/", "X-A: 1"), true},
		{`REQUEST_COOKIES:b "@eq 2"`, get("/", "Cookie: a=1; b=2"), true},
		{`REQUEST_COOKIES_NAMES "@streq c"`, get("/", "Cookie: a=1; c"), true},
		{`REQUEST_METHOD "@within GET HEAD"`, get("/"), true},
		{`REQUEST_FILENAME "@streq /a b"`, get("/a%20b?c"), true},
		{`REQUEST_FILENAME "@streq /a%zz"`, get("/a%zz"), true},
		{`REQUEST_BASENAME "@endsWith .php"`, get("/a/b.php"), true},
		{`REQUEST_URI "@streq /a?b"`, get("/a?b#c"), true},
		{`REQUEST_URI_RAW "@contains #"`, get("/a?b#c"), true},
		{`REQUEST_LINE "@streq GET / HTTP/1.1"`, get("/"), true},
		{`REQUEST_PROTOCOL "@streq HTTP/1.1"`, get("/"), true},
		{`QUERY_STRING "@beginsWith a="`, get("/?a=1"), true},
		{`ARGS_POST:a "@streq b c"`, post("application/x-www-form-urlencoded", "a=b+c"), true},
		{`REQUEST_BODY "@contains a=b+c"`, post("application/x-www-form-urlencoded", "a=b+c"), true},
		{`REQUEST_BODY_LENGTH "@gt 4"`, post("application/x-www-form-urlencoded", "a=b+c"), true},
		{`ARGS_COMBINED_SIZE "@eq 4"`, post("application/x-www-form-urlencoded", "a=b+c"), true},
		{`REQBODY_PROCESSOR "@streq URLENCODED"`, post("application/x-www-form-urlencoded", "a"), true},
		{`ARGS:n "@streq field"`, post("multipart/form-data; boundary=b", multipart), true},
		{`ARGS "@contains content"`, post("multipart/form-data; boundary=b", multipart), false},
		{`FILES "@streq x.php"`, post("multipart/form-data; boundary=b", multipart), true},
		{`FILES_NAMES "@streq up"`, post("multipart/form-data; boundary=b", multipart), true},
		{`FILES_COMBINED_SIZE "@eq 7"`, post("multipart/form-data; boundary=b", multipart), true},
		{`MULTIPART_PART_HEADERS:up "@rx (?i)^content-type: text/x$"`, post("multipart/form-data; boundary=b", multipart), true},
		{`&MULTIPART_PART_HEADERS "@eq 3"`, post("multipart/form-data; boundary=b", multipart), true},
		{`MULTIPART_STRICT_ERROR "@eq 1"`, post("multipart/form-data; boundary=b", multipart[:40]), true},
		{`ARGS "@pm forbidden other"`, get("/?a=xOTHERx"), true},
		{`ARGS "@pmFromFile words.data"`, get("/?a=FORBIDDEN"), true},
		{`ARGS "@pmFromFile words.data"`, get("/?a=comment"), false},
		{`ARGS "@validateByteRange 32-126"`, get("/?a=b%0ac"), true},
		{`ARGS "@validateByteRange 1-255"`, get("/?a=b%0ac"), false},
		{`ARGS "@validateByteRange 1-255"`, get("/?a=b%00c"), true},
		{`ARGS "@validateByteRange 0-255"`, get("/?a=b%00c"), false},
		{`ARGS "@validateUrlEncoding"`, get("/?a=%2541"), false},
		{`ARGS "@validateUrlEncoding"`, get("/?a=%254"), true},
		{`ARGS "@validateUtf8Encoding"`, get("/?a=%c3%a4"), false},
		{`ARGS "@validateUtf8Encoding"`, get("/?a=%c3"), true},
		{`ARGS "@detectSQLi"`, get("/?a=1'+or+1=1--"), true},
		{`ARGS "@detectXSS"`, get("/?a=<script>alert(1)</script>"), true},
		{`ARGS "@unconditionalMatch"`, get("/?a"), true},
		{`ARGS "@noMatch"`, get("/?a"), false},
		{`ARGS "@lt 5"`, get("/?a=-3"), true},
		{`ARGS "@ge 5"`, get("/?a=no"), false},
		{`ARGS "@le 0"`, get("/?a=no"), true}, // what is no number is 0
		{`ARGS "!@le 0"`, get("/?a=no"), false},
		{`REMOTE_ADDR "@ipMatch 192.0.2.0/24,::1"`, browserGet(0), true},
		{`REMOTE_ADDR "@ipMatch 198.51.100.1"`, browserGet(0), false},
		{`ARGS "^ab+c$"`, get("/?a=abbc"), true}, // rx is the operator where none is named
		{`ARGS "!^ab+c$"`, get("/?a=abbc"), false},
	} {
		got := run(t, "SecRule "+c.rule+` "id:1,phase:2,pass"`, c.request)[0]
		if (got == "1") != c.want {
			t.Errorf("%s on %s: %q", c.rule, c.request.Target, got)
		}
	}
}

func TestBodiesAreTakenApartAsRulesSay(t *testing.T) {
	const rules = `
SecRule REQUEST_HEADERS:Content-Type "@beginsWith application/json" "id:1,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRule REQUEST_HEADERS:Content-Type "@beginsWith text/xml" "id:2,phase:1,pass,nolog,ctl:requestBodyProcessor=XML"
SecRule REQBODY_PROCESSOR "!@rx ." "id:3,phase:1,pass,nolog,ctl:forceRequestBodyVariable=On"
SecRule ARGS:json.a.0.b "@streq <" "id:10,phase:2,pass"
SecRule XML:/* "@streq text <" "id:11,phase:2,pass"
SecRule XML://@* "@streq attribute" "id:12,phase:2,pass"
SecRule ARGS:x "@streq 1" "id:13,phase:2,pass"
SecRule REQBODY_ERROR "@eq 1" "id:14,phase:2,pass"
`
	got := run(t, rules,
		post("application/json", `{"a":[{"b":"\u003c"}]}`),
		post("text/xml", `<r k="attribute"><c>text &lt;</c></r>`),
		post("text/plain", `x=1&y=2`),
		post("application/json", `{"a":`),
	)
	for i, want := range []string{"1 10", "2 11 12", "3 13", "1 14"} {
		if got[i] != want {
			t.Errorf("request %d: %q, want %q", i, got[i], want)
		}
	}
}

func TestChainsCapturesAndVariables(t *testing.T) {
	const rules = `
SecAction "id:1,phase:1,pass,nolog,setvar:tx.limit=3,setvar:'tx.allowed=a b c'"
SecRule ARGS "@rx ^(\w+)=(\w+)$" "id:10,phase:2,pass,capture,chain"
  SecRule TX:1 "@streq %{tx.2}" "setvar:tx.score=+5"
SecRule ARGS "@rx x" "id:11,phase:2,pass,chain,setvar:'tx.seen_%{matched_var_name}=%{matched_var}'"
  SecRule MATCHED_VARS "@rx y" "chain"
    SecRule MATCHED_VAR_NAME "@streq MATCHED_VARS"
SecRule TX:/^seen_/ "@streq xyz" "id:12,phase:2,pass"
SecRule TX:seen_args:k "@streq xyz" "id:13,phase:2,pass"
SecRule &TX:/^seen_/ "@gt %{tx.limit}" "id:14,phase:2,pass"
SecRule ARGS "!@within %{tx.allowed}" "id:15,phase:2,pass"
SecRule TX:score "@ge 10" "id:16,phase:2,deny,status:406"
SecRule ARGS "@rx ." "id:17,phase:2,pass"
`
	got := run(t, rules,
		get("/?k=same%3dsame"),
		get("/?k=one%3dtwo"),
		get("/?k=xyz"),
		get("/?k=a&l=b"),
		get("/?k=same%3dsame&l=a%3da"),
		get("/?a=x1&b=x2&c=x3&d=x4"),
	)
	for i, want := range []string{"10 15 17", "15 17", "11 12 13 15 17", "17", "10 15 17", "14 15 17"} {
		if got[i] != want {
			t.Errorf("request %d: %q, want %q", i, got[i], want)
		}
	}
}

func TestTheActionsOfAConditionRunForEachValueThatMatches(t *testing.T) {
	const rules = `
SecRule ARGS "@rx bad" "id:1,phase:2,block,setvar:tx.score=+5"
SecRule TX:score "@ge 15" "id:2,phase:2,deny,status:418"
`
	got := run(t, rules, get("/?a=bad&b=bad"), get("/?a=bad&b=bad&c=badbad"))
	if got[0] != "1" || got[1] != "1 2 blocked by 2 with 418" {
		t.Errorf("%q", got)
	}
}

func TestMultiMatchLooksAtEveryForm(t *testing.T) {
	const rules = `
SecRule ARGS "@rx %41" "id:1,phase:2,pass,t:none,t:urlDecodeUni,t:lowercase"
SecRule ARGS "@rx %41" "id:2,phase:2,pass,multiMatch,t:none,t:urlDecodeUni,t:lowercase,setvar:tx.n=+1"
SecRule ARGS "@rx A" "id:3,phase:2,pass,multiMatch,t:none,t:urlDecodeUni,t:lowercase,setvar:tx.n=+1"
SecRule TX:n "@eq 2" "id:4,phase:2,pass"
`
	if got := run(t, rules, get("/?a=%2541"))[0]; got != "2 3 4" {
		t.Errorf("%q", got)
	}
}

func TestTheFlowOfRules(t *testing.T) {
	const rules = `
SecRule ARGS:skip "@eq 1" "id:1,phase:2,pass,nolog,skip:2"
SecAction "id:2,phase:2,pass"
SecAction "id:3,phase:2,pass"
SecAction "id:4,phase:2,pass"
SecRule ARGS:after "@eq 1" "id:5,phase:2,pass,nolog,skipAfter:END"
SecAction "id:6,phase:2,pass"
SecMarker END
SecRule ARGS:allow "@eq 1" "id:7,phase:2,allow"
SecRule ARGS:remove "@eq 1" "id:8,phase:2,pass,nolog,ctl:ruleRemoveById=10-11,ctl:ruleRemoveByTag=quiet,ctl:ruleRemoveTargetById=13;ARGS:remove"
SecAction "id:10,phase:2,pass,setvar:tx.a=%{args.remove}"
SecAction "id:11,phase:2,pass,setvar:tx.a=%{args.remove}"
SecRule ARGS "@rx ." "id:12,phase:2,pass,tag:'quiet'"
SecRule ARGS "@rx ." "id:13,phase:2,pass"
SecRule ARGS:deny "@eq 1" "id:14,phase:1,deny,status:409"
`
	got := run(t, rules, get("/?x=1"), get("/?skip=1"), get("/?after=1"), get("/?allow=1"), get("/?remove=1"), get("/?remove=1&y=1"), get("/?deny=1"))
	for i, want := range []string{
		"2 3 4 6 10 11 12 13", "1 4 6 10 11 12 13", "2 3 4 5 10 11 12 13", "2 3 4 6 7", "2 3 4 6 8", "2 3 4 6 8 13", "14 blocked by 14 with 409",
	} {
		if got[i] != want {
			t.Errorf("request %d: %q, want %q", i, got[i], want)
		}
	}
}

func TestSettingsAreDecidedBeforehand(t *testing.T) {
	const rules = `
SecRule &TX:level "@eq 0" "id:1,phase:1,pass,nolog,setvar:tx.level=1"
SecRule &TX:name "@eq 0" "id:2,phase:1,pass,nolog,setvar:'tx.name=a b'"
SecRule TX:level "@lt 2" "id:3,phase:2,pass,nolog,skipAfter:END"
SecRule ARGS "@rx higher" "id:4,phase:2,pass"
SecMarker END
SecRule ARGS "!@within %{tx.name}" "id:5,phase:2,pass"
SecRule ARGS:level "@rx ." "id:6,phase:2,pass,setvar:tx.level=%{matched_var}"
SecRule TX:level "@eq 7" "id:7,phase:2,pass"
`
	compile := func(variables map[string]string) *Program {
		p, err := Compile([]Source{{Text: rules}}, Options{Variables: variables})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	low, high := compile(nil), compile(map[string]string{"Level": "2", "name": "higher"})
	if n := len(low.Rules()); n != 3 {
		t.Errorf("%d rules are left, want 3: %+v", n, low.Rules())
	}
	s := NewScratch(request.DefaultLimits())
	for _, c := range []struct {
		p            *Program
		target, want string
	}{{low, "/?a=higher", "5"}, {high, "/?a=higher", "4"}, {low, "/?level=7", "5 6 7"}, {high, "/?level=8", "5 6"}} {
		if got := summary(c.p.Evaluate(get(c.target), s)); got != c.want {
			t.Errorf("%s: %q, want %q", c.target, got, c.want)
		}
	}
}

func TestRulesCanBeChangedAndRemoved(t *testing.T) {
	const rules = `
SecRule ARGS|REQUEST_COOKIES "@rx bad" "id:1,phase:2,pass,tag:'a'"
SecRule ARGS "@rx bad" "id:2,phase:2,pass,tag:'b'"
SecRule ARGS "@rx bad" "id:3,phase:2,pass"
SecRule ARGS "@rx bad" "id:4,phase:2,pass"
SecRuleUpdateTargetById 1 "!REQUEST_COOKIES:/^_ga/"
SecRuleUpdateTargetByTag b "!ARGS:ok"
SecRuleUpdateTargetById 3 "REQUEST_HEADERS:X-A"
SecRuleRemoveById 4 900-999
`
	got := run(t, rules, get("/", "Cookie: _ga_1=bad"), get("/", "Cookie: x=bad"), get("/?ok=bad"), get("/?k=bad"), get("/", "X-A: bad"))
	for i, want := range []string{"", "1", "1 3", "1 2 3", "3"} {
		if got[i] != want {
			t.Errorf("request %d: %q, want %q", i, got[i], want)
		}
	}
}

func TestExplanationsSayWhatWasFoundWhere(t *testing.T) {
	const rules = `SecRule ARGS "@rx b(a+)d" "id:1,phase:2,pass,capture,t:lowercase,msg:'Found %{tx.1}',logdata:'Matched Data: %{TX.0} found within %{MATCHED_VAR_NAME}: %{MATCHED_VAR}'"`
	p, err := Compile([]Source{{Text: rules}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := NewScratch(request.DefaultLimits())
	s.Explain = true
	v := p.Evaluate(get("/?Key=xBAAADx"), s)
	if len(v.Matches) != 1 || v.Matches[0].Message != "Found aaa" || v.Matches[0].Data != "Matched Data: baaad found within ARGS:Key: xbaaadx" {
		t.Errorf("%+v", v.Matches)
	}
}

func TestWhatIsNotSupportedIsRefusedWithItsLine(t *testing.T) {
	for _, c := range []struct{ rules, want string }{
		{"\nSecRule ARGS \"@rx (a)\\1\" \"id:5\"", "test.conf:2: rule 5: back reference at offset 3"},
		{"SecRule ARGS \"@rx a", "test.conf:1: a quotation mark is not closed"},
		{"SecRule ARGS \"@geoLookup\" \"id:1\"", "test.conf:1: the operator @geolookup is not supported"},
		{"SecRule GEO:COUNTRY \"@rx a\" \"id:1\"", `test.conf:1: the variable "GEO" is not supported`},
		{"SecRule XML:/a/b \"@rx a\" \"id:1\"", "test.conf:1: of XPath only /* and //@* are supported"},
		{"SecRule ARGS \"@rx a\" \"id:1,exec:/bin/x\"", "test.conf:1: the action exec is not supported"},
		{"SecRule ARGS \"@rx a\" \"id:1,t:rot13\"", "test.conf:1: the transformation rot13 is not known"},
		{"SecRule ARGS \"@rx a\" \"id:1,setvar:ip.x=1\"", "test.conf:1: setvar:ip.x=1: only tx.name can be set"},
		{"SecRule ARGS \"@rx a\" \"id:1,ctl:unknown=1\"", "test.conf:1: ctl:unknown is not supported"},
		{"SecRule ARGS \"@streq %{geo.country}\" \"id:1\"", `test.conf:1: "%{geo.country}": the variable "geo" is not supported`},
		{"SecRule ARGS \"@rx a\" \"id:1,chain\"\nSecAction \"id:2\"", "test.conf:2: a chain goes on with another SecRule, not with secaction"},
		{"SecRule ARGS \"@rx a\" \"id:1,chain\"", "test.conf:1: a chain does not go on"},
		{"# comment\nSecRemoteRules key https://example.com", "test.conf:2: the directive secremoterules is not supported"},
		{"SecRule ARGS:/[/ \"@rx a\" \"id:1\"", "test.conf:1: error parsing regexp"},
		{"SecRule ARGS \"@pmFromFile nowhere\" \"id:1\"", "test.conf:1: @pmfromfile: no such file"},
		{"SecRule ARGS \"@validateByteRange 5-300\" \"id:1\"", "test.conf:1: @validateByteRange"},
		{"SecRule ARGS \"@ipMatch here\" \"id:1\"", "test.conf:1: @ipMatch"},
	} {
		_, err := Compile([]Source{{Name: "test.conf", Text: c.rules}}, Options{ReadFile: func(string) ([]byte, error) { return nil, errors.New("no such file") }})
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%q: %v, want %s", c.rules, err, c.want)
		}
	}
}
