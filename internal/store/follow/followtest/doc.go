// Package followtest has memories follow a store in tests, and waits for them.
package followtest
