package kms

import (
	"context"

	"fastness/internal/api/kmsapi"
)

func (s *Service) CancelKeyDeletion(context.Context, *kmsapi.CancelKeyDeletionRequest) (*kmsapi.CancelKeyDeletionResponse, error) {
	return nil, unsupported("pending")
}
func (s *Service) ScheduleKeyDeletion(context.Context, *kmsapi.ScheduleKeyDeletionRequest) (*kmsapi.ScheduleKeyDeletionResponse, error) {
	return nil, unsupported("pending")
}
