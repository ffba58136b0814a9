package secretsmanager

import (
	"time"

	"fastness/internal/audit"
	"fastness/internal/call"
	"fastness/internal/store"
)

const eventSource = "secretsmanager.amazonaws.com"

// serviceEvent is something that Secrets Manager did on its own. AWS shows the shape of
// one, RotationFailed: Secrets Manager itself is who acts, and what the event is about is
// in additionalEventData (AWS Secrets Manager user guide, "AWS CloudTrail entries for
// Secrets Manager"). Those of deletions and replication, of which the page says no more
// than when they come, have the same.
type serviceEvent struct {
	account, region, name string
	at                    time.Time
	additional            []call.Note // the first is SecretId
	request, failure      string      // may be empty
}

// reportTo adds the event to the history, in the transaction of what it reports. The log of
// events has it from there, as an "AWS Service Event via CloudTrail".
func (e *serviceEvent) reportTo(tx store.Txn, history *audit.Log) error {
	return history.AppendTxn(tx, audit.ServiceRecord(audit.ServiceEvent{
		Account: e.account, Region: e.region, Source: eventSource, Name: e.name, Time: e.at, InvokedBy: eventSource,
		Additional: e.additional, RequestID: e.request, ErrorMessage: e.failure,
	}))
}

// report reports a service event about a secret.
func (s *Service) report(tx store.Txn, rec *secretRecord, event string, details ...call.Note) error {
	e := serviceEvent{
		account: rec.Account, region: rec.Region, name: event, at: s.now(),
		additional: append([]call.Note{{Name: "SecretId", Value: rec.arn()}}, details...),
	}
	return e.reportTo(tx, s.audit)
}

// reportVersions reports an event for every version that has labels.
func (s *Service) reportVersions(tx store.Txn, rec *secretRecord, event string) error {
	for _, id := range rec.labelled() {
		if err := s.report(tx, rec, event, call.Note{Name: "SecretVersionId", Value: id}); err != nil {
			return err
		}
	}
	return nil
}
