package attack

import "bytes"

// Messages in bodies have fields of their own: a form whose Content-Type does not name its boundary, several requests in one (multipart/mixed), a
// letter, a recorded answer. What splits a header goes on with the line that an application had begun, so a text that begins with a message's first
// line is none.

// boundaryBytes is how long a boundary is at most, with the two signs before it (RFC 2046, 5.1.1).
const boundaryBytes = 72

// isMessage tells whether a value of a body is a message of several parts, whose heads say what they have in them and nothing else, or, if it is a
// whole body, any message of HTTP or mail.
func isMessage(b []byte, whole bool) bool {
	b = bytes.TrimLeft(b, "\r\n")
	first, rest := cutLine(b)
	if bytes.HasPrefix(first, []byte("--")) {
		return isParts(first, rest)
	}
	return whole && (isField(first) || isStart(first))
}

// isParts tells whether the parts behind boundaries have heads of fields of content alone (RFC 2046, 5.1).
func isParts(boundary, b []byte) bool {
	if len(boundary) < 3 || len(boundary) > boundaryBytes || bytes.IndexByte(boundary, ' ') >= 0 {
		return false
	}
	for parts := 0; ; parts++ {
		fields := 0
		for {
			line, rest := cutLine(b)
			b = rest
			if len(line) == 0 {
				break
			}
			if (line[0] == ' ' || line[0] == '\t') && fields > 0 {
				continue
			}
			if !isField(line) || !hasFold(line, "content-") && !hasFold(line, "mime-version:") {
				return false
			}
			fields++
		}
		if fields == 0 {
			return false
		}
		n := bytes.Index(b, boundary)
		if n < 0 || n > 0 && b[n-1] != '\n' {
			return true // the rest is this part's
		}
		var line []byte
		if line, b = cutLine(b[n+len(boundary):]); len(line) > 0 {
			return true // the last boundary, or none
		}
	}
}

// isField tells whether a line is a field of a head.
func isField(line []byte) bool {
	n := bytes.IndexByte(line, ':')
	if n < 1 || n > 40 || n+1 == len(line) || line[n+1] != ' ' {
		return false
	}
	for _, c := range line[:n] {
		if !isLetter(c) && c != '-' || c >= 0x80 {
			return false
		}
	}
	return true
}

// isStart tells whether a line is the first one of a request or an answer (RFC 9112, 3 and 4).
func isStart(line []byte) bool {
	if hasFold(line, "http/") {
		return true
	}
	method, rest, found := bytes.Cut(line, []byte(" "))
	if !found || len(method) < 3 || len(method) > 20 {
		return false
	}
	for _, c := range method {
		if c < 'A' || c > 'Z' {
			return false
		}
	}
	_, version, found := bytes.Cut(rest, []byte(" "))
	return found && hasFold(version, "http/")
}

// cutLine cuts the first line off, without its end.
func cutLine(b []byte) (line, rest []byte) {
	line, rest, _ = bytes.Cut(b, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r")), rest
}
