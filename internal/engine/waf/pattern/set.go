package pattern

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
)

// Set is an immutable compilation of patterns, safe for any number of goroutines.
type Set struct {
	patterns []compiled
}

// compiled is one pattern.
type compiled struct {
	Pattern
	tree     *node    // of an expression
	program  *program // that tells whether it matches
	limit    int      // of the size of its programs
	groups   int      // including the whole
	explains func() *program
}

// Scratch is the memory of one goroutine at a time for matching with any Sets. It grows to
// what the largest of them needs.
type Scratch struct {
	simulation
	found Bits
}

// NewScratch returns empty memory.
func NewScratch() *Scratch { return &Scratch{} }

// Steps returns how many steps have been taken in total: each stands for a few
// nanoseconds. It is a measure of work that does not depend on the machine.
func (s *Scratch) Steps() uint64 { return s.steps }

// Compile makes a Set. The error is an *Error with the index of the first pattern refused.
func Compile(patterns []Pattern, o Options) (*Set, error) {
	o = o.withDefaults()
	s := &Set{patterns: make([]compiled, len(patterns))}
	for i, p := range patterns {
		c := &s.patterns[i]
		if err := c.compile(p, o); err != nil {
			err.Index = i
			return nil, err
		}
	}
	return s, nil
}

func (c *compiled) compile(p Pattern, o Options) *Error {
	c.Pattern, c.limit, c.groups = p, o.MaxProgram, 1
	c.Text = strings.Clone(p.Text)
	c.Texts = append([]string(nil), p.Texts...)
	if p.Kind != ContainsAny && len(p.Texts) > 0 {
		return &Error{Reason: Malformed, Detail: fmt.Sprintf("%v has one text", p.Kind)}
	}
	for _, t := range append(c.Texts[:len(c.Texts):len(c.Texts)], p.Text) {
		if len(t) > o.MaxText {
			return &Error{Reason: TooLong, Detail: fmt.Sprintf("%d bytes, at most %d", len(t), o.MaxText)}
		}
	}
	switch p.Kind {
	case Contains, Exact, Prefix, Suffix:
	case ContainsAny:
		if p.Text != "" {
			return &Error{Reason: Malformed, Detail: "a list of phrases is in Texts"}
		}
	case ContainsWord:
		for i := range len(p.Text) {
			if !isWord(p.Text[i]) {
				return &Error{Reason: NotWord, Offset: i, Detail: "a word has letters, digits and underscores"}
			}
		}
		if p.Text == "" {
			return &Error{Reason: NotWord, Detail: "a word has at least one letter"}
		}
	case Regexp:
		return c.expression(p)
	default:
		return &Error{Reason: Malformed, Detail: "unknown kind " + p.Kind.String()}
	}
	return nil
}

func (c *compiled) expression(p Pattern) *Error {
	if p.Syntax > SecLang {
		return &Error{Reason: Malformed, Detail: "unknown dialect " + p.Syntax.String()}
	}
	tree, err := parse(p.Text, p.Syntax, p.Fold)
	if err != nil {
		return err
	}
	var ok bool
	c.tree, c.groups = tree, tree.captures()+1
	if c.program, ok = build([]*node{tree}, c.limit, false); !ok {
		return &Error{Reason: TooLarge, Detail: fmt.Sprintf("more than %d instructions", c.limit)}
	}
	limit := c.limit
	c.explains = sync.OnceValue(func() *program {
		p, _ := build([]*node{tree}, 4*limit, true)
		return p
	})
	return nil
}

// Len returns the number of patterns.
func (s *Set) Len() int { return len(s.patterns) }

// Match adds to got the indexes of the wanted patterns that match the value. What is
// already in got is left alone and not looked for. A nil want is all patterns; want and got
// have the length of NewBits(s.Len()).
func (s *Set) Match(value []byte, want, got Bits, m *Scratch) {
	for i := range s.patterns {
		if want != nil && !want.Has(i) || got.Has(i) {
			continue
		}
		if s.patterns[i].matches(value, m) {
			got.Set(i)
		}
	}
}

func (c *compiled) matches(value []byte, m *Scratch) bool {
	if c.Kind != Regexp {
		_, _, ok := c.locate(value)
		return ok
	}
	m.resolve(c.program, value)
	m.found = append(m.found[:0], 0)
	m.search(c.program, value, 0, nil, m.found, 1)
	return m.found[0] != 0
}

// Find returns the range of the leftmost match of pattern i, as a backtracking matcher
// would find it; of phrases that begin at the same place, the first in the list.
// It allocates, and is meant for explaining a match.
func (s *Set) Find(i int, value []byte) (start, end int, ok bool) {
	c := &s.patterns[i]
	if c.Kind != Regexp {
		return c.locate(value)
	}
	g := s.Captures(i, value)
	if g == nil {
		return 0, 0, false
	}
	return g[0], g[1], true
}

// Captures returns the boundaries of the groups of the leftmost match of pattern i: those
// of group n are at 2n and 2n+1, -1 if the group did not take part; group 0 is the whole
// match. It returns nil if there is no match.
func (s *Set) Captures(i int, value []byte) []int {
	c := &s.patterns[i]
	if c.Kind != Regexp {
		if start, end, ok := c.locate(value); ok {
			return []int{start, end}
		}
		return nil
	}
	p := c.explains()
	if p == nil {
		return nil
	}
	k := pike{p: p, m: &simulation{}, value: value}
	return k.find(c.groups)
}

// locate finds the leftmost occurrence of a string pattern.
func (c *compiled) locate(value []byte) (start, end int, ok bool) {
	n := len(c.Text)
	equal := func(at int) bool {
		return at >= 0 && at+n <= len(value) && sameText(value[at:at+n], c.Text, c.Fold)
	}
	switch c.Kind {
	case Exact:
		return 0, n, len(value) == n && equal(0)
	case Prefix:
		return 0, n, equal(0)
	case Suffix:
		return len(value) - n, len(value), equal(len(value) - n)
	case ContainsAny:
		for _, t := range c.Texts {
			if at := index(value, t, c.Fold); at >= 0 && (!ok || at < start) {
				start, end, ok = at, at+len(t), true
			}
		}
		return start, end, ok
	}
	for from := 0; ; {
		at := index(value[from:], c.Text, c.Fold)
		if at < 0 {
			return 0, 0, false
		}
		start, end = from+at, from+at+n
		if c.Kind == Contains || (start == 0 || !isWord(value[start-1])) && (end == len(value) || !isWord(value[end])) {
			return start, end, true
		}
		from = start + 1
	}
}

// sameText compares bytes of the same length.
func sameText(value []byte, text string, fold bool) bool {
	if !fold {
		return string(value) == text
	}
	for i, b := range value {
		if lower(b) != lower(text[i]) {
			return false
		}
	}
	return true
}

// index finds the first occurrence of text.
func index(value []byte, text string, fold bool) int {
	if !fold {
		return bytes.Index(value, []byte(text))
	}
	for at := 0; at+len(text) <= len(value); at++ {
		if sameText(value[at:at+len(text)], text, true) {
			return at
		}
	}
	return -1
}

// SizeBytes estimates the memory of the Set.
func (s *Set) SizeBytes() int {
	total := 0
	for i := range s.patterns {
		c := &s.patterns[i]
		total += 256 + len(c.Text)
		if c.program != nil {
			total += c.program.sizeBytes()
		}
	}
	return total
}

func (p *program) sizeBytes() int {
	n := 16*len(p.insts) + 32*len(p.sets)
	for i := range p.looks {
		n += p.looks[i].program.sizeBytes()
	}
	return n
}
