// Package inject tells whether a value is an SQL injection or cross-site scripting: AWS WAF's
// SqliMatchStatement and XssMatchStatement, SecLang's @detectSQLi and @detectXSS.
//
// The judge is libinjection in its Go form (github.com/corazawaf/libinjection-go), which AWS
// and ModSecurity use, too. What this package adds:
//
// A sound prefilter. The library allocates a few times and takes one to ten microseconds
// for a value, most of which cannot be anything: a session token, a date, a URL, a few
// words. A scan for what every injection needs settles those in some tens of nanoseconds
// without allocating: for SQL a quote, a parenthesis, a comment, a variable or a word that
// means something in SQL; for scripting a comment, or a tag or attribute that runs code. It
// never says no where the library says yes: the library's own tables and vectors, random
// values and fuzzing hold it to that.
//
// A bound on work. The library is linear but slow on input made for it, up to 0.15 µs a
// byte. A value has a price (price.go), and a Budget says how much of that one request may cost; behind that the verdict
// is Exhausted, and the caller decides. Nothing is passed silently.
//
// A high sensitivity for SQL. AWS says that HIGH detects more attacks and might generate
// more false positives, not how. Here HIGH asks the library a second time with comments and
// line ends undone, and looks for phrases of SQL anywhere in the value (libinjection reads
// from the beginning): union select, stacked statements, calls of functions that attackers
// use, names of catalogs.
//
//	verdict.go   verdicts, the budget
//	price.go     what the library takes for a value
//	sql.go       SQL injection
//	keywords.go  the words of SQL
//	phrase.go    what HIGH looks for
//	xss.go       cross-site scripting
//	markup.go    its prefilter
//	text.go      the prefilters as expressions, for ordinary text
package inject
