package request

import (
	"bytes"
	"slices"
	"strconv"

	"fastness/internal/engine/waf/inplace"
	"fastness/internal/engine/waf/transform"
)

// DecodedQuery are the query's arguments with names and values URL-decoded, and whether there
// are more than the limits allow.
func (in *Inspection) DecodedQuery() (list []Pair, oversize bool) {
	p := &in.parts.decoded
	if !p.done {
		p.done = true
		sent, oversize := in.Query()
		p.list, p.oversize = in.decodePairs(p.list, sent), oversize
	}
	return p.list, p.oversize
}

// decodePairs appends pairs URL-decoded.
func (in *Inspection) decodePairs(dst, sent []Pair) []Pair {
	for i := range sent {
		dst = append(dst, Pair{in.urlDecoded(sent[i].Name), in.urlDecoded(sent[i].Value)})
	}
	return dst
}

func (in *Inspection) urlDecoded(s []byte) []byte { return in.transformed(transform.URLDecode, s) }

func (in *Inspection) transformed(k transform.Kind, s []byte) []byte {
	n := len(in.scratch)
	out, changed := transform.Append(in.scratch, k, s)
	if !changed {
		return s
	}
	in.scratch = out
	return in.since(n)
}

// BodyArguments are the body's arguments as an application sees them, and what became of
// reading them. Their names are those of a form or of multipart fields; in JSON they are
// the keys down to a value with points between them, after "json"; in XML, the element of a
// text and the name of an attribute. Of multipart parts that are files, only fields' names
// are here (see Parts). Of a body that cannot be read to its end, what was not read or all
// of it is one value more; where two Content-Type fields disagree, all of it is.
func (in *Inspection) BodyArguments() (list []Pair, o Outcome) {
	p := &in.parts.body
	if !p.done {
		p.done = true
		switch in.Format() {
		case FormatForm:
			in.formArguments(p)
		case FormatMultipart:
			in.multipartArguments(p)
		case FormatJSON:
			in.jsonArguments(p)
		case FormatXML:
			in.xmlArguments(p, p)
		}
		if in.Format() != FormatNone && !in.parts.chosen && in.ambiguous() {
			in.parts.bodyMalformed = true
			body, _ := in.r.held()
			p.list = append(p.list, Pair{Value: body})
		}
	}
	_, truncated := in.r.held()
	return p.list, Outcome{Oversize: p.oversize || truncated, Malformed: in.parts.bodyMalformed}
}

// formArguments splits and decodes a form. The pairs as sent are decoded in place.
func (in *Inspection) formArguments(p *pairs) {
	body, _ := in.r.held()
	if isNoise(body) { // packed, or sealed, whatever it is said to be
		in.parts.bodyMalformed = true
		for _, v := range appendLongTexts(nil, body, in.limits.Arguments) {
			p.list, p.oversize = split(p.list, v.Bytes, in.limits.Arguments)
		}
	} else {
		p.list, p.oversize = split(p.list, body, in.limits.Arguments)
	}
	for i := range p.list {
		p.list[i] = Pair{in.urlDecoded(p.list[i].Name), in.urlDecoded(p.list[i].Value)}
	}
}

// prefixKept bounds how much of the keys above a value its name repeats.
const prefixKept = 128

// jsonArguments flattens JSON: {"a":{"b":[1,2]}} becomes json.a.b.0=1 and json.a.b.1=2, as
// Coraza names them. Of the keys above a value at most 128 bytes are repeated, so that a
// long key with many values below it does not multiply; such a key is an argument of its own,
// without a value.
func (in *Inspection) jsonArguments(p *pairs) {
	d := in.heldJSON()
	body, _ := in.r.held()
	in.parts.bodyMalformed = d.malformed
	p.oversize = d.oversize
	if d.malformed && isNoise(body) { // packed, or sealed
		for _, v := range appendLongTexts(nil, body, in.limits.Arguments) {
			p.list = append(p.list, Pair{Value: v.Bytes})
		}
		return
	}
	if d.malformed && len(d.events) == 0 {
		p.list = append(p.list, Pair{Value: body})
		return
	}
	w := &in.flat
	w.prefix, w.levels = append(w.prefix[:0], "json"...), w.levels[:0]
	var key []byte
	for i := range d.events {
		e := &d.events[i]
		switch e.kind {
		case keyEvent:
			key = e.text
			continue
		case endEvent:
			top := len(w.levels) - 1
			w.prefix = w.prefix[:w.levels[top].prefix]
			w.levels = w.levels[:top]
			continue
		case restEvent:
			p.list = append(p.list, Pair{in.flatName(key), e.text})
			continue
		}
		if len(p.list) == in.limits.Arguments {
			p.oversize = true
			p.list = append(p.list, Pair{Value: body})
			return
		}
		name := key
		var digits [20]byte
		root := len(w.levels) == 0
		if !root && w.levels[len(w.levels)-1].array {
			l := &w.levels[len(w.levels)-1]
			name = strconv.AppendInt(digits[:0], int64(l.index), 10)
			l.index++
		}
		switch e.kind {
		case objectEvent, arrayEvent:
			w.levels = append(w.levels, level{prefix: len(w.prefix), array: e.kind == arrayEvent})
			if root {
				continue
			}
			if len(w.prefix)+1+len(name) > prefixKept {
				p.list = append(p.list, Pair{Name: in.flatName(name)})
				name = name[:max(0, min(len(name), prefixKept-len(w.prefix)-1))]
			}
			if len(w.prefix) < prefixKept {
				w.prefix = append(append(w.prefix, '.'), name...)
			}
		default:
			flat := in.flatName(name)
			p.list = inplace.Longer(p.list)
			pair := &p.list[len(p.list)-1]
			pair.Name, pair.Value = flat, e.text
		}
	}
	if d.malformed {
		in.malformedRest(p)
	}
}

// malformedRest adds the whole body as one value where it could not be read to its end.
func (in *Inspection) malformedRest(p *pairs) {
	if body, truncated := in.r.held(); !truncated {
		p.list = append(p.list, Pair{Value: body})
	}
}

// flatten is where a walk through JSON is, with memory to use again.
type flatten struct {
	prefix []byte
	levels []level
}

type level struct {
	prefix int // its length outside this container
	index  int
	array  bool
}

// flatName is the prefix, a point and a key.
func (in *Inspection) flatName(key []byte) []byte {
	n, prefix := len(in.scratch), in.flat.prefix
	out := slices.Grow(in.scratch, len(prefix)+1+len(key))[:n+len(prefix)+1+len(key)]
	copy(out[n:], prefix)
	out[n+len(prefix)] = '.'
	copy(out[n+len(prefix)+1:], key)
	in.scratch = out
	return in.since(n)
}

// appendArguments selects names or values of arguments.
func appendArguments(query, body, names bool) func(*Selector, []Value, *Inspection) ([]Value, Outcome) {
	add := func(dst []Value, list []Pair, unless *Sieve) []Value {
		for i := range list {
			p := &list[i]
			b := p.Value
			if names {
				if b = p.Name; len(b) == 0 {
					continue
				}
			}
			if unless != nil && unless.Clear(b) {
				continue
			}
			dst = inplace.Longer(dst)
			v := &dst[len(dst)-1]
			v.Bytes, v.Name, v.Key = b, p.Name, names
		}
		return dst
	}
	return func(_ *Selector, dst []Value, in *Inspection) ([]Value, Outcome) {
		var o Outcome
		var unless *Sieve
		if in.unwanted {
			unless = in.sieve
		}
		if query {
			list, oversize := in.DecodedQuery()
			dst = add(dst, list, unless)
			o.Oversize = oversize
		}
		if body && unless != nil && in.surveyed() {
			left := in.parts.survey.values
			if names {
				left = in.parts.survey.names
			}
			dst = add(dst, left, nil)
		} else if body {
			list, b := in.BodyArguments()
			dst = add(dst, list, unless)
			o.Oversize = o.Oversize || b.Oversize
			o.Malformed = b.Malformed
		}
		return dst, o
	}
}

// trimmed is s without whitespace at its ends.
func trimmed(s []byte) []byte { return bytes.Trim(s, " \t\r\n") }
