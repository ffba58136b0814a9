package kms

import (
	"context"
	"slices"

	"fastness/internal/api/kmsapi"
	"fastness/internal/engine/keyalg"
)

// Sign implements the operation of that name.
func (s *Service) Sign(ctx context.Context, in *kmsapi.SignRequest) (*kmsapi.SignResponse, error) {
	r, k, err := s.usable(ctx, keyalg.SignVerify)
	if err != nil {
		return nil, err
	}
	algorithm := keyalg.Algorithm(r.req.signingAlgorithm)
	if err := checkAlgorithm(k, algorithm, keyalg.SignVerify); err != nil {
		return nil, err
	}
	if r.req.dryRun {
		return nil, dryRun()
	}
	signature, err := s.private(ctx, k, func(private *keyalg.Key) ([]byte, error) {
		return private.Sign(algorithm, keyalg.MessageType(r.req.messageType), in.Message)
	})
	if err != nil {
		return nil, err
	}
	s.used(ctx, k)
	a := answerBy[kmsapi.SignResponse](k, r)
	a.out = kmsapi.SignResponse{KeyId: &a.arn, Signature: signature, SigningAlgorithm: in.SigningAlgorithm}
	return &a.out, nil
}

// Verify implements the operation of that name. A signature that does not verify is
// KMSInvalidSignatureException, not an answer of false.
func (s *Service) Verify(ctx context.Context, in *kmsapi.VerifyRequest) (*kmsapi.VerifyResponse, error) {
	r, k, err := s.usable(ctx, keyalg.SignVerify)
	if err != nil {
		return nil, err
	}
	algorithm := keyalg.Algorithm(r.req.signingAlgorithm)
	if err := checkAlgorithm(k, algorithm, keyalg.SignVerify); err != nil {
		return nil, err
	}
	if r.req.dryRun {
		return nil, dryRun()
	}
	public, err := k.publicKey()
	if err != nil {
		return nil, err
	}
	if err := public.Verify(algorithm, keyalg.MessageType(r.req.messageType), in.Message, in.Signature); err != nil {
		return nil, engineError(k, err)
	}
	s.used(ctx, k)
	return &kmsapi.VerifyResponse{KeyId: new(k.arn), SignatureValid: new(true), SigningAlgorithm: in.SigningAlgorithm}, nil
}

// checkAlgorithm refuses an algorithm that the key's spec does not have.
func checkAlgorithm(k *key, algorithm keyalg.Algorithm, usage keyalg.Usage) error {
	if keyalg.Spec(k.record.Spec).Supports(usage, algorithm) {
		return nil
	}
	return invalidUsage("Algorithm " + string(algorithm) + " and key spec " + k.record.Spec + " are not compatible.")
}

// GetPublicKey implements the operation of that name.
func (s *Service) GetPublicKey(ctx context.Context, _ *kmsapi.GetPublicKeyRequest) (*kmsapi.GetPublicKeyResponse, error) {
	_, k, err := target(ctx)
	if err != nil {
		return nil, err
	}
	if err := checkState("GetPublicKey", &k.record); err != nil {
		return nil, err
	}
	if !keyalg.Spec(k.record.Spec).Asymmetric() {
		return nil, unsupported("The key spec " + k.record.Spec + " is not supported for GetPublicKey.")
	}
	m := k.metadata()
	return &kmsapi.GetPublicKeyResponse{
		KeyId: m.Arn, PublicKey: slices.Clone(k.record.Public), CustomerMasterKeySpec: m.CustomerMasterKeySpec, KeySpec: m.KeySpec,
		KeyUsage: m.KeyUsage, EncryptionAlgorithms: m.EncryptionAlgorithms, SigningAlgorithms: m.SigningAlgorithms,
		KeyAgreementAlgorithms: m.KeyAgreementAlgorithms,
	}, nil
}
