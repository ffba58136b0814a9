// Package shop is a demo application for tests of the firewall: the pages, forms and calls that real
// applications have, and, apart from them, a catalogue that can be injected into.
//
//	Pages      what people use: accounts, search, comments, uploads, an editor, an API, GraphQL, a chat …
//	Catalogue  three pages that build SQL of what they are given; never to be used for anything else
//
// What Pages are given they keep, and show as it was: a test sees that nothing on the way has changed it.
package shop
