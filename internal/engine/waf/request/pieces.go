package request

import "bytes"

// A text may have others in it that an application takes out and reads by themselves: the segments of a path, the arguments of
// the address in a Referer, the keys of JSON. Only those are pieces that have more in them than words: the others mean by
// themselves what they mean in the whole.

// maxPieces bounds the pieces of one text, and maxPiece their length in bytes: what is longer is nearly all of its text,
// and would be paid for twice.
const (
	maxPieces = 16
	maxPiece  = 256
)

// pieces appends those of the values of the component in dst[n:].
func (s *Selector) pieces(dst []Value, n int, in *Inspection) []Value {
	switch s.component.Kind {
	case BodyArgumentNames:
		return in.keys(dst)
	case URIPath:
		for _, v := range dst[n:] {
			dst = in.split(dst, v, '/')
		}
	default:
		for _, v := range dst[n:] {
			if _, query, ok := bytes.Cut(v.Bytes, []byte{'?'}); ok {
				v.Bytes = query
				dst = in.split(dst, v, '&')
			}
		}
	}
	return dst
}

// split appends the pieces of a value between separators, or behind the equals sign in those of a query. They are as they were sent:
// a separator that was escaped is no separator.
func (in *Inspection) split(dst []Value, v Value, separator byte) []Value {
	whole, left := len(v.Bytes), v.Bytes
	for count := 0; len(left) > 0 && count < maxPieces; {
		piece := left
		if end := bytes.IndexByte(left, separator); end >= 0 {
			piece, left = left[:end], left[end+1:]
		} else {
			left = nil
		}
		if separator == '&' {
			if _, value, ok := bytes.Cut(piece, []byte{'='}); ok {
				piece = value
			}
		}
		if hasSign(piece) && len(piece) < whole && len(piece) <= maxPiece && !in.clear(piece) {
			v.Bytes = piece
			dst = append(dst, v)
			count++
		}
	}
	return dst
}

// keys appends the keys of a body of JSON that have signs.
func (in *Inspection) keys(dst []Value) []Value {
	if in.Format() != FormatJSON {
		return dst
	}
	if in.unwanted && in.surveyed() {
		for _, key := range in.parts.survey.keys {
			dst = append(dst, Value{Bytes: key, Name: key, Key: true})
		}
		return dst
	}
	count := 0
	for _, e := range in.heldJSON().events {
		if e.kind == keyEvent && len(e.text) <= maxPiece && hasSign(e.text) && count < in.limits.Arguments && !in.clear(e.text) {
			dst = append(dst, Value{Bytes: e.text, Name: e.text, Key: true})
			count++
		}
	}
	return dst
}

// clear tells that a piece is not wanted.
func (in *Inspection) clear(piece []byte) bool { return in.unwanted && in.sieve.Clear(piece) }

// hasSign tells whether a piece has more in it than words, numbers and what stands between those in names of files.
func hasSign(piece []byte) bool {
	for _, c := range piece {
		if plainSign[c] {
			continue
		}
		return true
	}
	return false
}

var plainSign = func() (t [256]bool) {
	for c := range t {
		t[c] = alphanumeric(byte(c)) || c >= 0x80
	}
	for _, c := range "-_.~ +,:@" {
		t[c] = true
	}
	return
}()
