// Package ca is the certificate authority a Fastness makes for itself at its first
// start, so that TLS works before anybody has bought a certificate: one ECDSA P-256
// root, valid for ten years, that signs the server certificate of the front door
// (and, later, those of data planes). Clients trust it with AWS_CA_BUNDLE; the
// command `fastness ca` prints it.
package ca
