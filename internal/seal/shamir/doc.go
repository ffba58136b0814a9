// Package shamir splits a secret into n shares of which any m restore it, while m-1
// say nothing about it (A. Shamir, "How to Share a Secret", CACM 22(11), 1979).
//
// Each byte of the secret is the constant term of a random polynomial of degree m-1
// over GF(2^8) with the polynomial of AES (x^8+x^4+x^3+x+1); share x holds the values
// at x, for x from 1 to n. This is the arithmetic of draft-mcgrew-tss-03, whose test
// case is among the tests. Field operations use neither tables nor branches that
// depend on secret bytes.
//
// A share is handed to a person as text (EncodeText, ParseText): it names the set it
// belongs to, its number and the threshold, and ends in a checksum, so that a
// mistyped, foreign or repeated share is recognised before anything is combined.
package shamir
