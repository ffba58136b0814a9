// Package wiretest is a small hand-written API for the tests of the codecs: one
// operation that looks like KMS Encrypt and one whose input, output and error hold
// every kind of shape. Only tests import it.
package wiretest
