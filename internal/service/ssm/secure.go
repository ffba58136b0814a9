package ssm

import (
	"context"
	"encoding/base64"
	"errors"

	"fastness/internal/api/kmsapi"
	"fastness/internal/api/ssmapi"
	"fastness/internal/call"
	"fastness/internal/wire"
)

// defaultKey is the AWS managed key of Parameter Store.
const defaultKey = "alias/aws/ssm"

// contextKey is the one pair of the encryption context: KMS binds every ciphertext to the
// parameter (AWS Systems Manager user guide, "AWS KMS encryption for AWS Systems Manager
// Parameter Store SecureString parameters").
const contextKey = "PARAMETER_ARN"

// encrypt sets the ciphertext of a version.
func (s *Service) encrypt(ctx context.Context, arn string, v *version, plaintext string) error {
	b := []byte(plaintext)
	defer clear(b)
	if v.Tier == ssmapi.ParameterTierAdvanced {
		var err error
		v.Cipher, err = s.encryptEnvelope(ctx, arn, v.KeyID, b)
		return keyError(ctx, err)
	}
	out, err := s.kms.Encrypt(ctx, &kmsapi.EncryptRequest{
		KeyId: new(v.KeyID), Plaintext: b, EncryptionContext: map[string]string{contextKey: arn},
	})
	if err != nil {
		return keyError(ctx, err)
	}
	v.Cipher = out.CiphertextBlob
	return nil
}

// reveal returns what the caller of a read gets to see of a version: the value, or the
// ciphertext in base64 where decryption was not asked for.
func (s *Service) reveal(ctx context.Context, arn string, v *version, decrypt bool) (string, error) {
	switch {
	case v.Type != ssmapi.ParameterTypeSecureString:
		return v.Value, nil
	case !decrypt:
		return base64.StdEncoding.EncodeToString(v.Cipher), nil
	}
	b, err := s.decrypt(ctx, arn, v)
	if err != nil {
		return "", keyError(ctx, err)
	}
	defer clear(b)
	return string(b), nil
}

func (s *Service) decrypt(ctx context.Context, arn string, v *version) ([]byte, error) {
	if v.Tier == ssmapi.ParameterTierAdvanced {
		return s.decryptEnvelope(ctx, arn, v.Cipher)
	}
	out, err := s.kms.Decrypt(ctx, &kmsapi.DecryptRequest{
		CiphertextBlob: v.Cipher, EncryptionContext: map[string]string{contextKey: arn},
	})
	if err != nil {
		return nil, err
	}
	return out.Plaintext, nil
}

// keyError is a failure of KMS as Parameter Store reports it: what is wrong with the key
// is InvalidKeyId, what the caller may not do stays what it is. Both have KMS's words and, as
// AWS's own client of KMS appends it, where they come from (an answer is quoted in
// https://github.com/cloudposse/docs/issues/152).
func keyError(ctx context.Context, err error) error {
	var api wire.APIError
	if !errors.As(err, &api) {
		return err
	}
	from := func(code string) string {
		return api.ErrorMessage() + " (Service: AWSKMS; Status Code: 400; Error Code: " + code + "; Request ID: " + call.From(ctx).RequestID + "; Proxy: null)"
	}
	switch code := api.ErrorCode(); code {
	case "NotFoundException", "DisabledException", "KMSInvalidStateException", "InvalidKeyUsageException", "InvalidArnException",
		"KeyUnavailableException", "ValidationException", "InvalidGrantTokenException":
		return &ssmapi.InvalidKeyId{Message: new(from(code))}
	}
	var common *wire.CommonError
	if errors.As(err, &common) && common.Kind == wire.AccessDenied {
		return &wire.CommonError{Kind: wire.AccessDenied, Message: from("AccessDeniedException"), Cause: err}
	}
	return api
}
