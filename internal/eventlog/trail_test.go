package eventlog_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"fastness/internal/audit"
	"fastness/internal/eventlog"
	"fastness/internal/store"
)

// trail opens the history in front of the log.
func (h *house) trail() *audit.Log {
	h.Helper()
	a := audit.Open(h.store, h.clock, h.log)
	h.Cleanup(a.Close)
	h.must(audit.Reserve(h.tables))
	return a
}

// called is the record of a call.
func called(p eventlog.Place, name string, readOnly bool) *audit.Event {
	id := audit.NewID()
	return &audit.Event{
		ID: id, Time: noon.Add(1500 * time.Millisecond), Account: p.Account, Region: p.Region, Name: name, Source: "secretsmanager.amazonaws.com", ReadOnly: readOnly,
		JSON: fmt.Appendf(nil, `{"eventName":%q,"eventID":%q,"n":0}`, name, id),
	}
}

func TestCloudTrailDeliversCallsThatChangeSomething(t *testing.T) {
	h := newHouse(t)
	a := h.trail()
	refused, read := called(here, "DeleteSecret", false), called(here, "GetSecretValue", true)
	done := called(here, "CreateSecret", false)
	h.must(a.Append(t.Context(), refused, read))
	h.update(func(tx store.Txn) error {
		if err := a.AppendTxn(tx, done); err != nil {
			return err
		}
		return h.log.Append(tx, note(here, 7))
	})
	rotation := audit.ServiceRecord(audit.ServiceEvent{Account: here.Account, Region: here.Region, Source: "secretsmanager.amazonaws.com", Name: "RotationStarted", Time: noon})
	h.update(func(tx store.Txn) error { return a.AppendTxn(tx, rotation) })
	h.sequence()
	h.crash() // nothing of it is in memory alone
	entries := h.read(here, 0)
	want := []struct {
		kind, source string
		detail       []byte
	}{
		{"AWS API Call via CloudTrail", "aws.secretsmanager", refused.JSON},
		{"AWS API Call via CloudTrail", "aws.secretsmanager", done.JSON},
		{"Parameter Store Change", "aws.ssm", []byte(`{"n": 7}`)},
		{"AWS Service Event via CloudTrail", "aws.secretsmanager", rotation.JSON},
	}
	if len(entries) != len(want) {
		t.Fatalf("%d events: %+v", len(entries), entries)
	}
	ids := map[string]bool{}
	for i, w := range want {
		e := entries[i].Event
		if e.DetailType != w.kind || e.Source != w.source || string(e.Detail) != string(w.detail) {
			t.Errorf("event %d: %s of %s: %s", i+1, e.DetailType, e.Source, e.Detail)
		}
		ids[e.ID] = true
	}
	if len(ids) != len(want) || ids[""] {
		t.Errorf("ids %v", ids)
	}
	// The envelope is EventBridge's: no resources, and the time of the call in seconds.
	text := string(entries[1].Event.AppendEnvelope(nil))
	if !json.Valid([]byte(text)) || !strings.Contains(text, `"time":"2026-02-28T12:00:01Z","region":"eu-central-1","resources":[],"detail":{"eventName":"CreateSecret"`) {
		t.Errorf("envelope %s", text)
	}
}

// A history that has lost what an event is made of is damage that the check reports.
func TestAnEventWithoutItsRecordIsDamage(t *testing.T) {
	h := newHouse(t)
	a := h.trail()
	h.must(a.Append(t.Context(), called(here, "CreateSecret", false)))
	h.sequence()
	h.clock.Advance(audit.Retention + time.Hour)
	removed, err := a.DeleteExpired(t.Context(), 100)
	h.must(err)
	if removed != 1 {
		t.Fatalf("%d batches were removed", removed)
	}
	if entries, err := h.log.Read(t.Context(), here, 0, 10); err == nil {
		t.Errorf("read %+v", entries)
	}
	found := 0
	h.must(h.store.View(t.Context(), func(r store.Reader) error {
		return h.log.Check().Run(t.Context(), r, func([]byte, string) { found++ })
	}))
	if found != 1 {
		t.Errorf("the check reports %d problems", found)
	}
	// It does not come to that: events are trimmed long before.
	if n, err := h.log.Trim(t.Context()); n != 1 || err != nil {
		t.Errorf("trimmed %d: %v", n, err)
	}
}

func TestEventsAreNotKeptLongerThanTheHistory(t *testing.T) {
	h := newHouse(t, func(h *house) { h.options.MaxAge = 2 * audit.Retention })
	a := h.trail()
	h.must(a.Append(t.Context(), called(here, "CreateSecret", false)))
	h.sequence()
	h.clock.Advance(audit.Retention + time.Second)
	if n, err := h.log.Trim(t.Context()); n != 1 || err != nil {
		t.Errorf("trimmed %d: %v", n, err)
	}
}
