package attack

import "bytes"

// Somebody who reports a fault sends a trace of the stack. Its frames are names of classes that expressions of
// attackers have in them, too, but nothing can be done with a frame: it has no arguments.

// minTrace is the least length of a text with a frame in it.
const minTrace = 32

// withoutFrames appends b without the frames of Java's and JavaScript's traces in it and without the names of exceptions, and tells
// whether there were any.
func withoutFrames(dst, b []byte) (out []byte, found bool) {
	start, from := len(dst), 0
	for i := 0; i < len(b); i++ {
		if i > 0 && !isSpace(b[i-1]) || !nameStart(b[i]) {
			continue
		}
		rest := b[i:]
		n := 0
		if after, is := bytes.CutPrefix(rest, []byte("at ")); is && i > 0 {
			if n = max(frameLength(after), scriptFrameLength(after)); n > 0 {
				n += len("at ")
			}
		} else {
			n = exceptionLength(rest)
		}
		if n > 0 {
			dst = append(dst, b[from:i]...)
			from, found = i+n, true
			i += n - 1
		}
	}
	if !found {
		return dst[:start], false
	}
	return append(dst, b[from:]...), true
}

// traced tells whether b may have a trace in it: a frame at the beginning of a line.
func traced(b []byte) bool {
	for {
		i := bytes.Index(b, []byte("at "))
		if i < 0 {
			return false
		}
		if i > 1 && isSpace(b[i-1]) {
			before := bytes.TrimRight(b[:i], " \t")
			if len(before) > 0 && before[len(before)-1] == '\n' && (frameLength(b[i+3:]) > 0 || scriptFrameLength(b[i+3:]) > 0) {
				return true
			}
		}
		b = b[i+3:]
	}
}

// frameLength is the length of the frame at the beginning of b: a name with dots, and in brackets a file and a line, or
// that it has none.
func frameLength(b []byte) int {
	i := 0
	for i < len(b) && (nameStart(b[i]) || b[i] >= '0' && b[i] <= '9' || b[i] == '.' || b[i] == '/' || b[i] == '@' || b[i] == '-' || b[i] == '<' || b[i] == '>') {
		i++
	}
	if i == 0 || i == len(b) || b[i] != '(' {
		return 0
	}
	inside, _, closed := bytes.Cut(b[i+1:min(len(b), i+100)], []byte(")"))
	if !closed {
		return 0
	}
	length := i + len(inside) + 2
	switch string(inside) {
	case "Native Method", "Unknown Source", "<generated>", "Source":
		return length
	}
	file, line, found := bytes.Cut(inside, []byte(":"))
	if !found || len(line) == 0 {
		return 0
	}
	for _, c := range line {
		if c < '0' || c > '9' {
			return 0
		}
	}
	base, kind, found := bytes.Cut(file, []byte("."))
	if !found || len(base) == 0 {
		return 0
	}
	for _, c := range base {
		if !nameStart(c) && (c < '0' || c > '9') {
			return 0
		}
	}
	switch string(kind) {
	case "java", "kt", "scala", "groovy", "clj":
		return length
	}
	return 0
}

// scriptFrameLength is the length of the frame of JavaScript at the beginning of b, which is the rest of a line: names, and the
// address of a script with a line and a column, in parentheses or behind @.
func scriptFrameLength(b []byte) int {
	const longest = 600
	line := b[:min(len(b), longest)]
	if end := bytes.IndexByte(line, '\n'); end >= 0 {
		line = line[:end]
	} else if len(b) > longest {
		return 0
	}
	line = bytes.TrimRight(line, " \r")
	anonymous := []byte("<anonymous>")
	place := bytes.Contains(line, []byte("://")) || bytes.Contains(line, anonymous)
	if !place || len(line) == 0 {
		return 0
	}
	if c := line[len(line)-1]; c != ')' && (c < '0' || c > '9') && !bytes.HasSuffix(line, anonymous) {
		return 0
	}
	open := 0
	for i, c := range line {
		switch {
		case word(c) || c >= 0x80 || bytes.IndexByte([]byte(" _$./:@?&=%#~,+-[]>"), c) >= 0:
		case c == '<':
			if !bytes.HasPrefix(line[i:], anonymous) && !bytes.HasPrefix(line[i:], []byte("<computed>")) && !bytes.HasPrefix(line[i:], []byte("<static_initializer>")) {
				return 0
			}
		case c == '(':
			if open++; open > 3 || i > 0 && line[i-1] != ' ' {
				return 0
			}
		case c == ')':
			if open--; open < 0 {
				return 0
			}
		default:
			return 0
		}
	}
	if open != 0 {
		return 0
	}
	return len(line)
}

// exceptionLength is the length of the name of an exception with the names of its packages at the beginning of b.
func exceptionLength(b []byte) int {
	i, dots := 0, 0
	for i < len(b) && (nameStart(b[i]) || b[i] >= '0' && b[i] <= '9' || b[i] == '.') {
		if b[i] == '.' {
			dots++
		}
		i++
	}
	if dots < 2 || i < len(b) && b[i] != ':' && !isSpace(b[i]) {
		return 0
	}
	if n := b[:i]; bytes.HasSuffix(n, []byte("Exception")) || bytes.HasSuffix(n, []byte("Error")) {
		return i
	}
	return 0
}

func nameStart(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c == '$' }
