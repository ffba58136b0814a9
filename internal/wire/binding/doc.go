// Package binding carries the members of a REST operation that travel outside the
// body: path labels, query parameters, headers, prefixed headers and the status code.
//
// A member that takes one value refuses several: a proxy that reads the first and a
// server that reads the last would see different requests. Headers with an empty
// value mean an empty string, and nothing for every other kind.
package binding
