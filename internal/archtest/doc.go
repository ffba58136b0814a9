// Package archtest keeps the house in order: its test reads the imports of every
// package of the module and fails on an edge that the architecture does not allow
// (docs/architecture.md), on package names that say nothing, and on packages without
// a doc.go.
package archtest
