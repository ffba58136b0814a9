package attack

import "bytes"

// Pictures, sound and sealed data in base64 are ordinary parts of values. They are no text, so nothing reads them
// for what is in them, but they look like everything by chance and fill the automata with states that are never met
// again: a picture of some twenty kilobytes would cost more than a request may.

const (
	// minBlob is the least length of base64 that is left out.
	minBlob = 1024
	// blobEnd is how much of both ends of it stays: they may end or begin what is around it.
	blobEnd = 64
)

// withoutBlobs appends b without the middles of long runs of base64 that are no text in any coding, and tells
// whether there were any.
func withoutBlobs(dst, b []byte) (out []byte, found bool) {
	start, from := len(dst), 0
	for i := 0; i+minBlob <= len(b); {
		// None that is long enough is before a byte that is in none.
		if last := b[i+minBlob-1]; base64Value[last] > 63 && last != '\n' && last != '\r' {
			i += minBlob
			continue
		}
		n := blobLength(b[i:])
		if n == 0 {
			i++
			continue
		}
		run := b[i : i+n]
		i += n
		if n < minBlob || !isBlob(dst[len(dst):], run) {
			continue
		}
		dst = append(dst, b[from:i-n+blobEnd]...)
		from, found = i-blobEnd, true
	}
	if !found {
		return dst[:start], false
	}
	return append(dst, b[from:]...), true
}

// blobLength is how many bytes at the beginning of b are signs of base64, in lines as messages have them.
func blobLength(b []byte) int {
	line := 0
	for i, c := range b {
		switch {
		case base64Value[c] <= 63:
			line++
		case (c == '\n' || c == '\r') && line >= minLine:
			if c == '\n' {
				line = 0
			}
		default:
			return i
		}
	}
	return len(b)
}

// isBlob tells whether a run of signs of base64 is data: of one alphabet, with large and small letters and digits, of
// no text, and without words of SQL between signs that may be spaces. dst is memory to decode to.
func isBlob(dst, run []byte) bool {
	var large, small, digit, other, hex = false, false, false, false, true
	line := dst[:0]
	for _, c := range run {
		switch {
		case c >= 'A' && c <= 'Z':
			large = true
		case c >= 'a' && c <= 'z':
			small = true
		case c >= '0' && c <= '9':
			digit = true
		case c == '\n' || c == '\r':
			continue
		default:
			other = true
		}
		hex = hex && isHex(c)
		line = append(line, c)
	}
	if !large || !small || !digit || hex || other && spacedWords(line) {
		return false
	}
	std, url := bytes.IndexByte(line, '+') >= 0 || bytes.IndexByte(line, '/') >= 0, bytes.IndexByte(line, '-') >= 0 || bytes.IndexByte(line, '_') >= 0
	if std && url {
		return false
	}
	for shift := range 4 { // it may be that what stands before it is no part of it
		if _, ok := base64Text(line[len(line):], line[shift:]); ok {
			return false
		}
	}
	return true
}

// spacedWords tells whether a word of SQL stands between two plus signs. Short ones do by chance, and need a sign that
// ends the run soon behind them.
func spacedWords(b []byte) bool {
	for {
		at := bytes.IndexByte(b, '+')
		if at < 0 {
			return false
		}
		b = b[at+1:]
		for _, w := range [...]string{"union+", "select+", "from+", "where+", "like+", "rlike+", "between+", "having+", "order+", "limit+", "regexp+", "into+"} {
			if hasFold(b, w) {
				return true
			}
		}
	}
}
