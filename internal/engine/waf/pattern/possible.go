package pattern

// Possible returns the patterns that a value of nothing but some bytes might match: none that is left out
// matches such a value, though not each that is returned need. It tells for which values a smaller Set is
// enough.
func (s *Set) Possible(bytes string) Bits {
	var set byteSet
	set.addString(bytes)
	all := NewBits(s.Len())
	for i := range s.patterns {
		if s.patterns[i].possible(set) {
			all.Set(i)
		}
	}
	return all
}

func (c *compiled) possible(set byteSet) bool {
	if c.program != nil {
		return c.program.possible(set)
	}
	for _, b := range c.bytes {
		if !set.has(b) && !(c.Fold && (set.has(lower(b)) || set.has(lower(b)-'a'+'A'))) {
			return false
		}
	}
	return true
}

// possible tells whether a program gets to a match over bytes of a set, if all assertions hold.
func (p *program) possible(set byteSet) bool {
	seen := make([]bool, len(p.insts))
	stack := []uint32{p.start}
	for len(stack) > 0 {
		pc := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if seen[pc] {
			continue
		}
		seen[pc] = true
		switch in := &p.insts[pc]; in.op {
		case instMatch:
			return true
		case instSplit:
			stack = append(stack, in.x, in.y)
		case instSave, instAssert, instLook:
			stack = append(stack, in.x)
		case instSet:
			if allowed := p.sets[in.arg]; !(byteSet{allowed[0] & set[0], allowed[1] & set[1], allowed[2] & set[2], allowed[3] & set[3]}).empty() {
				stack = append(stack, in.x)
			}
		}
	}
	return false
}
