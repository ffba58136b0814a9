package kms

import (
	"context"

	"fastness/internal/api/kmsapi"
)

func (s *Service) randomFromKeyStore(context.Context, string) error { return unsupported("pending") }
func (s *Service) prepareExternalKey(context.Context, *keyRecord, *kmsapi.CreateKeyRequest) error {
	return unsupported("pending")
}
func (s *Service) describeStore(context.Context, *key, *kmsapi.KeyMetadata) {}
func (s *Service) encryptExternal(context.Context, *key, map[string]string, []byte) ([]byte, error) {
	return nil, unsupported("pending")
}
func (s *Service) decryptExternal(context.Context, *key, []byte, map[string]string) ([]byte, error) {
	return nil, unsupported("pending")
}
func (s *Service) CancelKeyDeletion(context.Context, *kmsapi.CancelKeyDeletionRequest) (*kmsapi.CancelKeyDeletionResponse, error) {
	return nil, unsupported("pending")
}
func (s *Service) ConnectCustomKeyStore(context.Context, *kmsapi.ConnectCustomKeyStoreRequest) (*kmsapi.ConnectCustomKeyStoreResponse, error) {
	return nil, unsupported("pending")
}
func (s *Service) CreateCustomKeyStore(context.Context, *kmsapi.CreateCustomKeyStoreRequest) (*kmsapi.CreateCustomKeyStoreResponse, error) {
	return nil, unsupported("pending")
}
func (s *Service) DeleteCustomKeyStore(context.Context, *kmsapi.DeleteCustomKeyStoreRequest) (*kmsapi.DeleteCustomKeyStoreResponse, error) {
	return nil, unsupported("pending")
}
func (s *Service) DescribeCustomKeyStores(context.Context, *kmsapi.DescribeCustomKeyStoresRequest) (*kmsapi.DescribeCustomKeyStoresResponse, error) {
	return nil, unsupported("pending")
}
func (s *Service) DisconnectCustomKeyStore(context.Context, *kmsapi.DisconnectCustomKeyStoreRequest) (*kmsapi.DisconnectCustomKeyStoreResponse, error) {
	return nil, unsupported("pending")
}
func (s *Service) ScheduleKeyDeletion(context.Context, *kmsapi.ScheduleKeyDeletionRequest) (*kmsapi.ScheduleKeyDeletionResponse, error) {
	return nil, unsupported("pending")
}
func (s *Service) UpdateCustomKeyStore(context.Context, *kmsapi.UpdateCustomKeyStoreRequest) (*kmsapi.UpdateCustomKeyStoreResponse, error) {
	return nil, unsupported("pending")
}
