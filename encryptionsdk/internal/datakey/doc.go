// Package datakey holds the steps that every keyring of the Encryption SDK takes around
// its own wrapping algorithm: make the data key if nobody has yet, append a wrapping of it
// within the bounds of the message format, and try the wrappings of a message one after
// the other until one opens, collecting what went wrong with the others.
package datakey
