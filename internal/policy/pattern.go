package policy

import (
	"strings"
	"unicode/utf8"
	"unsafe"
)

// Patterns are kept as strings in which wildcards are single bytes that can never
// occur in UTF-8. A literal asterisk (from ${*}, from a variable's value, or in an
// operator without wildcards) is therefore an ordinary byte and needs no escaping.
const (
	wildAny  = '\xff' // *
	wildOne  = '\xfe' // ?
	wildAnyS = "\xff"
	wildOneS = "\xfe"
)

// pattern is a compiled policy string.
type pattern struct {
	text  string // encoded; meaningless when there are variables
	parts []part // present only when there are variables
	exact int8   // for resources: see exactSegments
}

// part is a literal (encoded) or a variable.
type part struct {
	text        string
	key         string // lower case; empty for a literal
	fallback    string
	hasFallback bool
}

// compilePattern encodes s. wild says whether * and ? are wildcards, vars whether
// ${…} is a variable.
func compilePattern(s string, wild, vars bool) pattern {
	var parts []part
	var lit strings.Builder
	variable := false
	for i := 0; i < len(s); {
		c := s[i]
		if vars && c == '$' && i+1 < len(s) && s[i+1] == '{' {
			if n := strings.IndexByte(s[i:], '}'); n > 0 {
				name := s[i+2 : i+n]
				i += n + 1
				switch name {
				case "*", "?", "$":
					lit.WriteString(name)
				default:
					variable = true
					parts = append(parts, part{text: lit.String()}, variablePart(name))
					lit.Reset()
				}
				continue
			}
		}
		i++
		switch {
		case wild && c == '*':
			if l := lit.Len(); l == 0 || lit.String()[l-1] != wildAny {
				lit.WriteByte(wildAny)
			}
		case wild && c == '?':
			lit.WriteByte(wildOne)
		default:
			lit.WriteByte(c)
		}
	}
	if !variable {
		return pattern{text: lit.String()}
	}
	return pattern{parts: append(parts, part{text: lit.String()})}
}

// variablePart reads "key" or "key, 'default'".
func variablePart(name string) part {
	key, rest, ok := strings.Cut(name, ",")
	p := part{key: strings.ToLower(strings.TrimSpace(key))}
	if p.key == "" {
		p.key = "\x00" // ${} names nothing: never resolves
	}
	if ok {
		rest = strings.TrimSpace(rest)
		if len(rest) >= 2 && rest[0] == '\'' && rest[len(rest)-1] == '\'' {
			p.fallback, p.hasFallback = rest[1:len(rest)-1], true
		}
	}
	return p
}

// resolve gives the encoded text with variables replaced, using buf for room. The
// result is valid until buf is used again. It is not ok when a variable has no
// value: then the pattern matches nothing.
func (p *pattern) resolve(e *evaluation, buf []byte) (string, bool) {
	if p.parts == nil {
		return p.text, true
	}
	out := buf[:0]
	for i := range p.parts {
		t := &p.parts[i]
		if t.key == "" {
			out = append(out, t.text...)
			continue
		}
		v, ok := e.lookup(t.key)
		switch {
		case ok && !v.list && v.Len() == 1:
			s := v.At(0)
			// A value with bytes outside UTF-8 could be mistaken for wildcards, and a part
			// of a character for its neighbours' part.
			if !utf8.ValidString(s) {
				return "", false
			}
			out = append(out, s...)
		case !ok && t.hasFallback:
			out = append(out, t.fallback...)
		default:
			return "", false
		}
	}
	return view(out), true
}

// view is b as a string without a copy. Callers keep b unchanged while they use it;
// it exists so that patterns with variables can be matched in a stack buffer.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// matchGlob matches s against an encoded pattern. Between two asterisks the earliest
// occurrence is always right, so there is no backtracking over asterisks, whatever
// their number: the runs between them are looked for one after the other, each in
// what the one before left. A run of letters costs time linear in the text it passes
// (strings.Index), one with question marks little more (see find).
func matchGlob(p, s string) bool {
	i := strings.IndexByte(p, wildAny)
	if i < 0 {
		if strings.IndexByte(p, wildOne) < 0 {
			return p == s
		}
		n, ok := consume(p, s)
		return ok && n == len(s)
	}
	n, ok := consume(p[:i], s)
	if !ok {
		return false
	}
	p, s = p[i+1:], s[n:]
	for {
		i = strings.IndexByte(p, wildAny)
		if i < 0 {
			return matchTail(p, s)
		}
		end := find(p[:i], s)
		if end < 0 {
			return false
		}
		p, s = p[i+1:], s[end:]
	}
}

// consume matches a run without asterisks at the start of s and gives its length.
func consume(run, s string) (int, bool) {
	n := 0
	for i := range len(run) {
		if n >= len(s) {
			return 0, false
		}
		if run[i] == wildOne {
			_, size := utf8.DecodeRuneInString(s[n:])
			n += size
			continue
		}
		if run[i] != s[n] {
			return 0, false
		}
		n++
	}
	return n, true
}

// matchTail matches a run without asterisks at the end of s.
func matchTail(run, s string) bool {
	if strings.IndexByte(run, wildOne) < 0 {
		return strings.HasSuffix(s, run)
	}
	start := len(s)
	for i := 0; i < len(run); {
		if start == 0 {
			return false
		}
		_, size := utf8.DecodeLastRuneInString(s[:start])
		start -= size
		if run[i] == wildOne {
			i++
			continue
		}
		_, size = utf8.DecodeRuneInString(run[i:])
		i += size
	}
	n, ok := consume(run, s[start:])
	return ok && n == len(s)-start
}

// exactSegments counts the leading colon-separated segments of a resource pattern
// that must be matched one to one. AWS: wildcards stand for characters within a
// segment, except that an asterisk at the end of a segment may reach beyond the
// colon. So everything up to the last segment that holds a ? or an inner * (looking
// at the five segments before the resource part) is compared segment by segment;
// from there on an asterisk may cross colons.
func exactSegments(p string) int8 {
	var last int8
	for i := int8(1); i <= 5; i++ {
		seg, rest, more := strings.Cut(p, ":")
		if inner := strings.TrimSuffix(seg, wildAnyS); strings.Contains(inner, wildAnyS) || strings.Contains(inner, wildOneS) {
			last = i
		}
		if !more {
			break
		}
		p = rest
	}
	return last
}

// matchResource matches the Resource element.
func matchResource(p string, exact int8, s string) bool {
	for ; exact > 0; exact-- {
		pseg, prest, pmore := strings.Cut(p, ":")
		sseg, srest, smore := strings.Cut(s, ":")
		if pmore != smore || !matchGlob(pseg, sseg) {
			return false
		}
		if !pmore {
			return true
		}
		p, s = prest, srest
	}
	return matchGlob(p, s)
}

// matchARN matches as ArnEquals and ArnLike do: the first five parts one to one, the
// resource part as a whole. A lone asterisk matches any ARN.
func matchARN(p, s string) bool {
	anything := p == wildAnyS
	for range 5 {
		pseg, prest, pmore := strings.Cut(p, ":")
		sseg, srest, smore := strings.Cut(s, ":")
		if !smore || !anything && (!pmore || !matchGlob(pseg, sseg)) {
			return false
		}
		s = srest
		if !anything {
			p = prest
		}
	}
	return anything || matchGlob(p, s)
}
