package kms

import (
	"context"

	"fastness/internal/api/kmsapi"
	"fastness/internal/engine/keyalg"
)

// GenerateMac implements the operation of that name.
func (s *Service) GenerateMac(ctx context.Context, in *kmsapi.GenerateMacRequest) (*kmsapi.GenerateMacResponse, error) {
	k, err := s.macKey(ctx)
	if err != nil {
		return nil, err
	}
	mac, err := s.private(ctx, k, func(secret *keyalg.Key) ([]byte, error) {
		return secret.MAC(keyalg.Algorithm(text(in.MacAlgorithm)), in.Message)
	})
	if err != nil {
		return nil, err
	}
	s.used(ctx, k)
	return &kmsapi.GenerateMacResponse{Mac: mac, MacAlgorithm: in.MacAlgorithm, KeyId: new(k.arn)}, nil
}

// VerifyMac implements the operation of that name. A MAC that does not verify is
// KMSInvalidMacException.
func (s *Service) VerifyMac(ctx context.Context, in *kmsapi.VerifyMacRequest) (*kmsapi.VerifyMacResponse, error) {
	k, err := s.macKey(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := s.private(ctx, k, func(secret *keyalg.Key) ([]byte, error) {
		return nil, secret.VerifyMAC(keyalg.Algorithm(text(in.MacAlgorithm)), in.Message, in.Mac)
	}); err != nil {
		return nil, err
	}
	s.used(ctx, k)
	return &kmsapi.VerifyMacResponse{KeyId: new(k.arn), MacValid: new(true), MacAlgorithm: in.MacAlgorithm}, nil
}

// macKey is the checked HMAC key of the call.
func (s *Service) macKey(ctx context.Context) (*key, error) {
	r, k, err := s.usable(ctx, keyalg.GenerateVerifyMAC)
	if err != nil {
		return nil, err
	}
	if err := checkAlgorithm(k, keyalg.Algorithm(r.req.macAlgorithm), keyalg.GenerateVerifyMAC); err != nil {
		return nil, err
	}
	if r.req.dryRun {
		return nil, dryRun()
	}
	return k, nil
}
