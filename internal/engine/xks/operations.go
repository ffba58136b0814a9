package xks

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
)

// parseMetadata reads requestMetadata and checks that what the operation requires
// is there. Members that AWS may add later are let through unread.
func parseMetadata(request object, op string) (RequestMetadata, error) {
	var m RequestMetadata
	raw, ok := request["requestMetadata"].(object)
	if !ok {
		return m, errors.New("requestMetadata is missing")
	}
	keyed := op == OpEncrypt || op == OpDecrypt
	for _, field := range []struct {
		name     string
		target   *string
		required bool
	}{
		{"awsPrincipalArn", &m.AWSPrincipalARN, op != OpGetHealthStatus},
		{"awsSourceVpc", &m.AWSSourceVPC, false},
		{"awsSourceVpce", &m.AWSSourceVPCE, false},
		{"kmsKeyArn", &m.KMSKeyARN, keyed},
		{"kmsOperation", &m.KMSOperation, true},
		{"kmsRequestId", &m.KMSRequestID, true},
		{"kmsViaService", &m.KMSViaService, false},
	} {
		value, _, err := raw.text(field.name, MaxMetadataValueLength)
		if err != nil {
			return m, err
		}
		if field.required && value == "" {
			return m, fmt.Errorf("requestMetadata.%s is missing", field.name)
		}
		*field.target = value
	}
	return m, nil
}

// perform runs an authenticated request.
func (s *Server) perform(ctx context.Context, tenant *Tenant, call *Call, request object) (any, error) {
	switch call.Op {
	case OpGetHealthStatus:
		status, err := tenant.Keys.Health(ctx)
		if err != nil {
			return nil, err
		}
		return status, nil
	case OpGetKeyMetadata:
		if err := authorize(ctx, tenant, call); err != nil {
			return nil, err
		}
		metadata, err := tenant.Keys.Metadata(ctx, call.KeyID)
		if err != nil {
			return nil, err
		}
		return metadata, nil
	case OpEncrypt:
		return encrypt(ctx, tenant, call, request)
	default:
		return decrypt(ctx, tenant, call, request)
	}
}

func authorize(ctx context.Context, tenant *Tenant, call *Call) error {
	if tenant.Authorize == nil {
		return nil
	}
	err := tenant.Authorize(ctx, *call)
	var proxyError *ProxyError
	if err == nil || errors.As(err, &proxyError) {
		return err
	}
	return &causedError{NewProxyError(AccessDeniedException, "the operation is not authorized"), err}
}

// requireKey checks that the key is enabled and allows every usage.
func requireKey(ctx context.Context, tenant *Tenant, keyID string, usages ...string) error {
	metadata, err := tenant.Keys.Metadata(ctx, keyID)
	if err != nil {
		return err
	}
	if metadata.KeyStatus != KeyEnabled {
		return NewProxyError(InvalidStateException, "the key is not enabled")
	}
	for _, usage := range usages {
		if metadata.KeySpec != KeySpecAES256 || !metadata.Allows(usage) {
			return NewProxyError(InvalidKeyUsageException, "the key does not support "+usage)
		}
	}
	return nil
}

type encryptAnswer struct {
	Ciphertext         []byte `json:"ciphertext"`
	CiphertextMetadata []byte `json:"ciphertextMetadata,omitempty"`
	IV                 []byte `json:"initializationVector"`
	Tag                []byte `json:"authenticationTag"`
	CDIV               []byte `json:"ciphertextDataIntegrityValue,omitempty"`
}

func encrypt(ctx context.Context, tenant *Tenant, call *Call, request object) (any, error) {
	plaintext, err := request.requiredBlob("plaintext")
	if err != nil {
		return nil, validation(err.Error())
	}
	defer clear(plaintext)
	if len(plaintext) == 0 {
		return nil, validation("plaintext is empty")
	}
	aad, err := readAAD(request)
	if err != nil {
		return nil, err
	}
	cdivAlgorithm, wantCDIV, err := request.text("ciphertextDataIntegrityValueAlgorithm", MaxMetadataValueLength)
	if err != nil || wantCDIV && cdivAlgorithm != CDIVSHA256 {
		return nil, validation("ciphertextDataIntegrityValueAlgorithm is not SHA_256")
	}
	if len(plaintext) > MaxPlaintextBytes {
		return nil, unsupported("plaintext", len(plaintext), MaxPlaintextBytes)
	}
	if err := authorize(ctx, tenant, call); err != nil {
		return nil, err
	}
	usages := []string{UsageEncrypt}
	if wantCDIV {
		usages = append(usages, UsageDecrypt)
	}
	if err := requireKey(ctx, tenant, call.KeyID, usages...); err != nil {
		return nil, err
	}
	sealed, err := tenant.Keys.Encrypt(ctx, call.KeyID, plaintext, aad)
	if err != nil {
		return nil, err
	}
	if err := checkSealed(sealed); err != nil || len(sealed.Ciphertext) != len(plaintext) {
		return nil, fmt.Errorf("xks: the key manager broke the protocol's lengths: %w", errors.Join(err, ErrInput))
	}
	answer := encryptAnswer{
		Ciphertext:         sealed.Ciphertext,
		CiphertextMetadata: sealed.Metadata,
		IV:                 sealed.IV,
		Tag:                sealed.Tag,
	}
	if wantCDIV {
		if answer.CDIV, err = proveDecryption(ctx, tenant.Keys, call.KeyID, sealed, plaintext, aad); err != nil {
			return nil, err
		}
	}
	return answer, nil
}

// proveDecryption makes the integrity value of appendix C. The value is computed
// before the trial decryption, so that a later corruption of sealed shows.
func proveDecryption(ctx context.Context, keys Keys, keyID string, sealed Sealed, plaintext, aad []byte) ([]byte, error) {
	value := DataIntegrityValue(aad, sealed)
	decrypted, err := keys.Decrypt(ctx, keyID, sealed, aad)
	if err != nil {
		return nil, fmt.Errorf("xks: trial decryption: %w", asInternal(err))
	}
	defer clear(decrypted)
	if subtle.ConstantTimeCompare(decrypted, plaintext) != 1 {
		return nil, errors.New("xks: trial decryption gave another plaintext")
	}
	return value[:], nil
}

// asInternal hides that a trial decryption called our own ciphertext invalid: the
// caller sent none. A deadline stays a deadline.
func asInternal(err error) error {
	if errors.Is(err, &ProxyError{Name: InvalidCiphertextException}) {
		return &causedError{NewProxyError(InternalException, "the key manager failed"), err}
	}
	return err
}

type decryptAnswer struct {
	Plaintext []byte `json:"plaintext"`
}

func decrypt(ctx context.Context, tenant *Tenant, call *Call, request object) (any, error) {
	var sealed Sealed
	var err error
	for _, field := range []struct {
		name   string
		target *[]byte
	}{
		{"ciphertext", &sealed.Ciphertext},
		{"initializationVector", &sealed.IV},
		{"authenticationTag", &sealed.Tag},
	} {
		if *field.target, err = request.requiredBlob(field.name); err != nil {
			return nil, validation(err.Error())
		}
	}
	if sealed.Metadata, _, err = request.blob("ciphertextMetadata"); err != nil {
		return nil, validation(err.Error())
	}
	aad, err := readAAD(request)
	if err != nil {
		return nil, err
	}
	if len(sealed.Ciphertext) > MaxPlaintextBytes {
		return nil, unsupported("ciphertext", len(sealed.Ciphertext), MaxPlaintextBytes)
	}
	if err := authorize(ctx, tenant, call); err != nil {
		return nil, err
	}
	if err := requireKey(ctx, tenant, call.KeyID, UsageDecrypt); err != nil {
		return nil, err
	}
	if err := checkSealed(sealed); err != nil {
		return nil, NewProxyError(InvalidCiphertextException, err.Error())
	}
	plaintext, err := tenant.Keys.Decrypt(ctx, call.KeyID, sealed, aad)
	if err != nil {
		return nil, err
	}
	return decryptAnswer{Plaintext: plaintext}, nil
}

// readAAD reads what Encrypt and Decrypt share: algorithm and additional data.
func readAAD(request object) ([]byte, error) {
	algorithm, err := request.requiredText("encryptionAlgorithm", MaxMetadataValueLength)
	if err != nil {
		return nil, validation(err.Error())
	}
	if algorithm != AlgorithmAESGCM {
		return nil, validation("encryptionAlgorithm is not AES_GCM")
	}
	aad, _, err := request.blob("additionalAuthenticatedData")
	if err != nil {
		return nil, validation(err.Error())
	}
	if len(aad) > MaxAADBytes {
		return nil, unsupported("additionalAuthenticatedData", len(aad), MaxAADBytes)
	}
	return aad, nil
}

func unsupported(name string, size, longest int) *ProxyError {
	return NewProxyError(UnsupportedOperationException, fmt.Sprintf("%s has %d bytes, at most %d", name, size, longest))
}
