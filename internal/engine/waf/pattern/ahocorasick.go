package pattern

import "slices"

// automaton finds strings in lower case in a value in any case (Aho and Corasick,
// "Efficient String Matching", 1975): a table with a row for each state and a column for
// each class of bytes that strings do not tell apart.
type automaton struct {
	classes [256]uint8
	width   uint32 // columns; the last is not a class, but where in ends the state is
	// next holds the offset of the next state's row. Rows of states where strings end come
	// last, so that one comparison tells.
	next    []uint32
	outputs uint32 // offset of the first such row
	// ends has for each such state the numbers of the clauses whose strings end there.
	ends [][]uint32
	// strings tells whether there is a string at all.
	strings bool
}

// word is a string with the clause it belongs to.
type word struct {
	text   string
	clause uint32
}

// newAutomaton builds the automaton of some words, which are in lower case and not empty.
func newAutomaton(words []word) *automaton {
	a := &automaton{strings: len(words) > 0}
	width := 1 // class 0 are the bytes in no word
	for _, w := range words {
		for i := range len(w.text) {
			if b := w.text[i]; a.classes[b] == 0 { // at most 230: there is no upper case
				a.classes[b] = uint8(width)
				width++
			}
		}
	}
	for b := byte('A'); b <= 'Z'; b++ {
		a.classes[b] = a.classes[lower(b)]
	}

	// The trie, then its transitions on failure, breadth first.
	next := make([]uint32, width)
	ends := [][]uint32{nil}
	for _, w := range words {
		at := 0
		for i := range len(w.text) {
			cell := at*width + int(a.classes[w.text[i]])
			if next[cell] == 0 {
				next[cell] = uint32(len(ends))
				ends = append(ends, nil)
				next = append(next, make([]uint32, width)...)
			}
			at = int(next[cell])
		}
		ends[at] = append(ends[at], w.clause)
	}
	fail := make([]uint32, len(ends))
	order := make([]uint32, 1, len(ends))
	for i := 0; i < len(order); i++ {
		at := int(order[i])
		back := int(fail[at])
		if at != 0 {
			ends[at] = append(ends[at], ends[back]...)
			slices.Sort(ends[at])
			ends[at] = slices.Compact(ends[at])
		}
		for c := range width {
			cell := at*width + c
			other := uint32(0)
			if at != 0 {
				other = next[back*width+c]
			}
			if to := next[cell]; to != 0 {
				fail[to] = other
				order = append(order, to)
			} else {
				next[cell] = other
			}
		}
	}

	// States where nothing ends first, the shallow ones before the deep ones, as those are
	// where most of the time is spent.
	slices.SortStableFunc(order, func(x, y uint32) int { return min(len(ends[x]), 1) - min(len(ends[y]), 1) })
	stride := width + 1
	a.width = uint32(stride)
	row := make([]uint32, len(order))
	for i, s := range order {
		row[s] = uint32(i * stride)
		if len(ends[s]) > 0 {
			a.ends = append(a.ends, ends[s])
		}
	}
	first := len(order) - len(a.ends)
	a.outputs = uint32(first * stride)
	a.next = make([]uint32, len(order)*stride)
	for i, s := range order {
		for c := range width {
			a.next[i*stride+c] = row[next[int(s)*width+c]]
		}
		if i >= first {
			a.next[i*stride+width] = uint32(i - first)
		}
	}
	return a
}

func (a *automaton) sizeBytes() int {
	n := len(a.next)*4 + len(a.ends)*24 + 1024
	for _, e := range a.ends {
		n += 4 * len(e)
	}
	return n
}
