// Package wafhttp has an http.Handler's requests meet a web ACL first, in the process of the
// application: no proxy is needed.
//
//	acl, err := wafhttp.Compile(document) // JSON of a web ACL with its sets
//	http.ListenAndServe(addr, wafhttp.Handler(mux, wafhttp.Options{Inspector: acl}))
//
// It judges what net/http makes of a request, which is less than a proxy of Fastness sees:
// header fields have lost their order and spelling, so rules on the order of fields see them
// sorted by name, and there are no fingerprints of the TLS client. What net/http takes for one
// request is what the application sees, so there is nothing to smuggle in between.
//
// Of a body the first 16 KB (Options.BodyLimit) are held until the request was judged; the
// handler reads the body as if nothing had been read.
package wafhttp
