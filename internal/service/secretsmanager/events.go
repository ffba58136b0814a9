package secretsmanager

import (
	"fastness/internal/audit"
	"fastness/internal/call"
	"fastness/internal/eventlog"
	"fastness/internal/store"
)

const eventSource = "secretsmanager.amazonaws.com"

// report adds a service event about a secret, something Secrets Manager did on its own,
// to the history and to the log of events, where EventBridge finds it as an "AWS Service
// Event via CloudTrail" (AWS Secrets Manager user guide, "AWS CloudTrail entries for
// Secrets Manager").
func (s *Service) report(tx store.Txn, rec *secretRecord, event string, details ...call.Note) error {
	e := audit.ServiceRecord(audit.ServiceEvent{
		Account: rec.Account, Region: rec.Region, Source: eventSource, Name: event, Time: s.now(),
		Resources: []audit.Resource{{Type: typeSecret, ARN: rec.arn(), Account: rec.Account}},
		Details:   append([]call.Note{{Name: "SecretId", Value: rec.arn()}}, details...),
	})
	if err := s.audit.AppendTxn(tx, e); err != nil {
		return err
	}
	return s.events.Append(tx, eventlog.Event{
		Account: rec.Account, Region: rec.Region, Time: e.Time, Source: "aws.secretsmanager",
		DetailType: "AWS Service Event via CloudTrail", Detail: e.JSON,
	})
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
