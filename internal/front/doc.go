// Package front is the door of Fastness: the only way in, for clients over HTTP and
// for services inside the process alike.
//
// A request from outside is routed, authenticated by its signature and decoded; a
// call from inside arrives typed and with its caller's session. From there both take
// the same steps, in invoke.go: validate, throttle, authorize, run, audit. The answer
// is encoded in the protocol the client spoke.
//
//	route.go         which API and operation a request means
//	authenticate.go  whose signature it carries
//	authorize.go     whether policies allow what it touches
//	invoke.go        the steps that every call takes
//	http.go          from an HTTP request to a call and back
//	listener.go      plain HTTP and TLS on one port
//	server.go        time and size limits, graceful drain; HTTP/1.1 by package http1, HTTP/2 by net/http
//	health.go        /health, /ready, /version and /metrics
//
// The memory of a request over HTTP/1.1 is used again once it has been answered (see
// package http1): nothing here or behind may keep its http.Request, header or body.
// Strings taken from them may be kept.
//
// Order of checks (fixed; AWS's services differ among themselves): route,
// authenticate, size and form, modelled constraints, quotas, authorization, then
// whatever the service itself checks.
package front
