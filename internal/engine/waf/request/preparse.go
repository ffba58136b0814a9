package request

import (
	"bytes"

	"fastness/internal/engine/waf/transform"
)

// queryFor is the query's arguments after the selector's pre-parse steps. With steps, the
// list is good until the next call.
func (in *Inspection) queryFor(s *Selector) (list []Pair, oversize bool) {
	steps := s.component.PreParse
	if len(steps) == 0 {
		return in.Query()
	}
	query := view(in.query)
	for _, step := range steps {
		n := len(in.scratch)
		changed := false
		switch step {
		case PreParseURLDecode:
			in.scratch, changed = transform.Append(in.scratch, transform.URLDecode, query)
		case PreParseURLDecodeUni:
			in.scratch, changed = transform.Append(in.scratch, transform.URLDecodeUni, query)
		case PreParseSemicolons:
			in.scratch, changed = appendReplaced(in.scratch, query, ';', '&')
		case PreParseCombineDuplicates:
			changed = in.combineDuplicates(query)
		}
		if changed {
			query = in.since(n)
		}
	}
	p := &in.parts.before
	p.list, oversize = split(p.list[:0], query, in.limits.Arguments)
	return p.list, oversize
}

// appendReplaced appends s with every old byte replaced, if there is one.
func appendReplaced(dst, s []byte, old, new byte) ([]byte, bool) {
	if bytes.IndexByte(s, old) < 0 {
		return dst, false
	}
	n := len(dst)
	dst = append(dst, s...)
	for i := n; i < len(dst); i++ {
		if dst[i] == old {
			dst[i] = new
		}
	}
	return dst, true
}

// combineDuplicates appends to scratch the query with the values of arguments of the same
// name joined by commas where the name stands first: a=1&b=2&a=3 becomes a=1,3&b=2. What
// lies beyond the bound on arguments is not combined.
func (in *Inspection) combineDuplicates(query []byte) (changed bool) {
	p := &in.parts.before
	var oversize bool
	p.list, oversize = split(p.list[:0], query, in.limits.Arguments)
	rest := []byte(nil)
	if oversize {
		rest = p.list[len(p.list)-1].Value
		p.list = p.list[:len(p.list)-1]
	}
	// next[i] is the next argument of the same name or 0, last the last one found so far.
	next := in.next[:0]
	if in.last == nil {
		in.last = make(map[string]int)
	}
	clear(in.last)
	for i := range p.list {
		next = append(next, 0)
		name := text(p.list[i].Name)
		if j, ok := in.last[name]; ok {
			next[j] = i
			changed = true
		}
		in.last[name] = i
	}
	in.next = next
	clear(in.last) // its keys are the request's memory
	if !changed {
		return false
	}
	in.written = append(in.written[:0], make([]bool, len(p.list))...)
	first := true
	for i := range p.list {
		if in.written[i] {
			continue
		}
		if !first {
			in.scratch = append(in.scratch, '&')
		}
		first = false
		in.scratch = append(append(append(in.scratch, p.list[i].Name...), '='), p.list[i].Value...)
		for j := next[i]; j > 0; j = next[j] {
			in.scratch = append(append(in.scratch, ','), p.list[j].Value...)
			in.written[j] = true
		}
	}
	if oversize {
		in.scratch = append(append(in.scratch, '&'), rest...)
	}
	return true
}
