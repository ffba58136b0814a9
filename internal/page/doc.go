// Package page makes the opaque tokens that carry a client from one page of a list to
// the next (NextToken, Marker, NextMarker).
//
// A token holds the place where the next page begins, sealed: the client can neither
// read it (it may name things the client must not learn of) nor make or change one.
// It is bound to the operation, the account, the Region and the filters of the call
// that it was given out for, and to the version of what it holds; anywhere else it is
// as worthless as a forged one. Every such token is answered by ErrToken, without
// telling which rule it broke.
//
// Each token is sealed with AES-256-GCM under its own key, derived with HKDF-SHA-256
// (RFC 5869) from the key of the Sealer and a random salt, so that the number of
// tokens under one key needs no bound.
package page
