package pattern

import (
	"iter"
	"math/bits"
)

// Bits is a set of small numbers: the indexes of the patterns of a Set. Its methods other
// than Has, Any and Count expect numbers and sets within its length.
type Bits []uint64

// NewBits returns an empty set for the numbers from 0 to n-1.
func NewBits(n int) Bits { return make(Bits, (n+63)/64) }

// Set adds i.
func (b Bits) Set(i int) { b[i>>6] |= 1 << (i & 63) }

// Unset removes i.
func (b Bits) Unset(i int) { b[i>>6] &^= 1 << (i & 63) }

// Has tells whether i is in the set. What is beyond the length is not.
func (b Bits) Has(i int) bool { return i>>6 < len(b) && b[i>>6]&(1<<(i&63)) != 0 }

// Reset empties the set.
func (b Bits) Reset() { clear(b) }

// Fill adds the numbers from 0 to n-1.
func (b Bits) Fill(n int) {
	for w := range n >> 6 {
		b[w] = ^uint64(0)
	}
	if n&63 != 0 {
		b[n>>6] |= 1<<(n&63) - 1
	}
}

// Or adds what is in o.
func (b Bits) Or(o Bits) {
	for i, w := range o {
		b[i] |= w
	}
}

// And removes what is not in o, which may be shorter.
func (b Bits) And(o Bits) {
	n := min(len(b), len(o))
	for i, w := range o[:n] {
		b[i] &= w
	}
	clear(b[n:])
}

// AndNot removes what is in o.
func (b Bits) AndNot(o Bits) {
	for i, w := range o {
		b[i] &^= w
	}
}

// Intersects tells whether a number is in both sets.
func (b Bits) Intersects(o Bits) bool {
	for i, w := range o[:min(len(b), len(o))] {
		if b[i]&w != 0 {
			return true
		}
	}
	return false
}

// Any tells whether the set is not empty.
func (b Bits) Any() bool {
	for _, w := range b {
		if w != 0 {
			return true
		}
	}
	return false
}

// Count returns how many numbers are in the set.
func (b Bits) Count() int {
	n := 0
	for _, w := range b {
		n += bits.OnesCount64(w)
	}
	return n
}

// All yields the numbers in ascending order.
func (b Bits) All() iter.Seq[int] {
	return func(yield func(int) bool) {
		for i, w := range b {
			for ; w != 0; w &= w - 1 {
				if !yield(i<<6 + bits.TrailingZeros64(w)) {
					return
				}
			}
		}
	}
}
