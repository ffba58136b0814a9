package request

import (
	"bytes"
	"unicode/utf8"

	"fastness/internal/engine/waf/inplace"
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
	body = in.narrow(body)
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
		object  bool   // the innermost container is one
	)
	roots := 0
	events := d.events
	defer func() { d.events = events }()
	for {
		for i < len(body) && body[i] <= ' ' && (body[i] == ' ' || body[i] == '\n' || body[i] == '\t' || body[i] == '\r') {
			i++
		}
		if i == len(body) {
			d.malformed = len(d.stack) > 0 || roots == 0
			return
		}
		c := body[i]
		if len(events) >= in.limits.JSONValues && c != ',' && c != ':' && c != '}' && c != ']' {
			events = d.rest(events, body[i:], name)
			return
		}
		inside := len(d.stack) > 0
		switch {
		case c == '"' && inside:
			s, n, whole := in.jsonString(body[i+1:])
			i += 1 + n
			if object && !pending {
				events = add(events, s, s, keyEvent)
				name, pending = s, true
			} else {
				events = add(events, s, name, stringEvent)
				pending = false
			}
			if !whole {
				d.malformed = true
				return
			}
		case c == ',' && inside:
			if pending {
				d.malformed = true
				return
			}
			i++
		case c == ':' && inside && object:
			i++
		case c == '{' || c == '[':
			if inside && object && !pending {
				d.malformed = true
				return
			}
			if len(d.stack) == in.limits.Depth {
				events = d.rest(events, body[i:], name)
				return
			}
			if !inside {
				roots++
				name = nil
			}
			kind := arrayEvent
			if c == '{' {
				kind = objectEvent
			}
			object = c == '{'
			events = add(events, nil, name, kind)
			d.stack = append(d.stack, container{name: name, object: object})
			pending = false
			i++
		case !inside:
			d.malformed = true
			return
		case c == '}' || c == ']':
			if object != (c == '}') || pending {
				d.malformed = true
				return
			}
			events = add(events, nil, nil, endEvent)
			d.stack = d.stack[:len(d.stack)-1]
			name = nil
			if n := len(d.stack); n > 0 {
				name, object = d.stack[n-1].name, d.stack[n-1].object
			}
			i++
		default:
			n := scalar(body[i:])
			if n == 0 || object && !pending {
				d.malformed = true
				return
			}
			events = add(events, body[i:i+n:i+n], name, scalarEvent)
			pending = false
			i += n
		}
	}
}

// add appends an event. It writes it where it is to stand: one that is made elsewhere and copied costs
// several times as much.
func add(events []event, text, name []byte, kind eventKind) []event {
	events = inplace.Longer(events)
	e := &events[len(events)-1]
	e.text, e.name, e.kind = text, name, kind
	return events
}

// rest adds the text that is left as one value.
func (d *document) rest(events []event, left, name []byte) []event {
	d.oversize = true
	return add(events, left, name, restEvent)
}

// scalar is the length of the number or literal at the beginning of s, which has one byte at least, 0 if there is none.
func scalar(s []byte) int {
	word := ""
	switch s[0] {
	case 't':
		word = "true"
	case 'f':
		word = "false"
	case 'n':
		word = "null"
	case 'e', 'E':
		return 0
	}
	if word != "" {
		if len(s) >= len(word) && string(s[:len(word)]) == word {
			return len(word)
		}
		return 0
	}
	n := 0
	for n < len(s) && (s[n]-'0' < 10 || s[n] == '-' || s[n] == '+' || s[n] == '.' || s[n]|0x20 == 'e') {
		n++
	}
	return n
}

// shortString is up to where a loop over the bytes of a string costs less than a search for its end.
const shortString = 24

// jsonString reads the string whose opening quote is before s. It returns the string
// decoded, how many bytes of s it took with its closing quote, and whether it had one. An
// escape that is none stays.
func (in *Inspection) jsonString(s []byte) (value []byte, n int, whole bool) {
	for i, c := range s[:min(len(s), shortString)] {
		if c == '"' {
			return s[:i:i], i + 1, true
		}
		if c == '\\' {
			break
		}
	}
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
