package eventlog_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"fastness/internal/eventlog"
	"fastness/internal/store"
)

// The example of the EventBridge user guide, "Events".
func TestEnvelope(t *testing.T) {
	e := eventlog.Event{
		ID: "6a7e8feb-b491-4cf7-a9f1-bf3703467718", Account: "111122223333", Region: "us-west-1",
		Time: time.Date(2017, 12, 22, 19, 43, 48, 999, time.FixedZone("CET", 3600)), Source: "aws.ec2", DetailType: "EC2 Instance State-change Notification",
		Resources: []string{"arn:aws:ec2:us-west-1:123456789012:instance/i-1234567890abcdef0"},
		Detail:    json.RawMessage(`{"instance-id": "i-1234567890abcdef0", "state": "terminated"}`),
	}
	want := `{"version":"0","id":"6a7e8feb-b491-4cf7-a9f1-bf3703467718","detail-type":"EC2 Instance State-change Notification","source":"aws.ec2",` +
		`"account":"111122223333","time":"2017-12-22T18:43:48Z","region":"us-west-1",` +
		`"resources":["arn:aws:ec2:us-west-1:123456789012:instance/i-1234567890abcdef0"],"detail":{"instance-id": "i-1234567890abcdef0", "state": "terminated"}}`
	if got := string(e.AppendEnvelope(nil)); got != want {
		t.Errorf("envelope is\n%s\nnot\n%s", got, want)
	}
	e.Resources = nil
	if got := string(e.AppendEnvelope(nil)); !strings.Contains(got, `"resources":[],`) {
		t.Errorf("without resources: %s", got)
	}
	// 14 for the time, 7, 38 and 61.
	if got := e.EntryBytes(); got != 14+7+38+61 {
		t.Errorf("the entry has %d bytes", got)
	}
}

func TestIDsAreUUIDs(t *testing.T) {
	form := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	a, b := eventlog.NewID(), eventlog.NewID()
	if !form.MatchString(a) || !form.MatchString(b) || a == b {
		t.Errorf("%s, %s", a, b)
	}
}

func TestInvalidEvents(t *testing.T) {
	h := newHouse(t)
	for name, spoil := range map[string]func(*eventlog.Event){
		"no account":       func(e *eventlog.Event) { e.Account = "" },
		"no Region":        func(e *eventlog.Event) { e.Region = "" },
		"no source":        func(e *eventlog.Event) { e.Source = "" },
		"no detail type":   func(e *eventlog.Event) { e.DetailType = "" },
		"no detail":        func(e *eventlog.Event) { e.Detail = nil },
		"a list":           func(e *eventlog.Event) { e.Detail = json.RawMessage(`[1]`) },
		"a string":         func(e *eventlog.Event) { e.Detail = json.RawMessage(`"{}"`) },
		"null":             func(e *eventlog.Event) { e.Detail = json.RawMessage(`null`) },
		"two objects":      func(e *eventlog.Event) { e.Detail = json.RawMessage(`{}{}`) },
		"half an object":   func(e *eventlog.Event) { e.Detail = json.RawMessage(`{"a":`) },
		"not UTF-8":        func(e *eventlog.Event) { e.Source = "aws.\xff" },
		"detail not UTF-8": func(e *eventlog.Event) { e.Detail = json.RawMessage("{\"a\":\"\xff\"}") },
		"a late year":      func(e *eventlog.Event) { e.Time = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"too large":        func(e *eventlog.Event) { e.Resources = []string{strings.Repeat("x", eventlog.MaxEntryBytes)} },
	} {
		e := note(here, 1)
		spoil(&e)
		_, err := h.store.Update(t.Context(), func(tx store.Txn) error { return h.log.Append(tx, e) })
		if !errors.Is(err, eventlog.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := h.sequence(); n != 0 {
		t.Errorf("%d invalid events were written", n)
	}
}

// What was appended is read as it was, whatever it holds and however large it is.
func TestEventsAreExact(t *testing.T) {
	h := newHouse(t)
	large := `{ "text" :"` + strings.Repeat("ä<&>", (eventlog.MaxEntryBytes-200)/5) + `"}`
	details := []string{
		`{}`, "\n{\t\"b\" : 1.50, \"a\":1e400 , \"a\": 12345678901234567890 }\r\n", `{"html":"<a href='x'>&amp;</a>","u":"\u003c\ud83d\ude00😀","z":"\u0000"}`,
		`{"s":"` + strings.Repeat("x", 64<<10) + `"}`, large,
	}
	var want []eventlog.Event
	for i, d := range details {
		e := eventlog.Event{
			ID: eventlog.NewID(), Account: here.Account, Region: here.Region, Time: noon.Add(time.Duration(i) * time.Second),
			Source: `my "source" <&>`, DetailType: "Ünïcode\u2028\n", Detail: json.RawMessage(d),
		}
		if i > 0 {
			e.Resources = []string{"a", "", `"`}
		}
		want = append(want, e)
		h.append(e) // each in a transaction of its own: the large one nearly fills it
	}
	h.sequence()
	got := h.read(here, 0)
	if len(got) != len(want) {
		t.Fatalf("%d events, not %d", len(got), len(want))
	}
	want[1].Detail = want[1].Detail[1 : len(want[1].Detail)-2] // the white space around it
	for i := range want {
		if !reflect.DeepEqual(got[i].Event, want[i]) {
			t.Errorf("event %d is not what was appended: %.300q", i, got[i].Event.AppendEnvelope(nil))
		}
		if !json.Valid(got[i].Event.AppendEnvelope(nil)) || !got[i].Recorded.Equal(noon) {
			t.Errorf("event %d: recorded at %v, or not JSON", i, got[i].Recorded)
		}
	}
}

func TestWhatAppendFillsIn(t *testing.T) {
	h := newHouse(t)
	h.clock.Advance(90 * time.Minute)
	h.append(note(here, 1), note(here, 2))
	h.sequence()
	events := h.read(here, 0)
	a, b := events[0].Event, events[1].Event
	if a.ID == "" || a.ID == b.ID || !a.Time.Equal(noon.Add(90*time.Minute)) {
		t.Errorf("%+v, %+v", a, b)
	}
}
