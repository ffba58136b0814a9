// Package everyday has text of the kinds that people and programs send: prose, letters, pages, tables, programs, values of JSON. Automata are made
// while they are used, and those of what inspects requests look at such text before they look at requests, so that the first of these find most states made.
//
//	texts.go    the texts, and their words in other orders
//	written.go  values as programs write them
package everyday
