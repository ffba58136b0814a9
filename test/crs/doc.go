// Package crs runs the regression cases of the OWASP Core Rule Set, which come with the Go module
// coraza-coreruleset, through two firewalls in one test: Coraza, in a server of net/http as its own
// tests have it, and the live proxy with the same rules compiled by internal/engine/waf/seclang. Both get
// the same bytes over a connection each, and the same settings: paranoia level 4 and the limits that
// the cases are written for, every rule evaluated (detection only).
//
// The module is one of its own, because the product does not depend on Coraza.
package crs
