package pattern

import "bytes"

// Find returns the range of the leftmost match of pattern i, as a backtracking matcher
// would find it. It allocates, and is meant for explaining a match.
func (s *Set) Find(i int, value []byte) (start, end int, ok bool) {
	g := s.Captures(i, value)
	if g == nil {
		return 0, 0, false
	}
	return g[0], g[1], true
}

// Captures returns the boundaries of the groups of the leftmost match of pattern i: those
// of group n are at 2n and 2n+1, -1 if the group did not take part (or if repetitions of
// groups in groups make too large a program to tell); group 0 is the whole match. It returns
// nil if there is no match. As Find it allocates, and costs about a hundred times as much as
// Match.
func (s *Set) Captures(i int, value []byte) []int {
	return s.AppendCaptures(nil, i, value, NewScratch())
}

// locate finds the leftmost occurrence of a string pattern that is matched by comparing.
func (c *compiled) locate(value []byte) (start, end int, ok bool) {
	n := len(c.Text)
	switch {
	case len(value) < n, c.Kind == Exact && len(value) != n:
		return 0, 0, false
	case c.Kind == Exact, c.Kind == Prefix:
		return 0, n, sameText(value[:n], c.Text, c.Fold)
	case c.Kind == Suffix:
		return len(value) - n, len(value), sameText(value[len(value)-n:], c.Text, c.Fold)
	}
	at := bytes.Index(value, c.bytes)
	if c.Fold && n == 1 { // longer ones have an automaton
		at = -1
		for i, b := range value {
			if lower(b) == lower(c.Text[0]) {
				at = i
				break
			}
		}
	}
	return at, at + n, at >= 0
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
