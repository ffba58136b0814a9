// Package http2 serves HTTP/2 (RFC 9113) to handlers that want a request's fields in the order
// in which they came, which net/http forgets. Frames are read and written by
// golang.org/x/net/http2.Framer and header blocks by its hpack; streams, flow control and
// limits are here.
//
// A request is as strict as one of package http1: its head is an http1.Head, made by
// http1.Assemble, so nothing can be said in HTTP/2 that could not have been said in HTTP/1.1
// (RFC 9113 §8.2.1, §8.3, §10.3). Fields of connections, which a proxy might take along into
// HTTP/1.1, are refused, Content-Length must be the length, and the parts of Cookie are
// joined (§8.2.3).
//
// What a client can make the server keep or do is bounded: streams by the handlers that run,
// also those of streams that the client has reset; bodies by a window of the whole connection,
// which opens as handlers read; header blocks; and frames that cost the client nothing (resets,
// pings, settings, empty data) by a budget that refills with time.
//
//	server.go  connections together: limits, drain
//	conn.go    the frames of a connection
//	head.go    the head of a request
//	stream.go  a request and its answer
//	window.go  flow control
//	writer.go  frames that are written
//	budget.go  how much a client may annoy
package http2
