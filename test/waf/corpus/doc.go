// Package corpus reads the collections of attacks and of ordinary requests that others have
// published, for measuring how much the web application firewall catches and how often
// it is wrong. Nothing of them is in this repository: FASTNESS_WAF_CORPUS names a directory that
// has checkouts of them, each in a folder owner+name (docs/waf-accuracy.md lists them and says which half each is in).
//
// A collection is wholly in one half: rules are written while looking at the tuning half, and the
// figures that count are those of the test half, which nobody looks into sample by sample.
//
// Collections of payloads have noise: lines that are no attack (a bare number, a word, a
// comment about the next line). Obvious noise is dropped by rules that say so here
// (noise.go); they look at the form of a line only, never at what a detector says of it.
package corpus
