package secretsmanager

import (
	"fmt"
	"time"

	"fastness/internal/audit"
	"fastness/internal/call"
	"fastness/internal/eventlog"
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

// reportTo adds the event to the history and to the log of events, where EventBridge finds
// it as an "AWS Service Event via CloudTrail".
func (e *serviceEvent) reportTo(tx store.Txn, history *audit.Log, events Events) error {
	record := audit.ServiceRecord(audit.ServiceEvent{
		Account: e.account, Region: e.region, Source: eventSource, Name: e.name, Time: e.at, InvokedBy: eventSource,
		Additional: e.additional, RequestID: e.request, ErrorMessage: e.failure,
	})
	if err := history.AppendTxn(tx, record); err != nil {
		return err
	}
	err := events.Append(tx, eventlog.Event{
		Account: e.account, Region: e.region, Time: record.Time, Source: "aws.secretsmanager",
		DetailType: "AWS Service Event via CloudTrail", Detail: record.JSON,
	})
	if err != nil {
		return fmt.Errorf("secretsmanager: event %s: %w", e.name, err)
	}
	return nil
}

// report reports a service event about a secret.
func (s *Service) report(tx store.Txn, rec *secretRecord, event string, details ...call.Note) error {
	e := serviceEvent{
		account: rec.Account, region: rec.Region, name: event, at: s.now(),
		additional: append([]call.Note{{Name: "SecretId", Value: rec.arn()}}, details...),
	}
	return e.reportTo(tx, s.audit, s.events)
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
