package request

import (
	"bytes"
	"strings"
)

// Part is a part of a multipart body.
type Part struct {
	// Name is the field's name, FileName that of the file as the client calls it, from
	// filename* where it is given. HasFile tells whether there is one, be it empty.
	Name, FileName []byte
	HasFile        bool
	// ContentType is as it was sent.
	ContentType []byte
	// Header are the lines of the part's header, Content what it holds.
	Header, Content []byte
}

// MultipartProblem is a set of deviations that readers of multipart bodies disagree about.
type MultipartProblem uint16

// The problems.
const (
	// NoBoundary: Content-Type names no boundary, or an empty or too long one.
	NoBoundary MultipartProblem = 1 << iota
	// BareLineFeed: a line ends without CR.
	BareLineFeed
	// BadHeader: a line of a header has no colon, is folded, or is not ended by an empty line.
	BadHeader
	// BadDisposition: a part has no Content-Disposition, more than one, one that is not
	// form-data, or one without a name or with a parameter that stands twice.
	BadDisposition
	// DataBefore and DataAfter: there is something outside the boundaries.
	DataBefore
	DataAfter
	// Unfinished: the last boundary is missing though the body is whole.
	Unfinished
	// BadBoundaryLine: something that begins as a boundary goes on otherwise.
	BadBoundaryLine
	// TransferEncoding: a part has Content-Transfer-Encoding other than 7bit, 8bit, binary.
	TransferEncoding
	// OddBoundary: Content-Type names two boundaries, or one with characters that RFC 2046
	// §5.1.1 does not allow: readers cut those differently.
	OddBoundary
)

// multipart is a multipart body taken apart.
type multipart struct {
	parts    []Part
	problems MultipartProblem
	done     bool
	oversize bool
}

func (m *multipart) reset() {
	clear(m.parts)
	*m = multipart{parts: m.parts[:0]}
}

// Parts are the parts of a multipart body, what is odd about it, and whether there are more
// than the limits allow; then the last part's content is all that is left. It has none if
// the body is of another format. If no part can be found, the one that there is has the
// whole body as its content.
func (in *Inspection) Parts() (list []Part, problems MultipartProblem, oversize bool) {
	m := &in.parts.multi
	if !m.done {
		m.done = true
		if in.Format() == FormatMultipart {
			in.splitParts(m)
		}
	}
	return m.parts, m.problems, m.oversize
}

func (in *Inspection) splitParts(m *multipart) {
	body, _ := in.r.held()
	contentType, _ := in.r.Field("Content-Type")
	boundary, times := parameter(contentType, "boundary")
	if times > 1 || !isBoundary(boundary) {
		m.problems |= OddBoundary
	}
	if boundary == "" || len(boundary) > 70 {
		m.problems |= NoBoundary
		m.parts = append(m.parts, Part{Content: body})
		return
	}
	n := len(in.scratch)
	in.scratch = append(append(in.scratch, "\n--"...), boundary...)
	delimiter := in.since(n)

	// A boundary stands at the beginning of a line; the first line has no line feed before it.
	var at int
	if bytes.HasPrefix(body, delimiter[1:]) {
		at = len(delimiter) - 1
	} else {
		before, _, found := bytes.Cut(body, delimiter)
		if !found {
			m.problems |= Unfinished
			m.parts = append(m.parts, Part{Content: body})
			return
		}
		if len(trimmed(before)) > 0 {
			m.problems |= DataBefore
		}
		at = len(before) + len(delimiter)
	}
	for {
		rest := body[at:]
		if bytes.HasPrefix(rest, []byte("--")) {
			if len(trimmed(rest[2:])) > 0 {
				m.problems |= DataAfter
				// Some readers go on. So that nothing hides there, it is a part.
				m.parts = append(m.parts, Part{Content: rest[2:]})
			}
			return
		}
		line, content, ok := cutLine(rest, &m.problems)
		if len(bytes.Trim(line, " \t")) > 0 {
			m.problems |= BadBoundaryLine
		}
		if !ok {
			in.unfinished(m)
			return
		}
		if len(m.parts) == in.limits.Parts {
			m.oversize = true
			m.parts = append(m.parts, Part{Content: content})
			return
		}
		end := bytes.Index(content, delimiter)
		whole := end >= 0
		if !whole {
			// An empty part's boundary directly follows the line.
			if bytes.HasPrefix(content, delimiter[1:]) {
				end, whole = -1, true
			} else {
				end = len(content)
			}
		}
		text := content[:max(end, 0)]
		if whole && end > 0 {
			if text[len(text)-1] == '\r' {
				text = text[:len(text)-1]
			} else {
				m.problems |= BareLineFeed
			}
		}
		m.parts = append(m.parts, in.part(text, &m.problems))
		if !whole {
			in.unfinished(m)
			return
		}
		at = len(body) - len(content) + end + len(delimiter)
	}
}

// isBoundary tells whether s is made of RFC 2046's bchars and does not end with a space.
func isBoundary(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c|0x20-'a' >= 26 && c-'0' >= 10 && strings.IndexByte("'()+_,-./:=? ", c) < 0 {
			return false
		}
	}
	return s == "" || s[len(s)-1] != ' '
}

// unfinished notes that the last boundary is missing, unless the body goes on.
func (in *Inspection) unfinished(m *multipart) {
	if _, truncated := in.r.held(); !truncated {
		m.problems |= Unfinished
	}
}

// cutLine cuts s at its first line end.
func cutLine(s []byte, problems *MultipartProblem) (line, rest []byte, ok bool) {
	line, rest, ok = bytes.Cut(s, []byte("\n"))
	if !ok {
		return line, nil, false
	}
	if n := len(line); n > 0 && line[n-1] == '\r' {
		return line[:n-1], rest, true
	}
	*problems |= BareLineFeed
	return line, rest, true
}

// part reads a part's header and content.
func (in *Inspection) part(s []byte, problems *MultipartProblem) (p Part) {
	whole := s
	dispositions := 0
	for {
		line, rest, ok := cutLine(s, problems)
		if !ok {
			*problems |= BadHeader
			// There is no end of the header: all of it may be content.
			p.Header, p.Content = nil, whole
			break
		}
		s = rest
		if len(line) == 0 {
			p.Header, p.Content = whole[:len(whole)-len(rest)], rest
			break
		}
		name, value, ok := strings.Cut(text(line), ":")
		if !ok || name == "" || name[0] == ' ' || name[0] == '\t' {
			*problems |= BadHeader
			continue
		}
		switch {
		case name[0]|0x20 != 'c': // as of the fields that count
		case strings.EqualFold(name, "Content-Disposition"):
			dispositions++
			in.disposition(&p, strings.Trim(value, " \t"), problems)
		case strings.EqualFold(name, "Content-Type"):
			p.ContentType = view(strings.Trim(value, " \t"))
		case strings.EqualFold(name, "Content-Transfer-Encoding"):
			value = strings.Trim(value, " \t")
			if !strings.EqualFold(value, "7bit") && !strings.EqualFold(value, "8bit") && !strings.EqualFold(value, "binary") {
				*problems |= TransferEncoding
			}
		}
	}
	if dispositions != 1 {
		*problems |= BadDisposition
	}
	return p
}

// disposition reads Content-Disposition (RFC 7578 §4.2).
func (in *Inspection) disposition(p *Part, value string, problems *MultipartProblem) {
	kind, _, _ := strings.Cut(value, ";")
	if !strings.EqualFold(strings.Trim(kind, " \t"), "form-data") {
		*problems |= BadDisposition
	}
	names, files := 0, 0
	_, rest, more := strings.Cut(value, ";")
	extended := false
	for more {
		rest = strings.TrimLeft(rest, " \t;")
		if rest == "" {
			break
		}
		key, after, ok := strings.Cut(rest, "=")
		if !ok {
			*problems |= BadDisposition
			break
		}
		key = strings.TrimRight(key, " \t")
		var v string
		v, rest, more = parameterValue(strings.TrimLeft(after, " \t"))
		switch {
		case strings.EqualFold(key, "name"):
			names++
			p.Name = view(v)
		case strings.EqualFold(key, "filename"):
			files++
			p.HasFile = true
			if !extended {
				p.FileName = view(v)
			}
		case strings.EqualFold(key, "filename*"):
			// RFC 5987: charset'language'percent-encoded
			p.HasFile, extended = true, true
			if _, after, ok := strings.Cut(v, "'"); ok {
				if _, encoded, ok := strings.Cut(after, "'"); ok {
					v = encoded
				}
			}
			p.FileName = in.urlDecoded(view(v))
		}
	}
	if names != 1 || files > 1 {
		*problems |= BadDisposition
	}
}

// multipartArguments are the fields that are no files; of files, the name alone.
func (in *Inspection) multipartArguments(p *pairs) {
	parts, problems, oversize := in.Parts()
	p.oversize = oversize
	in.parts.bodyMalformed = problems&(NoBoundary|OddBoundary|Unfinished|BadHeader) != 0
	for i := range parts {
		if parts[i].HasFile {
			p.list = append(p.list, Pair{Name: parts[i].Name})
			continue
		}
		p.list = append(p.list, Pair{parts[i].Name, parts[i].Content})
	}
}

// appendFileNames selects the names of files.
func appendFileNames(_ *Selector, dst []Value, in *Inspection) ([]Value, Outcome) {
	parts, _, oversize := in.Parts()
	for i := range parts {
		if parts[i].HasFile {
			dst = append(dst, Value{Bytes: parts[i].FileName, Name: parts[i].Name})
		}
	}
	_, truncated := in.r.held()
	return dst, Outcome{Oversize: oversize || truncated}
}
