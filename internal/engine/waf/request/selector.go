package request

import (
	"fmt"
	"strings"
)

// Value is something to look at.
type Value struct {
	// Bytes is the value. It may not be written to.
	Bytes []byte
	// Name says what it is the value of: a header field, cookie, argument, the last key
	// above it in JSON. It may be empty.
	Name []byte
	// Key tells that Bytes is itself a name.
	Key bool
}

// Decision says how to go on with a component.
type Decision uint8

const (
	// Inspect: look at the values. If there is none, the component is missing, and a
	// missing component does not match.
	Inspect Decision = iota
	// Matches: the component is a match whatever is looked for, by its oversize handling
	// or fallback.
	Matches
	// Differs: it is no match whatever is looked for.
	Differs
)

// Outcome is what Append found.
type Outcome struct {
	Decision Decision
	// Oversize tells that there is more than was looked at.
	Oversize bool
	// Malformed tells that the body could not be parsed to its end.
	Malformed bool
}

// Selector is a compiled Component: immutable, safe for concurrent use.
type Selector struct {
	component Component
	names     map[string]bool // lower-case for header fields; nil: all
	exclude   bool
	keys      bool
	values    bool
	pointers  *pointers
	append    func(s *Selector, dst []Value, in *Inspection) ([]Value, Outcome)
}

// Compile makes a component work.
func Compile(c Component) (*Selector, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	s := &Selector{component: c}
	s.keys = c.Scope != ScopeValue
	s.values = c.Scope != ScopeKey
	if list := max(len(c.Included), len(c.Excluded)); list > 0 && c.Kind != JSONBody {
		s.exclude = len(c.Excluded) > 0
		s.names = make(map[string]bool, list)
		for _, n := range append(c.Included[:len(c.Included):len(c.Included)], c.Excluded...) {
			if c.Kind == Headers {
				n = strings.ToLower(n)
			}
			s.names[n] = true
		}
	}
	if c.Kind == JSONBody && len(c.Included) > 0 {
		s.pointers = compilePointers(c.Included)
	}
	s.append = appenders[c.Kind]
	if s.append == nil {
		return nil, fmt.Errorf("request: unknown component %q", c.Kind)
	}
	return s, nil
}

// Component is what the selector was compiled from.
func (s *Selector) Component() Component { return s.component }

// AppendUnless is Append without values that the sieve of Inspection.Sift clears. It may append some of them all
// the same.
func (s *Selector) AppendUnless(dst []Value, in *Inspection) ([]Value, Outcome) {
	in.unwanted = in.sieve != nil
	dst, o := s.Append(dst, in)
	in.unwanted = false
	return dst, o
}

// Append appends the values that the selector selects.
func (s *Selector) Append(dst []Value, in *Inspection) ([]Value, Outcome) {
	n := len(dst)
	dst, o := s.append(s, dst, in)
	if o.Decision == Inspect && o.Oversize {
		switch s.component.Oversize {
		case OversizeMatch:
			o.Decision = Matches
		case OversizeNoMatch:
			o.Decision = Differs
		}
	}
	if o.Decision != Inspect {
		dst = dst[:n]
	}
	return dst, o
}

// appenders are how the kinds select.
var appenders = map[Kind]func(s *Selector, dst []Value, in *Inspection) ([]Value, Outcome){
	URIPath:             text1(func(in *Inspection) (string, bool) { return in.path, in.path != "" }),
	QueryString:         text1(func(in *Inspection) (string, bool) { return in.query, in.hasQuery }),
	Method:              text1(func(in *Inspection) (string, bool) { return in.r.Method, true }),
	Target:              text1(func(in *Inspection) (string, bool) { return in.r.Target, true }),
	Protocol:            text1(func(in *Inspection) (string, bool) { return in.r.Proto, true }),
	Host:                text1(func(in *Inspection) (string, bool) { return in.r.Host, in.r.Host != "" }),
	Basename:            text1(func(in *Inspection) (string, bool) { return in.basename(), true }),
	URIFragment:         text1(func(in *Inspection) (string, bool) { return in.r.Fragment() }),
	JA3Fingerprint:      text1(func(in *Inspection) (string, bool) { return in.r.JA3, in.r.JA3 != "" }),
	JA4Fingerprint:      text1(func(in *Inspection) (string, bool) { return in.r.JA4, in.r.JA4 != "" }),
	RequestLine:         appendRequestLine,
	SingleHeader:        appendSingleHeader,
	Headers:             appendHeaders,
	HeaderOrder:         appendHeaderOrder,
	Cookies:             appendCookies,
	SingleQueryArgument: appendSingleQueryArgument,
	AllQueryArguments:   appendAllQueryArguments,
	Body:                appendBody,
	JSONBody:            appendJSONBody,
	Arguments:           appendArguments(true, true, false),
	ArgumentNames:       appendArguments(true, true, true),
	QueryArguments:      appendArguments(true, false, false),
	QueryArgumentNames:  appendArguments(true, false, true),
	BodyArguments:       appendArguments(false, true, false),
	BodyArgumentNames:   appendArguments(false, true, true),
	FileNames:           appendFileNames,
	FileTexts:           appendFileTexts,
	PathRun:             appendPathRun,
	QueryRun:            appendQueryRun,
	OtherBody:           appendOtherBody,
	OpaqueBody:          appendOpaqueBody,
}

// text1 selects one text, or falls back where it is missing.
func text1(get func(in *Inspection) (string, bool)) func(*Selector, []Value, *Inspection) ([]Value, Outcome) {
	return func(s *Selector, dst []Value, in *Inspection) ([]Value, Outcome) {
		t, ok := get(in)
		if ok {
			return append(dst, Value{Bytes: view(t)}), Outcome{}
		}
		switch s.component.Fallback {
		case FallbackMatch:
			return dst, Outcome{Decision: Matches}
		case FallbackNoMatch:
			return dst, Outcome{Decision: Differs}
		}
		return dst, Outcome{}
	}
}

// appendBody selects the inspected prefix of the body.
func appendBody(_ *Selector, dst []Value, in *Inspection) ([]Value, Outcome) {
	if len(in.r.Body) == 0 {
		return dst, Outcome{Oversize: in.r.BodyTruncated}
	}
	return append(dst, Value{Bytes: in.r.Body}), Outcome{Oversize: in.r.BodyTruncated}
}

func appendRequestLine(_ *Selector, dst []Value, in *Inspection) ([]Value, Outcome) {
	return append(dst, Value{Bytes: in.requestLine()}), Outcome{}
}
