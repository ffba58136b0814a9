// Package acm is AWS Certificate Manager: certificates with their private keys, for listeners.
//
// # What AWS promises here
//
// A certificate is requested, and then issued and renewed by the service, or imported. Its private key
// never leaves the service, but for certificates that may be exported, encrypted under a passphrase.
// A certificate that is in use cannot be deleted.
//
// Limits: 2,500 certificates in a Region; 10 names of a requested certificate (Domain names per ACM
// certificate); 50 tags.
//
// # What differs
//
// Certificates are issued by the platform's own authority (internal/ca), at once: whoever may
// request one is believed. AWS looks for a DNS record first; the record is told here too, for clients
// that wait for it, with the validation's result, SUCCESS, and need not be made. Every requested
// certificate whose Export option is ENABLED can be exported. Certificates of private authorities
// (CertificateAuthorityArn) are refused: there is no room of private authorities yet.
//
// # How it is kept
//
// A certificate is one record with its private key; all records are sealed in the store. The key is
// in no log, event, or answer but that of ExportCertificate, where it is encrypted.
//
// # Where to look
//
//	state.go, service.go   the record, the parts
//	resolve.go             what a call touches, for authorization
//	request.go, renew.go   certificates that are issued here
//	importing.go           certificates from elsewhere, and the checks of them
//	describe.go, list.go, tags.go, delete.go
//	                       the other operations
//	export.go              private keys under a passphrase (PKCS #8, PBES2)
package acm
