// Package rate counts events by key in sliding windows: the state of rate-based rules.
//
// A [Limiter] belongs to one rule. [Limiter.Count] counts an event of a key and returns how many
// the key had in the window that ends now, this one included, so that a rule acts on the first
// request above its limit. The time comes with the call.
//
// # Windows
//
// A window is a ring of 60 cells, each a sixtieth of the window long. The sum covers the cell that
// the current moment is in and the 59 before it: it never holds an event older than the window,
// and it lacks at most the oldest sixtieth. A client that stays at the limit is never counted
// above it.
//
// # Bounds
//
// A key takes 160 bytes and its place in an index, about 170 in all, however many events it has.
// Cells are 16 bits wide; the few cells that overflow have their upper halves beside the table.
// The number of keys is bounded. Keys without an event in the window are reclaimed as others
// come; where all live, a new key takes the place of the oldest among those with the lowest count
// (counts are compared by their order of magnitude in binary), never of a heavy one. What
// a flood of invented keys can push out is what had one or two requests.
//
// Keys are 128 bits: an address as it is, so that limited addresses can be listed, or a keyed
// hash of anything else ([Hasher]), so that nobody can choose keys that collide.
package rate
