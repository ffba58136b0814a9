package eventlog

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"fastness/internal/audit"
	"fastness/internal/clock"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

// The defaults of Options.
const (
	DefaultMaxAge    = 7 * 24 * time.Hour
	DefaultMaxEvents = 100_000
)

// Options of a Log.
type Options struct {
	// Clock tells when events are recorded and how old they are; nil means the system's.
	Clock clock.Clock
	// Logger receives what goes wrong in the background; nil means nowhere.
	Logger *slog.Logger
	// MaxAge is how long events are kept, at most audit.Retention; 0 means DefaultMaxAge.
	MaxAge time.Duration
	// MaxEvents is how many events of one place are kept; 0 means DefaultMaxEvents.
	MaxEvents int
}

// Place is an account and a Region: where events are numbered.
type Place struct{ Account, Region string }

// Compare orders places by account, then by Region.
func (p Place) Compare(o Place) int {
	return cmp.Or(cmp.Compare(p.Account, o.Account), cmp.Compare(p.Region, o.Region))
}

// Log is the event log. It is safe for concurrent use.
type Log struct {
	store  store.Store
	opts   Options
	inbox  *table.Table[record] // events without a number
	events *table.Table[record]
	heads  *table.Table[head]
	parts  *table.Table[part]

	order     atomic.Uint64 // of rows in the inbox
	numbering sync.Mutex
}

// record is one event, in the inbox or in the log.
type record struct {
	Account  string `json:"account"`
	Region   string `json:"region"`
	Sequence uint64 `json:"sequence,omitempty"` // in the log: from 1
	// Order and Name are the event's row in the inbox, and its parts. Order tells in which
	// order one process appended, Name is unique.
	Order    uint64    `json:"order"`
	Name     string    `json:"name"`
	Recorded time.Time `json:"recorded"`
	Envelope []byte    `json:"envelope,omitempty"` // absent when it is in parts
	Parts    int       `json:"parts,omitempty"`
	// Trail is set for an event that CloudTrail delivers; then there is no envelope.
	Trail *trailRecord `json:"trail,omitempty"`
}

func (r *record) place() Place { return Place{r.Account, r.Region} }

// head is what is known of a place: First <= Sequence < Next are kept.
type head struct {
	Account string `json:"account"`
	Region  string `json:"region"`
	First   uint64 `json:"first"`
	Next    uint64 `json:"next"`
}

// part is a piece of an envelope that is too large for a row.
type part struct {
	Order uint64 `json:"order"`
	Name  string `json:"name"`
	N     int    `json:"n"`
	Bytes []byte `json:"bytes"`
}

const (
	// inlineBytes is the largest envelope that lies in the row of its event.
	inlineBytes = 64 << 10
	// partBytes is the size of the parts of others. Their JSON has 4/3 of it, and has to
	// be less than store.MaxValueBytes, sealed.
	partBytes = 256 << 10
)

var errDamaged = errors.New("eventlog: damaged record")

func placeID(p Place) []table.Part {
	return []table.Part{table.String(p.Account), table.String(p.Region)}
}

func eventID(p Place, sequence uint64) []table.Part {
	return append(placeID(p), table.Uint(sequence))
}

func inboxID(order uint64, name string) []table.Part {
	return []table.Part{table.Uint(order), table.String(name)}
}

// Open defines the tables of the log in reg and returns the log. There is one in a
// program. Nothing runs yet: see Run.
func Open(s store.Store, reg *table.Registry, opts Options) (*Log, error) {
	if opts.Clock == nil {
		opts.Clock = clock.System{}
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if opts.MaxAge <= 0 {
		opts.MaxAge = DefaultMaxAge
	}
	opts.MaxAge = min(opts.MaxAge, audit.Retention) // the history holds what CloudTrail delivers
	if opts.MaxEvents <= 0 {
		opts.MaxEvents = DefaultMaxEvents
	}
	l := &Log{store: s, opts: opts}
	// All rows are in the scope of nobody, so that one range, and one watch, has those of
	// all accounts; the account and the Region come first in their ids.
	none := table.Scope{}
	var errs [4]error
	l.inbox, errs[0] = table.Register(reg, table.Def[record]{
		Service: "eventlog", Kind: "inbox", Scope: func(*record) table.Scope { return none },
		ID: func(r *record) []table.Part { return inboxID(r.Order, r.Name) },
	})
	l.events, errs[1] = table.Register(reg, table.Def[record]{
		Service: "eventlog", Kind: "event", Scope: func(*record) table.Scope { return none },
		ID: func(r *record) []table.Part { return eventID(r.place(), r.Sequence) },
	})
	l.heads, errs[2] = table.Register(reg, table.Def[head]{
		Service: "eventlog", Kind: "head", Scope: func(*head) table.Scope { return none },
		ID: func(h *head) []table.Part { return placeID(Place{h.Account, h.Region}) },
	})
	l.parts, errs[3] = table.Register(reg, table.Def[part]{
		Service: "eventlog", Kind: "part", Scope: func(*part) table.Scope { return none },
		ID: func(p *part) []table.Part { return append(inboxID(p.Order, p.Name), table.Uint(uint64(p.N))) },
	})
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("eventlog: %w", err)
	}
	return l, nil
}

// Append writes events in tx: they are in the log exactly if it commits. Each takes one
// of the transaction's operations and somewhat more than its size; one of more than
// inlineBytes takes a few. The error of an event that cannot be is ErrInvalid.
func (l *Log) Append(tx store.Txn, events ...Event) error {
	for i := range events {
		if err := l.append(tx, events[i]); err != nil {
			return err
		}
	}
	return nil
}

func (l *Log) append(tx store.Txn, e Event) error {
	now := l.opts.Clock.Now().UTC()
	if e.ID == "" {
		e.ID = NewID()
	}
	if e.Time.IsZero() {
		e.Time = now
	}
	if err := e.check(); err != nil {
		return err
	}
	// The id may be a caller's and not unique; the name of the record is.
	r := l.newRecord(e.Account, e.Region, now)
	r.Envelope = e.AppendEnvelope(nil)
	if len(r.Envelope) > inlineBytes {
		rest := r.Envelope
		for r.Envelope = nil; len(rest) > 0; r.Parts++ {
			n := min(len(rest), partBytes)
			if err := l.parts.Put(tx, &part{Order: r.Order, Name: r.Name, N: r.Parts, Bytes: rest[:n]}); err != nil {
				return fmt.Errorf("eventlog: %w", err)
			}
			rest = rest[n:]
		}
	}
	if err := l.inbox.Put(tx, r); err != nil {
		return fmt.Errorf("eventlog: %w", err)
	}
	return nil
}

// newRecord makes the row of an event, with a name that nobody else uses.
func (l *Log) newRecord(account, region string, now time.Time) *record {
	return &record{Account: account, Region: region, Order: l.order.Add(1), Name: NewID(), Recorded: now}
}
