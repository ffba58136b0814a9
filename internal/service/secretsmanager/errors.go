package secretsmanager

import (
	"context"
	"errors"

	"fastness/internal/api/secretsmanagerapi"
	"fastness/internal/wire"
)

// The errors of the API with AWS's sentences.

func notFound(message string) error {
	return &secretsmanagerapi.ResourceNotFoundException{Message: &message}
}

func invalidRequest(message string) error {
	return &secretsmanagerapi.InvalidRequestException{Message: &message}
}

func invalidParameter(message string) error {
	return &secretsmanagerapi.InvalidParameterException{Message: &message}
}

func exists(message string) error {
	return &secretsmanagerapi.ResourceExistsException{Message: &message}
}

func limitExceeded(message string) error {
	return &secretsmanagerapi.LimitExceededException{Message: &message}
}

func validation(message string) error {
	return &wire.CommonError{Kind: wire.Validation, Message: message}
}

func noSecret() error { return notFound("Secrets Manager can't find the specified secret.") }

func noValueFor(label string) error {
	return notFound("Secrets Manager can't find the specified secret value for staging label: " + label)
}

func noVersion(id string) error {
	return notFound("Secrets Manager can't find the specified secret value for VersionId: " + id)
}

const markedText = "You can't perform this operation on the secret because it was marked for deletion."

func markedForDeletion() error { return invalidRequest(markedText) }

func onReplica() error {
	return invalidParameter("Operation not permitted on a replica secret. Call must be made in primary secret's region.")
}

func tokenInUse(token, arn string) error {
	return exists("You can't use ClientRequestToken " + token + " because that value is already in use for a version of secret " + arn + ".")
}

// encryptionError is what a caller sees of a refusal by KMS to make a data key. For a key that
// does not exist that is KMS's own sentence
// (https://github.com/hashicorp/terraform-provider-aws/pull/13303).
func encryptionError(ctx context.Context, err error) error {
	var api wire.APIError
	if errors.As(err, &api) && (api.ErrorCode() == "NotFoundException" || api.ErrorCode() == "InvalidArnException") {
		return invalidParameter("The operation failed because of an invalid KMS key: " + api.ErrorMessage())
	}
	return kmsError(ctx, err, &secretsmanagerapi.EncryptionFailure{Message: new("Secrets Manager can't encrypt the protected secret text using the provided KMS key. " +
		"Check that the KMS key is available, enabled, and not in an invalid state.")})
}

// decryptionError is the same for decryption.
func decryptionError(ctx context.Context, err error) error {
	return kmsError(ctx, err, &secretsmanagerapi.DecryptionFailure{Message: new("Secrets Manager can't decrypt the protected secret text using the provided KMS key.")})
}

// kmsError keeps apart what is the caller's to know: a refused permission, a key that does
// not work, and failures of the house.
func kmsError(ctx context.Context, err error, unusable error) error {
	var common *wire.CommonError
	if errors.As(err, &common) {
		switch common.Kind {
		case wire.AccessDenied:
			return &wire.CommonError{Kind: wire.AccessDenied, Message: "Access to KMS is not allowed", Cause: err}
		case wire.Throttling, wire.InternalFailure, wire.ServiceUnavailable:
			return err
		}
	}
	var api wire.APIError
	if ctx.Err() != nil || !errors.As(err, &api) {
		return err
	}
	return unusable
}
