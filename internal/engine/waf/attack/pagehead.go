package attack

import "bytes"

// Mail is a whole page of HTML, with a head. What a head may have in rich text is what mail needs: its kind, its title, how
// its letters are written, and styles that only set what things look like.

// pageElements is how many elements and declarations a page has at least: fragments of pages are no mail.
const pageElements = 6

// beginsPage tells whether b begins as a page of HTML does.
func beginsPage(b []byte) bool {
	b = bytes.TrimLeft(b, " \t\r\n")
	return hasFold(b, "<!doctype html") || hasFold(b, "<html>") || hasFold(b, "<html ")
}

// frames tells whether an element is one of those that a page consists of.
func frames(n []byte) bool {
	switch string(n) {
	case "html", "head", "title", "body":
		return true
	}
	return false
}

// pageHead takes a declaration of HTML, a harmless meta element or a harmless style sheet off the beginning of b.
func pageHead(b []byte) (rest []byte, ok bool) {
	switch {
	case hasFold(b, "<!doctype html"):
		end := bytes.IndexByte(b, '>')
		return b[end+1:], end > 0 && bytes.IndexByte(b[:end], '[') < 0 && bytes.IndexByte(b[1:end], '<') < 0
	case hasFold(b, "<meta") && len(b) > 5 && isSpace(b[5]):
		return meta(b[len("<meta"):])
	case beginsSheet(b):
		return sheet(b[len("<style"):])
	}
	return nil, false
}

// condition takes a mark of Outlook's conditional comments off the beginning of b: what is between them has to be harmless, too.
func condition(b []byte) (rest []byte, ok bool) {
	if rest, ok = bytes.CutPrefix(b, []byte("<![endif]-->")); ok {
		return rest, true
	}
	if rest, ok = bytes.CutPrefix(b, []byte("<![endif]>")); ok {
		return rest, true
	}
	if rest, ok = bytes.CutPrefix(b, []byte("<!--[if ")); !ok {
		return nil, false
	}
	inside, rest, ok := bytes.Cut(rest, []byte("]>"))
	if !ok || len(inside) > 60 {
		return nil, false
	}
	for _, c := range inside {
		if !word(c) && bytes.IndexByte([]byte(" !&|()."), c) < 0 {
			return nil, false
		}
	}
	return bytes.TrimPrefix(rest, []byte("<!-->")), true
}

// meta takes the attributes of a meta element and its end off the beginning of b. It may tell what a page is, and not lead
// elsewhere or have its bytes read as other letters.
func meta(b []byte) (rest []byte, ok bool) {
	end := bytes.IndexByte(b, '>')
	if end < 0 {
		return nil, false
	}
	inside := bytes.ToLower(bytes.TrimSuffix(b[:end], []byte("/")))
	for {
		inside = bytes.TrimLeft(inside, " \t\r\n")
		if len(inside) == 0 {
			return b[end+1:], true
		}
		n, after, found := bytes.Cut(inside, []byte("="))
		if !found || len(after) < 2 || after[0] != '"' && after[0] != '\'' {
			return nil, false
		}
		value, after, found := bytes.Cut(after[1:], after[:1])
		if !found || bytes.ContainsAny(value, "<\x00") {
			return nil, false
		}
		switch string(n) {
		case "charset", "content", "name", "property":
			for _, odd := range [...]string{"utf-7", "utf7", "iso-2022", "hz-gb", "utf-16", "utf-32", "javascript", "data:"} {
				if bytes.Contains(value, []byte(odd)) {
					return nil, false
				}
			}
		case "http-equiv":
			switch string(value) {
			case "content-type", "x-ua-compatible", "content-language":
			default:
				return nil, false
			}
		default:
			return nil, false
		}
		inside = after
	}
}

// beginsSheet tells whether b begins with the element of a style sheet.
func beginsSheet(b []byte) bool {
	return hasFold(b, "<style") && len(b) > 6 && (b[6] == '>' || isSpace(b[6]))
}

// sheet takes a style sheet and its end off the beginning of b.
func sheet(b []byte) (rest []byte, ok bool) {
	end := bytes.IndexByte(b, '>')
	if end < 0 {
		return nil, false
	}
	switch kind := bytes.TrimSpace(b[:end]); string(bytes.ToLower(kind)) {
	case "", `type="text/css"`, `type='text/css'`, `media="all"`, `type="text/css" media="screen"`, `type="text/css" media="all"`:
	default:
		return nil, false
	}
	text := b[end+1:]
	for i := 0; ; i++ {
		n := bytes.IndexByte(text[i:], '<')
		if n < 0 {
			return nil, false
		}
		if i += n; hasFold(text[i:], "</style>") {
			return text[i+len("</style>"):], harmlessSheet(text[:i])
		}
		if !bytes.HasPrefix(text[i:], []byte("<!--")) {
			return nil, false
		}
	}
}

// harmlessSheet tells whether a style sheet has nothing in it that runs or loads anything: no words for that, also when comments
// are taken out of them.
func harmlessSheet(text []byte) bool {
	low := bytes.ToLower(text)
	var bare []byte
	for rest := low; ; {
		before, after, found := bytes.Cut(rest, []byte("/*"))
		bare = append(bare, before...)
		if !found {
			break
		}
		if _, rest, found = bytes.Cut(after, []byte("*/")); !found {
			return false
		}
	}
	if bytes.IndexByte(bare, '\\') >= 0 {
		return false
	}
	for _, word := range [...]string{"expression", "behavio", "binding", "script", "url", "import", "data:", "keyframes", "animation", "o-link", "x-ss", "charset"} {
		if bytes.Contains(bare, []byte(word)) || bytes.Contains(low, []byte(word)) { // a comment may stand in a string
			return false
		}
	}
	return true
}
