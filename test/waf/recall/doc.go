// Command recall measures the managed rule groups on published collections of attacks and of ordinary
// traffic (package corpus): how much is caught, and how much of what is ordinary is blocked.
//
//	go run ./test/waf/recall -corpus DIR -half test
//
// Every collection is wholly in one half. The tuning half is for writing rules: -show CLASS prints what
// was missed there, or wrongly blocked. The figures that count are those of the test half, for which
// -show is refused.
//
// A collection's payloads are sent one by one, each at a place in an otherwise ordinary request that its own
// hash chooses (a query argument, a form's field, JSON, a multipart field, a path segment, a header field, a
// cookie, the user agent), as it is and in each of four codings (-coding). Recorded requests of browsers are
// sent as they were. All groups (or -groups) are in the web ACL with their default actions; requests that only the
// size restrictions of AWS's core rule set blocked are also counted apart.
//
// With -matrix N, N values of each class are sent at each place that there is in each coding, and a table tells where
// a web ACL is weak, or wrong.
//
// With -verdicts, files that test/waf/judge has written, rows beside these tell how much is blocked of the attacks that a browser, a
// database or another interpreter confirms, and of those that none does. The figures by lists are printed always.
//
// The tests hold all groups to texts and attacks of our own, at all places in all codings (testdata).
package main
