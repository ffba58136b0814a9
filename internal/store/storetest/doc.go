// Package storetest is the conformance suite of the store interface: what every
// engine promises, as tests. An engine's own tests call Run with a function that
// opens an empty store, and add what only that engine can show (crashes, formats).
package storetest
