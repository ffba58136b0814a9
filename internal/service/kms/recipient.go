package kms

import (
	"context"

	"fastness/internal/api/kmsapi"
	"fastness/internal/engine/attestation"
)

// attest verifies the attestation document of a Recipient. Without configured roots
// nothing can be attested, so every document is refused.
func (s *Service) attest(_ context.Context, r *kmsapi.RecipientInfo) (*attestation.Document, error) {
	if r.AttestationDocument == nil {
		return nil, nil
	}
	if r.KeyEncryptionAlgorithm == nil {
		return nil, invalid("KeyEncryptionAlgorithm is required with an attestation document.")
	}
	if s.attestation == nil {
		return nil, invalid("The attestation document cannot be verified: no attestation roots are configured.")
	}
	doc, err := s.attestation.Verify(r.AttestationDocument, s.clock.Now())
	if err != nil {
		return nil, invalid("The attestation document is not valid.")
	}
	if doc.PublicKey == nil {
		return nil, invalid("The attestation document does not include a public key.")
	}
	return doc, nil
}

// forRecipient encrypts a plaintext so that only the attested enclave can read it.
func forRecipient(doc *attestation.Document, plaintext []byte) ([]byte, error) {
	return attestation.EncryptForRecipient(doc.PublicKey, plaintext)
}
