// Command judge has those who would carry it out tell which samples of published collections (package corpus) are attacks, and
// whether the managed rule groups block these. Lists have noise; a browser, a database and an interpreter have none.
//
//	go run ./test/waf/judge -corpus DIR -half test -class xss
//	go run ./test/waf/judge -corpus DIR -half test -class sql
//	go run ./test/waf/judge -corpus DIR -half test -class commands
//
// Chromium judges scripts (package browser: runs, leads, older markup, neither), MariaDB, PostgreSQL and SQLite judge SQL (package
// injection: shown, carried out, possible, neither), and interpreters all other classes of values (package interpreter, with the verdicts of databases): splitting, commands, forgery,
// traversal, templates, code, nosql, filters, includes, entities. A judge sees the value alone, and nothing of the rules; the
// groups are asked afterwards, in the same requests as test/waf/recall sends, and a table tells how many of each verdict they block.
//
// Nothing but the box of package sandbox stands between a value and this machine, so that is tried first; what it needs and is not
// there is named, and nothing is judged without it.
//
// -verdicts FILE writes the verdicts, with hashes for values, which test/waf/recall takes with its option of the same name. -show VERDICT
// prints what passes, on the tuning half alone; -kinds prints, of any half, how many pass by the place where the judge saw it. -values FILE judges values of one's own.
//
// Class "whole" has all interpreters judge each part of whole requests, and "ordinary" does the same with ordinary ones: of their many parts one or the other does something
// somewhere (a word that is a program's name, a number that is a host), so what is confirmed of a whole request tells little, and recall is not given it.
//
// The scripts of a half, some six thousand, take an hour of two processors, the SQL a quarter of one, commands and paths some minutes each,
// the rest seconds.
package main
