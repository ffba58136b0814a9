// Package verdict keeps what judges said of values: a browser (test/waf/browser) of scripts, databases (test/waf/injection) of SQL, other interpreters
// (test/waf/interpreter) of the rest.
//
// A file has a line for each value, the SHA-256 of its class and of it in hexadecimal and the verdict, with a tab between them. The values themselves are not in it, so
// that it may be kept beside collections that nobody looks into. test/waf/judge writes such files, test/waf/recall reads them.
package verdict
