package browser

import (
	"encoding/json"
	"html"
	"os"
	"regexp"
	"slices"
	"strings"

	"fastness/test/waf/percent"
)

// Place is a place of a page that a careless application writes a value into as it is.
type Place struct {
	Name string
	// Media is the type of a page that the browser asks for; others are HTML that is written into a frame.
	Media string
	// page has the value in place of each VALUE; write, if set, says how it is written there.
	page  string
	write func(string) string
	// fits tells whether a value, in lower case, can be more there than the text it was to be. Of another value the page has the same
	// elements and scripts as of a harmless one.
	fits func(v string) bool
	// address tells that the value is an address there: that it is followed is no sign.
	address bool
	// library is a file of a framework that the page uses; what it calls by itself is no sign.
	library string
}

// The types of pages.
const htmlPage, xmlPage = "text/html;charset=utf-8", "application/xhtml+xml"

func body(markup string) string {
	return "<!DOCTYPE html><html><head><title>Shop</title></head><body><h1>Shop</h1>" + markup + "<p>Thank you.</p></body></html>"
}

func script(code string) string { return body("<div id=out></div><script>" + code + "</script>") }

// Where Debian has the frameworks.
const (
	angular = "/usr/share/javascript/angular.js/angular.min.js"
	vue     = "/usr/share/javascript/vue/vue.min.js"
	jquery  = "/usr/share/javascript/jquery/jquery.min.js"
)

func library(name string) string { return "<script src=\"/library/" + name + "\"></script>" }

// inJSON writes what stands between the quotation marks of a string of JSON. Elements are not escaped, as most writers do not.
func inJSON(v string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // a Builder takes all
	s := strings.TrimSuffix(b.String(), "\n")
	return s[1 : len(s)-1]
}

// quoted escapes quotation marks and ends of lines as those do who forget reverse solidi and elements.
func quoted(v string) string {
	return strings.NewReplacer(`"`, `\"`, "\n", `\n`, "\r", `\r`).Replace(v)
}

// has fits values that have one of some parts.
func has(parts ...string) func(string) bool {
	return func(v string) bool {
		for _, p := range parts {
			if strings.Contains(v, p) {
				return true
			}
		}
		return false
	}
}

// inString fits values that leave a string of a script.
func inString(quote string) func(string) bool { return has(quote, "\n", "\r", endOfScript) }

const endOfScript = "</script"

// isCode fits values that may be code by themselves: what begins with an element is none, but <!-- begins a comment.
func isCode(v string) bool {
	t := strings.TrimSpace(v)
	if strings.HasPrefix(t, "<") && !strings.HasPrefix(t, "<!--") {
		return false
	}
	return strings.ContainsAny(v, "(`=") || strings.Contains(v, "cookie")
}

// isAddress fits values that begin with a scheme, as browsers and readers of attributes see it.
func isAddress(v string) bool {
	v = strings.Map(func(r rune) rune {
		if r <= ' ' {
			return -1
		}
		return r
	}, html.UnescapeString(v))
	return schemeName.MatchString(v)
}

var schemeName = regexp.MustCompile(`^(?:[a-z][a-z0-9+.-]*|\\?[a-z\\][^/?#]*):`)

// Places are all places, those first that most scripts are for.
var Places = []Place{
	{Name: "text", page: body("<div class=note>VALUE</div>"), fits: has("<")},
	{Name: "double", page: body(`<form><input name=q value="VALUE"><button>Go</button></form>`), fits: has(`"`)},
	{Name: "single", page: body(`<form><input name=q value='VALUE'><button>Go</button></form>`), fits: has("'")},
	{Name: "link", page: body(`<a href="VALUE">more</a>`), fits: isAddress, address: true},
	{Name: "script-double", page: script(`var q = "VALUE"; var page = 1;`), fits: inString(`"`)},
	{Name: "script-single", page: script(`var q = 'VALUE'; var page = 1;`), fits: inString("'")},
	{Name: "script-template", page: script("var q = `VALUE`; var page = 1;"), fits: has("`", "${")},
	{Name: "script-expression", page: script(`var q = VALUE; var page = 1;`), fits: isCode},
	{Name: "script-statement", page: script("var page = 1;\nVALUE\n"), fits: isCode},
	{Name: "script-argument", page: script(`function show() {} show(VALUE, 1);`), fits: isCode},
	{Name: "unquoted", page: body(`<form><input name=q value=VALUE><button>Go</button></form>`), fits: has(" ", "\t", "\n", "\f", "\r", ">")},
	{Name: "script-line", page: script("var page = 1; // VALUE\nvar more = 2;"), fits: has("\n", "\r", "\u2028", "\u2029")},
	{Name: "script-comment", page: script("var page = 1; /* VALUE */"), fits: has("*/")},
	{Name: "script-two", page: script(`var q = "VALUE", again = "VALUE";`), fits: has(`"`, `\`)},
	{Name: "script-two-single", page: script(`var q = 'VALUE', again = 'VALUE';`), fits: has("'", `\`)},
	{Name: "script-call", page: script(`function show() {} show({"q": ["VALUE"], 'a': 1});`), fits: has(`"`)},
	{Name: "script-call-single", page: script(`function show() {} if (show) { show('VALUE', function() { return 1 }); }`), fits: has("'")},
	{Name: "script-object-single", page: script(`function show() {} show({a: 'VALUE'});`), fits: has("'")},
	{Name: "script-pattern", page: script(`var q = /VALUE/i;`), fits: has("/", "\n")},
	{Name: "script-name", page: script(`var settings = {VALUE: 1};`), fits: isCode},
	{Name: "script-escaped", page: script(`var q = "VALUE"; var page = 1;`), write: quoted, fits: has(`\"`)},
	{Name: "script-json", page: script(`var data = {"q": "VALUE"};`), write: inJSON, fits: has(endOfScript)},
	{Name: "handler", page: body(`<script>function show() {}</script><button onclick="show('VALUE')">Go</button>`), fits: has("'", `"`, "&", `\`)},
	{Name: "tag", page: body(`<input VALUE>`), fits: has("=")},
	{Name: "link-tag", page: body(`<a VALUE>more</a>`), fits: has("=")},
	{Name: "element", page: body(`<VALUE>`), fits: has("=")},
	{Name: "comment", page: body("<!-- VALUE -->"), fits: has("-->", "--!>")},
	{Name: "title", page: "<!DOCTYPE html><html><head><title>VALUE</title></head><body><p>Thank you.</p></body></html>", fits: has("</title")},
	{Name: "textarea", page: body("<form><textarea name=q>VALUE</textarea></form>"), fits: has("</textarea")},
	{Name: "option", page: body("<form><select name=q><option>VALUE</option></select></form>"), fits: has("</select", "</option")},
	{Name: "noscript", page: body("<noscript>VALUE</noscript>"), fits: has("</noscript")},
	{Name: "frame-text", page: body("<iframe src=about:blank>VALUE</iframe>"), fits: has("</iframe")},
	{Name: "style", page: body("<style>p { color: VALUE; }</style>"), fits: has("</style", "url(", "import")},
	{Name: "style-attribute", page: body(`<p style="color: VALUE">a</p>`), fits: has("url(")},
	{Name: "frame", page: body(`<iframe src="VALUE"></iframe>`), fits: isAddress, address: true},
	{Name: "action", page: body(`<form action="VALUE"><button>Go</button></form>`), fits: isAddress, address: true},
	{Name: "script-source", page: body(`<script>var addressOfScript = true</script><script src="VALUE"></script>`), fits: isAddress, address: true},
	{Name: "object", page: body(`<object data="VALUE"></object>`), fits: isAddress, address: true},
	{Name: "refresh", page: `<!DOCTYPE html><html><head><meta http-equiv=refresh content="0; url=VALUE"></head><body></body></html>`, fits: isAddress, address: true},
	{Name: "assigned", page: script(`var out = document.createElement("a"); document.body.append(out); out.href = VALUE;`), write: literal, fits: isAddress, address: true},
	{Name: "location", page: script(`location.href = VALUE;`), write: literal, fits: isAddress, address: true},
	{Name: "document", page: body(`<iframe srcdoc="VALUE"></iframe>`), write: html.EscapeString, fits: has("<")},
	{Name: "whole", page: "VALUE", fits: has("<")},
	{Name: "unnamed charset", Media: "text/html", page: "VALUE<p>Thank you.", fits: has("\x1b", "+adw-", "charset")},
	{Name: "svg", page: body(`<svg><text>VALUE</text></svg>`), fits: has("<")},
	{Name: "math", page: body(`<math><mtext>VALUE</mtext></math>`), fits: has("<")},
	{Name: "svg-file", Media: "image/svg+xml", page: `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"><text>VALUE</text></svg>`, fits: has("xmlns", "<?", "<!", "xlink")},
	{Name: "xhtml", Media: xmlPage, page: `<html xmlns="http://www.w3.org/1999/xhtml"><head><title>a</title></head><body><p>VALUE</p></body></html>`, fits: has("xmlns", "<?", "<!")},
	{Name: "whole-xml", Media: "text/xml", page: "VALUE", fits: has("xmlns", "<?xml")},
	{Name: "inner-unescaped", page: script(`document.getElementById("out").innerHTML = "<b>VALUE</b>";`), write: quoted, fits: has(`\`)},
	{Name: "written-unescaped", page: script(`ownWrite('<p>VALUE</p>');`), write: quoted, fits: has(`\`)},
	{Name: "inner", page: script(`document.getElementById("out").innerHTML = VALUE;`), write: literal, fits: has("<math", "<svg", "<style", "<noscript", "<template", "<select", "<table")},
	{Name: "inner-twice", page: script(`var out = document.getElementById("out"); out.innerHTML = VALUE; out.innerHTML = out.innerHTML;`), write: literal, fits: has("<math", "<svg", "<style", "<noscript", "<template", "<select", "<table", "<!--")},
	{Name: "jquery", page: body(library("jquery") + `<div id=out></div><script>$("#out").html(VALUE);</script>`), write: literal, fits: has("<option", "<style", "<template"), library: jquery},
	{Name: "angular", page: body(library("angular") + `<div ng-app>VALUE</div>`), fits: has("{{", "ng-"), library: angular},
	{Name: "vue", page: body(library("vue") + `<div id=app><p>VALUE</p></div><script>new Vue({el: "#app"});</script>`), fits: has("{{", "v-", "@", ":is"), library: vue},
}

// literal writes a value as a string of JavaScript, without anything that ends a script.
func literal(v string) string {
	b, _ := json.Marshal(v) // a string always can
	return string(b)
}

// With writes a value into the page of the place.
func (p *Place) With(value string) string {
	if p.write != nil {
		value = p.write(value)
	}
	return strings.ReplaceAll(p.page, "VALUE", value)
}

// Fits tells whether a value can be more than text there, and whether the framework is there that the page uses.
func (p *Place) Fits(value string) bool {
	if !p.fits(strings.ToLower(value)) {
		return false
	}
	if p.library == "" {
		return true
	}
	_, err := os.Stat(p.library)
	return err == nil
}

// Readings are what an application may make of a value before it writes it: as it is, percent-decoded once and twice, and with
// its character references replaced.
func Readings(v string) (all []string) {
	all = percent.Readings(v, percent.DecodeText)
	for _, r := range []string{html.UnescapeString(v), html.UnescapeString(all[min(1, len(all)-1)])} {
		if r != "" && !slices.Contains(all, r) {
			all = append(all, r)
		}
	}
	return all
}
