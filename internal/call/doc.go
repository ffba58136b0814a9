// Package call describes one call on its way through Fastness: who makes it, from
// where, to which operation, and what it has been found to touch. The front door
// makes a Call, services read it from the context, and the audit log records it.
//
// A call from another service inside the process is a Call as well: it has the same
// principal (the caller's session is forwarded, as AWS does), a Parent, and the
// forwarding services in Via.
package call
