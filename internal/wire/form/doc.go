// Package form reads the application/x-www-form-urlencoded documents of the query
// protocols into generated structs.
//
// A parameter's name is a path: "Tags.member.1.Key". The parameters are sorted once,
// so that everything below a path is one contiguous range, found by binary search;
// no tree is built and a hostile document costs memory only for its own text.
//
// The reader is strict: percent-encoding must be complete, names and values valid
// UTF-8, no name may occur twice (a proxy and we could otherwise act on different
// ones), list indices are positive decimals without leading zeros. Parameters that
// the model does not know are ignored.
package form
