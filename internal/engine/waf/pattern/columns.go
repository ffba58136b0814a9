package pattern

// columns are the symbols that automata tell apart: classes of bytes, the end of the value,
// and a newline that is the value's last byte, if a dollar cares. Automata that run
// together share them.
type columns struct {
	classes [256]uint8
	sample  []byte // a byte of each class
	end     uint32 // the symbol of the end of the value
	last    uint32 // that of a newline that ends it; 0 if it is an ordinary one
	stride  uint32 // how many symbols there are
}

// newColumns finds the symbols that some programs tell apart.
func newColumns(programs ...*program) *columns {
	var sets []byteSet
	asserts := assertion(0)
	for _, p := range programs {
		sets = append(sets, p.sets...)
		asserts |= p.asserts
	}
	if asserts&(wordEdge|noWordEdge) != 0 {
		sets = append(sets, wordBytes)
	}
	if asserts&(beginLine|beginLinePCRE|endLine|endTextOrLast) != 0 {
		sets = append(sets, oneByte('\n'))
	}
	c := &columns{}
	c.classes, c.sample = partition(sets)
	c.end = uint32(len(c.sample))
	c.stride = c.end + 1
	if asserts&endTextOrLast != 0 {
		c.last = c.stride
		c.stride++
	}
	return c
}

// byteOf returns a byte of a symbol that is not the end.
func (c *columns) byteOf(symbol uint32) byte {
	if symbol < c.end {
		return c.sample[symbol]
	}
	return '\n'
}

// split returns a value without a last newline that is a symbol of its own, and the symbol
// that follows.
func (c *columns) split(value []byte) (body []byte, last uint32) {
	if n := len(value); c.last != 0 && n > 0 && value[n-1] == '\n' {
		return value[:n-1], c.last
	}
	return value, c.end
}

// partition numbers the classes of bytes that no set tells apart, and gives a byte of each.
func partition(sets []byteSet) (classes [256]uint8, sample []byte) {
	groups := 1
	seen := map[byteSet]bool{}
	for _, set := range sets {
		if seen[set] {
			continue
		}
		seen[set] = true
		var in, out [256]bool // which groups have bytes in the set, and which others
		for b := range 256 {
			if set.has(byte(b)) {
				in[classes[b]] = true
			} else {
				out[classes[b]] = true
			}
		}
		var to [256]int
		for b := range 256 {
			if g := classes[b]; set.has(byte(b)) && in[g] && out[g] {
				if to[g] == 0 {
					to[g] = groups
					groups++
				}
				classes[b] = uint8(to[g])
			}
		}
	}
	sample = make([]byte, groups)
	for b := 255; b >= 0; b-- {
		sample[classes[b]] = byte(b)
	}
	return classes, sample
}

// context is what assertions want to know of the byte before a position.
type context uint8

const (
	afterStart context = iota
	afterNewline
	afterWord
	afterOther
	contexts = iota
)

// behind returns the context behind a byte.
func behind(b byte) context {
	switch {
	case b == '\n':
		return afterNewline
	case isWord(b):
		return afterWord
	}
	return afterOther
}

// pendingAt returns the assertions that the byte before does not decide.
func pendingAt(before context) assertion {
	pending := endText | endTextOrLast | endLine | wordEdge | noWordEdge
	if before == afterNewline {
		pending |= beginLinePCRE
	}
	return pending
}

// holdsBehind returns the assertions that the byte before decides to hold.
func holdsBehind(before context) assertion {
	switch before {
	case afterStart:
		return beginText | beginLine | beginLinePCRE
	case afterNewline:
		return beginLine
	}
	return 0
}

// holds returns which assertions hold between a context and a symbol.
func (c *columns) holds(before context, symbol uint32) assertion {
	a := holdsBehind(before)
	if before == afterNewline && symbol != c.end {
		a |= beginLinePCRE
	}
	word := false
	switch {
	case symbol == c.end:
		a |= endText | endTextOrLast | endLine
	case symbol > c.end:
		a |= endTextOrLast | endLine
	default:
		word = isWord(c.sample[symbol])
		if c.sample[symbol] == '\n' {
			a |= endLine
		}
	}
	if word != (before == afterWord) {
		return a | wordEdge
	}
	return a | noWordEdge
}

// matter returns a context as one that a program with some assertions can tell apart.
func matter(before context, asserts assertion) context {
	switch before {
	case afterStart:
		if asserts&(beginText|beginLine|beginLinePCRE) != 0 {
			return before
		}
	case afterNewline:
		if asserts&(beginLine|beginLinePCRE) != 0 {
			return before
		}
	case afterWord:
		if asserts&(wordEdge|noWordEdge) != 0 {
			return before
		}
	}
	return afterOther
}
