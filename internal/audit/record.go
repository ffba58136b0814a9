package audit

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"fastness/internal/call"
	"fastness/internal/store"
	"fastness/internal/wire"
)

// maxErrorMessage bounds errorMessage, in bytes, as CloudTrail does.
const maxErrorMessage = 1024

// maxUserAgent bounds userAgent, in bytes, as CloudTrail does.
const maxUserAgent = 1024

// maxResourceBytes bounds the ARNs of a record, maxAdditional its
// additionalEventData, in bytes; with maxParameterBytes they keep a record below
// maxRecordBytes.
const (
	maxResourceBytes = 8 << 10
	maxAdditional    = 16 << 10
)

// Records builds the records of a call that has ended: one for the caller's account
// and one for every other account whose resources it touched (they share a
// sharedEventID). out is nil when the call failed with err.
func Records(c *call.Call, out any, err wire.APIError) []*Event {
	var s scratch
	return s.records(c, out, err)
}

// Record writes the records of a call and returns when they are durable, as Append
// does. It is Records and Append without the garbage.
func (l *Log) Record(ctx context.Context, c *call.Call, out any, err wire.APIError) error {
	p, queueErr := l.Begin(c, out, err)
	if queueErr != nil {
		return queueErr
	}
	return p.Wait(ctx)
}

// Pending are records on their way to the disk.
type Pending struct{ batch *batch }

// Wait returns when the records are durable, or cannot be written; then its error wraps
// ErrUnavailable.
func (p Pending) Wait(ctx context.Context) error { return p.batch.wait(ctx) }

// Begin queues the records of a call. What the call has done must not leave the process
// before Wait of what it returns: for a call within another one that is not answered
// before Wait either, so that one sync may carry the records of both.
func (l *Log) Begin(c *call.Call, out any, err wire.APIError) (Pending, error) {
	s := scratches.Get().(*scratch)
	b, queueErr := l.enqueue(s.records(c, out, err))
	s.release()
	return Pending{b}, queueErr
}

// RecordTxn adds the records of a call to a transaction, as AppendTxn does.
func (l *Log) RecordTxn(tx store.Txn, c *call.Call, out any, err wire.APIError) error {
	s := scratches.Get().(*scratch)
	defer s.release()
	return l.AppendTxn(tx, s.records(c, out, err)...)
}

// scratch is the memory in which records are made until a batch has them.
type scratch struct {
	event     Event // of the caller's account; the others are rare
	list      [1]*Event
	resources []Resource
	json      []byte
}

var scratches = sync.Pool{New: func() any { return &scratch{json: make([]byte, 0, 4<<10)} }}

// maxScratchBytes keeps rare large buffers out of the pool.
const maxScratchBytes = 64 << 10

// release forgets the call, so that the pool holds nothing of it alive.
func (s *scratch) release() {
	if cap(s.json) > maxScratchBytes {
		return
	}
	clear(s.resources)
	s.event, s.list[0] = Event{}, nil
	scratches.Put(s)
}

// records makes the records of a call. They are valid until release.
func (s *scratch) records(c *call.Call, out any, err wire.APIError) []*Event {
	var others []string
	for i := range c.Accesses {
		a := c.Accesses[i].Account
		if a != "" && a != c.Account && !slices.Contains(others, a) {
			others = append(others, a)
		}
	}
	shared := ""
	if len(others) > 0 {
		shared = NewID()
	}
	s.json, s.resources = s.json[:0], s.resources[:0]
	s.record(&s.event, c, out, err, c.Account, shared)
	s.list[0] = &s.event
	events := s.list[:]
	for _, account := range others {
		e := new(Event)
		s.record(e, c, out, err, account, shared)
		events = append(events, e)
	}
	return events
}

// record renders the record for one account into e.
func (s *scratch) record(e *Event, c *call.Call, out any, err wire.APIError, recipient, shared string) {
	op := c.Operation
	api := op.API()
	st := styleOf(api)
	foreign := recipient != c.Account
	*e = Event{
		ID: EventID(c, recipient), Time: c.Time, Account: recipient, Region: c.Region,
		Name: op.Name, Source: api.EventSource, ReadOnly: op.ReadOnly,
	}
	if e.ID == "" {
		e.ID = NewID()
	}
	if !foreign {
		e.AccessKeyID, e.UserName = c.Principal.AccessKeyID, c.Principal.DisplayName()
	}
	first := len(s.resources)
	arnBytes := 0
	for i := range c.Accesses {
		a := &c.Accesses[i]
		if a.Unlogged || a.Resource == "" || a.Resource == "*" || len(s.resources)-first == maxResources || arnBytes+len(a.Resource) > maxResourceBytes {
			continue
		}
		known := false
		for _, r := range s.resources[first:] {
			known = known || r.ARN == a.Resource
		}
		if !known {
			arnBytes += len(a.Resource)
			s.resources = append(s.resources, Resource{Type: a.ResourceType, ARN: a.Resource, Account: a.Account})
		}
	}
	if len(s.resources) > first {
		e.Resources = s.resources[first:len(s.resources):len(s.resources)]
	}

	begin := len(s.json)
	o := object{b: s.json}
	// Most of a record is the same in all: names are written as they are, with their commas.
	o.fixed(`{"eventVersion":"1.11","userIdentity":`)
	o.b = appendIdentity(o.b, c, foreign)
	o.fixed(`,"eventTime":`)
	o.b = appendTime(o.b, c.Time)
	o.fixed(`,"eventSource":`)
	o.value(api.EventSource)
	o.fixed(`,"eventName":`)
	o.value(op.Name)
	o.fixed(`,"awsRegion":`)
	o.value(c.Region)
	o.fixed(`,"sourceIPAddress":`)
	agent := c.Principal.Service
	switch {
	case len(c.Via) > 0:
		agent = c.Via[len(c.Via)-1]
		o.value(agent)
	case c.Source != nil:
		agent = truncate(c.Source.UserAgent, maxUserAgent)
		o.b = append(c.Source.IP.AppendTo(append(o.b, '"')), '"')
	default:
		o.value(agent)
	}
	o.fixed(`,"userAgent":`)
	o.value(agent)
	if err != nil {
		o.str("errorCode", errorCode(err))
		o.optional("errorMessage", truncate(err.ErrorMessage(), maxErrorMessage))
	}
	o.fixed(`,"requestParameters":`)
	start := len(o.b)
	o.b = omitTooLarge(appendShape(o.b, st, op.Input(), c.Input, c.Notes.Request), start, "requestParameters")
	o.fixed(`,"responseElements":`)
	start = len(o.b)
	if err != nil || (op.ReadOnly && c.Notes.Response == nil) {
		o.b = append(o.b, "null"...)
	} else {
		o.b = omitTooLarge(appendShape(o.b, st, op.Output(), out, c.Notes.Response), start, "responseElements")
	}
	o.notes("additionalEventData", c.Notes.Additional)
	o.fixed(`,"requestID":`)
	o.value(c.RequestID)
	o.fixed(`,"eventID":`)
	o.value(e.ID)
	o.fixed(`,"readOnly":`)
	o.b = strconv.AppendBool(o.b, op.ReadOnly)
	if len(e.Resources) > 0 && !st.noResources {
		o.name("resources")
		o.b = appendResources(o.b, st, e.Resources)
	}
	o.fixed(`,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":`)
	o.value(recipient)
	o.optional("sharedEventID", shared)
	o.fixed(`,"eventCategory":"Management"`)
	if s := c.Source; s != nil && s.TLSVersion != "" && len(c.Via) == 0 {
		o.name("tlsDetails")
		t := openObject(o.b)
		t.str("tlsVersion", s.TLSVersion)
		t.str("cipherSuite", s.TLSCipher)
		t.str("clientProvidedHostHeader", s.Host)
		o.b = t.close()
	}
	s.json = o.close()
	e.JSON = s.json[begin:len(s.json):len(s.json)]
}

// errorCode is CloudTrail's: the bare code for access denials, whatever the
// protocol's suffix.
func errorCode(err wire.APIError) string {
	if c, ok := err.(*wire.CommonError); ok && c.Kind == wire.AccessDenied {
		return "AccessDenied"
	}
	return err.ErrorCode()
}

func truncate(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}

func appendResources(dst []byte, st style, resources []Resource) []byte {
	dst = append(dst, '[')
	for i, r := range resources {
		if i > 0 {
			dst = append(dst, ',')
		}
		o := openObject(dst)
		o.optional("accountId", r.Account)
		if !st.noTypes {
			o.optional("type", r.Type)
		}
		o.str("ARN", r.ARN)
		dst = o.close()
	}
	return append(dst, ']')
}

// appendIdentity writes userIdentity. In the record of another account (foreign) the
// caller's names are left out, as CloudTrail does.
func appendIdentity(dst []byte, c *call.Call, foreign bool) []byte {
	p := c.Principal
	o := openObject(dst)
	switch {
	case p.Kind == call.Anonymous:
		o.str("type", "AWSAccount")
		o.str("principalId", "")
		o.str("accountId", "ANONYMOUS_PRINCIPAL")
	case p.Kind == call.Service:
		o.str("type", "AWSService")
		o.str("invokedBy", p.Service)
	case foreign:
		o.str("type", "AWSAccount")
		o.str("principalId", p.ID)
		o.str("accountId", p.Account)
	default:
		o.str("type", identityType(p.Kind))
		o.str("principalId", p.ID)
		o.str("arn", p.ARN)
		o.str("accountId", p.Account)
		o.optional("accessKeyId", p.AccessKeyID)
		o.optional("userName", p.UserName)
		if p.Session != nil {
			o.name("sessionContext")
			o.b = appendSession(o.b, p)
		}
	}
	if len(c.Via) > 0 {
		o.str("invokedBy", c.Via[len(c.Via)-1])
	}
	return o.close()
}

func identityType(k call.Kind) string {
	switch k {
	case call.Root:
		return "Root"
	case call.User:
		return "IAMUser"
	case call.AssumedRole:
		return "AssumedRole"
	case call.FederatedUser:
		return "FederatedUser"
	}
	return "Unknown"
}

func appendSession(dst []byte, p *call.Principal) []byte {
	s := p.Session
	o := openObject(dst)
	issuer := func(kind, id, arn, name string) {
		o.name("sessionIssuer")
		i := openObject(o.b)
		i.str("type", kind)
		i.str("principalId", id)
		i.str("arn", arn)
		i.str("accountId", p.Account)
		i.optional("userName", name)
		o.b = i.close()
	}
	switch user := strings.LastIndexByte(s.IssuerARN, '/') + 1; {
	case s.RoleARN != "":
		issuer("Role", s.RoleID, s.RoleARN, s.RoleName)
	case user > 0: // of a federated user
		issuer("IAMUser", s.IssuerID, s.IssuerARN, s.IssuerARN[user:])
	case s.IssuerARN != "":
		issuer("Root", s.IssuerID, s.IssuerARN, "")
	}
	o.name("attributes")
	a := openObject(o.b)
	a.str("creationDate", s.Issued.UTC().Format(timeLayout))
	if s.MFA {
		a.str("mfaAuthenticated", "true")
	} else {
		a.str("mfaAuthenticated", "false")
	}
	o.b = a.close()
	o.optional("sourceIdentity", s.SourceIdentity)
	return o.close()
}

// ServiceEvent describes something a service did on its own: a key rotated, a key
// deleted at the end of its waiting period.
type ServiceEvent struct {
	Account, Region string
	Source          string // "kms.amazonaws.com"
	Name            string // "RotateKey"
	Time            time.Time
	Resources       []Resource
	// Details is serviceEventDetails, in order; Additional is additionalEventData, where
	// some services put them instead.
	Details, Additional []call.Note
	// InvokedBy is who did it: empty is "AWS Internal", as most services write, or the
	// service's principal.
	InvokedBy string
	// RequestID, where the service has one for its work; ErrorMessage, if the event is a
	// failure.
	RequestID, ErrorMessage string
	// Quiet: AWS has no such event, so that EventBridge does not hear of it.
	Quiet bool
}

// ServiceRecord builds the record of a service event (eventType AwsServiceEvent).
func ServiceRecord(s ServiceEvent) *Event {
	e := &Event{
		ID: NewID(), Time: s.Time, Account: s.Account, Region: s.Region,
		Name: s.Name, Source: s.Source, Service: true, Quiet: s.Quiet, Resources: s.Resources,
	}
	by := s.InvokedBy
	if by == "" {
		by = "AWS Internal"
	}
	o := openObject(make([]byte, 0, 768))
	o.str("eventVersion", "1.11")
	o.raw("userIdentity", `{"accountId":"`+s.Account+`","invokedBy":"`+by+`"}`)
	o.str("eventTime", s.Time.UTC().Format(timeLayout))
	o.str("eventSource", s.Source)
	o.str("eventName", s.Name)
	o.str("awsRegion", s.Region)
	o.str("sourceIPAddress", by)
	o.str("userAgent", by)
	o.optional("errorMessage", s.ErrorMessage)
	o.raw("requestParameters", "null")
	o.raw("responseElements", "null")
	o.notes("additionalEventData", s.Additional)
	o.optional("requestID", s.RequestID)
	o.str("eventID", e.ID)
	o.boolean("readOnly", false)
	if len(s.Resources) > 0 {
		o.name("resources")
		o.b = appendResources(o.b, style{}, s.Resources)
	}
	o.str("eventType", "AwsServiceEvent")
	o.boolean("managementEvent", true)
	o.str("recipientAccountId", s.Account)
	o.notes("serviceEventDetails", s.Details)
	o.str("eventCategory", "Management")
	e.JSON = o.close()
	return e
}
