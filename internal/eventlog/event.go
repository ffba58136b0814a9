package eventlog

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"fastness/internal/wire/jsonbody"
)

// Event is one event as EventBridge knows it.
type Event struct {
	// ID is a UUID; Append makes one where it is empty.
	ID string
	// Account and Region are where the event happened.
	Account, Region string
	// Time is when; the envelope has it in seconds. Zero means the time of Append.
	Time time.Time
	// Source is who reports it, such as "aws.ssm"; DetailType names the kind of event.
	Source, DetailType string
	// Resources are the ARNs of what it is about; often there are none.
	Resources []string
	// Detail is a JSON object. It is kept byte for byte, but for white space around it.
	Detail json.RawMessage
}

// MaxEntryBytes is the largest event, counted as EntryBytes does.
const MaxEntryBytes = 1 << 20

// ErrInvalid: an event is not one that EventBridge could have.
var ErrInvalid = errors.New("eventlog: invalid event")

// EntryBytes is the size of an event as PutEvents counts it, in bytes: 14 for the time,
// and the source, the detail type, the detail and the resources.
func (e *Event) EntryBytes() int {
	size := 14 + len(e.Source) + len(e.DetailType) + len(e.Detail)
	for _, r := range e.Resources {
		size += len(r)
	}
	return size
}

// check tells whether the event can be written. Its errors quote nothing of the event.
func (e *Event) check() error {
	bad := func(what string) error { return fmt.Errorf("%w: %s", ErrInvalid, what) }
	switch {
	case e.Account == "" || e.Region == "":
		return bad("it has no account or no Region")
	case e.Source == "" || e.DetailType == "":
		return bad("it has no source or no detail type")
	case e.EntryBytes() > MaxEntryBytes:
		return bad(fmt.Sprintf("it is larger than %d bytes", MaxEntryBytes))
	case e.Time.Year() < 1 || e.Time.Year() > 9999:
		return bad("its time has no four-digit year")
	}
	for _, text := range append([]string{e.ID, e.Account, e.Region, e.Source, e.DetailType}, e.Resources...) {
		if !utf8.ValidString(text) {
			return bad("it is not UTF-8")
		}
	}
	if !bytes.HasPrefix(trimmed(e.Detail), []byte("{")) || !json.Valid(e.Detail) || !utf8.Valid(e.Detail) {
		return bad("its detail is not a JSON object")
	}
	return nil
}

// trimmed is JSON without the white space around it.
func trimmed(json []byte) []byte { return bytes.Trim(json, " \t\r\n") }

const timeForm = "2006-01-02T15:04:05Z"

// AppendEnvelope appends the event as EventBridge hands it to targets: the members in
// the order of AWS's documentation, the detail as it is.
func (e *Event) AppendEnvelope(dst []byte) []byte {
	str := func(name, value string) {
		dst = append(dst, name...)
		dst = jsonbody.AppendString(dst, value)
	}
	str(`{"version":"0","id":`, e.ID)
	str(`,"detail-type":`, e.DetailType)
	str(`,"source":`, e.Source)
	str(`,"account":`, e.Account)
	str(`,"time":`, e.Time.UTC().Format(timeForm))
	str(`,"region":`, e.Region)
	dst = append(dst, `,"resources":[`...)
	for i, r := range e.Resources {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = jsonbody.AppendString(dst, r)
	}
	dst = append(append(dst, `],"detail":`...), trimmed(e.Detail)...)
	return append(dst, '}')
}

// parseEnvelope reads what AppendEnvelope wrote.
func parseEnvelope(b []byte) (Event, error) {
	var in struct {
		ID         string          `json:"id"`
		DetailType string          `json:"detail-type"`
		Source     string          `json:"source"`
		Account    string          `json:"account"`
		Time       time.Time       `json:"time"`
		Region     string          `json:"region"`
		Resources  []string        `json:"resources"`
		Detail     json.RawMessage `json:"detail"`
	}
	if err := json.Unmarshal(b, &in); err != nil {
		return Event{}, fmt.Errorf("%w: not an envelope", errDamaged) // the decoder's text may quote it
	}
	if len(in.Resources) == 0 {
		in.Resources = nil
	}
	return Event{
		ID: in.ID, Account: in.Account, Region: in.Region, Time: in.Time.UTC(), Source: in.Source,
		DetailType: in.DetailType, Resources: in.Resources, Detail: in.Detail,
	}, nil
}

// NewID is a random UUID (RFC 9562, version 4), as EventBridge gives to events.
func NewID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
