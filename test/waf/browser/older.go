package browser

import (
	"regexp"
	"strings"

	"golang.org/x/net/html"
)

// older tells what in readings of a value is markup that scripts, in one browser or another: it is read as HTML, from
// text and from behind each quotation mark, and names what it found, or gives "". No rule of the firewall has a part in it.
func older(readings []string) string {
	for _, r := range readings {
		if how := scripts(r); how != "" {
			return how
		}
		for i, c := range r {
			// What stands behind a quotation mark goes on with a tag.
			if c == '"' || c == '\'' || c == '`' {
				if how := attributes("<a " + r[i+1:]); how != "" {
					return how
				}
			}
		}
		for _, start := range []string{"<a ", `<a x="`, "<a x='"} {
			if how := attributes(start + r); how != "" {
				return how
			}
		}
		if how := address(r); how != "" {
			return how
		}
		if how := style(r); how != "" && strings.Contains(r, ":") {
			return how
		}
	}
	return ""
}

// scripts reads markup, whose last tag may have no end.
func scripts(markup string) string {
	for _, end := range []string{"", ">", `">`, "'>", "-->"} {
		z := html.NewTokenizer(strings.NewReader(strings.ReplaceAll(markup, "\x00", "") + end))
		for {
			kind := z.Next()
			if kind == html.ErrorToken {
				break
			}
			t := z.Token()
			switch kind {
			case html.StartTagToken, html.SelfClosingTagToken:
				if how := element(&t); how != "" {
					return how
				}
			case html.CommentToken:
				if strings.HasPrefix(strings.TrimSpace(strings.ToLower(t.Data)), "[if") && strings.Contains(t.Data, "<") { // conditional comments are read by Internet Explorer
					_, inside, _ := strings.Cut(t.Data, ">")
					if how := scripts(inside); how != "" {
						return how
					}
				}
			}
		}
	}
	return ""
}

// attributes reads a text that begins in a tag: only that tag counts.
func attributes(markup string) string {
	for _, end := range []string{">", `">`, "'>"} {
		z := html.NewTokenizer(strings.NewReader(strings.ReplaceAll(markup, "\x00", "") + end))
		if z.Next() == html.StartTagToken {
			t := z.Token()
			t.Data = ""
			if how := element(&t); how != "" {
				return how
			}
		}
	}
	return ""
}

var handlerName = regexp.MustCompile(`^(?:[a-z]+:)?on[a-z]{3,}$`)

func element(t *html.Token) string {
	name := t.Data
	if _, local, ok := strings.Cut(name, ":"); ok {
		name = local
	}
	if name == "script" {
		return "an element script"
	}
	for _, a := range t.Attr {
		key := strings.ToLower(strings.TrimFunc(a.Key, func(r rune) bool { return r <= ' ' || r == '/' || r == '"' || r == '\'' }))
		switch {
		case handlerName.MatchString(key) && code.MatchString(a.Val):
			return "a handler " + key
		case key == "style":
			if how := style(a.Val); how != "" {
				return how
			}
		case strings.HasPrefix(strings.TrimLeft(a.Val, " "), "&{"):
			return "an entity of JavaScript"
		}
		if how := address(a.Val); how != "" {
			return how
		}
		// A refresh has its address behind a number.
		if _, u, ok := strings.Cut(strings.ToLower(a.Val), "url="); ok && name == "meta" {
			if how := address(strings.Trim(u, `"' `)); how != "" {
				return how
			}
		}
	}
	return ""
}

var (
	scheme    = regexp.MustCompile(`^(?:javascript|vbscript|livescript|mocha|jscript|vbs|feed:javascript|feed:feed:javascript|view-source:javascript|jar:javascript):?:`)
	dataText  = regexp.MustCompile(`^data:[^,]{0,80}(?:html|svg|xml|javascript)[^,]{0,80},`)
	code      = regexp.MustCompile("[\\w$\\])}][(`=\\[.]|=|%")
	scripting = regexp.MustCompile(`expression\(|-moz-binding:|behaviou?r:url\(|url\(["']?(?:javascript|vbscript|data:text/html):?|@import["']?(?:javascript|vbscript):|@im\\?port`)
	cssEscape = regexp.MustCompile(`\\([0-9a-fA-F]{1,6}) ?|\\([^0-9a-fA-F\n])`)
)

// address tells whether a text is an address that scripts; browsers skip control characters and white space in it.
func address(v string) string {
	v = html.UnescapeString(v)
	u := strings.ToLower(strings.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7f || r == 0xa0 || r == 0xad {
			return -1
		}
		return r
	}, v))
	u = strings.TrimLeft(u, `"'`+"`")
	if scheme.MatchString(u) && code.MatchString(v) {
		return "an address of a script"
	}
	if dataText.MatchString(u) {
		return "a document in an address"
	}
	return ""
}

// style tells whether a style scripts: without comments and escapes.
func style(v string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(v, "/*")
		b.WriteString(before)
		if !ok {
			break
		}
		_, v, _ = strings.Cut(rest, "*/")
	}
	v = cssEscape.ReplaceAllStringFunc(b.String(), func(e string) string {
		e = strings.TrimSpace(e[1:])
		r := rune(0)
		for _, c := range e {
			d := strings.IndexRune("0123456789abcdef", c|0x20)
			if d < 0 {
				d = strings.IndexRune("0123456789", c)
			}
			if d < 0 || len(e) > 6 {
				return e
			}
			r = r<<4 | rune(d)
		}
		return string(r)
	})
	v = strings.ToLower(strings.Map(func(r rune) rune {
		if r <= ' ' {
			return -1
		}
		return r
	}, v))
	if scripting.MatchString(v) {
		return "a style that scripts"
	}
	return ""
}
