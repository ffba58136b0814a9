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
// whether there were any, and how many bytes were decoded to know.
func withoutBlobs(dst, b []byte) (out []byte, found bool, read int) {
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
		if n < minBlob {
			continue
		}
		blob, more := isBlob(dst[len(dst):], run)
		if read += more; !blob {
			continue
		}
		dst = append(dst, b[from:i-n+blobEnd]...)
		from, found = i-blobEnd, true
	}
	if !found {
		return dst[:start], false, read
	}
	return append(dst, b[from:]...), true, read
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

// Kinds of signs in a run of base64.
const (
	largeSign uint8 = 1 << iota
	smallSign
	digitSign
	endOfLine
	otherSign
	notHex
)

// blobSigns are the kinds of each byte.
var blobSigns = func() (t [256]uint8) {
	for c := range t {
		switch {
		case c >= 'A' && c <= 'Z':
			t[c] = largeSign
		case c >= 'a' && c <= 'z':
			t[c] = smallSign
		case c >= '0' && c <= '9':
			t[c] = digitSign
		case c == '\n' || c == '\r':
			t[c] = endOfLine
			continue
		default:
			t[c] = otherSign
		}
		if !isHex(byte(c)) {
			t[c] |= notHex
		}
	}
	return
}()

// isBlob tells whether a run of signs of base64 is data: of one alphabet, with large and small letters and digits, of
// no text, and without words of SQL between signs that may be spaces. dst is memory to decode to. read is how many bytes were decoded for
// that.
func isBlob(dst, run []byte) (blob bool, read int) {
	var kinds uint8
	for _, c := range run {
		kinds |= blobSigns[c]
	}
	const data = largeSign | smallSign | digitSign | notHex
	if kinds&data != data {
		return false, 0
	}
	line := run
	if kinds&endOfLine != 0 {
		line = dst[:0]
		for len(run) > 0 {
			n := bytes.IndexByte(run, '\n')
			if n < 0 {
				n = len(run)
			}
			line = append(line, bytes.TrimRight(run[:n], "\r")...)
			run = run[min(n+1, len(run)):]
		}
		if bytes.IndexByte(line, '\r') >= 0 {
			line = bytes.ReplaceAll(line, []byte("\r"), nil)
		}
		dst = line[len(line):]
	}
	if kinds&otherSign != 0 && spacedWords(line) {
		return false, 0
	}
	std, url := bytes.IndexByte(line, '+') >= 0 || bytes.IndexByte(line, '/') >= 0, bytes.IndexByte(line, '-') >= 0 || bytes.IndexByte(line, '_') >= 0
	if std && url {
		return false, 0
	}
	for shift := range 4 { // it may be that what stands before it is no part of it
		n, text := decodesToText(dst, line[shift:])
		if read += n; text {
			return false, read
		}
	}
	return true, read
}

// decodesToText tells whether base64Text takes a run of signs of one alphabet for text, and how many bytes it decoded to know: of data it is
// known long before the end. dst is memory to decode to.
func decodesToText(dst, t []byte) (read int, text bool) {
	if len(t) < minBase64 {
		return 0, false
	}
	const part = 4 << 10 // signs
	whole := len(t) / 4 * 3
	if rest := len(t) % 4; rest >= 2 {
		whole += rest - 1
	}
	odd, left := 0, 0 // left is what of the end of dst may be the beginning of a character
	for len(t) > 0 {
		dst = append(dst[:0], dst[len(dst)-left:]...)
		n := min(part, len(t))
		dst = appendSigns(dst, t[:n])
		t = t[n:]
		read += n
		var more int
		more, left = oddBytes(dst, len(t) == 0)
		if odd += more; odd*20 > whole {
			return read, false
		}
	}
	return read, true
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
