package request

import (
	"bytes"
	"unicode/utf8"
)

// document is a JSON body as a list of events.
type document struct {
	events []event
	stack  []container
	done   bool
	// oversize: a bound was hit; the last event is the rest of the text.
	oversize bool
	// malformed: the text is no JSON, or breaks off; the events are those before that.
	malformed bool
}

// event is something that stands in JSON.
type event struct {
	text []byte // a key, a string, a number or literal, decoded
	name []byte // the last key above it
	kind eventKind
}

type eventKind uint8

const (
	keyEvent eventKind = iota
	stringEvent
	scalarEvent // a number, true, false, null
	objectEvent
	arrayEvent
	endEvent
	restEvent // text that was not taken apart
)

// container is an object or array that is open.
type container struct {
	name   []byte // the last key above it
	object bool
}

func (d *document) reset() {
	if len(d.events) > 0 {
		clear(d.events)
		clear(d.stack[:cap(d.stack)])
	}
	*d = document{events: d.events[:0], stack: d.stack[:0]}
}

// json is the body as JSON.
func (in *Inspection) json() *document {
	d := &in.parts.json
	if !d.done {
		d.done = true
		in.parse(d, in.r.Body)
	}
	return d
}

// heldJSON is what is held of the body as JSON.
func (in *Inspection) heldJSON() *document {
	body, _ := in.r.held()
	if len(body) == len(in.r.Body) {
		return in.json()
	}
	d := &in.parts.heldJSON
	if !d.done {
		d.done = true
		in.parse(d, body)
	}
	return d
}

// parse takes JSON apart. It forgives what AWS forgives: commas and colons that are missing
// or too many. It also reads one document after another, which bulk interfaces take, and
// inspects all values of a key that stands twice, where AWS stops. It does not forgive: a
// root that is neither object nor array, brackets that do not pair, a key without a value,
// and characters that begin no token.
//
// A string that breaks off with the text is an event all the same.
func (in *Inspection) parse(d *document, body []byte) {
	i := 0
	if bytes.HasPrefix(body, []byte("\xef\xbb\xbf")) {
		i = 3
	}
	var (
		name    []byte // the key that waits for its value, or the array's
		pending bool   // in an object: there is such a key
	)
	roots := 0
	for {
		for i < len(body) && (body[i] == ' ' || body[i] == '\n' || body[i] == '\t' || body[i] == '\r') {
			i++
		}
		if i == len(body) {
			d.malformed = len(d.stack) > 0 || roots == 0
			return
		}
		var top *container
		if len(d.stack) > 0 {
			top = &d.stack[len(d.stack)-1]
		}
		c := body[i]
		if len(d.events) >= in.limits.JSONValues && c != ',' && c != ':' && c != '}' && c != ']' {
			d.rest(body[i:], name)
			return
		}
		switch {
		case c == '{' || c == '[':
			if top != nil && top.object && !pending {
				d.malformed = true
				return
			}
			if len(d.stack) == in.limits.Depth {
				d.rest(body[i:], name)
				return
			}
			if top == nil {
				roots++
				name = nil
			}
			kind := arrayEvent
			if c == '{' {
				kind = objectEvent
			}
			d.events = append(d.events, event{name: name, kind: kind})
			d.stack = append(d.stack, container{name: name, object: c == '{'})
			pending = false
			i++
		case top == nil:
			d.malformed = true
			return
		case c == '}' || c == ']':
			if top.object != (c == '}') || pending {
				d.malformed = true
				return
			}
			d.events = append(d.events, event{kind: endEvent})
			d.stack = d.stack[:len(d.stack)-1]
			name = nil
			if n := len(d.stack); n > 0 {
				name = d.stack[n-1].name
			}
			i++
		case c == ',':
			if pending {
				d.malformed = true
				return
			}
			i++
		case c == ':' && top.object:
			i++
		case c == '"':
			s, n, whole := in.jsonString(body[i+1:])
			i += 1 + n
			if top.object && !pending {
				d.events = append(d.events, event{text: s, name: s, kind: keyEvent})
				name, pending = s, true
			} else {
				d.events = append(d.events, event{text: s, name: name, kind: stringEvent})
				pending = false
			}
			if !whole {
				d.malformed = true
				return
			}
		default:
			n := scalar(body[i:])
			if n == 0 || top.object && !pending {
				d.malformed = true
				return
			}
			d.events = append(d.events, event{text: body[i : i+n : i+n], name: name, kind: scalarEvent})
			pending = false
			i += n
		}
	}
}

// rest adds the text that is left as one value.
func (d *document) rest(left, name []byte) {
	d.events = append(d.events, event{text: left, name: name, kind: restEvent})
	d.oversize = true
}

// scalar is the length of the number or literal at the beginning of s, 0 if there is none.
func scalar(s []byte) int {
	for _, l := range [...]string{"true", "false", "null"} {
		if len(s) >= len(l) && string(s[:len(l)]) == l {
			return len(l)
		}
	}
	n := 0
	for n < len(s) && (s[n]-'0' < 10 || s[n] == '-' || s[n] == '+' || s[n] == '.' || s[n]|0x20 == 'e') {
		n++
	}
	if n > 0 && s[0]|0x20 == 'e' {
		return 0
	}
	return n
}

// jsonString reads the string whose opening quote is before s. It returns the string
// decoded, how many bytes of s it took with its closing quote, and whether it had one. An
// escape that is none stays.
func (in *Inspection) jsonString(s []byte) (value []byte, n int, whole bool) {
	end := bytes.IndexByte(s, '"')
	if end < 0 {
		end = len(s)
	}
	i := bytes.IndexByte(s[:end], '\\')
	if i < 0 {
		if end == len(s) {
			return s, end, false
		}
		return s[:end:end], end + 1, true
	}
	from := len(in.scratch)
	in.scratch = append(in.scratch, s[:i]...)
	for i < len(s) {
		switch c := s[i]; c {
		case '"':
			return in.since(from), i + 1, true
		case '\\':
			var took int
			in.scratch, took = appendEscape(in.scratch, s[i:])
			i += took
		default:
			in.scratch = append(in.scratch, c)
			i++
		}
	}
	return in.since(from), len(s), false
}

// appendEscape appends what the escape at the beginning of s stands for, and returns its
// length.
func appendEscape(dst, s []byte) ([]byte, int) {
	if len(s) < 2 {
		return append(dst, '\\'), 1
	}
	switch c := s[1]; c {
	case '"', '\\', '/':
		return append(dst, c), 2
	case 'b':
		return append(dst, '\b'), 2
	case 'f':
		return append(dst, '\f'), 2
	case 'n':
		return append(dst, '\n'), 2
	case 'r':
		return append(dst, '\r'), 2
	case 't':
		return append(dst, '\t'), 2
	case 'u':
		code, ok := unicodeEscape(s)
		if !ok {
			break
		}
		if code >= 0xd800 && code < 0xdc00 { // the first half of a pair
			if low, ok := unicodeEscape(s[6:]); ok && low >= 0xdc00 && low < 0xe000 {
				return utf8.AppendRune(dst, (code-0xd800)<<10|(low-0xdc00)+0x10000), 12
			}
		}
		return utf8.AppendRune(dst, code), 6 // a half alone becomes U+FFFD
	}
	return append(dst, '\\', s[1]), 2
}

// unicodeEscape reads \uHHHH at the beginning of s.
func unicodeEscape(s []byte) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	hi, ok1 := hexPair(s[2], s[3])
	lo, ok2 := hexPair(s[4], s[5])
	return rune(hi)<<8 | rune(lo), ok1 && ok2
}

// appendJSONBody selects keys and values of the body as JSON.
func appendJSONBody(s *Selector, dst []Value, in *Inspection) ([]Value, Outcome) {
	body := in.r.Body
	o := Outcome{Oversize: in.r.BodyTruncated}
	if len(body) == 0 {
		return dst, o
	}
	d := in.json()
	o.Oversize = o.Oversize || d.oversize
	o.Malformed = d.malformed
	if d.malformed {
		switch s.component.Fallback {
		case FallbackMatch:
			o.Decision = Matches
			return dst, o
		case FallbackNoMatch:
			o.Decision = Differs
			return dst, o
		case FallbackEvaluateAsString:
			return append(dst, Value{Bytes: body}), o
		}
	}
	if s.pointers != nil {
		return s.pointers.append(s, dst, in, d), o
	}
	for i := range d.events {
		switch e := &d.events[i]; e.kind {
		case keyEvent:
			if s.keys {
				dst = append(dst, Value{Bytes: e.text, Name: e.name, Key: true})
			}
		case stringEvent, scalarEvent:
			if s.values {
				dst = append(dst, Value{Bytes: e.text, Name: e.name})
			}
		case restEvent:
			dst = append(dst, Value{Bytes: e.text, Name: e.name})
		}
	}
	return dst, o
}
