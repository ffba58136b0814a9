package seclang

import (
	"maps"
	"slices"

	"fastness/internal/engine/waf/inject"
	"fastness/internal/engine/waf/pattern"
	"fastness/internal/engine/waf/transform"
)

// Most values of arguments and cookies are ordinary text. That no condition holds for such a one is told in one pass over it, without any of
// its forms: one automaton (pattern.Screen) looks for what all conditions of all these classes look for, behind their chains, in values of some
// bytes. Most transformations leave values of these bytes alone; where one might not, what it looks for counts as found; and what
// becomes of spaces in command lines and where they are deleted, which is often, is put into what is looked for (pattern.Reading).

// screenBytes are the bytes, besides upper-case letters, of values that the screen tells of. None of them begins an escape.
const screenBytes = inject.TextBytes

// screenedSources are those whose values the screen is for.
var screenedSources = [...]source{queryValues, queryNames, bodyValues, bodyNames, cookieValues, cookieNames}

// screen is the screen of a program.
type screen struct {
	*pattern.Screen
	// codeText is how many bytes of ASCII follow each other at least in whatever conditions look for in values that are decoded as base64; 0 if
	// there are no such conditions.
	codeText int
}

// screen makes the screen of the program's classes that can have one, if they are not too large together.
func (c *compiler) screen() {
	p := c.p
	r := readings{c: c, text: 1 << 30}
	var classes []int32
	for _, src := range screenedSources {
		if !p.used[src] {
			continue
		}
		for _, id := range append(slices.Sorted(maps.Values(p.named[src])), p.class[src]) {
			if r.class(&p.classes[id]) {
				classes = append(classes, id)
			}
		}
	}
	if len(classes) == 0 || r.text < leastCode {
		return
	}
	s, err := pattern.NewScreenOf(r.list, screenBytes, pattern.Options{CacheBytes: 8 << 20})
	if err != nil {
		return
	}
	p.screen = &screen{Screen: s}
	if r.text < 1<<30 {
		p.screen.codeText = r.text
	}
	for _, id := range classes {
		p.classes[id].screened = true
	}
	p.surveyed = p.surveys()
}

// leastCode is the least codeText that is worth anything.
const leastCode = 4

// readings are the patterns of a screen.
type readings struct {
	c          *compiler
	list       []pattern.Reading
	seen       []readingKey
	text       int     // least TextBytes of what is looked for in decoded values
	injections [3]bool // by spacing
}

type readingKey struct {
	pattern int32
	spacing pattern.Spacing
}

// expression adds an expression.
func (r *readings) expression(x string, s pattern.Spacing) {
	r.list = append(r.list, pattern.Reading{Pattern: pattern.Pattern{Kind: pattern.Regexp, Text: x, Syntax: pattern.AWS}, Spacing: s})
}

// class adds what the conditions of a class look for, and tells whether that is all that they may hold for.
func (r *readings) class(cl *class) bool {
	was := *r
	r.seen = slices.Clip(r.seen)
	spacings := make([]pattern.Spacing, len(cl.nodes))
	decoded := make([]bool, len(cl.nodes))
	for i := range cl.nodes {
		n := &cl.nodes[i]
		if n.parent >= 0 {
			decoded[i] = decoded[n.parent]
			s, code, ok := r.through(n.kind, spacings[n.parent], decoded[i])
			if !ok {
				*r = was
				return false
			}
			spacings[i], decoded[i] = s, code
		}
		if len(n.absent) > 0 || !r.node(n, spacings[i], decoded[i]) {
			*r = was
			return false
		}
	}
	return true
}

// through is what a transformation makes of values of text with a spacing, or of what was decoded of them: the spacing that comes of it, and
// whether it is decoded. Where it may make anything else of a value, an expression for that is added; it is not ok if there is none.
func (r *readings) through(kind transform.Kind, s pattern.Spacing, decoded bool) (_ pattern.Spacing, code, ok bool) {
	switch kind {
	case transform.None, transform.Lowercase, transform.UTF8ToUnicode, transform.URLDecode, transform.URLDecodeUni, transform.URLDecodeUniSecLang, transform.JSDecode,
		transform.CSSDecode, transform.EscapeSeqDecode, transform.EscapeSeqDecodeSecLang, transform.RemoveNulls, transform.ReplaceNulls:
		// Their signs are not of the screen's bytes. Of what is decoded they make as many bytes of ASCII at most as there are
		// in a row: UTF8ToUnicode alone makes ASCII of anything else.
		return s, decoded, !decoded || kind != transform.UTF8ToUnicode
	case transform.RemoveWhitespace:
		if decoded || s == pattern.AsIs {
			return pattern.NoSpaces, decoded, true
		}
		return s, false, s == pattern.NoSpaces
	case transform.Base64DecodeSecLang:
		return s, true, !decoded && s != pattern.CommandLine
	}
	if decoded {
		// A comment is made a space, which parts what stands before from what follows.
		return s, true, kind == transform.ReplaceComments
	}
	switch kind {
	case transform.HTMLEntityDecode:
		r.expression(`&[a-z#]`, s)
	case transform.CompressWhitespace:
		r.expression(`  `, s)
	case transform.NormalizePath, transform.NormalizePathWin:
		r.expression(`//|/\.|^\.`, s)
	case transform.ReplaceComments:
		r.expression(`/\*`, s)
	case transform.RemoveCommentsChar, transform.RemoveComments:
		r.expression(`/\*|\*/|--|#|<!--`, s)
	case transform.CmdLine:
		return pattern.CommandLine, false, s == pattern.AsIs
	default:
		return s, false, false
	}
	return s, false, true
}

// node adds what the conditions of a node look for.
func (r *readings) node(n *node, s pattern.Spacing, decoded bool) bool {
	for _, t := range n.tests {
		if t.op.kind == never && !t.op.negate {
			continue
		}
		if t.op.kind != sqlInjection && t.op.kind != scripting || t.op.negate || s != pattern.AsIs || decoded {
			return false
		}
		if !r.injections[s] {
			r.injections[s] = true
			for _, x := range inject.TextExpressions() {
				r.expression(x, s)
			}
		}
	}
	for _, x := range n.patterns {
		if decoded {
			r.text = min(r.text, r.c.p.set.TextBytes(int(x.pattern)))
			continue
		}
		if key := (readingKey{x.pattern, s}); !slices.Contains(r.seen, key) {
			r.seen = append(r.seen, key)
			r.list = append(r.list, pattern.Reading{Pattern: r.c.patterns[x.pattern], AnyCase: true, Spacing: s})
		}
	}
	return true
}

// clear tells of many values that no condition of a class that is screened holds for them.
func (s *Scratch) clear(value []byte) bool {
	return s.p.screen.Clear(value, s.matcher) && !s.p.screen.mayBeCode(value)
}

// base64Value are the values of the characters of base64, or more than 63.
var base64Value = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xff
	}
	for i, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") {
		t[c] = byte(i)
	}
	return t
}()

// minCode is how long a value is at least that may be base64 of something that conditions look for.
func (c *screen) minCode() int {
	if c.codeText == 0 {
		return 1 << 30
	}
	return (c.codeText*8 + 5) / 6
}

// mayBeCode tells whether a value decoded as base64, without its spaces or as far as the first of them, may be something that conditions look for. As base64Decode takes
// what stands before the first other sign, which in text is a word, and makes bytes of it that are hardly ever text, this is told by
// how many bytes of ASCII there are in a row. (0xA0 counts as one: it is a space, and may be deleted.)
func (c *screen) mayBeCode(value []byte) bool {
	if len(value) < c.minCode() {
		return false
	}
	run, n := 0, 0
	var group uint32
	for _, b := range value {
		v := base64Value[b]
		if v > 63 {
			if b == ' ' {
				continue
			}
			break
		}
		group = group<<6 | uint32(v)
		if n++; n&3 == 1 {
			continue
		}
		// The bits of the next byte are there.
		made := byte(group >> (6 - 2*((n-1)&3)))
		if made >= 0x80 && made != 0xa0 {
			run = 0
		} else if run++; run >= c.codeText {
			return true
		}
	}
	return false
}
