package elbv2

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"time"

	"fastness/internal/api/elbv2api"
	"fastness/internal/clock"
	"fastness/internal/due"
	"fastness/internal/store"
	"fastness/internal/store/follow"
	"fastness/internal/store/table"
	"fastness/internal/wire"
)

// DefaultDomain is below what load balancers have their DNS names.
const DefaultDomain = "elb.localhost"

// Pages makes tokens that callers cannot read or change (page.Sealer).
type Pages interface {
	Seal(operation, account, filter string, position []byte) (string, error)
	Open(operation, account, filter, token string) ([]byte, error)
}

// Jobs keeps work for later, durably (due.Queue).
type Jobs interface {
	Schedule(tx store.Txn, j due.Job) error
	Cancel(tx store.Txn, kind, id string) (bool, error)
}

// Certificates knows the certificates that listeners can present.
type Certificates interface {
	// Usable tells whether there is an issued certificate with an ARN.
	Usable(r store.Reader, arn string) (bool, error)
}

// State is what the proxies say of a target.
type State struct {
	// Known is false if no proxy has said anything.
	Known   bool
	Healthy bool
	// Checked is false until the first checks have come to a result.
	Checked bool
	// Reason and Description say why a target is unhealthy.
	Reason      elbv2api.TargetHealthReasonEnum
	Description string
}

// Health knows how the targets are.
type Health interface {
	// Target is the state of a target of a target group.
	Target(ctx context.Context, group string, target netip.AddrPort) State
}

// Config is what the service is made of. Everything is required but what says otherwise.
type Config struct {
	Store store.Store
	// Registry is where the room defines its tables.
	Registry *table.Registry
	Pages    Pages
	Jobs     Jobs
	Clock    clock.Clock
	Log      *slog.Logger
	// Certificates may be nil: then there are none.
	Certificates Certificates
	// Health may be nil: then nothing is known of targets.
	Health Health
	// Domain is below what DNS names are; empty means DefaultDomain.
	Domain string
	// Deleted, if set, runs in the transaction that deletes a load balancer.
	Deleted func(tx store.Txn, account, region, arn string) error
	// Changed, if set, runs after the commit of whatever proxies are told. It must not block or use the
	// store.
	Changed func()
}

// Service implements Elastic Load Balancing. It is safe for concurrent use.
type Service struct {
	store        store.Store
	tables       *tables
	pages        Pages
	jobs         Jobs
	clock        clock.Clock
	log          *slog.Logger
	certificates Certificates
	health       Health
	domain       string
	deleted      func(tx store.Txn, account, region, arn string) error
	changed      func()
	memory       *follow.Memory
}

var _ elbv2api.Service = (*Service)(nil)

// New makes the service.
func New(c Config) (*Service, error) {
	if c.Store == nil || c.Registry == nil || c.Pages == nil || c.Jobs == nil || c.Clock == nil || c.Log == nil {
		return nil, errors.New("elbv2: incomplete configuration")
	}
	t, err := newTables(c.Registry)
	if err != nil {
		return nil, err
	}
	s := &Service{
		store: c.Store, tables: t, pages: c.Pages, jobs: c.Jobs, clock: c.Clock, log: c.Log, certificates: c.Certificates, health: c.Health,
		domain: cmp.Or(c.Domain, DefaultDomain), deleted: c.Deleted, changed: c.Changed,
	}
	forget := func(context.Context) error {
		if s.changed != nil {
			s.changed()
		}
		return nil
	}
	s.memory = follow.NewMemory("elbv2", func(ctx context.Context, _ follow.Commit) error { return forget(ctx) }, forget)
	if s.certificates == nil {
		s.certificates = noCertificates{}
	}
	if s.health == nil {
		s.health = noHealth{}
	}
	return s, nil
}

// noCertificates stands for a room of certificates that is not there.
type noCertificates struct{}

func (noCertificates) Usable(store.Reader, string) (bool, error) { return false, nil }

// noHealth stands for proxies that are not there.
type noHealth struct{}

func (noHealth) Target(context.Context, string, netip.AddrPort) State { return State{} }

// publish has the proxies' configuration made anew once the transaction has committed.
func (s *Service) publish(tx store.Txn) {
	if s.changed != nil {
		s.memory.OnCommit(tx, func(store.Revision) { s.changed() })
	}
}

// Memory is what is made of the room's records in memory, for the follower of what other processes change: the
// proxies' configuration (Config.Changed).
func (s *Service) Memory() *follow.Memory { return s.memory }

func (s *Service) now() time.Time { return s.clock.Now().UTC().Truncate(time.Millisecond) }

// value reads an optional member.
func value[T any](p *T) T { return wire.Value(p) }

// some is a member that is left out when it is empty.
func some(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
