package secretsmanager

import (
	"encoding/json"
	"fmt"

	"fastness/internal/audit"
	"fastness/internal/call"
	"fastness/internal/eventlog"
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
	additional := []call.Note{{Name: "SecretId", Value: arn}}
	if detail != "" {
		additional = append(additional, call.Note{Name: "Reason", Value: detail})
	}
	record := audit.ServiceRecord(audit.ServiceEvent{
		Account: j.Account, Region: j.Region, Source: eventSource, Name: name, Time: e.clock.Now().UTC(),
		InvokedBy: eventSource, Additional: additional, ErrorMessage: failure,
		RequestID: "Rotation-" + arn + "-" + j.Token,
	})
	if err := e.audit.AppendTxn(tx, record); err != nil {
		return err
	}
	err := e.events.Append(tx, eventlog.Event{
		Account: j.Account, Region: j.Region, Time: record.Time, Source: "aws.secretsmanager",
		DetailType: "AWS Service Event via CloudTrail", Detail: json.RawMessage(record.JSON),
	})
	if err != nil {
		return fmt.Errorf("secretsmanager: event %s: %w", name, err)
	}
	return nil
}

// event chooses the event of a rotation or of a test.
func (j *journalRecord) event(rotation, test string) string {
	if j.Test {
		return test
	}
	return rotation
}
