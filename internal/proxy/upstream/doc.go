// Package upstream is the proxy's side towards its targets: connections of HTTP/1.1 that are
// kept and used again, transports of HTTP/2, health checks, and the choice of a target
// in a group.
//
//	conn.go     a connection of HTTP/1.1 and the use of it
//	pool.go     idle connections of a target
//	target.go   a target: its pool or transport, counters, health
//	group.go    the targets of a group, and the choice among them
//	health.go   health checks
//	matcher.go  which answers are healthy
//
// A connection that lay idle is looked at before it is used again: one that the target has
// closed, or on which it has said something unasked, is thrown away. Whatever a target says
// outside a response would otherwise be taken for the response to somebody else's request.
package upstream
