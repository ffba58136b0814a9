// Package percent decodes percent escapes as careless applications do, for the judges of attacks: what is an escape is decoded, and what is none
// is left as it is.
package percent
