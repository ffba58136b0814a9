// Package logpattern is the filter pattern syntax of CloudWatch Logs (Amazon CloudWatch Logs
// User Guide, "Filter pattern syntax for metric filters, subscription filters, filter log events,
// and Live Tail").
//
// A pattern is of one of three kinds, told apart by how it begins:
//
//	ERROR -"not this" %re[gx]+%       terms: all included ones, none of the excluded ones;
//	?ERROR ?WARN                      or any of the optional ones
//	{ $.action = "BLOCK" && $.n > 3 } a condition on a JSON object
//	[ip, user, ..., code = 4*, size]  conditions on fields that spaces separate
//
// The empty pattern matches everything. Matching is case-sensitive and linear in the length of the
// message: expressions between percent signs are compiled by package regexp.
//
//	terms.go   terms
//	object.go  conditions on JSON
//	fields.go  conditions on fields
//	value.go   comparisons with numbers, strings with asterisks, expressions
package logpattern
