// Package account watches logins and the creation of accounts: what AWS's rule groups for account takeover
// prevention (ATP) and account creation fraud prevention (ACFP) look at. A [Watcher] is the
// waf.Observer of a reference to one of these groups.
//
// # What is looked at
//
// Logins are POST requests to a path; a path that begins with the configured one is meant, too, however it
// is escaped. Creations are the same with a path of their own; the page on which accounts are created is a
// third path, of GET requests.
//
// The credentials are read from the body, JSON or a form, as configured. They are hashed under a secret at once:
// neither names nor passwords are kept. A pair is stolen if it is in the operator's lists
// ([Stolen]).
//
// # What is counted
//
// Requests, answers that say that a login succeeded or failed, requests with stolen credentials, and
// different names, passwords, addresses and TLS fingerprints, each by the client's address or by its
// session, the identity of a token that the web ACL accepts. The windows and thresholds are AWS's where it
// documents them (AWS WAF Developer Guide, the rules listings of both groups), and act at the first request
// above them. Where AWS has no number, ours are: more than one request with stolen credentials of a
// session, more than 5 user names of a session, and more than 10 passwords of a user name,
// in 30 minutes.
//
// The answers of the application are told by its status, a header field, words of the body or a value of
// its JSON. They are seen by proxies that forward the request, for load balancers too, where AWS does so for
// CloudFront alone. Counts are those of one proxy.
//
// # Bounds
//
// Each count keeps 32,768 keys, and each kind of different things 16,384; package rate says which ones are
// given up. All is made when it is first needed.
package account
