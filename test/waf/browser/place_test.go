package browser

import (
	"slices"
	"strings"
	"testing"
)

func TestReadingsAreWhatIsDecoded(t *testing.T) {
	for v, want := range map[string][]string{
		"a":                    {"a"},
		"100%":                 {"100%"},
		"%3Cb%3E":              {"%3Cb%3E", "<b>"},
		"%253Cb%253E":          {"%253Cb%253E", "%3Cb%3E", "<b>"},
		"%u003cb%u003E":        {"%u003cb%u003E", "<b>"},
		"&lt;b&gt;":            {"&lt;b&gt;", "<b>"},
		"%26lt;b>":             {"%26lt;b>", "&lt;b>", "<b>"},
		"%3cb%zz%":             {"%3cb%zz%", "<b%zz%"},
		"&#x26;lt;":            {"&#x26;lt;", "&lt;"},
		"%ff":                  {"%ff", "\ufffd"},
		"%2522%2520on%253Dx()": {"%2522%2520on%253Dx()", "%22%20on%3Dx()", `" on=x()`},
	} {
		if got := Readings(v); !slices.Equal(got, want) {
			t.Errorf("%q: %q", v, got)
		}
	}
}

func TestPlacesHaveTheValueInThem(t *testing.T) {
	names := map[string]bool{}
	for i := range Places {
		p := &Places[i]
		if names[p.Name] || p.fits == nil || !strings.Contains(p.page, "VALUE") {
			t.Errorf("%s", p.Name)
		}
		names[p.Name] = true
		if !strings.Contains(p.With("planted"), "planted") {
			t.Errorf("%s: %s", p.Name, p.With("planted"))
		}
	}
}

func TestMarkupOfOlderBrowsersIsTold(t *testing.T) {
	for _, v := range []string{
		"<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)", `" onclick="a()`, "x' style='width:expression(alert(1))", "x onfocus=a()",
		"<script", "<script>a</script>", "<s:script>", `<a href="java` + "\t" + `script:alert(1)">`, "javascript:alert(1)", "vbscript:msgbox(1)", "<img src='livescript:a()'>",
		"<div style=\"width: exp/**/ression(alert(1))\">", "<div style=\"-moz-binding:url(x)\">", `<p style="width:\65 xpression(a())">`, "<img src=&#106;avascript:alert(1)>",
		"<object data=data:text/html;base64,PHA+>", "<!--[if gte IE 4]><script>a()</script><![endif]-->", "<br size=\"&{alert('x')}\">", `<meta http-equiv=refresh content="0;url=javascript:alert(1)">`,
		"<svg:g onload=a()>", `<a xml:onclick="a()">`,
	} {
		if older([]string{v}) == "" {
			t.Errorf("%q is not told", v)
		}
	}
	for _, v := range []string{
		"hello", "a < b and c > d", "<b>bold</b>", `<p class="only">on = off</p>`, "JavaScript: the good parts", "it's on", `<a href="https://shop.example/">x</a>`,
		"<p style=\"color: red\">", "on", "onion=3", "one=1", "a regular expression (regex)", "data: text", "style: expressionism", "</script>", "<img src=x>",
	} {
		if how := older([]string{v}); how != "" {
			t.Errorf("%q: %s", v, how)
		}
	}
}
