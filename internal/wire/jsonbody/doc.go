// Package jsonbody reads and writes the JSON documents of the awsJson and restJson
// protocols, straight between bytes and generated structs.
//
// The decoder makes one pass over the body and keeps no tree. It is strict where a
// lenient reader could let two parties see different documents: numbers and literals
// follow RFC 8259, text must be valid UTF-8 without unpaired surrogates, base64 is
// the padded standard alphabet, integers have no fraction and stay in range, nothing
// may follow the document. It is lenient where AWS is: members that the model does
// not know are checked for syntax and skipped, null means absent, the last of
// duplicate members wins.
//
// Nesting is bounded by MaxDepth. What the document makes the decoder allocate is
// bounded by a small multiple of its own length, so that a short body of empty list
// elements cannot claim a large amount of memory.
package jsonbody
