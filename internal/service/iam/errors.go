package iam

import (
	"errors"
	"fmt"

	"fastness/internal/api/iamapi"
	"fastness/internal/policy"
	"fastness/internal/wire"
)

// The sentences are those that AWS prints; clients compare them.

func noSuch(format string, args ...any) error {
	return &iamapi.NoSuchEntityException{Message: new(fmt.Sprintf(format, args...))}
}

func noSuchEntity(k *kind, name string) error {
	if k == profileKind {
		return noSuch("Instance Profile %s cannot be found.", name)
	}
	return noSuch("The %s with name %s cannot be found.", k.word, name)
}

func noSuchPolicy(arn string) error { return noSuch("Policy %s was not found.", arn) }

func notAttachable(arn string) error {
	return noSuch("Policy %s does not exist or is not attachable.", arn)
}

func noSuchVersion(arn, version string) error {
	return noSuch("Policy %s version %s does not exist or is not attachable.", arn, version)
}

func alreadyExists(format string, args ...any) error {
	return &iamapi.EntityAlreadyExistsException{Message: new(fmt.Sprintf(format, args...))}
}

func conflict(text string) error {
	return &iamapi.DeleteConflictException{Message: new(text)}
}

func overQuota(quota string, limit int) error {
	return &iamapi.LimitExceededException{Message: new(fmt.Sprintf("Cannot exceed quota for %s: %d", quota, limit))}
}

func limitExceeded(format string, args ...any) error {
	return &iamapi.LimitExceededException{Message: new(fmt.Sprintf(format, args...))}
}

func invalidInput(text string) error {
	return &iamapi.InvalidInputException{Message: new(text)}
}

func invalid(format string, args ...any) error {
	return &wire.CommonError{Kind: wire.Validation, Message: fmt.Sprintf(format, args...)}
}

func concurrent() error {
	return &iamapi.ConcurrentModificationException{Message: new("The entity was changed by another request at the same time. Try again.")}
}

// malformed turns a refusal of package policy into the API's error.
func malformed(err error) error {
	var e *policy.Error
	if errors.As(err, &e) {
		return &iamapi.MalformedPolicyDocumentException{Message: new(e.Message)}
	}
	return err
}
