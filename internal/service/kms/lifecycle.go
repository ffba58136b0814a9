package kms

import (
	"context"

	"fastness/internal/api/kmsapi"
	"fastness/internal/call"
)

// EnableKey implements the operation of that name.
func (s *Service) EnableKey(ctx context.Context, _ *kmsapi.EnableKeyRequest) (*kmsapi.EnableKeyOutput, error) {
	return &kmsapi.EnableKeyOutput{}, s.change(ctx, func(k *keyRecord) error {
		k.State = kmsapi.KeyStateEnabled
		return s.resumeRotation(call.From(ctx).Txn(), k)
	})
}

// DisableKey implements the operation of that name.
func (s *Service) DisableKey(ctx context.Context, _ *kmsapi.DisableKeyRequest) (*kmsapi.DisableKeyOutput, error) {
	return &kmsapi.DisableKeyOutput{}, s.change(ctx, func(k *keyRecord) error {
		k.State = kmsapi.KeyStateDisabled
		return nil
	})
}
