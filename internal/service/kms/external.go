package kms

import (
	"context"
	"errors"
	"slices"
	"strings"

	"fastness/internal/api/kmsapi"
	"fastness/internal/call"
	"fastness/internal/engine/envelope"
	"fastness/internal/engine/xks"
)

// prepareExternalKey makes k a key of an external key store. Its material is made
// here; the external key exists already and must be fit for use.
func (s *Service) prepareExternalKey(ctx context.Context, k *keyRecord, in *kmsapi.CreateKeyRequest) error {
	c := call.From(ctx)
	if kmsapi.OriginType(k.Origin) == kmsapi.OriginTypeExternalKeyStore && in.XksKeyId == nil {
		return invalid("XksKeyId is required for Origin EXTERNAL_KEY_STORE.")
	}
	if kmsapi.OriginType(k.Origin) == kmsapi.OriginTypeAWSCloudhsm && in.XksKeyId != nil {
		return invalid("XksKeyId is not valid with Origin " + k.Origin + ".")
	}
	ks, err := s.openKeyStore(c, in.CustomKeyStoreId)
	if err != nil {
		return err
	}
	switch {
	case kmsapi.OriginType(k.Origin) != kmsapi.OriginTypeExternalKeyStore:
		return invalid("Origin " + k.Origin + " is not valid for a custom key store of type EXTERNAL_KEY_STORE.")
	case ks.State != kmsapi.ConnectionStateTypeConnected:
		return keyStoreState(ks, c.Operation.Name)
	case !xks.ValidKeyID(*in.XksKeyId):
		return scenarioError(xks.ScenarioKeyNotFound, xks.CallerCreateKey)
	}
	used, err := s.tables.externalInUse(c.Txn(), ks.name(), *in.XksKeyId)
	if err != nil {
		return err
	}
	if used {
		return &kmsapi.XksKeyAlreadyInUseException{Message: new("The external key is already associated with another KMS key in this external key store.")}
	}
	if err := s.askOnce(ctx, "key metadata", func() error { return s.checkExternalKey(ctx, ks, *in.XksKeyId) }); err != nil {
		return err
	}
	k.KeyStore, k.External = ks.ID, *in.XksKeyId
	m, _, err := s.newMaterial(ctx, k)
	if err != nil {
		return err
	}
	k.Material = m.ID
	return s.tables.materials.Put(c.Txn(), m)
}

// checkExternalKey asks the proxy about an external key: it must be an enabled
// AES-256 key that encrypts and decrypts.
func (s *Service) checkExternalKey(ctx context.Context, ks *keyStoreRecord, id string) error {
	client, err := s.proxy(ctx, ks)
	if err != nil {
		return err
	}
	found, err := client.GetKeyMetadata(ctx, id, requestMetadata(call.From(ctx), ""))
	if err != nil {
		return s.proxyError(ctx, ks, xks.CallerCreateKey, err)
	}
	fault := ""
	switch {
	case found.KeySpec != xks.KeySpecAES256:
		fault = "is not a 256-bit AES key"
	case found.KeyStatus != xks.KeyEnabled:
		fault = "is not enabled"
	case !found.Allows(xks.UsageEncrypt) || !found.Allows(xks.UsageDecrypt):
		fault = "does not perform both encryption and decryption"
	default:
		return nil
	}
	return &kmsapi.XksKeyInvalidConfigurationException{Message: new("The external key " + fault + ".")}
}

// requestMetadata tells a proxy which call it works for.
func requestMetadata(c *call.Call, keyARN string) xks.RequestMetadata {
	m := xks.RequestMetadata{
		AWSPrincipalARN: c.Principal.ARN, KMSKeyARN: keyARN, KMSOperation: c.Operation.Name, KMSRequestID: c.RequestID,
	}
	if m.AWSPrincipalARN == "" {
		m.AWSPrincipalARN = c.Principal.Service
	}
	// The service as kms:ViaService names it, without its domain: "ebs".
	m.KMSViaService, _, _ = strings.Cut(c.ViaService(), ".")
	return m
}

// describeStore adds to a key's description what its key store says: a key whose
// store is not connected cannot be used.
func (s *Service) describeStore(ctx context.Context, k *key, m *kmsapi.KeyMetadata) {
	if k.record.KeyStore == "" || !slices.Contains([]kmsapi.KeyState{kmsapi.KeyStateEnabled, kmsapi.KeyStateDisabled}, k.record.State) {
		return
	}
	ks, err := s.keyStore(ctx, k.keyStore())
	if err == nil && ks != nil && ks.State == kmsapi.ConnectionStateTypeConnected {
		return
	}
	m.KeyState, m.Enabled = new(kmsapi.KeyStateUnavailable), new(false)
}

func (k *key) keyStore() keyStoreName {
	return keyStoreName{k.record.Account, k.record.Region, k.record.KeyStore}
}

// checkConnected refuses the use of a key whose key store is not connected.
func (s *Service) checkConnected(ctx context.Context, k *key) (*keyStoreRecord, error) {
	if k.record.KeyStore == "" {
		return nil, nil
	}
	ks, err := s.keyStore(ctx, k.keyStore())
	if err != nil {
		return nil, err
	}
	if ks == nil || ks.State != kmsapi.ConnectionStateTypeConnected {
		return nil, scenarioError(xks.ScenarioNotConnected, xks.CallerCrypto)
	}
	return ks, nil
}

// encryptExternal encrypts twice: under our own material, then by the proxy under the
// external key, so that neither side alone can decrypt.
func (s *Service) encryptExternal(ctx context.Context, k *key, context map[string]string, plaintext []byte) ([]byte, error) {
	ks, client, err := s.connectedProxy(ctx, k)
	if err != nil {
		return nil, err
	}
	inner, err := s.seal(ctx, k, context, plaintext)
	if err != nil {
		return nil, err
	}
	ref := refOf(&k.record)
	sealed, err := client.Encrypt(ctx, k.record.External, xks.EncryptInput{
		Metadata: requestMetadata(call.From(ctx), k.record.arn()), Plaintext: inner,
		AAD: externalAAD(ref, context), Integrity: true,
	})
	if err != nil {
		return nil, s.proxyError(ctx, ks, xks.CallerCrypto, err)
	}
	return appendExternalBlob(ref, sealed), nil
}

// decryptExternal undoes encryptExternal.
func (s *Service) decryptExternal(ctx context.Context, k *key, blob []byte, context map[string]string) ([]byte, error) {
	ref, sealed, err := parseExternalBlob(blob)
	if err != nil {
		if h, err := envelope.ParseHeader(blob); err == nil && h.KeyRef != refOf(&k.record) {
			return nil, s.ofAnotherKey(ctx, h.KeyRef)
		}
		return nil, &kmsapi.InvalidCiphertextException{}
	}
	if ref != refOf(&k.record) {
		return nil, s.ofAnotherKey(ctx, ref)
	}
	ks, client, err := s.connectedProxy(ctx, k)
	if err != nil {
		return nil, err
	}
	inner, err := client.Decrypt(ctx, k.record.External, xks.DecryptInput{
		Metadata: requestMetadata(call.From(ctx), k.record.arn()), Sealed: sealed, AAD: externalAAD(ref, context),
	})
	if err != nil {
		return nil, s.proxyError(ctx, ks, xks.CallerCrypto, err)
	}
	h, err := envelope.ParseHeader(inner)
	if err != nil || h.KeyRef != ref {
		return nil, scenarioError(xks.ScenarioInnerCiphertext, xks.CallerCrypto)
	}
	m := k.byID[h.MaterialID]
	if m == nil {
		return nil, scenarioError(xks.ScenarioInnerCiphertext, xks.CallerCrypto)
	}
	plaintext, err := s.unseal(ctx, k, m, context, inner)
	if errors.Is(err, envelope.ErrInvalidCiphertext) {
		return nil, scenarioError(xks.ScenarioInnerCiphertext, xks.CallerCrypto)
	}
	return plaintext, err
}

func (s *Service) connectedProxy(ctx context.Context, k *key) (*keyStoreRecord, *xks.Client, error) {
	ks, err := s.checkConnected(ctx, k)
	if err != nil {
		return nil, nil, err
	}
	client, err := s.proxy(ctx, ks)
	return ks, client, err
}

// ofAnotherKey is the error for a blob with another reference than that of the key the
// request names: the blob is under another key if there is one, and altered if not.
func (s *Service) ofAnotherKey(ctx context.Context, ref [16]byte) error {
	k, err := s.directory.byRef(ctx, call.From(ctx).Region, ref)
	if err != nil {
		return err
	}
	if k == nil {
		return &kmsapi.InvalidCiphertextException{}
	}
	return &kmsapi.IncorrectKeyException{Message: new("The key ID in the request does not identify a CMK that can perform this operation.")}
}
