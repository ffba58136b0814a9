// Package clienthello reads the first message of a TLS client and makes fingerprints of it:
// JA3 (github.com/salesforce/ja3) and JA4 (github.com/FoxIO-LLC/ja4, technical_details/JA4.md).
//
// crypto/tls tells a server most of what the message says, but not its legacy version, and not
// the message itself. So Capture reads it from the connection before crypto/tls does, within
// bounds (a hello with post-quantum keys spans several packets, and may span several records),
// and gives back all bytes to be read again.
package clienthello
