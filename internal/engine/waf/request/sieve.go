package request

import "fastness/internal/engine/waf/pattern"

// Sieve tells which values a caller does not want because nothing that it looks for is in them. Selectors leave
// those out.
type Sieve struct {
	// Clear tells that a value is not wanted.
	Clear func(value []byte) bool
	// Screen tells the same of values that are not coded, and of names.
	Screen *pattern.Screen
	Memory *pattern.Scratch // what Screen uses
	// Values of at least MinCode bytes, and names of which a key has more, may be coded: Code tells whether a value
	// is, or such a key, which is handed with the byte before it, whatever that is. Values of more than Longest bytes
	// are wanted.
	MinCode, Longest int
	Code             func(value []byte) bool
	// Known, if there is one, tells of values that Screen does not clear that they are not wanted, whatever the name.
	Known func(value []byte) bool
}

// Sift has selectors of arguments leave out what a sieve clears, until the next Reset: those that are asked by
// AppendUnless. A body of JSON is then gone over without being taken apart. The sieve has to tell the same of a value as long as it is used.
func (in *Inspection) Sift(s *Sieve) { in.sieve = s }
