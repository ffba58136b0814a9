package request

import (
	"bytes"

	"fastness/internal/engine/waf/transform"
	"fastness/internal/engine/waf/wide"
)

// xmlArguments are the texts and attributes of XML, decoded. A document type declaration is
// an argument by itself, as it comes: that is where external entities are declared.
// Comments and processing instructions, which no application sees, are left out.
//
// The attributes go to another list, which may be the same.
func (in *Inspection) xmlArguments(p, attributes *pairs) {
	s, _ := in.r.held()
	s = in.narrow(s)
	element := view("xml")
	for len(s) > 0 {
		if len(p.list) >= in.limits.Arguments {
			p.oversize = true
			p.list = append(p.list, Pair{Value: s})
			return
		}
		i := bytes.IndexByte(s, '<')
		if i < 0 {
			i = len(s)
		}
		if t := trimmed(s[:i]); len(t) > 0 {
			p.list = append(p.list, Pair{element, in.transformed(transform.HTMLEntityDecode, t)})
		}
		s = s[i:]
		var end int
		switch {
		case len(s) == 0:
			return
		case len(s) > 1 && s[1] != '!' && s[1] != '?':
			element, end = in.tag(attributes, s, element)
		case bytes.HasPrefix(s, []byte("<!--")):
			end = after(s, "-->")
		case bytes.HasPrefix(s, []byte("<![CDATA[")):
			end = after(s, "]]>")
			if end > 0 {
				p.list = append(p.list, Pair{element, s[len("<![CDATA[") : end-len("]]>")]})
			}
		case bytes.HasPrefix(s, []byte("<?")):
			end = after(s, "?>")
		case bytes.HasPrefix(s, []byte("<!")):
			end = declaration(s)
			if end > 0 {
				p.list = append(p.list, Pair{view("!DOCTYPE"), s[:end]})
			}
		}
		if end <= 0 { // it does not end
			in.parts.bodyMalformed = true
			p.list = append(p.list, Pair{element, s})
			return
		}
		s = s[end:]
	}
}

// narrow is a document in UTF-8, whichever encoding its first bytes tell.
func (in *Inspection) narrow(s []byte) []byte {
	n := len(in.scratch)
	out, is := wide.Append(in.scratch, s)
	if !is {
		return s
	}
	in.scratch = out
	return in.since(n)
}

// after is the index after the first mark in s, 0 if there is none.
func after(s []byte, mark string) int {
	i := bytes.Index(s, []byte(mark))
	if i < 0 {
		return 0
	}
	return i + len(mark)
}

// declaration is the length of the declaration at the beginning of s, with its internal
// subset, 0 if it does not end.
func declaration(s []byte) int {
	depth := 0
	var quote byte
	for i, c := range s {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '[':
			depth++
		case c == ']':
			depth--
		case c == '>' && depth <= 0:
			return i + 1
		}
	}
	return 0
}

// tag reads the tag at the beginning of s with its attributes, and returns the element that
// texts belong to after it and its length, 0 if it does not end.
func (in *Inspection) tag(p *pairs, s, element []byte) ([]byte, int) {
	i := 1
	if i < len(s) && s[i] == '/' {
		end := bytes.IndexByte(s, '>')
		return element, end + 1
	}
	from := i
	for i < len(s) && !isXMLSpace(s[i]) && s[i] != '>' && s[i] != '/' {
		i++
	}
	element = s[from:i:i]
	for i < len(s) {
		for i < len(s) && (isXMLSpace(s[i]) || s[i] == '/') {
			i++
		}
		if i == len(s) {
			return element, 0
		}
		if s[i] == '>' {
			return element, i + 1
		}
		if len(p.list) >= in.limits.Arguments {
			p.oversize = true
			p.list = append(p.list, Pair{element, s[i:]})
			return element, len(s)
		}
		from = i
		for i < len(s) && !isXMLSpace(s[i]) && s[i] != '=' && s[i] != '>' {
			i++
		}
		name := s[from:i:i]
		for i < len(s) && isXMLSpace(s[i]) {
			i++
		}
		if i == len(s) || s[i] != '=' {
			p.list = append(p.list, Pair{Name: name})
			continue
		}
		i++
		for i < len(s) && isXMLSpace(s[i]) {
			i++
		}
		if i == len(s) || s[i] != '"' && s[i] != '\'' {
			in.parts.bodyMalformed = true
			continue
		}
		n := bytes.IndexByte(s[i+1:], s[i])
		if n < 0 {
			return element, 0
		}
		p.list = append(p.list, Pair{name, in.transformed(transform.HTMLEntityDecode, s[i+1:i+1+n])})
		i += n + 2
	}
	return element, 0
}

func isXMLSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// XML are the texts and the attributes of an XML body, decoded, and what became of reading it. It
// is asked for instead of BodyArguments, not beside it.
func (in *Inspection) XML() (texts, attributes []Pair, o Outcome) {
	p := &in.parts
	if !p.markup.done {
		p.markup.done, p.body.done = true, true
		if in.Format() == FormatXML {
			in.xmlArguments(&p.body, &p.markup)
		}
	}
	_, truncated := in.r.held()
	return p.body.list, p.markup.list, Outcome{Oversize: p.body.oversize || p.markup.oversize || truncated, Malformed: p.bodyMalformed}
}
