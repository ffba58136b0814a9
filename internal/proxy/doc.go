// Package proxy is the data plane: a reverse proxy that acts as load balancers do, and in
// which every request meets a web ACL first.
//
// It promises three things. What reaches a target is a request that has exactly one meaning:
// every form that two servers are known to read differently is refused, and what is
// forwarded is written anew, never copied. What reaches a target was inspected: of a body, the
// prefix that the web ACL sees, up to 1 MiB, is held until it is judged, the rest streams through. And a
// new configuration drops nothing: it is compiled aside and swapped by one pointer, each
// request sees one configuration from beginning to end, and connections to targets, their
// health and their counters live on.
//
// Config is all that a proxy is told, as plain data; Source is where it comes from. The
// proxy in the process of the control plane, the one that reads a file and the one on a host
// of its own (package follow) differ in their Source only.
//
//	config.go, source.go        what a proxy is told, and by whom
//	published.go, file.go       sources: in the process, a file
//	inspect.go, engine.go       who judges requests: the interface, and package waf behind it
//	proxy.go, state.go          a configuration made ready and put to work
//	listener.go, secure.go      connections, TLS, fingerprints
//	limits.go, certificates.go  how many connections; which certificate
//	flow.go                     a request on its way: checks, inspection, rules, the answer
//	hold.go                     how much of a body is held until it is judged, and in what memory
//	conditions.go, actions.go   listener rules
//	fields.go                   header fields that are added, changed and left out
//	forward.go, http2target.go  to targets of HTTP/1.1, of HTTP/2
//	seen.go                     answers that inspectors want to see
//	tunnel.go                   websockets
//	stickiness.go               clients that stay at a target
//	pages.go                    answers of the proxy's own
//	forwardauth.go              questions of other proxies
//	share.go                    counts that proxies add up
//	queue.go                    records of requests, for whoever wants them later
package proxy
