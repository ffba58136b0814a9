// Command judge has those who would carry it out tell which samples of published collections (package corpus) are attacks, and
// whether the managed rule groups block these. Lists have noise; a browser and a database have none.
//
//	go run ./test/waf/judge -corpus DIR -half test -class xss
//	go run ./test/waf/judge -corpus DIR -half test -class sql
//
// Chromium judges scripts (package browser: runs, leads, older markup, neither), MariaDB, PostgreSQL and SQLite judge SQL (package
// injection: shown, carried out, possible, neither). A judge sees the value alone, and nothing of the rules; the
// groups are asked afterwards, in the same requests as test/waf/recall sends, and a table tells how many of each verdict they block.
//
// -verdicts FILE writes the verdicts, with hashes for values, which test/waf/recall takes with its option of the same name. -show VERDICT
// prints what passes, on the tuning half alone. -values FILE judges values of one's own.
//
// The scripts of a half, some six thousand, take an hour of two processors, the SQL a quarter of one.
package main
