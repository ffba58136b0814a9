package kms

import (
	"context"

	"fastness/internal/api/kmsapi"
	"fastness/internal/engine/keyalg"
)

// DeriveSharedSecret implements the operation of that name: raw ECDH between the KMS
// key and the caller's public key (NIST SP 800-56A, section 5.7.1.2).
func (s *Service) DeriveSharedSecret(ctx context.Context, in *kmsapi.DeriveSharedSecretRequest) (*kmsapi.DeriveSharedSecretResponse, error) {
	r, k, err := s.usable(ctx, keyalg.KeyAgreement)
	if err != nil {
		return nil, err
	}
	algorithm := keyalg.Algorithm(r.req.agreementAlgorithm)
	if err := checkAlgorithm(k, algorithm, keyalg.KeyAgreement); err != nil {
		return nil, err
	}
	if r.req.dryRun {
		return nil, dryRun()
	}
	secret, err := s.private(ctx, k, func(private *keyalg.Key) ([]byte, error) {
		return private.DeriveSharedSecret(algorithm, in.PublicKey)
	})
	if err != nil {
		return nil, err
	}
	s.used(ctx, k)
	out := &kmsapi.DeriveSharedSecretResponse{
		KeyId: new(k.arn), KeyAgreementAlgorithm: in.KeyAgreementAlgorithm, KeyOrigin: new(kmsapi.OriginType(k.record.Origin)),
	}
	if r.attested != nil {
		defer clear(secret)
		out.CiphertextForRecipient, err = forRecipient(r.attested, secret)
		return out, err
	}
	out.SharedSecret = secret
	return out, nil
}
