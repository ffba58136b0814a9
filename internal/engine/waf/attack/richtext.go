package attack

import "bytes"

// isRichText tells whether b is what an editor of rich text makes: text with elements that only give it
// shape, whose attributes are spelled out and lead nowhere but to the web. It is strict: whatever it does not know
// makes b something else. Nothing that it takes can run a script, so weak signs (marks of markup, quotation marks
// and words of code between them) are no attack in it; strong ones count everywhere.
//
// The elements and attributes are those that sanitizers of HTML let pass by default.
func isRichText(b []byte) bool {
	elements, least := 0, 1
	page := beginsPage(b)
	if page {
		least = pageElements
	}
	for i := 0; i < len(b); {
		if b[i] != '<' {
			i++
			continue
		}
		if i+1 == len(b) {
			return false
		}
		c := b[i+1]
		if c == ' ' || c == '=' || c >= '0' && c <= '9' { // less than
			i++
			continue
		}
		if elements == 0 && leaves(b[:i]) {
			return false
		}
		if hasFold(b[i:], "<svg") {
			least = max(least, drawingElements)
		}
		rest, ok := comment(b[i:])
		if !ok && page {
			rest, ok = pageHead(b[i:])
		}
		if !ok && beginsSheet(b[i:]) {
			rest, ok = sheet(b[i+len("<style"):])
			least = pageElements
		}
		if !ok {
			rest, ok = element(b[i:], page)
		}
		if !ok {
			rest, ok = promptTag(b[i:])
			switch {
			case !ok:
			case !page && beginsPage(rest): // a page that is a part of a message
				page, least = true, pageElements
			default:
				rest = behindData(b[i:], rest)
			}
		}
		if !ok {
			return false
		}
		elements++
		i = len(b) - len(rest)
	}
	return elements >= least
}

// leaves tells whether text before the first element could be there to leave an attribute or an element.
func leaves(text []byte) bool {
	text = bytes.TrimRight(text, " \t\r\n/")
	if len(text) == 0 {
		return false
	}
	switch text[len(text)-1] {
	case '"', '\'', '`', '>', '=':
		return true
	}
	return bytes.Contains(text, []byte(`">`)) || bytes.Contains(text, []byte(`'>`))
}

// comment takes a comment off the beginning of b, or the sign that begins one if there are elements in it: those have to be
// harmless, too, whether a browser sees them or not.
func comment(b []byte) (rest []byte, ok bool) {
	if rest, found := condition(b); found {
		return rest, true
	}
	inside, ok := bytes.CutPrefix(b, []byte("<!--"))
	if !ok {
		return b, false
	}
	end := bytes.IndexByte(inside, '>')
	if end < 2 || inside[end-1] != '-' || inside[end-2] != '-' || inside[0] == '[' {
		if end > 2 && inside[0] != '[' && inside[0] != '>' && inside[0] != '-' {
			return inside, true
		}
		return b, false
	}
	if bytes.IndexByte(inside[:end], '<') >= 0 {
		return inside, true
	}
	return inside[end+1:], true
}

// longestName is longer than all names below.
const longestName = 24

// name takes a name off the beginning of b and gives it in lower case; empty if there is none.
func name(b []byte, buf *[longestName]byte) (n, rest []byte) {
	i := 0
	for i < len(b) && i < longestName {
		c := lowerASCII(b[i])
		if c >= 'a' && c <= 'z' || i > 0 && (c >= '0' && c <= '9' || c == '-') {
			buf[i] = c
			i++
			continue
		}
		break
	}
	return buf[:i], b[i:]
}

// element takes a tag off the beginning of b, that of a harmless element with harmless attributes, in a page or not.
func element(b []byte, page bool) (rest []byte, ok bool) {
	b = b[1:]
	end := b[0] == '/'
	if end {
		b = b[1:]
	}
	var buf [longestName]byte
	n, b := name(b, &buf)
	drawing := draws(n)
	if !shapes(n) && !drawing && !(page && frames(n)) {
		return nil, false
	}
	anchor := string(n) == "a"
	for {
		trimmed := bytes.TrimLeft(b, " \t\r\n")
		if len(trimmed) == 0 {
			return nil, false
		}
		if trimmed[0] == '>' {
			return trimmed[1:], true
		}
		if bytes.HasPrefix(trimmed, []byte("/>")) {
			return trimmed[2:], true
		}
		if end || len(trimmed) == len(b) { // attributes have space before them
			return nil, false
		}
		if drawing {
			if b, ok = drawingAttribute(trimmed); ok {
				continue
			}
		}
		if b, ok = attribute(trimmed, anchor); !ok {
			return nil, false
		}
	}
}

// attribute takes an attribute off the beginning of b. The name of an anchor is a place in a page; that of other elements can stand
// for a property of the document.
func attribute(b []byte, anchor bool) (rest []byte, ok bool) {
	var buf [longestName]byte
	n, b := name(b, &buf)
	kind := attributeKind(n)
	if anchor && string(n) == "name" {
		kind = plainAttribute
	}
	if rest, found := bytes.CutPrefix(b, []byte(":lang")); found && string(n) == "xml" {
		kind, b = plainAttribute, rest
	}
	if kind == switchAttribute && len(b) > 0 && (b[0] == '>' || b[0] == ' ' || b[0] == '/') {
		return b, true // it has no value
	}
	if kind == 0 || len(b) < 2 || b[0] != '=' {
		return nil, false
	}
	b = b[1:]
	var value []byte
	switch quote := b[0]; {
	case quote == '"' || quote == '\'':
		end := bytes.IndexByte(b[1:], quote)
		if end < 0 {
			return nil, false
		}
		value, rest = b[1:1+end], b[end+2:]
	default:
		end := 0
		for end < len(b) && (b[end] >= '0' && b[end] <= '9' || lowerASCII(b[end]) >= 'a' && lowerASCII(b[end]) <= 'z' || b[end] == '%' || b[end] == '#' || b[end] == '-' || b[end] == '_') {
			end++
		}
		if end == 0 {
			return nil, false
		}
		value, rest = b[:end], b[end:]
	}
	// &{ was a script in an attribute of Netscape 4.
	if bytes.ContainsAny(value, "<>\\\x00") || bytes.Contains(value, []byte("&{")) {
		return nil, false
	}
	switch kind {
	case addressAttribute:
		return rest, webAddress(value)
	case styleAttribute:
		return rest, harmlessStyle(value)
	case spaceAttribute:
		return rest, string(value) == "http://www.w3.org/1999/xhtml"
	}
	return rest, true
}

// shapes tells whether an element only gives text its shape.
func shapes(n []byte) bool {
	switch string(n) {
	case "a", "abbr", "address", "article", "aside", "audio", "b", "bdi", "bdo", "big", "blockquote", "br", "caption", "center", "cite", "code", "col", "colgroup",
		"dd", "del", "details", "dfn", "div", "dl", "dt", "em", "figcaption", "figure", "font", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "i",
		"img", "ins", "kbd", "li", "main", "mark", "nav", "ol", "p", "pre", "q", "s", "samp", "section", "small", "source", "span", "strike", "strong", "sub", "summary", "sup",
		"table", "tbody", "td", "tfoot", "th", "thead", "time", "tr", "tt", "u", "ul", "var", "video", "wbr":
		return true
	}
	return false
}

// Kinds of attributes.
const (
	plainAttribute  = iota + 1
	switchAttribute // needs no value
	addressAttribute
	styleAttribute
	spaceAttribute // XHTML's, in which health records have their narratives (FHIR R4, 2.4)
)

func attributeKind(n []byte) int {
	switch string(n) {
	case "href", "src", "cite", "poster":
		return addressAttribute
	case "style":
		return styleAttribute
	case "xmlns":
		return spaceAttribute
	case "align", "alink", "alt", "bgcolor", "border", "cellpadding", "cellspacing", "class", "color", "colspan", "contenteditable", "datetime", "decoding", "dir", "draggable", "face",
		"frame", "headers", "height", "hreflang", "hspace", "id", "itemprop", "itemtype", "lang", "link", "loading", "nowrap", "preload", "rel", "role", "rowspan", "rules", "scope", "size", "sizes", "spellcheck", "start", "summary", "tabindex", "target", "text", "title", "type", "valign", "vlink", "vspace", "width":
		return plainAttribute
	case "allowfullscreen", "autoplay", "controls", "download", "loop", "muted", "open", "playsinline", "reversed":
		return switchAttribute
	}
	if bytes.HasPrefix(n, []byte("data-")) || bytes.HasPrefix(n, []byte("aria-")) {
		return plainAttribute
	}
	return 0
}

// webAddress tells whether a browser that goes to v stays on the web: no other scheme, however it is written.
func webAddress(v []byte) bool {
	for _, c := range v {
		if c <= ' ' || c == '`' || c == '"' || c == '\'' {
			return false
		}
	}
	if bytes.Contains(v, []byte("&#")) {
		return false
	}
	if isPicture(v) {
		return true
	}
	for i, c := range v {
		switch {
		case c == '/' || c == '?' || c == '#':
			return true // relative to where it is
		case c == '&' || c == '%':
			return false // what may stand for a colon
		case c == ':':
			switch string(bytes.ToLower(v[:i])) {
			case "http", "https", "mailto", "tel":
				return true
			}
			return false
		}
	}
	return true
}

// isPicture tells whether v is a picture in itself, as editors have those that somebody pasted (RFC 2397). SVG, which can have
// scripts, is none.
func isPicture(v []byte) bool {
	for _, kind := range [...]string{"png", "jpeg", "jpg", "gif", "webp", "bmp"} {
		rest, found := bytes.CutPrefix(v, []byte("data:image/"))
		if rest, of := bytes.CutPrefix(rest, []byte(kind+";base64,")); found && of {
			for _, c := range bytes.TrimRight(rest, "=") {
				if base64Value[c] > 63 {
					return false
				}
			}
			return true
		}
	}
	return false
}

// harmlessStyle tells whether declarations of CSS only set what things look like.
func harmlessStyle(v []byte) bool {
	if bytes.ContainsAny(v, "\\@{}`") || bytes.Contains(v, []byte("/*")) || bytes.Contains(v, []byte("&#")) {
		return false
	}
	low := bytes.ToLower(v)
	for {
		// A picture from the web.
		before, after, found := bytes.Cut(low, []byte("url("))
		if !found {
			break
		}
		address, after, found := bytes.Cut(after, []byte(")"))
		if address = bytes.Trim(address, `'"`); !found || !bytes.HasPrefix(address, []byte("http")) && !isPicture(address) || !webAddress(address) {
			return false
		}
		low = append(before[:len(before):len(before)], after...)
	}
	for _, word := range [...]string{"expression", "behavio", "binding", "script", "url", "import", "data:", "animation", "o-link"} {
		if bytes.Contains(low, []byte(word)) {
			return false
		}
	}
	return true
}

// isData tells whether b is a document of XML of other names than those of HTML: data, such as what somebody's browser
// brings from where they signed in. Names of both that run scripts are strong signs wherever they are.
func isData(b []byte) bool {
	b = bytes.TrimSpace(b)
	declared := false
	if rest, found := bytes.CutPrefix(b, []byte("<?xml ")); found {
		declared = true
		end := bytes.IndexByte(rest, '>')
		b = bytes.TrimSpace(rest[end+1:])
	}
	if len(b) < 8 || b[0] != '<' || b[len(b)-1] != '>' {
		return false
	}
	var buf [longestName]byte
	n, rest := name(b[1:], &buf)
	if len(n) == 0 || len(rest) == 0 {
		return false
	}
	end := bytes.IndexByte(b, '>')
	switch string(n) {
	case "html", "svg", "math", "body", "head", "script", "style", "x", "xss", "a", "img", "iframe", "object", "embed":
	default:
		if declared && rest[0] == '>' {
			return !bytes.Contains(b, []byte("xmlns")) && !bytes.Contains(b, []byte("<!"))
		}
	}
	space := rest[0] == ':' && bytes.Contains(b[:end], []byte("xmlns")) || bytes.Contains(b[:end], []byte(` xmlns="urn:`)) || bytes.Contains(b[:end], []byte(` xmlns="http`))
	return space && !bytes.Contains(b, []byte("org/1999/xhtml")) && !bytes.Contains(b, []byte("org/2000/svg"))
}

// hasElement tells whether an element begins in b: an editor does not write the end of one that has no beginning.
func hasElement(b []byte) bool {
	for i := 0; i+1 < len(b); i++ {
		if c := b[i+1] | 0x20; b[i] == '<' && c >= 'a' && c <= 'z' {
			return true
		}
	}
	return false
}
