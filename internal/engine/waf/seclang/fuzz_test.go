package seclang

import (
	"bytes"
	"io/fs"
	"strings"
	"testing"

	crs "github.com/corazawaf/coraza-coreruleset/v4"

	"fastness/internal/engine/waf/request"
)

// FuzzParse looks for rules on which the parser or the compiler panics, and runs what compiles.
func FuzzParse(f *testing.F) {
	names, err := fs.Glob(crs.FS, "@owasp_crs/REQUEST-*.conf")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		b, err := fs.ReadFile(crs.FS, name)
		if err != nil {
			f.Fatal(err)
		}
		// The directives one by one: long ones are hard to vary.
		for _, d := range strings.Split(string(b), "\n\n") {
			if strings.Contains(d, "SecRule") && len(d) < 1500 {
				f.Add(d)
			}
		}
	}
	f.Add("SecRule ARGS|!ARGS:/^a/|&TX:b \"!@within %{tx.c}\" \"id:1,chain,setvar:'tx.x_%{matched_var_name}=+%{tx.y}'\"\nSecRule MATCHED_VARS \"@rx (a)\" \"capture,t:lowercase,multiMatch\"")
	f.Add("SecAction \"id:1,phase:1,skipAfter:X,ctl:ruleRemoveTargetByTag=t;ARGS:a\"\nSecMarker X")
	r := withBody(browserGet(1), "application/json", []byte(`{"a":["b",1]}`))
	s := NewScratch(request.DefaultLimits())
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Compile([]Source{{Name: "fuzz", Text: text}}, Options{MemoBytes: -1, ReadFile: func(string) ([]byte, error) { return []byte("phrase\n"), nil }})
		if err != nil {
			return
		}
		p.Evaluate(r, s)
	})
}

// FuzzEvaluate runs any request through the Core Rule Set at its highest level: three times as usual, and once through
// one that evaluates rules as they are written, which has to come to the same.
func FuzzEvaluate(f *testing.F) {
	sources, options := loadCRS(f, Config{Paranoia: 4, Detect: true})
	with, err := Compile(sources, options)
	if err != nil {
		f.Fatal(err)
	}
	without := plainCoreRuleSet(f, Config{Paranoia: 4, Detect: true})
	f.Add("GET", "/a/b.php?x=1'%20or%201=1--&x=%u0061", "a=b; c", "text/plain", []byte("x"))
	f.Add("POST", "/?a[b]=c", "$Version=1", "application/json", []byte(`{"a":{"b":["<script>",null]},"c":"\u003c"}`))
	f.Add("POST", "/", "", "application/xml", []byte(`<a b="c"><![CDATA[d]]>&lt;e</a>`))
	f.Add("POST", "/", "", "multipart/form-data; boundary=b", []byte("--b\r\nContent-Disposition: form-data; name=\"a\"; filename=\"x.php\"\r\nContent-Type: text/x; charset=utf-7\r\n\r\n1\r\n--b--\r\n"))
	f.Add("GET", "/", "Proxy:x", "", []byte(nil))
	f.Add("GET", "/", "multipart_headers_content_types_:1", "", []byte("x"))
	f.Add("PUT", "http://h/%zz#f", "=", "application/x-www-form-urlencoded", []byte("a=1&b=%41%4&_method=get"))
	a, b := NewScratch(request.DefaultLimits()), NewScratch(request.DefaultLimits())
	f.Fuzz(func(t *testing.T, method, target, cookie, contentType string, body []byte) {
		// A field of any name, which may be one that rules look for.
		name, value, _ := strings.Cut(cookie, ":")
		r := &request.Request{
			Method: method, Target: target, Proto: "HTTP/1.1", Host: "h", Body: bytes.Clone(body),
			Fields: []request.Field{{Name: "Host", Value: "h"}, {Name: "Cookie", Value: cookie}, {Name: "Content-Type", Value: contentType}, {Name: "Referer", Value: target}, {Name: name, Value: value}},
		}
		want := summary(without.Evaluate(r, b))
		for range 3 {
			if got := summary(with.Evaluate(r, a)); got != want {
				t.Fatalf("with the memo and the screen %s, without %s", got, want)
			}
		}
	})
}
