package kms

import (
	"fastness/internal/api/kmsapi"
	"fastness/internal/wire"
)

// request is what authorization needs of an input, whatever the operation.
type request struct {
	// key is the key as the caller named it: id, ARN, alias or alias ARN. Empty where
	// the operation takes none, or takes it from the ciphertext.
	key     string
	blob    []byte // Decrypt and ReEncrypt: the ciphertext names the key
	tokens  []string
	context map[string]string
	dryRun  bool
	// ignoreBlob: DryRunModifiers IGNORE_CIPHERTEXT.
	ignoreBlob bool
	// Algorithms and the like, as condition keys show them; empty when not applicable.
	encryptionAlgorithm, signingAlgorithm, macAlgorithm, agreementAlgorithm string
	messageType                                                             string
	recipient                                                               *kmsapi.RecipientInfo
}

func text[S ~string](p *S) string { return string(wire.Value(p)) }

// orDefault is the value of an optional algorithm member.
func orDefault[S ~string](p *S, d string) string {
	if p == nil {
		return d
	}
	return string(*p)
}

const symmetricDefault = string(kmsapi.EncryptionAlgorithmSpecSymmetricDefault)

func ignoresBlob(modifiers []kmsapi.DryRunModifierType) bool {
	for _, m := range modifiers {
		if m == kmsapi.DryRunModifierTypeIgnoreCiphertext {
			return true
		}
	}
	return false
}

// readRequest takes from a typed input what all operations have in common. The
// second key of ReEncrypt is read by its resolver.
func readRequest(in any) request {
	switch in := in.(type) {
	case *kmsapi.EncryptRequest:
		return request{key: text(in.KeyId), tokens: in.GrantTokens, context: in.EncryptionContext, dryRun: wire.Value(in.DryRun),
			encryptionAlgorithm: orDefault(in.EncryptionAlgorithm, symmetricDefault)}
	case *kmsapi.DecryptRequest:
		return request{key: text(in.KeyId), blob: in.CiphertextBlob, tokens: in.GrantTokens, context: in.EncryptionContext, dryRun: wire.Value(in.DryRun),
			ignoreBlob: ignoresBlob(in.DryRunModifiers), encryptionAlgorithm: orDefault(in.EncryptionAlgorithm, symmetricDefault), recipient: in.Recipient}
	case *kmsapi.ReEncryptRequest:
		return request{key: text(in.SourceKeyId), blob: in.CiphertextBlob, tokens: in.GrantTokens, context: in.SourceEncryptionContext, dryRun: wire.Value(in.DryRun),
			ignoreBlob: ignoresBlob(in.DryRunModifiers), encryptionAlgorithm: orDefault(in.SourceEncryptionAlgorithm, symmetricDefault)}
	case *kmsapi.GenerateDataKeyRequest:
		return request{key: text(in.KeyId), tokens: in.GrantTokens, context: in.EncryptionContext, dryRun: wire.Value(in.DryRun), encryptionAlgorithm: symmetricDefault, recipient: in.Recipient}
	case *kmsapi.GenerateDataKeyWithoutPlaintextRequest:
		return request{key: text(in.KeyId), tokens: in.GrantTokens, context: in.EncryptionContext, dryRun: wire.Value(in.DryRun), encryptionAlgorithm: symmetricDefault}
	case *kmsapi.GenerateDataKeyPairRequest:
		return request{key: text(in.KeyId), tokens: in.GrantTokens, context: in.EncryptionContext, dryRun: wire.Value(in.DryRun), encryptionAlgorithm: symmetricDefault, recipient: in.Recipient}
	case *kmsapi.GenerateDataKeyPairWithoutPlaintextRequest:
		return request{key: text(in.KeyId), tokens: in.GrantTokens, context: in.EncryptionContext, dryRun: wire.Value(in.DryRun), encryptionAlgorithm: symmetricDefault}
	case *kmsapi.SignRequest:
		return request{key: text(in.KeyId), tokens: in.GrantTokens, dryRun: wire.Value(in.DryRun),
			signingAlgorithm: text(in.SigningAlgorithm), messageType: orDefault(in.MessageType, string(kmsapi.MessageTypeRaw))}
	case *kmsapi.VerifyRequest:
		return request{key: text(in.KeyId), tokens: in.GrantTokens, dryRun: wire.Value(in.DryRun),
			signingAlgorithm: text(in.SigningAlgorithm), messageType: orDefault(in.MessageType, string(kmsapi.MessageTypeRaw))}
	case *kmsapi.GenerateMacRequest:
		return request{key: text(in.KeyId), tokens: in.GrantTokens, dryRun: wire.Value(in.DryRun), macAlgorithm: text(in.MacAlgorithm)}
	case *kmsapi.VerifyMacRequest:
		return request{key: text(in.KeyId), tokens: in.GrantTokens, dryRun: wire.Value(in.DryRun), macAlgorithm: text(in.MacAlgorithm)}
	case *kmsapi.DeriveSharedSecretRequest:
		return request{key: text(in.KeyId), tokens: in.GrantTokens, dryRun: wire.Value(in.DryRun), agreementAlgorithm: text(in.KeyAgreementAlgorithm), recipient: in.Recipient}
	case *kmsapi.GetPublicKeyRequest:
		return request{key: text(in.KeyId), tokens: in.GrantTokens}
	case *kmsapi.DescribeKeyRequest:
		return request{key: text(in.KeyId), tokens: in.GrantTokens}
	case *kmsapi.CreateGrantRequest:
		return request{key: text(in.KeyId), tokens: in.GrantTokens, dryRun: wire.Value(in.DryRun)}
	case *kmsapi.ListGrantsRequest:
		return request{key: text(in.KeyId)}
	case *kmsapi.RevokeGrantRequest:
		return request{key: text(in.KeyId), dryRun: wire.Value(in.DryRun)}
	case *kmsapi.RetireGrantRequest:
		return request{key: text(in.KeyId), dryRun: wire.Value(in.DryRun)}
	case *kmsapi.GenerateRandomRequest:
		return request{recipient: in.Recipient}
	case *kmsapi.CancelKeyDeletionRequest:
		return request{key: text(in.KeyId)}
	case *kmsapi.ScheduleKeyDeletionRequest:
		return request{key: text(in.KeyId)}
	case *kmsapi.EnableKeyRequest:
		return request{key: text(in.KeyId)}
	case *kmsapi.DisableKeyRequest:
		return request{key: text(in.KeyId)}
	case *kmsapi.UpdateKeyDescriptionRequest:
		return request{key: text(in.KeyId)}
	case *kmsapi.EnableKeyRotationRequest:
		return request{key: text(in.KeyId)}
	case *kmsapi.DisableKeyRotationRequest:
		return request{key: text(in.KeyId)}
	case *kmsapi.GetKeyRotationStatusRequest:
		return request{key: text(in.KeyId)}
	case *kmsapi.RotateKeyOnDemandRequest:
		return request{key: text(in.KeyId)}
	case *kmsapi.ListKeyRotationsRequest:
		return request{key: text(in.KeyId)}
	case *kmsapi.GetKeyPolicyRequest:
		return request{key: text(in.KeyId)}
	case *kmsapi.PutKeyPolicyRequest:
		return request{key: text(in.KeyId)}
	case *kmsapi.ListKeyPoliciesRequest:
		return request{key: text(in.KeyId)}
	case *kmsapi.TagResourceRequest:
		return request{key: text(in.KeyId)}
	case *kmsapi.UntagResourceRequest:
		return request{key: text(in.KeyId)}
	case *kmsapi.ListResourceTagsRequest:
		return request{key: text(in.KeyId)}
	case *kmsapi.GetParametersForImportRequest:
		return request{key: text(in.KeyId)}
	case *kmsapi.ImportKeyMaterialRequest:
		return request{key: text(in.KeyId)}
	case *kmsapi.DeleteImportedKeyMaterialRequest:
		return request{key: text(in.KeyId)}
	case *kmsapi.GetKeyLastUsageRequest:
		return request{key: text(in.KeyId)}
	case *kmsapi.ReplicateKeyRequest:
		return request{key: text(in.KeyId)}
	case *kmsapi.UpdatePrimaryRegionRequest:
		return request{key: text(in.KeyId)}
	case *kmsapi.CreateAliasRequest:
		return request{key: text(in.TargetKeyId)}
	case *kmsapi.UpdateAliasRequest:
		return request{key: text(in.TargetKeyId)}
	}
	return request{}
}
