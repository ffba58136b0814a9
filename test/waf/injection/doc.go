// Package injection asks real databases whether a value is an injection: it is put into statements as a careless
// application does, and the database tells whether it runs them, and whether it answers otherwise than with a harmless
// value ([Confirm]).
//
// The databases are MariaDB, PostgreSQL (package databases) and SQLite's program, each with a few tables of a user
// without further rights. What a value has done is undone before the next.
//
// The tests have the databases confirm each injection of internal/engine/waf/attack/testdata/statements.txt, and the
// managed rule group for SQL block it. A grammar made these: no list has them, and no expression of the rules blocks
// them.
package injection
