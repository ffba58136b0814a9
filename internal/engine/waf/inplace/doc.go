// Package inplace grows lists whose elements are written where they are to stand. An element of some dozen bytes that is
// made elsewhere and appended is copied right after it was written, for which the processor waits: that costs several times as much,
// and the lists of a request have hundreds.
package inplace
