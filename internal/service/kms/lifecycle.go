package kms

import (
	"context"

	"fastness/internal/api/kmsapi"
	"fastness/internal/call"
	"fastness/internal/wire"
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

// The waiting period of ScheduleKeyDeletion, in days.
const (
	minPendingWindow = 7
	maxPendingWindow = 30
)

// GetKeyLastUsage implements the operation of that name.
func (s *Service) GetKeyLastUsage(ctx context.Context, _ *kmsapi.GetKeyLastUsageRequest) (*kmsapi.GetKeyLastUsageResponse, error) {
	_, k, err := target(ctx)
	if err != nil {
		return nil, err
	}
	out := &kmsapi.GetKeyLastUsageResponse{
		KeyId: new(k.record.ID), KeyCreationDate: new(k.record.Created), TrackingStartDate: new(k.record.Created),
	}
	use, found, err := s.lastUse(ctx, keyName{k.record.Account, k.record.Region, k.record.ID})
	if err != nil {
		return nil, err
	}
	if found {
		out.KeyLastUsage = use.data()
	}
	return out, nil
}

var _ = wire.Value[int]
