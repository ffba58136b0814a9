package inject

import "bytes"

// tags are the names that libinjection takes for scripting, besides all that begin with svg
// or xsl.
var tags = map[string]bool{
	"applet": true, "base": true, "comment": true, "embed": true, "frame": true, "frameset": true, "handler": true, "iframe": true,
	"import": true, "isindex": true, "link": true, "listener": true, "meta": true, "noscript": true, "object": true, "script": true,
	"style": true, "vmlframe": true, "xml": true, "xss": true,
}

// attributes are the names whose value libinjection looks at, besides all that begin with on;
// true where only a URL of certain schemes counts.
var attributes = map[string]bool{
	"action": true, "by": true, "background": true, "dynsrc": true, "formaction": true, "folder": true, "from": true, "handler": true,
	"href": true, "lowsrc": true, "poster": true, "src": true, "to": true, "values": true, "xlink:href": true,
	"attributename": false, "dataformatas": false, "datasrc": false, "filter": false, "style": false, "xmlns": false, "xlink": false,
}

// longestName is that of tags and attributes; names that begin with on are longer.
const longestName = 16

// maybeMarkup tells whether a value may be scripting to libinjection, which needs one of
// three things: a comment or declaration, a tag of a certain name, or an attribute of a
// certain name with a value, which need not stand in a tag, since the value may be put into
// one.
func maybeMarkup(value []byte) bool {
	for i := bytes.IndexByte(value, '<'); i >= 0 && i+1 < len(value); {
		if maybeTag(value[i+1:]) {
			return true
		}
		n := bytes.IndexByte(value[i+1:], '<')
		if n < 0 {
			break
		}
		i += 1 + n
	}
	for i := bytes.IndexByte(value, '='); i >= 0; {
		if maybeAttribute(value[:i], value[i+1:]) {
			return true
		}
		n := bytes.IndexByte(value[i+1:], '=')
		if n < 0 {
			break
		}
		i += 1 + n
	}
	return false
}

// maybeTag tells whether what follows a < may be a comment, a declaration, or a tag of a
// certain name. NUL bytes do not count in names, as they did not to old browsers.
func maybeTag(s []byte) bool {
	switch s[0] {
	case '!', '?', '%':
		return true
	case '/':
		s = s[1:]
		if len(s) > 0 && s[0] != '>' && (s[0]|0x20 < 'a' || s[0]|0x20 > 'z') {
			return true // a bogus comment
		}
	case 0:
	default:
		if c := lower(s[0]); c < 'a' || c > 'z' {
			return false // text
		}
	}
	var buf [longestName]byte
	name := buf[:0]
	for _, c := range s {
		if isMarkupSpace(c) || c == '/' || c == '>' {
			break
		}
		if c == 0 {
			continue
		}
		if len(name) == len(buf) {
			return beginsWithTag(name)
		}
		name = append(name, lower(c))
	}
	return beginsWithTag(name) || tags[string(name)]
}

func beginsWithTag(name []byte) bool {
	return bytes.HasPrefix(name, []byte("svg")) || bytes.HasPrefix(name, []byte("xsl"))
}

// maybeAttribute tells whether the name before an = may be one whose value counts, and the
// value what follows. The name is what stands behind the last separator or quote.
func maybeAttribute(before, after []byte) bool {
	end := len(before)
	for end > 0 && (isMarkupSpace(before[end-1]) || before[end-1] == 0) {
		end--
	}
	start := end
	for start > 0 {
		c := before[start-1]
		if isMarkupSpace(c) || c == '/' || c == '>' || c == '=' || c == '"' || c == '\'' || c == '`' {
			break
		}
		start--
	}
	var buf [longestName]byte
	name := buf[:0]
	for _, c := range before[start:end] {
		if c == 0 {
			continue
		}
		if len(name) == len(buf) {
			break // no name but of an event is as long
		}
		name = append(name, lower(c))
	}
	if len(name) > 2 && name[0] == 'o' && name[1] == 'n' {
		return true
	}
	url, ok := attributes[string(name)]
	return ok && (!url || maybeURL(after))
}

// maybeURL tells whether s may begin with data, view-source, vbscript or java, all of which
// may be written with references to characters, behind quotes, space and bytes above ASCII.
func maybeURL(s []byte) bool {
	for _, c := range s {
		if c <= ' ' || c >= 0x7f || c == '"' || c == '\'' || c == '`' {
			continue
		}
		c = lower(c)
		return c == 'd' || c == 'v' || c == 'j' || c == '&'
	}
	return false
}

func isMarkupSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func lower(c byte) byte {
	if c-'A' < 26 {
		return c | 0x20
	}
	return c
}
