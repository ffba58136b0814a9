package request

import "strings"

// appendSingleHeader selects the values of all fields of one name, each by itself.
func appendSingleHeader(s *Selector, dst []Value, in *Inspection) ([]Value, Outcome) {
	for i := range in.r.Fields {
		f := &in.r.Fields[i]
		if len(f.Name) == len(s.component.Name) && strings.EqualFold(f.Name, s.component.Name) {
			dst = append(dst, Value{Bytes: view(f.Value), Name: view(f.Name)})
		}
	}
	return dst, Outcome{}
}

// appendHeaders selects names and values of the first fields, as many as AWS forwards to
// inspection. The field that crosses the bound of bytes is cut there.
func appendHeaders(s *Selector, dst []Value, in *Inspection) ([]Value, Outcome) {
	left := in.limits.FieldBytes
	for i := range in.r.Fields {
		if i == in.limits.Fields || left <= 0 {
			return dst, Outcome{Oversize: true}
		}
		f := &in.r.Fields[i]
		name, value := cutTo(f.Name, f.Value, &left)
		if s.wantsField(f.Name) {
			dst = s.appendPair(dst, view(name), view(value))
		}
	}
	return dst, Outcome{Oversize: left < 0}
}

// cutTo cuts a pair to what is left, which becomes negative if something was cut off.
func cutTo(name, value string, left *int) (string, string) {
	n := *left
	*left -= len(name) + len(value)
	if *left >= 0 {
		return name, value
	}
	if n <= len(name) {
		return name[:n], ""
	}
	return name, value[:n-len(name)]
}

// appendPair appends what the scope asks for.
func (s *Selector) appendPair(dst []Value, name, value []byte) []Value {
	if s.keys {
		dst = append(dst, Value{Bytes: name, Name: name, Key: true})
	}
	if s.values {
		dst = append(dst, Value{Bytes: value, Name: name})
	}
	return dst
}

// wantsField tells whether a header field is included.
func (s *Selector) wantsField(name string) bool {
	if s.names == nil {
		return true
	}
	var buf [64]byte // FieldToMatchData has at most 64 characters
	if len(name) > len(buf) {
		return s.exclude
	}
	return s.names[string(lower(buf[:0], name))] != s.exclude
}

// lower appends s with A-Z in lower case.
func lower(dst []byte, s string) []byte {
	for i := range len(s) {
		c := s[i]
		if c-'A' < 26 {
			c |= 0x20
		}
		dst = append(dst, c)
	}
	return dst
}

// appendHeaderOrder selects the names of the first fields in their order, in lower case,
// with colons between them.
func appendHeaderOrder(_ *Selector, dst []Value, in *Inspection) ([]Value, Outcome) {
	if len(in.r.Fields) == 0 {
		return dst, Outcome{}
	}
	p := &in.parts
	if !p.haveOrder {
		n, left := len(in.scratch), in.limits.FieldBytes
		for i := range in.r.Fields {
			if i == in.limits.Fields || left <= 0 {
				p.orderOversize = true
				break
			}
			f := &in.r.Fields[i]
			name, _ := cutTo(f.Name, f.Value, &left)
			if i > 0 {
				in.scratch = append(in.scratch, ':')
			}
			in.scratch = lower(in.scratch, name)
		}
		p.orderOversize = p.orderOversize || left < 0
		p.order, p.haveOrder = in.since(n), true
	}
	return append(dst, Value{Bytes: p.order}), Outcome{Oversize: p.orderOversize}
}
