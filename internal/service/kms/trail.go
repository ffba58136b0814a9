package kms

import (
	"fastness/internal/api/kmsapi"
	"fastness/internal/call"
)

// CloudTrail shows more of a call to KMS than the members of its request and answer (AWS KMS
// developer guide, "Logging AWS KMS API calls with AWS CloudTrail", the examples of each
// operation): algorithms that the request left to their defaults, the ARN of the key that a
// management operation changed though it does not return it, the key material that a
// cryptographic operation used.

// showDefaults fills in what records show of a request that does not say it. Nothing else
// about the call changes by it.
func showDefaults(in any) {
	switch in := in.(type) {
	case *kmsapi.EncryptRequest:
		setDefault(&in.EncryptionAlgorithm, &defaultEncryption)
	case *kmsapi.DecryptRequest:
		setDefault(&in.EncryptionAlgorithm, &defaultEncryption)
	case *kmsapi.ReEncryptRequest:
		setDefault(&in.SourceEncryptionAlgorithm, &defaultEncryption)
		setDefault(&in.DestinationEncryptionAlgorithm, &defaultEncryption)
	case *kmsapi.SignRequest:
		setDefault(&in.MessageType, &defaultMessage)
	case *kmsapi.VerifyRequest:
		setDefault(&in.MessageType, &defaultMessage)
	}
}

func setDefault[T any](member **T, value *T) {
	if *member == nil {
		*member = value
	}
}

// These are shared by all calls and never written to.
var (
	defaultEncryption = kmsapi.EncryptionAlgorithmSpecSymmetricDefault
	defaultMessage    = kmsapi.MessageTypeRaw
)

// showCreated has the record of CreateKey say which key was asked for.
func showCreated(c *call.Call, in *kmsapi.CreateKeyRequest, spec, usage, origin string) {
	c.Notes.Request = map[string]any{
		"description": text(in.Description), "origin": origin, "customerMasterKeySpec": spec, "keySpec": spec, "keyUsage": usage,
		"bypassPolicyLockoutSafetyCheck": in.BypassPolicyLockoutSafetyCheck != nil && *in.BypassPolicyLockoutSafetyCheck,
	}
}

// showKey puts the ARN of the changed key into the record of a call that does not return it
// ("CloudTrail log entries for this operation recorded on or after December 2022 include the key
// ARN of the affected KMS key in the responseElements.keyId value").
func showKey(c *call.Call, arn string) {
	if c.Notes.Response == nil {
		c.Notes.Response = make(map[string]any, 1)
	}
	c.Notes.Response["keyId"] = arn
}

// showMaterial names the key material that a symmetric key worked with.
func showMaterial(c *call.Call, member string, id *string) {
	if id != nil {
		c.Note(member, *id)
	}
}
