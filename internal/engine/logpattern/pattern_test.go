package logpattern

import (
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"
)

// The examples are those of the Amazon CloudWatch Logs User Guide, "Filter pattern syntax", where it
// has one.
func TestPatternsMatchWhatTheGuideSays(t *testing.T) {
	const guide = `{"eventType": "UpdateTrail", "sourceIPAddress": "111.111.111.111", "arrayKey": ["value", "another value"], ` +
		`"objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}], "SomeObject": null, "cluster.name": "c", "ok": true, "no": false, "code": 404}`
	const access = `127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534`
	for _, c := range []struct {
		pattern, message string
		want             bool
	}{
		{``, "anything", true},
		{`  `, "", true},
		{`ERROR`, "[ERROR 400] BAD REQUEST", true},
		{`ERROR`, "[error 400]", false},
		{`ERROR ARGUMENTS`, "[ERROR 419] MISSING ARGUMENTS", true},
		{`ERROR ARGUMENTS`, "[ERROR 400] BAD REQUEST", false},
		{`?ERROR ?ARGUMENTS`, "[WARN] ARGUMENTS", true},
		{`?ERROR ?ARGUMENTS`, "[WARN]", false},
		{`"INTERNAL SERVER ERROR"`, "[ERROR 500] INTERNAL SERVER ERROR", true},
		{`"INTERNAL SERVER ERROR"`, "INTERNAL ERROR SERVER", false},
		{`ERROR -ARGUMENTS`, "[ERROR 400] BAD REQUEST", true},
		{`ERROR -ARGUMENTS`, "[ERROR 419] MISSING ARGUMENTS", false},
		{`?ERROR INFO`, "INFO only", true},
		{`%AUTHORIZED%`, "UNAUTHORIZED 401", true},
		{`%4[0-9]{2}%`, "[ERROR 419]", true},
		{`%4[0-9]{2}%`, "[ERROR 500]", false},
		{`"a \"quoted\" word"`, `a "quoted" word`, true},

		{`{ $.eventType = "UpdateTrail" }`, guide, true},
		{`{$.eventType="UpdateTrail"}`, guide, true},
		{`{ $.eventType = UpdateTrail }`, guide, true},
		{`{ $.eventType = "Update*" }`, guide, true},
		{`{ $.eventType = "*Trail" }`, guide, true},
		{`{ $.eventType = "*date*ail" }`, guide, true},
		{`{ $.eventType = "trail*" }`, guide, false},
		{`{ $.eventType != "UpdateTrail" }`, guide, false},
		{`{ $.absent != "UpdateTrail" }`, guide, false},
		{`{ $.sourceIPAddress != 123.123.* }`, guide, true},
		{`{ $.sourceIPAddress = 111.111.* }`, guide, true},
		{`{ $.eventType = %Trail$% }`, guide, true},
		{`{ $.arrayKey[0] = "value" }`, guide, true},
		{`{ $.arrayKey[1] = "value" }`, guide, false},
		{`{ $.arrayKey[7] = "value" }`, guide, false},
		{`{ $.objectList[1].id = 2 }`, guide, true},
		{`{ $.objectList[*].id = 2 }`, guide, true},
		{`{ $.objectList[*].id = 3 }`, guide, false},
		{`{ $.SomeObject IS NULL }`, guide, true},
		{`{ $.eventType IS NULL }`, guide, false},
		{`{ $.SomeOtherObject NOT EXISTS }`, guide, true},
		{`{ $.eventType NOT EXISTS }`, guide, false},
		{`{ $.eventType EXISTS }`, guide, true},
		{`{ $.ok IS TRUE && $.no IS FALSE }`, guide, true},
		{`{ $.ok IS FALSE }`, guide, false},
		{`{ $.['cluster.name'] = "c" }`, guide, false}, // no name behind the dot: refused below
		{`{ $['cluster.name'] = "c" }`, guide, true},
		{`{ $["cluster.name"] = "c" }`, guide, true},
		{`{ $.code > 400 && $.code <= 404 }`, guide, true},
		{`{ $.code >= 4.05e2 }`, guide, false},
		{`{ $.code = 4* }`, guide, true},
		{`{ ($.code = 1 || $.code = 404) && ($.eventType = "x" || $.ok IS TRUE) }`, guide, true},
		{`{ $.code = 1 || $.code = 404 && $.eventType = "x" }`, guide, false},
		{`{ $.arrayKey = "value" }`, guide, false},
		{`{ $.code = 404 }`, "not JSON 404", false},
		{`{ $.a = "x-y" }`, `{"a": "\u0078-y"}`, true}, // the string is not there as it is
		{`{ $.a = "x-y" && $.b = 2 }`, `{"a": "x-z", "b": 2}`, false},
		{`{ $.a = true }`, `{"a": true}`, true},
		{`{ $.code = 404 }`, `["code", 404]`, false},

		{`[ip, user, username, timestamp, request, status_code, bytes]`, access, true},
		{`[ip, user, username, timestamp, request, status_code = 4*, bytes > 1000]`, access, true},
		{`[ip, user, username, timestamp, request, status_code = 4*, bytes > 2000]`, access, false},
		{`[ip, user, username]`, access, false},
		{`[..., status_code = 404, bytes]`, access, true},
		{`[ip = 127.*, ...]`, access, true},
		{`[ip, ..., request = *.html*, status_code = 404, bytes]`, access, true},
		{`[..., request =*.html*, status_code = 4* && status_code != 404,]`, access, false},
		{`[w1=ERROR || w1=WARN, w2]`, "WARN x", true},
		{`[w1!=ERROR && w1!=WARN, w2]`, "WARN x", false},
		{`[,, user = frank, ...]`, access, true},
		{`[..., size = %^15%]`, access, true},
	} {
		p, err := Compile(c.pattern)
		if err != nil {
			if c.want || !errors.Is(err, ErrPattern) {
				t.Errorf("%s: %v", c.pattern, err)
			}
			continue
		}
		if got := p.Match(c.message); got != c.want {
			t.Errorf("%s on %q: %v", c.pattern, c.message, got)
		}
	}
}

func TestBadPatternsAreRefused(t *testing.T) {
	for _, text := range []string{
		`foo-bar`, `a/b`, `"open`, `-`, `?`, `%open`, `%%`, `%(%`, `%a% %b% %c%`,
		`{ }`, `{ $ = 1 }`, `{ $. = 1 }`, `{ $.a }`, `{ $.a = }`, `{ $.a = 1`, `{ $.a = 1 } x`, `{ a = 1 }`, `{ $.a > "b" }`, `{ $.a > b }`,
		`{ $.a[ = 1 }`, `{ $.a[x] = 1 }`, `{ $.a IS 3 }`, `{ $.a NOT }`, `{ ($.a = 1 }`, `{ $.a = 1 && }`, `{ $.['cluster.name'] = "c" }`,
		`[a, b`, `[a b]`, `[a = ]`, `[= 3]`, `[a = 1 && b = 2]`, `[..., x, ...]`, `[a] b`,
		"{ " + strings.Repeat("(", 40) + "$.a = 1" + strings.Repeat(")", 40) + " }",
		strings.Repeat("a", MaxLength+1),
	} {
		if _, err := Compile(text); !errors.Is(err, ErrPattern) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestExtractTellsWhatTheNamesStandFor(t *testing.T) {
	for _, c := range []struct {
		pattern, message string
		want             map[string]string
	}{
		{`{ $.a.b = * && $.n > 1 }`, `{"a": {"b": "x"}, "n": 2}`, map[string]string{"$.a.b": "x", "$.n": "2"}},
		{`[ip, ..., code = 4*]`, `10.0.0.1 x y 404`, map[string]string{"$ip": "10.0.0.1", "$2": "x", "$3": "y", "$code": "404"}},
		{`ERROR`, `ERROR`, map[string]string{}},
	} {
		p, err := Compile(c.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := p.Extract(c.message); !ok || !maps.Equal(got, c.want) {
			t.Errorf("%s on %s: %v, %v", c.pattern, c.message, got, ok)
		}
	}
}

func FuzzCompile(f *testing.F) {
	for _, text := range []string{``, `ERROR -x ?y "z"`, `%a+%`, `{ $.a.b[0]["c"] = "x*" && ($.n >= 3 || $.m IS NULL) }`, `[a, ..., b = 4* && b != 404]`} {
		f.Add(text, `{"a": {"b": [{"c": "xy"}]}, "n": 4}`)
	}
	f.Add(`[a,b]`, `1 "2 3"`)
	f.Fuzz(func(t *testing.T, text, message string) {
		p, err := Compile(text)
		if err != nil {
			if !errors.Is(err, ErrPattern) {
				t.Fatalf("another error: %v", err)
			}
			return
		}
		if _, ok := p.Extract(message); ok != p.Match(message) {
			t.Fatal("Match and Extract differ")
		}
		if p.All() && !p.Match(message) {
			t.Fatal("what matches everything does not match")
		}
	})
}

func TestTakingApartWhatIsAskedForIsTakingAllApart(t *testing.T) {
	messages := []string{
		`{"a":1,"b":{"c":"x"},"d":[1,2,{"e":null}]}`, `{"a":1,"a":2}`, `{"a":{"b":1},"a":{"c":2}}`, `{"\u0061":2}`, `{}`, `{"b":"x"`, `{"a":2,"z":[[[[{}]]]]}`, `{"a":"2"} x`, `{"d":[{"e":1},{"e":2}],"a":true}`, ` {"a":null}`,
	}
	for _, text := range []string{
		`{ $.a = 1 }`, `{ $.a = 2 || $.b.c = "x" }`, `{ $.a IS NULL }`, `{ $.a NOT EXISTS }`, `{ $.a EXISTS && $.d[2].e IS NULL }`, `{ $.d[*].e = 2 }`, `{ $.a.b = 1 }`, `{ $.a.c = 2 && $.b NOT EXISTS }`, `{ $.a IS TRUE }`,
		`{ $.a = 2 && $.a.c NOT EXISTS }`, `{ $.b.c = "x" && $.b EXISTS }`, `{ $.b.c.d NOT EXISTS }`,
	} {
		p, err := Compile(text)
		if err != nil {
			t.Fatal(err)
		}
		o, ok := p.match.(*object)
		if !ok || o.wanted.members == nil {
			t.Fatalf("%s takes everything apart", text)
		}
		whole := &object{o.root, o.needed, &wanted{}}
		for _, m := range messages {
			if got, want := o.match(m, nil), whole.match(m, nil); got != want {
				t.Errorf("%s of %s: %v, want %v", text, m, got, want)
			}
		}
	}
}

// BenchmarkMatchJSON matches a record of a web application firewall. The peer is encoding/json, which reads just the two
// members that the pattern is about.
func BenchmarkMatchJSON(b *testing.B) {
	p, err := Compile(`{ $.action = "BLOCK" && $.httpRequest.country != "DE" }`)
	if err != nil {
		b.Fatal(err)
	}
	message := `{"timestamp":1,"action":"BLOCK","httpRequest":{"clientIp":"10.0.0.1","country":"US","headers":[` + strings.Repeat(`{"name":"x","value":"y"},`, 20) + `{"name":"a","value":"b"}]}}`
	b.Run("fastness", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if !p.Match(message) {
				b.Fatal("no match")
			}
		}
	})
	b.Run("encoding/json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var m struct {
				Action      string
				HTTPRequest struct{ Country string }
			}
			if err := json.Unmarshal([]byte(message), &m); err != nil || m.Action != "BLOCK" || m.HTTPRequest.Country == "DE" {
				b.Fatal(err)
			}
		}
	})
}
