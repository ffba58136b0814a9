package request

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	mime "mime/multipart"
	"net/textproto"
	"slices"
	"strings"
	"testing"
)

// bodyArguments lists the arguments of a body as name=value.
func bodyArguments(t *testing.T, l Limits, contentType, body string) ([]string, Outcome) {
	t.Helper()
	in := NewInspection(l)
	in.Reset(&Request{Target: "/", Fields: []Field{{"Content-Type", contentType}}, Body: []byte(body)})
	list, o := in.BodyArguments()
	var got []string
	for _, p := range list {
		got = append(got, fmt.Sprintf("%s=%s", p.Name, p.Value))
	}
	return got, o
}

func TestBodyArguments(t *testing.T) {
	for _, c := range []struct {
		name, contentType, body string
		want                    []string
		malformed               bool
	}{
		{"form", "application/x-www-form-urlencoded", "a=1&b=%3Cscript%3E+x&c&=d&&e=f=g", []string{"a=1", "b=<script> x", "c=", "=d", "e=f=g"}, false},
		{"form, charset", "Application/X-WWW-Form-URLencoded ; charset=utf-8", "a=%zz", []string{"a=%zz"}, false},
		{"JSON", "application/json; charset=utf-8", `{"a":{"b":[1,{"c":"x"},[2]]},"d":null,"e":{}}`,
			[]string{"json.a.b.0=1", "json.a.b.1.c=x", "json.a.b.2.0=2", "json.d=null"}, false},
		{"JSON array", "application/json", `[1,"two",{"a":3}]`, []string{"json.0=1", "json.1=two", "json.2.a=3"}, false},
		{"JSON by suffix", "application/ld+json", `{"a":1}`, []string{"json.a=1"}, false},
		{"JSON without a type", "", ` {"a":1}`, []string{"json.a=1"}, false},
		{"JSON as text", "text/plain", `[1]`, []string{"json.0=1"}, false},
		{"broken JSON", "application/json", `{"a":1,"b":`, []string{"json.a=1", `={"a":1,"b":`}, true},
		{"no JSON", "application/json", `a=1`, []string{"=a=1"}, true},
		{"XML", "text/xml", `<?xml version="1.0"?><a x="1" y='&lt;2'><b> t &amp; u </b><!-- c --><![CDATA[<d>]]>e</a>`,
			[]string{"x=1", "y=<2", "b=t & u", "b=<d>", "b=e"}, false},
		{"XML entity", "application/soap+xml", `<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>`,
			[]string{`!DOCTYPE=<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]>`, "a=&e;"}, false},
		{"XML without an end", "text/xml", `<a b="c`, []string{`a=<a b="c`}, true},
		{"text", "text/plain", "a=1&b=2", nil, false},
		{"binary", "application/octet-stream", "\x00\x01", nil, false},
		{"nothing", "application/json", "", nil, false},
	} {
		got, o := bodyArguments(t, DefaultLimits(), c.contentType, c.body)
		if !slices.Equal(got, c.want) || o != (Outcome{Malformed: c.malformed}) {
			t.Errorf("%s: %q, %+v; want %q", c.name, got, o, c.want)
		}
	}
}

func TestContentTypesThatDisagree(t *testing.T) {
	in := NewInspection(DefaultLimits())
	in.Reset(&Request{Fields: []Field{{"Content-Type", "text/plain"}, {"content-type", "application/x-www-form-urlencoded"}}, Body: []byte("a=%3Cscript%3E")})
	list, o := in.BodyArguments()
	if len(list) != 1 || string(list[0].Value) != "a=%3Cscript%3E" || !o.Malformed {
		t.Errorf("%q, %+v", list, o)
	}
	in.Reset(&Request{Fields: []Field{{"Content-Type", "application/json"}, {"content-type", "application/json; charset=utf-8"}}, Body: []byte("[1]")})
	if list, o := in.BodyArguments(); len(list) != 1 || o.Malformed {
		t.Errorf("%q, %+v", list, o)
	}
}

func TestNamesOfDeepJSONDoNotMultiply(t *testing.T) {
	key := strings.Repeat("k", 50_000)
	body := fmt.Sprintf(`{"%s":[%s"evil"]}`, key, strings.Repeat("1,", 2000))
	got, o := bodyArguments(t, DefaultLimits(), "application/json", body)
	total := 0
	for _, s := range got {
		total += len(s)
	}
	if total > 60_000+2001*(prefixKept+10) || o != (Outcome{}) {
		t.Errorf("%d bytes of names and values of %d, %+v", total, len(body), o)
	}
	if !slices.Contains(got, "json."+key+"=") || !strings.HasSuffix(got[len(got)-1], ".2000=evil") {
		t.Errorf("the long key or the last value is lost: %d arguments, the last %.200q", len(got), got[len(got)-1])
	}
}

func TestArgumentsOfBodiesBeyondTheBound(t *testing.T) {
	l := DefaultLimits()
	l.Arguments, l.Parts = 2, 2
	for _, c := range []struct{ name, contentType, body, last string }{
		{"JSON", "application/json", `[1,2,"evil"]`, `=[1,2,"evil"]`},
		{"XML", "text/xml", `<a>1</a><a>2</a><a>evil</a>`, "evil"},
		{"XML attributes", "text/xml", `<a b="1" c="2" d="evil"/>`, `d="evil"`},
		{"multipart", "multipart/form-data; boundary=b", "--b\r\n\r\n\r\n--b\r\n\r\n\r\n--b\r\n\r\nevil\r\n--b--", "evil"},
	} {
		got, o := bodyArguments(t, l, c.contentType, c.body)
		if !o.Oversize || len(got) == 0 || !strings.Contains(got[len(got)-1], c.last) {
			t.Errorf("%s: %q, %+v", c.name, got, o)
		}
	}
}

func TestMultipart(t *testing.T) {
	const contentType = `multipart/form-data; boundary="b b"`
	field := func(name, value string) string {
		return "--b b\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n"
	}
	for _, c := range []struct {
		name, body string
		want       []string // name|file|content
		problems   MultipartProblem
	}{
		{"fields", field("a", "1") + field("b", "x\r\ny") + "--b b--\r\n", []string{"a|-|1", "b|-|x\r\ny"}, 0},
		{"empty field", field("a", "") + "--b b--", []string{"a|-|"}, 0},
		{"file", "--b b\r\nContent-Disposition: form-data; name=f; filename=\"a \\\"b\\\".php\"\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b b--",
			[]string{`f|a "b".php|hello`}, 0},
		{"backslashes that escape nothing", "--b b\r\nContent-Disposition: form-data; name=f; filename=\"..\\..\\a.j\\s\\p\"\r\n\r\nx\r\n--b b--",
			[]string{`f|..\..\a.j\s\p|x`}, 0},
		{"empty file", "--b b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"\"\r\n\r\n\r\n--b b--", []string{"f||"}, 0},
		{"extended file name", "--b b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.txt\"; filename*=UTF-8''%2e%2e%2fa.php\r\n\r\nx\r\n--b b--",
			[]string{"f|../a.php|x"}, 0},
		{"preamble", "hello\r\n" + field("a", "1") + "--b b--", []string{"a|-|1"}, DataBefore},
		{"epilogue", field("a", "1") + "--b b--\r\nevil", []string{"a|-|1", "|-|\r\nevil"}, DataAfter},
		{"line feeds", "--b b\nContent-Disposition: form-data; name=\"a\"\n\n1\n--b b--", []string{"a|-|1"}, BareLineFeed},
		{"no end", field("a", "1"), []string{"a|-|1\r\n"}, Unfinished},
		{"no boundary at all", "hello", []string{"|-|hello"}, Unfinished},
		{"boundary goes on", "--b bx\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b b--", []string{"a|-|1"}, BadBoundaryLine},
		{"folded header", "--b b\r\nContent-Disposition: form-data;\r\n name=\"a\"\r\n\r\n1\r\n--b b--", []string{"|-|1"}, BadHeader | BadDisposition},
		{"no disposition", "--b b\r\nContent-Type: text/plain\r\n\r\n1\r\n--b b--", []string{"|-|1"}, BadDisposition},
		{"two dispositions", "--b b\r\nContent-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=b\r\n\r\n1\r\n--b b--", []string{"b|-|1"}, BadDisposition},
		{"two names", "--b b\r\nContent-Disposition: form-data; name=a; name=b\r\n\r\n1\r\n--b b--", []string{"b|-|1"}, BadDisposition},
		{"attachment", "--b b\r\nContent-Disposition: attachment; name=a\r\n\r\n1\r\n--b b--", []string{"a|-|1"}, BadDisposition},
		{"header without an end", "--b b\r\nContent-Disposition: form-data; name=a\r\n--b b--", []string{"|-|Content-Disposition: form-data; name=a"}, BadHeader | BadDisposition},
		{"base64", "--b b\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64\r\n\r\nMQ==\r\n--b b--", []string{"a|-|MQ=="}, TransferEncoding},
		{"boundary within a line", field("a", "x--b b--y") + "--b b--", []string{"a|-|x--b b--y"}, 0},
		{"only the end", "--b b--", nil, 0},
	} {
		in := NewInspection(DefaultLimits())
		in.Reset(&Request{Fields: []Field{{"content-type", contentType}}, Body: []byte(c.body)})
		parts, problems, oversize := in.Parts()
		var got []string
		for _, p := range parts {
			file := "-"
			if p.HasFile {
				file = string(p.FileName)
			}
			got = append(got, fmt.Sprintf("%s|%s|%s", p.Name, file, p.Content))
		}
		if !slices.Equal(got, c.want) || problems != c.problems || oversize {
			t.Errorf("%s: %q, %b; want %q, %b", c.name, got, problems, c.want, c.problems)
		}
	}
	for _, contentType := range []string{"multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=" + strings.Repeat("x", 71)} {
		got, o := bodyArguments(t, DefaultLimits(), contentType, "--x\r\n\r\nevil")
		if !slices.Equal(got, []string{"=--x\r\n\r\nevil"}) || !o.Malformed {
			t.Errorf("%s: %q, %+v", contentType, got, o)
		}
	}
	for contentType, want := range map[string]MultipartProblem{
		"multipart/form-data; boundary=x; boundary=y": OddBoundary,
		"multipart/form-data; boundary=x; Boundary=x": OddBoundary,
		"multipart/form-data; boundary=\"x\\\"y\"":    OddBoundary | Unfinished,
		"multipart/form-data; boundary=\"x \"":        OddBoundary | Unfinished,
		"multipart/form-data; a=b; boundary = x":      0,
		"Multipart/Form-Data;boundary=\"x\"":          0,
	} {
		in := NewInspection(DefaultLimits())
		in.Reset(&Request{Fields: []Field{{"Content-Type", contentType}}, Body: []byte("--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--x--")})
		if _, problems, _ := in.Parts(); problems != want {
			t.Errorf("%s: %b, want %b", contentType, problems, want)
		}
	}
	got, _ := selected(t, Component{Kind: FileNames}, &Request{Fields: []Field{{"Content-Type", contentType}},
		Body: []byte("--b b\r\nContent-Disposition: form-data; name=f; filename=x.php\r\n\r\n<?php\r\n" + field("a", "1") + "--b b--")})
	if !slices.Equal(got, []string{"x.php"}) {
		t.Errorf("file names: %q", got)
	}
}

// What mime/multipart accepts is read as it reads it.
func FuzzMultipart(f *testing.F) {
	f.Add([]byte("--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b\r\nContent-Disposition: form-data; name=f; filename=x\r\n\r\n\r\n--b--"))
	f.Add([]byte("x\r\n--b\r\n\r\n1\r\n--b--y"))
	f.Add([]byte("--b\n\n1\n--b--"))
	f.Add([]byte("--b  \r\n\r\n--b\r\n--b--\r\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		in := NewInspection(DefaultLimits())
		in.Reset(&Request{Fields: []Field{{"Content-Type", "multipart/form-data; boundary=b"}}, Body: body})
		parts, problems, oversize := in.Parts()
		in.BodyArguments()
		if problems != 0 || oversize {
			return
		}
		var got, want []string
		for _, p := range parts {
			got = append(got, string(p.Content))
		}
		r := mime.NewReader(bytes.NewReader(body), "b")
		for {
			p, err := r.NextRawPart()
			if err == io.EOF {
				break
			}
			if err != nil {
				return
			}
			content, err := io.ReadAll(p)
			if err != nil {
				return
			}
			want = append(want, string(content))
			if _, ok := p.Header[textproto.CanonicalMIMEHeaderKey("Content-Disposition")]; !ok {
				t.Fatalf("%q: a part without a disposition is no problem", body)
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%q: %q, want %q", body, got, want)
		}
	})
}

// Every text and attribute that encoding/xml finds is found.
func FuzzXML(f *testing.F) {
	f.Add([]byte(`<a x="1" y='2'>t<b/>u<![CDATA[v]]><!-- w --></a>`))
	f.Add([]byte(`<?xml version="1.0"?><!DOCTYPE a [<!ENTITY e "x>">]><a>&lt;&#65;</a>`))
	f.Add([]byte(`<a:b c:d="e">f</a:b>`))
	f.Add([]byte("<a\n>\t</a>"))
	f.Fuzz(func(t *testing.T, body []byte) {
		in := NewInspection(DefaultLimits())
		in.Reset(&Request{Fields: []Field{{"Content-Type", "text/xml"}}, Body: body})
		list, o := in.BodyArguments()
		if o.Malformed || o.Oversize {
			return
		}
		var found strings.Builder
		for _, p := range list {
			found.Write(p.Value)
			found.WriteByte('\n')
		}
		d := xml.NewDecoder(bytes.NewReader(body))
		var want []string
		for {
			token, err := d.RawToken()
			if err == io.EOF {
				break
			}
			if err != nil {
				return
			}
			switch v := token.(type) {
			case xml.Directive:
				return // where it ends is a matter of opinion; all of it is one argument here
			case xml.StartElement:
				for _, a := range v.Attr {
					want = append(want, a.Value)
				}
			case xml.CharData:
				want = append(want, strings.Trim(string(v), " \t\r\n"))
			}
		}
		for _, w := range want {
			if strings.IndexByte(w, '\n') >= 0 || strings.IndexFunc(w, func(r rune) bool { return r >= 0x80 }) >= 0 {
				continue // line ends are normalized there, and numbers below 256 are bytes here
			}
			if !strings.Contains(found.String(), w) {
				t.Fatalf("%q: %q is not among %q", body, w, found.String())
			}
		}
	})
}
