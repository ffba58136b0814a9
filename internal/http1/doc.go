// Package http1 reads and serves HTTP/1.1 strictly: RFC 9112 (message syntax) under
// RFC 9110 (semantics).
//
// It has three parts that can be used apart from each other.
//
// The first is a parser of request heads. Head keeps the fields in the order and
// spelling in which they came, which net/http forgets, and Parse refuses every form that
// two servers have been known to read differently. Where RFC 9112 leaves a choice
// between repairing and refusing, it refuses: both Content-Length and Transfer-Encoding,
// more than one of either, a Transfer-Encoding other than chunked, folded lines, bare CR
// or LF, whitespace around a field name, control bytes, a missing, repeated or malformed
// Host, a leading zero in a length.
// ChunkedReader does the same for chunked bodies.
//
// The second is Server, which serves an http.Handler on connections. It exists because
// answers of ours wait for the disk: the time that net/http spends on reading ahead in
// the background, on deadlines for each request and on fresh memory for each was more
// than all of our own work. Here a connection is one goroutine with memory of its own that
// it uses again for each request; its deadlines are two numbers that one goroutine looks
// at twice a second; an answer of known length goes out in one write.
//
//	head.go      what a request head says
//	parse.go     reading it
//	target.go    the forms of a request target, and Host
//	bytes.go     which bytes may stand where
//	refusal.go   why a request is not taken
//	input.go     the buffer between the connection and the parsers
//	chunked.go   the chunked coding, trailers
//	body.go      a request's body as the handler reads it
//	request.go   the http.Request of a head
//	response.go  the http.ResponseWriter
//	conn.go      the loop of a connection
//	deadline.go  time limits
//	server.go    the connections together: limits, drain
//	exchange.go  a request and its answer without the types of net/http
//	departure.go clients that leave before the answer
//	assemble.go  the head of a request that came over HTTP/2
//	responsehead.go, client.go  the other side: responses
//
// The third is for proxies. Config.Exchange is served instead of an http.Handler, with fields
// in order in both directions, trailers, informational answers, upgrades, time limits that
// hold for progress instead of whole messages, and a body that another goroutine may read;
// ResponseReader reads responses as strictly as Parse reads requests.
//
// What a handler must know, beyond what net/http asks of it: the request, its header map,
// its body, its context and the ResponseWriter belong to the connection and are used again;
// none of them may be touched after the handler has returned (strings taken from them may).
// The context ends when the connection is known to be dead or the server is closed, not
// when the handler returns. Nothing is read from the connection while a handler computes,
// so a client that goes away meanwhile is noticed when the answer is written. Content-Type
// is not guessed. Connections cannot be hijacked and answers have no trailers, but by an
// Exchange.
package http1
