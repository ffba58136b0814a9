package secretsmanager

import (
	"fastness/internal/call"
	"fastness/internal/store"
)

// The service events of rotation (AWS Secrets Manager user guide, "AWS CloudTrail entries
// for Secrets Manager").
const (
	eventRotationStarted   = "RotationStarted"
	eventRotationSucceeded = "RotationSucceeded"
	eventRotationFailed    = "RotationFailed"
	// eventRotationAbandoned: somebody stored another value, cancelled the rotation, or
	// deleted the secret.
	eventRotationAbandoned = "RotationAbandoned"
	eventTestStarted       = "TestRotationStarted"
	eventTestSucceeded     = "TestRotationSucceeded"
	eventTestFailed        = "TestRotationFailed"
)

// rotationEvent reports a rotation to CloudTrail and EventBridge, in the transaction of
// what it reports. failure is AWS's sentence, detail ours.
func (e *rotationEngine) rotationEvent(tx store.Txn, j *journalRecord, name, failure, detail string) error {
	arn := secretARN(j.Account, j.Region, j.Secret)
	event := serviceEvent{
		account: j.Account, region: j.Region, name: name, at: e.clock.Now().UTC(), additional: []call.Note{{Name: "SecretId", Value: arn}},
		request: "Rotation-" + arn + "-" + j.Token, failure: failure,
	}
	if detail != "" {
		event.additional = append(event.additional, call.Note{Name: "Reason", Value: detail})
	}
	return event.reportTo(tx, e.audit)
}

// event chooses the event of a rotation or of a test.
func (j *journalRecord) event(rotation, test string) string {
	if j.Test {
		return test
	}
	return rotation
}
