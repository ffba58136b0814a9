package kms

import (
	"context"

	"fastness/internal/api/kmsapi"
	"fastness/internal/call"
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
func (s *Service) resolveRetireGrant(context.Context, *call.Call, *kmsapi.RetireGrantRequest) ([]call.Access, error) {
	return nil, unsupported("pending")
}
func (s *Service) resolveReplicateKey(context.Context, *call.Call, *kmsapi.ReplicateKeyRequest) ([]call.Access, error) {
	return nil, unsupported("pending")
}
func (s *Service) resolveUpdatePrimaryRegion(context.Context, *call.Call, *kmsapi.UpdatePrimaryRegionRequest) ([]call.Access, error) {
	return nil, unsupported("pending")
}
func (s *Service) lastUse(context.Context, keyName) (lastUse, bool, error) {
	return lastUse{}, false, unsupported("pending")
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
func (s *Service) CreateGrant(context.Context, *kmsapi.CreateGrantRequest) (*kmsapi.CreateGrantResponse, error) {
	return nil, unsupported("pending")
}
func (s *Service) DeleteCustomKeyStore(context.Context, *kmsapi.DeleteCustomKeyStoreRequest) (*kmsapi.DeleteCustomKeyStoreResponse, error) {
	return nil, unsupported("pending")
}
func (s *Service) DeleteImportedKeyMaterial(context.Context, *kmsapi.DeleteImportedKeyMaterialRequest) (*kmsapi.DeleteImportedKeyMaterialResponse, error) {
	return nil, unsupported("pending")
}
func (s *Service) DescribeCustomKeyStores(context.Context, *kmsapi.DescribeCustomKeyStoresRequest) (*kmsapi.DescribeCustomKeyStoresResponse, error) {
	return nil, unsupported("pending")
}
func (s *Service) DisableKeyRotation(context.Context, *kmsapi.DisableKeyRotationRequest) (*kmsapi.DisableKeyRotationOutput, error) {
	return nil, unsupported("pending")
}
func (s *Service) DisconnectCustomKeyStore(context.Context, *kmsapi.DisconnectCustomKeyStoreRequest) (*kmsapi.DisconnectCustomKeyStoreResponse, error) {
	return nil, unsupported("pending")
}
func (s *Service) EnableKeyRotation(context.Context, *kmsapi.EnableKeyRotationRequest) (*kmsapi.EnableKeyRotationOutput, error) {
	return nil, unsupported("pending")
}
func (s *Service) GetKeyRotationStatus(context.Context, *kmsapi.GetKeyRotationStatusRequest) (*kmsapi.GetKeyRotationStatusResponse, error) {
	return nil, unsupported("pending")
}
func (s *Service) GetParametersForImport(context.Context, *kmsapi.GetParametersForImportRequest) (*kmsapi.GetParametersForImportResponse, error) {
	return nil, unsupported("pending")
}
func (s *Service) ImportKeyMaterial(context.Context, *kmsapi.ImportKeyMaterialRequest) (*kmsapi.ImportKeyMaterialResponse, error) {
	return nil, unsupported("pending")
}
func (s *Service) ListGrants(context.Context, *kmsapi.ListGrantsRequest) (*kmsapi.ListGrantsResponse, error) {
	return nil, unsupported("pending")
}
func (s *Service) ListKeyRotations(context.Context, *kmsapi.ListKeyRotationsRequest) (*kmsapi.ListKeyRotationsResponse, error) {
	return nil, unsupported("pending")
}
func (s *Service) ListRetirableGrants(context.Context, *kmsapi.ListRetirableGrantsRequest) (*kmsapi.ListGrantsResponse, error) {
	return nil, unsupported("pending")
}
func (s *Service) ReplicateKey(context.Context, *kmsapi.ReplicateKeyRequest) (*kmsapi.ReplicateKeyResponse, error) {
	return nil, unsupported("pending")
}
func (s *Service) RetireGrant(context.Context, *kmsapi.RetireGrantRequest) (*kmsapi.RetireGrantOutput, error) {
	return nil, unsupported("pending")
}
func (s *Service) RevokeGrant(context.Context, *kmsapi.RevokeGrantRequest) (*kmsapi.RevokeGrantOutput, error) {
	return nil, unsupported("pending")
}
func (s *Service) RotateKeyOnDemand(context.Context, *kmsapi.RotateKeyOnDemandRequest) (*kmsapi.RotateKeyOnDemandResponse, error) {
	return nil, unsupported("pending")
}
func (s *Service) ScheduleKeyDeletion(context.Context, *kmsapi.ScheduleKeyDeletionRequest) (*kmsapi.ScheduleKeyDeletionResponse, error) {
	return nil, unsupported("pending")
}
func (s *Service) UpdateCustomKeyStore(context.Context, *kmsapi.UpdateCustomKeyStoreRequest) (*kmsapi.UpdateCustomKeyStoreResponse, error) {
	return nil, unsupported("pending")
}
func (s *Service) UpdatePrimaryRegion(context.Context, *kmsapi.UpdatePrimaryRegionRequest) (*kmsapi.UpdatePrimaryRegionOutput, error) {
	return nil, unsupported("pending")
}
