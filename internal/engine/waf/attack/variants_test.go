package attack

import (
	"slices"
	"strings"
	"testing"
)

func TestExpandFindsWhatAnApplicationWouldRead(t *testing.T) {
	for _, c := range []struct{ value, reading string }{
		{"%3Cscript%3E", "<script>"},
		{"%253Cscript%253E", "<script>"},
		{"%u003cscript%u003e", "<script>"},
		{"1+union+select", "1 union select"},
		{"&lt;script&gt;", "<script>"},
		{"&#60;script&#x3e;", "<script>"},
		{"&ltscript&gt", "<script>"},
		{"&#0000060script&#x0003E;", "<script>"},
		{`\u003cscript\x3e`, "<script>"},
		{`\74script\76`, "<script>"},
		{`java\u{73}cript:`, "javascript:"},
		{"PHNjcmlwdD4=", "<script>"},
		{"data:text/html;base64,PHNjcmlwdD4=", "<script>"},
		{"/docs/PHNjcmlwdD4", "<script>"},
		{"QSBsb25nIHRleHQgdGhhdCBzdGFuZHMgaW4gbGluZXMsIGFzIG1lc3NhZ2VzIGhh\r\ndmUgYmFzZTY0OiA8c2NyaXB0Pg==", "A long text that stands in lines, as messages have base64: <script>"},
		{"/api/PHNjcmlwdD5hbGVydCgxKQ/details", "<script>alert(1)"},
		{`json.filter.PHNjcmlwdD5hbGVydCgxKQ`, "<script>alert(1)"},
		{`{"a":"x","b":"PHNjcmlwdD5hbGVydCgxKQ=="}`, "<script>alert(1)"},
		{`{"a":"it\u0027s <b>"}`, "it's <b>"},
		{`query { a(b: "it\"s <b>") { c } }`, `it"s <b>`},
		{`["\\u003cscript>"]`, "<script>"},
		{"JTNDc2NyaXB0JTNF", "<script>"}, // percent escapes in base64
		{"3c7363726970743e", "<script>"},
		{"0x3c7363726970743e", "<script>"},
		{"+ADw-script+AD4-", "<script>"},
		{"%c0%ae%c0%ae%c0%af", "../"},
		{"%e0%80%ae%e0%80%ae%c0%af", "../"},
		{"%fc%80%80%80%80%ae.%f0%80%80%af", "../"},
	} {
		var s Scratch
		s.expand([]byte(c.value), Query)
		var readings []string
		for _, v := range s.variants {
			readings = append(readings, string(v.b))
		}
		if !slices.Contains(readings, c.reading) {
			t.Errorf("%q reads %q, not as %q", c.value, readings, c.reading)
		}
	}
}

func TestExpandLeavesOrdinaryValuesAlone(t *testing.T) {
	for _, v := range []string{"shoes", "100 %", "R&D", "AT&T; or so", "a=1&gtm=45je&lt=7&gt_max=9", "d41d8cd98f00b204e9800998ecf8427e", "GA1.2.1234567890", "supercalifragilistic"} {
		var s Scratch
		s.expand([]byte(v), Query)
		if len(s.variants) > 1 {
			var readings []string
			for _, x := range s.variants {
				readings = append(readings, string(x.b))
			}
			t.Errorf("%q also reads %q", v, readings[1:])
		}
	}
}

func TestExpandIsBounded(t *testing.T) {
	for _, v := range []string{strings.Repeat("%25", 20_000), strings.Repeat("&amp;", 20_000), strings.Repeat(`\u005c`, 20_000), strings.Repeat("QUFB", 20_000), strings.Repeat("+", 60_000)} {
		var s Scratch
		s.expand([]byte(v), Query)
		total := 0
		for _, x := range s.variants {
			total += len(x.b)
		}
		if len(s.variants) > maxVariants || total > (maxGrowth+2)*len(v) {
			t.Errorf("%.12q…: %d readings of %d bytes", v, len(s.variants), total)
		}
	}
}

func TestFormsReadAsInterpretersDo(t *testing.T) {
	for _, c := range []struct {
		form      Form
		src, want string
	}{
		{Raw, "AbC'", "abc'"},
		{SQLText, "UNION/**/SELECT\t\n1", "union select 1"},
		{SQLText, "/*!50000UNION*/ x", "union x"},
		{SQLText, "a /* open", "a /* open"},
		{SQLText, "ʼ or 1＝1", "' or 1=1"},
		{SQLText, "`a`\x00b", "ab"},
		{Markup, "java\tscript:x", "javascript:x"},
		{Markup, "<scr\x00ipt>", "<script>"},
		{Markup, "＜SCRIPT＞", "<script>"},
		{Markup, "one\ntwo", "one two"},
		{Markup, "﹤𝘀𝘃𝗴 𝗼𝗻𝗹𝗼𝗮𝗱﹦ⓐ𝟙﹥", "<svg onload=a1>"},
		{ShellText, "c'a't /p\\wd", "cat /pwd"},
		{ShellText, "cat${IFS}/etc$@", "cat /etc"},
		{ShellText, "cat$IFS$9/etc", "cat /etc"},
		{ShellText, "wh``oami", "whoami"},
		{ShellText, `$'\x69\144' -a`, "id -a"},
		{ShellText, `$"id"`, "id"},
		{ShellText, "cat${IFS%??}/etc", "cat /etc"},
		{ShellText, "cat${IFS}$9/etc", "cat /etc"},
		{ShellText, "ch${x}own he$(x)ad ta`x`il", "chown head tail"},
		{ShellText, "un${@}ame i${!}d", "uname id"},
		{ShellText, `\n\s\l\o\o\k\u\p`, "nslookup"},
		{ShellText, `one\ntwo\r\nthree`, `one\ntwo\r\nthree`},
		{ShellText, "costs $5, or US$'000", "costs $5, or us$000"},
		{PathText, `..\..\WINDOWS`, "../../windows"},
		{PathText, "a//b/./c", "a/b/c"},
		{PathText, "http://x//y", "http://x/y"},
		{PathText, "․․∖a", "../a"},
	} {
		if got := string(appendForm(nil, c.form, []byte(c.src), appendLower(nil, []byte(c.src)))); got != c.want {
			t.Errorf("%s of %q = %q, want %q", formNames[c.form], c.src, got, c.want)
		}
	}
}

func FuzzInspect(f *testing.F) {
	d, err := New()
	if err != nil {
		f.Fatal(err)
	}
	for _, r := range d.rules {
		for _, m := range r.match {
			f.Add([]byte(m))
		}
	}
	f.Fuzz(func(t *testing.T, v []byte) {
		var s Scratch
		before := string(v)
		for place := Path; place <= Whole; place <<= 1 {
			first := d.Inspect(v, place, &s, nil)
			if again := d.Inspect(v, place, &s, func(Hit) {}); again != first {
				t.Errorf("%q: %v, and explained %v", v, first, again)
			}
		}
		if string(v) != before {
			t.Error("the value was written to")
		}
	})
}
