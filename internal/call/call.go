package call

import (
	"context"
	"net/netip"
	"time"

	"fastness/internal/store"
	"fastness/internal/wire"
)

// Partition is the AWS partition of every ARN here.
const Partition = "aws"

// MaxDepth bounds how deep services may call services within one call.
const MaxDepth = 8

// Call is one call of one operation.
type Call struct {
	// RequestID is the UUID the caller sees; nested calls have their own.
	RequestID string
	// EventID is the UUID of the call's CloudTrail record in the caller's account.
	EventID   string
	Operation *wire.Operation
	Principal *Principal
	// Region is the one in the credential scope, Account the caller's.
	Region, Account string
	// Time is when the call arrived, by the injected clock.
	Time time.Time
	// Source says where the call came from; nested calls share their parent's.
	Source *Source
	// Via lists the service principals that forwarded the call, first forwarder first
	// ("ssm.amazonaws.com"); empty for a call from outside.
	Via []string
	// SourceARN is the resource on whose behalf a service principal makes the call
	// (aws:SourceArn); empty for all other principals.
	SourceARN string
	// Parent is the call whose service made this one, nil for a call from outside.
	Parent *Call
	// Input is the decoded, validated input (a pointer to the generated struct).
	Input any
	// Accesses is what the operation touches, as authorized.
	Accesses []Access
	// Resolved is whatever the service's Resolve found, for the service's own use: it
	// saves looking the same thing up again, and guarantees that what runs is what was
	// authorized.
	Resolved any
	// Notes are what the service adds to the audit record.
	Notes Notes
	// Settlement is what the answer waits for. Calls whose answers go into that of another
	// one, and no further before it, share that one's; nil means none.
	Settlement *Settlement

	txn     store.Txn
	carrier carrier
}

// Source is the network side of a call from outside.
type Source struct {
	IP         netip.Addr
	UserAgent  string
	Host       string // the Host header
	TLSVersion string // "TLSv1.3"; empty for plain HTTP
	TLSCipher  string // "TLS_AES_128_GCM_SHA256"
	AuthType   string // how the signature travelled: "AuthHeader" or "QueryString"
}

// Notes are additions a service makes to the CloudTrail record of its call.
type Notes struct {
	// Additional is additionalEventData, in order.
	Additional []Note
	// Response replaces responseElements; it is rendered as JSON.
	Response map[string]any
	// Request adds to, or (with a nil value) removes from, requestParameters.
	Request map[string]any
}

// Note is one member of additionalEventData.
type Note struct {
	Name  string
	Value string
}

// Note adds a member of additionalEventData.
func (c *Call) Note(name, value string) {
	c.Notes.Additional = append(c.Notes.Additional, Note{name, value})
}

// ViaService is the service that made this call on the principal's behalf, as the
// condition key kms:ViaService spells it ("ssm.us-east-1.amazonaws.com"), or "".
func (c *Call) ViaService() string {
	if len(c.Via) == 0 {
		return ""
	}
	last := c.Via[len(c.Via)-1]
	const suffix = ".amazonaws.com"
	if len(last) > len(suffix) && last[len(last)-len(suffix):] == suffix {
		return last[:len(last)-len(suffix)] + "." + c.Region + suffix
	}
	return last
}

// Depth is the number of calls above c.
func (c *Call) Depth() int {
	n := 0
	for p := c.Parent; p != nil; p = p.Parent {
		n++
	}
	return n
}

// Secure tells whether the call came over TLS (or from inside the process).
func (c *Call) Secure() bool { return c.Source == nil || c.Source.TLSVersion != "" }

// Txn is the transaction in which a mutating operation runs; the audit record of the
// call commits with it. It is nil for read-only operations.
func (c *Call) Txn() store.Txn { return c.txn }

// SetTxn is for the front door, which opens the transaction.
func (c *Call) SetTxn(t store.Txn) { c.txn = t }

type contextKey struct{}

// carrier is a context that carries a call.
type carrier struct {
	context.Context
	call *Call
}

// Value implements context.Context.
func (x *carrier) Value(key any) any {
	if _, ok := key.(contextKey); ok {
		return x.call
	}
	return x.Context.Value(key)
}

// With returns a context that carries c. The first one of a call is memory of the call.
func With(ctx context.Context, c *Call) context.Context {
	if c == nil || c.carrier.call != nil {
		return &carrier{ctx, c}
	}
	c.carrier = carrier{ctx, c}
	return &c.carrier
}

// From returns the call that ctx carries, or nil when there is none.
func From(ctx context.Context) *Call {
	if x, ok := ctx.(*carrier); ok { // as services mostly see it
		return x.call
	}
	c, _ := ctx.Value(contextKey{}).(*Call)
	return c
}
