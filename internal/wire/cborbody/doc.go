// Package cborbody reads and writes the CBOR (RFC 8949) documents of rpcv2Cbor,
// straight between bytes and generated structs.
//
// The reader takes definite and indefinite lengths, all float widths, and tag 1
// around timestamps. Map keys are text. Members that the model does not know are
// checked and skipped; null and undefined mean absent; the last of duplicate members
// wins. Integers may stand for floating-point numbers, not the reverse. Lengths are
// checked against what is left of the body before anything is allocated, nesting and
// the memory a document makes us allocate are bounded.
//
// The writer uses definite lengths and the shortest integers.
package cborbody
