package eventlog

import (
	"errors"
	"fmt"
	"strings"

	"fastness/internal/audit"
	"fastness/internal/store"
)

// What CloudTrail delivers to EventBridge.
//
// EventBridge hears of calls through CloudTrail, and of what services do on their own: the
// record is the detail of the event. A rule that is ENABLED, as rules are, does not match
// read-only calls; one has to ask for them by
// ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS. So the log has the calls that are not
// read-only by the record's own word, those that were refused too. The others are all in the
// history (package audit), from where such a rule will have to get them. There is one known
// difference from AWS: its default leaves out only read-only calls whose names begin with
// Get, List or Describe, so that kms:Decrypt, say, appears there and not here.
//
// An event of CloudTrail is a few bytes that say where in the history the record is, and is
// written in the record's own transaction. It is put together when it is read.
//
// Sources: Amazon EventBridge User Guide, "AWS service events delivered via AWS CloudTrail"
// and "Receiving read-only management events from AWS services".

// The detail types of events that CloudTrail delivers.
const (
	// APICall is that of calls.
	APICall = "AWS API Call via CloudTrail"
	// ServiceEvent is that of what a service did on its own.
	ServiceEvent = "AWS Service Event via CloudTrail"
)

// trailRecord is where the record is that such an event is made of.
type trailRecord struct {
	Ref     audit.Ref `json:"ref"`
	Service bool      `json:"service,omitempty"`
}

var _ audit.Follower = (*Log)(nil)

// Recorded implements audit.Follower: the record becomes an event, in its transaction.
func (l *Log) Recorded(tx store.Txn, r audit.Recorded) error {
	row := l.newRecord(r.Account, r.Region, l.opts.Clock.Now().UTC())
	row.Trail = &trailRecord{Ref: r.Ref, Service: r.Service}
	if err := l.inbox.Put(tx, row); err != nil {
		return fmt.Errorf("eventlog: %w", err)
	}
	return nil
}

// delivered is the event that CloudTrail makes of a record.
func (r *record) delivered(f *audit.Finder) (Event, error) {
	found, err := f.Find(r.Trail.Ref)
	if errors.Is(err, store.ErrNotFound) {
		return Event{}, fmt.Errorf("%w: the history lacks the record of an event", errDamaged)
	}
	if err != nil {
		return Event{}, err
	}
	e := Event{
		ID: r.Name, Account: r.Account, Region: r.Region, Time: found.Time.UTC(),
		Source: "aws." + strings.TrimSuffix(found.Source, ".amazonaws.com"), DetailType: APICall, Detail: found.JSON,
	}
	if r.Trail.Service {
		e.DetailType = ServiceEvent
	}
	return e, nil
}

// event is what a row stands for, and how many bytes it took.
func (l *Log) event(r store.Reader, f *audit.Finder, row *record) (Event, int, error) {
	if row.Trail != nil {
		e, err := row.delivered(f)
		return e, len(e.Detail), err
	}
	envelope, err := l.envelope(r, row)
	if err != nil {
		return Event{}, 0, err
	}
	e, err := parseEnvelope(envelope)
	return e, len(envelope), err
}

// checkTrail looks for the records that events are made of.
func (l *Log) checkTrail(r store.Reader, row *record, key []byte, report func([]byte, string)) error {
	if row.Trail == nil {
		return nil
	}
	there, err := row.Trail.Ref.Held(r)
	if err == nil && !there {
		report(key, "the history lacks the record of the event")
	}
	return err
}
