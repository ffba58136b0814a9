// Package attestation checks the identity papers of an enclave and seals answers
// that only that enclave can open.
//
// A caller that runs inside an AWS Nitro Enclave (or on an instance with
// NitroTPM) proves what code it runs by an attestation document: a CBOR map
// signed as COSE_Sign1 (RFC 9052) with ES384, by a certificate that chains to the
// root of the platform. The document names the platform configuration registers
// (PCRs) and carries an RSA public key whose private half never leaves the
// enclave. A key service compares the PCRs with its policy and, instead of a
// plaintext, returns a CMS EnvelopedData (RFC 5652) for that public key.
//
// Verify does all checks of the document that AWS publishes for third-party key
// services (docs/attestation_process.md of aws-nitro-enclaves-nsm-api, and the
// "Validate a NitroTPM Attestation Document" page of the EC2 guide): encoding,
// fields, lengths, certificate chain at a given instant, signature. The root is
// whatever pool the operator configures: AWS's root, or the root of another
// platform that speaks the same format.
//
// EncryptForRecipient makes the envelope: a fresh AES-256 key under RSAES-OAEP
// with SHA-256, the content under AES-256-CBC, in the byte shape that AWS KMS
// sends (BER with indefinite lengths), because parsers in enclave SDKs were
// written against that shape.
//
// The two kinds of document differ in one field: an enclave has "pcrs", NitroTPM
// has "nitrotpm_pcrs". They mean different measurements, so Document.Source keeps
// them apart and only an enclave has an image digest (PCR0).
//
// The package holds no state, reads no clock and does no input or output.
package attestation
