// Package proxy is the data plane: a reverse proxy that acts as load balancers do, and in
// which every request meets a web ACL first.
//
// It promises three things. What reaches a target is a request that has exactly one meaning:
// every form that two servers are known to read differently is refused, and what is
// forwarded is written anew, never copied. What reaches a target was inspected: of a body, the
// prefix that the web ACL sees is held until it is judged, the rest streams through. And a
// new configuration drops nothing: it is compiled aside and swapped by one pointer, each
// request sees one configuration from beginning to end, and connections to targets, their
// health and their counters live on.
//
// Config is all that a proxy is told, as plain data; Source is where it comes from. The
// proxy in the process of the control plane, the one that reads a file and the one on a host
// of its own (package follow) differ in their Source only.
package proxy
