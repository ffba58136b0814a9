package request

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"unicode/utf8"
)

// Bodies and files that are no text have texts in them: the strings of a message of gRPC, the names in an archive.
// Whatever reads such a body reads those, so those are looked at, and not the bytes between them, which look like
// anything by chance.

const (
	// minText is the least length of a text between bytes that are none.
	minText = 5
	// fileText is how much of a file is looked at.
	fileText = 4096
	// objectText is how much of a body is that is a file and no text.
	objectText = 16384
	// noiseText is how much of it is looked at if it is packed or sealed, where the more there is the more looks like something by chance.
	noiseText = 64 << 10
	// longText is the least length of a text between the bytes of such a body.
	longText = 12
)

// isText tells whether b has hardly any byte that is no text.
func isText(b []byte) bool {
	odd := 0
	for i := 0; i < len(b); {
		n := textAt(b[i:])
		if n == 0 {
			odd++
			n = 1
		}
		i += n
	}
	return odd*50 <= len(b) && bytes.IndexByte(b, 0) < 0
}

// isNoise tells whether b is what a packer or a cipher makes, and not a message with texts between tags and lengths: bytes
// of all kinds, of which many are control characters or no character at all. So it is when somebody has taken each byte for
// a character of Latin 1 and written that in UTF-8, as recordings of browsers do.
func isNoise(b []byte) bool {
	const least = 24
	above := 0
	for _, c := range b {
		above += int(c >> 7)
	}
	if len(b) < least || above*4 < len(b) {
		return false
	}
	odd, high := 0, 0 // no text; above ASCII and of no other script than Latin 1
	for i := 0; i < len(b); {
		c := b[i]
		n := textAt(b[i:])
		switch {
		case n == 0:
			odd++
			n = 1
			high += int(c >> 7)
		case n == 2 && c < 0xc4:
			if c == 0xc2 && b[i+1] < 0xa0 {
				odd += n
			}
			high += n
		}
		i += n
	}
	return odd*6 >= len(b) && high*4 >= len(b)
}

// appendLongTexts appends the texts of ASCII and of other scripts than Latin 1 in noise that are long enough not to be there
// by chance.
func appendLongTexts(dst []Value, b []byte, limit int) []Value {
	start := 0
	for i, n := 0, 0; ; i += n {
		if n = 0; i < len(b) {
			if n = textAt(b[i:]); n == 2 && b[i] < 0xc4 {
				n = 0
			}
		}
		if n > 0 {
			continue
		}
		if i-start >= longText {
			if dst = append(dst, Value{Bytes: b[start:i]}); len(dst) >= limit {
				return append(dst, Value{Bytes: b[i:]})
			}
		}
		if i >= len(b) {
			return dst
		}
		start, n = i+1, 1
	}
}

// textAt is the length of the character at the beginning of b, and 0 if it is no text.
func textAt(b []byte) int {
	switch c := b[0]; {
	case c >= 0x20 && c < 0x7f, c == '\n', c == '\r', c == '\t':
		return 1
	case c < 0xc2:
		return 0
	}
	if r, n := utf8.DecodeRune(b); r != utf8.RuneError {
		return n
	}
	return 0
}

// appendTexts appends b as a whole if it is text, and the texts in it if it is not. More than limit of them are one
// value. If b is packed as Protocol Buffers are, the length stands before a text, which may look like a letter.
func appendTexts(dst []Value, b []byte, packed bool, limit int) []Value {
	if len(b) == 0 {
		return dst
	}
	if !packed && isText(b) {
		return append(dst, Value{Bytes: b})
	}
	for n := 0; len(b) > 0; {
		// A text begins with ASCII: two bytes by chance are a character of more bytes easily.
		from := 0
		for from < len(b) && (b[from] >= 0x80 || textAt(b[from:]) == 0 || b[from] < ' ') {
			from++
		}
		tagged := from > 0 && b[from-1] > 8 && b[from-1]&7 == 2 // field and wire type of what has a length
		b = b[from:]
		if n == limit {
			return append(dst, Value{Bytes: b})
		}
		to := 0
		for to < len(b) {
			size := textAt(b[to:])
			if size == 0 {
				break
			}
			to += size
		}
		text := b[:to]
		if packed && tagged && to > 0 && int(b[0]) < to {
			to = 1 + int(b[0])
			text = b[1:to]
		}
		if len(text) >= minText {
			dst = append(dst, Value{Bytes: text})
			n++
		}
		b = b[to:]
	}
	return dst
}

// appendOtherBody selects a body that is not taken apart.
func appendOtherBody(_ *Selector, dst []Value, in *Inspection) ([]Value, Outcome) {
	if in.Format() != FormatOther {
		return dst, Outcome{}
	}
	body, truncated := in.r.held()
	body = in.narrow(body)
	contentType, _ := in.r.Field("Content-Type")
	if hasFoldedPrefix(contentType, "application/grpc") {
		// Each message has five bytes before it, of which the last four are its length.
		for n := 0; len(body) > 5 && n < in.limits.Arguments; n++ {
			size := int(min(binary.BigEndian.Uint32(body[1:]), uint32(len(body)-5)))
			if message := body[5 : 5+size]; isNoise(message) {
				dst = appendLongTexts(dst, message, len(dst)+in.limits.Arguments)
			} else {
				dst = appendTexts(dst, message, true, in.limits.Arguments)
			}
			body = body[5+size:]
		}
	}
	if isObject(body) {
		dst = append(dst, Value{Bytes: body[:min(len(body), objectText)]})
	}
	if isNoise(body) {
		if isFile(contentType) {
			body = body[:min(len(body), noiseText)]
		}
		return appendLongTexts(dst, body, len(dst)+in.limits.Arguments), Outcome{Oversize: truncated}
	}
	if isFile(contentType) && !isText(body) {
		// Where objects of Java and names in archives stand; behind it, and where it is short, whatever looks like text
		// does so by chance.
		n := len(dst)
		dst = appendTexts(dst, body[:min(len(body), objectText)], in.packed(), in.limits.Arguments)
		long := slices.DeleteFunc(dst[n:], func(v Value) bool { return len(v.Bytes) < longText })
		return dst[:n+len(long)], Outcome{Oversize: truncated}
	}
	return appendTexts(dst, body, in.packed(), in.limits.Arguments), Outcome{Oversize: truncated}
}

// isObject tells whether a body begins as an object does that Java, Python or Ruby has written (package attack reads them).
func isObject(b []byte) bool {
	return len(b) > 4 && (b[0] == 0xac && b[1] == 0xed || b[0] == 0x80 && b[1] >= 2 && b[1] <= 5 || b[0] == 4 && b[1] == 8)
}

// packed tells whether the body is said to be made of Protocol Buffers.
func (in *Inspection) packed() bool {
	contentType, _ := in.r.Field("Content-Type")
	return hasFoldedPrefix(contentType, "application/grpc") || hasFoldedPrefix(contentType, "application/x-proto") || hasFoldedPrefix(contentType, "application/proto") ||
		hasFoldedPrefix(contentType, "application/vnd.google.protobuf")
}

// sources are the ends of names of files that hold programs and styles, which a server neither runs nor shows as a
// page when somebody has uploaded them, and in which every line looks like an attack. servers are what is in names
// of files that it may run or show, whatever the name ends in.
var (
	sources = [...]string{".go", ".c", ".h", ".cc", ".cpp", ".hpp", ".cs", ".rs", ".java", ".kt", ".scala", ".swift", ".m", ".ts", ".tsx", ".js", ".jsx", ".mjs",
		".css", ".scss", ".sass", ".less", ".sql", ".ipynb", ".md", ".rst", ".tex", ".diff", ".patch", ".proto", ".tf"}
	servers = [...]string{"php", "pht", "phar", "jsp", "asp", "cgi", "htm", "xml", "svg", "\x00", "%", ";", ":"}
)

// isSource tells by its name whether a file holds what sources are for.
func isSource(name []byte) bool {
	for _, w := range servers {
		if containsFolded(name, w) {
			return false
		}
	}
	for _, end := range sources {
		if n := len(name) - len(end); n > 0 && startsFolded(name[n:], end) {
			return true
		}
	}
	return false
}

// containsFolded tells whether b has a word, which is in lower case, in any case.
func containsFolded(b []byte, word string) bool {
	for i := range len(b) - len(word) + 1 {
		if startsFolded(b[i:], word) {
			return true
		}
	}
	return false
}

// startsFolded tells whether b begins with a word, which is in lower case, in any case.
func startsFolded(b []byte, word string) bool {
	if len(b) < len(word) {
		return false
	}
	for i := range len(word) {
		c := b[i]
		if c-'A' < 26 {
			c |= 0x20
		}
		if c != word[i] {
			return false
		}
	}
	return true
}

// appendFileTexts selects the beginnings of files that are text, but for sources.
func appendFileTexts(_ *Selector, dst []Value, in *Inspection) ([]Value, Outcome) {
	parts, _, oversize := in.Parts()
	for i := range parts {
		p := &parts[i]
		if content := in.narrow(p.Content[:min(len(p.Content), fileText)]); p.HasFile && len(content) > 0 && !isSource(p.FileName) && isText(content) {
			dst = append(dst, Value{Bytes: content, Name: p.Name})
		}
	}
	_, truncated := in.r.held()
	return dst, Outcome{Oversize: oversize || truncated}
}

// longestRun is the longest piece of s without anything between its letters and digits, or of one byte again and
// again. What people and programs send at length has signs between its words; what is sent to overflow a buffer
// has none.
func longestRun(s []byte) []byte {
	var best []byte
	start := 0
	for i := range s {
		if i > start && !(alphanumeric(s[i]) && alphanumeric(s[i-1]) || s[i] == s[i-1]) {
			if i-start > len(best) {
				best = s[start:i]
			}
			start = i
		}
	}
	if len(s)-start > len(best) {
		best = s[start:]
	}
	return best
}

func alphanumeric(c byte) bool { return c|0x20-'a' < 26 || c-'0' < 10 }

// appendPathRun selects the longest piece of the decoded path without a sign in it.
func appendPathRun(_ *Selector, dst []Value, in *Inspection) ([]Value, Outcome) {
	return append(dst, Value{Bytes: longestRun(in.urlDecoded(view(in.path)))}), Outcome{}
}

// appendQueryRun selects the longest of the pieces without a sign in the query's decoded arguments.
func appendQueryRun(_ *Selector, dst []Value, in *Inspection) ([]Value, Outcome) {
	list, oversize := in.DecodedQuery()
	return append(dst, Value{Bytes: longestOf(list)}), Outcome{Oversize: oversize}
}

func longestOf(list []Pair) []byte {
	var best []byte
	for i := range list {
		for _, s := range [...][]byte{list[i].Name, list[i].Value} {
			if len(s) > len(best) {
				run := longestRun(s)
				if len(run) > maxRun && isCodedText(s) {
					continue
				}
				if len(run) > len(best) {
					best = run
				}
			}
		}
	}
	return best
}

// isCodedText tells whether s is base64 of text, whose words have signs between them once it is decoded: a message of
// SAML, or a token with many claims.
func isCodedText(s []byte) bool {
	s = bytes.TrimRight(s, "=")
	var group [4]byte
	var text [3]byte
	n, odd, high, whole, run := 0, 0, 0, 0, 0
	for _, c := range s {
		if c == '\r' || c == '\n' {
			continue
		}
		group[n] = c
		if n++; n < len(group) {
			continue
		}
		n = 0
		coding := base64.StdEncoding
		if bytes.ContainsAny(group[:], "-_") {
			coding = base64.URLEncoding
		}
		if _, err := coding.Decode(text[:], group[:]); err != nil {
			return false
		}
		for _, t := range text {
			whole++
			if run++; !alphanumeric(t) {
				run = 0
			}
			if t < 0x20 && t != '\t' && t != '\n' && t != '\r' || t == 0x7f || run > maxRun {
				odd++
			}
			if t >= 0x80 { // in names
				high++
			}
		}
	}
	return odd*50 <= whole && high*5 <= whole
}

// maxRun is the longest piece without a sign in a body that is taken for one that is looked at whole.
const maxRun = 2048

// isFile tells whether a body is said to be a file, or part of one, as those who store files say it: nothing takes
// arguments out of such a body.
func isFile(contentType string) bool {
	for _, kind := range [...]string{"image/", "audio/", "video/", "font/", "application/octet-stream", "binary/octet-stream", "application/offset+octet-stream", "application/pdf",
		"application/zip", "application/gzip", "application/x-gzip", "application/x-tar", "application/x-git-", "application/mercurial-", "application/vnd.openxmlformats-", "application/vnd.oci.image.layer", "application/vnd.docker.image.rootfs"} {
		if hasFoldedPrefix(contentType, kind) && !hasFoldedPrefix(contentType, "image/svg") {
			return true
		}
	}
	return false
}

// appendOpaqueBody selects a body that is not looked at whole.
func appendOpaqueBody(_ *Selector, dst []Value, in *Inspection) ([]Value, Outcome) {
	body, truncated := in.r.held()
	declared, _ := in.r.Field("Content-Type")
	switch in.Format() {
	case FormatNone:
		return dst, Outcome{Oversize: truncated}
	case FormatMultipart:
		if _, o := in.BodyArguments(); !o.Oversize && !o.Malformed && !truncated {
			return dst, Outcome{}
		}
	case FormatJSON, FormatXML, FormatForm:
		if in.surveyed() {
			return dst, Outcome{}
		}
		// A list of documents one below another is no JSON, and is looked at as the text that it is.
		list, o := in.BodyArguments()
		if !o.Oversize && !truncated && (!o.Malformed || formatOf(declared) == FormatOther) && (in.Format() != FormatForm || len(longestOf(list)) <= maxRun) {
			return dst, Outcome{}
		}
	case FormatOther:
		if !truncated && len(longestRun(body)) <= maxRun || isFile(declared) && !isText(body) {
			return dst, Outcome{}
		}
	}
	return append(dst, Value{Bytes: body}), Outcome{Oversize: truncated}
}
