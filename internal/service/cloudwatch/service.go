package cloudwatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"fastness/internal/api/cloudwatchapi"
	"fastness/internal/clock"
	"fastness/internal/due"
	"fastness/internal/policy"
	"fastness/internal/store"
	"fastness/internal/store/table"
	"fastness/internal/wire"
)

// MaxBody bounds a request, in bytes (AWS: 1 MB; XML and JSON of it may be longer).
const MaxBody = 4 << 20

// Pages makes tokens that callers cannot read or change (page.Sealer).
type Pages interface {
	Seal(operation, account, filter string, position []byte) (string, error)
	Open(operation, account, filter, token string) ([]byte, error)
}

// Jobs keeps work for later, durably (due.Queue).
type Jobs interface {
	Schedule(tx store.Txn, j due.Job) error
}

// Config is what the service is made of. Everything is required.
type Config struct {
	Store store.Store
	// Registry is where the room defines its tables.
	Registry *table.Registry
	Pages    Pages
	Jobs     Jobs
	Clock    clock.Clock
	Log      *slog.Logger
}

// Service implements the metrics of CloudWatch. It is safe for concurrent use.
type Service struct {
	store  store.Store
	tables *tables
	pages  Pages
	jobs   Jobs
	clock  clock.Clock
	log    *slog.Logger
	// services is what services may do.
	services *policy.Policy
	// working is held by who works a journal in: two would only be in each other's way.
	working chan struct{}
}

var _ cloudwatchapi.Service = (*Service)(nil)

// New makes the service.
func New(c Config) (*Service, error) {
	if c.Store == nil || c.Registry == nil || c.Pages == nil || c.Jobs == nil || c.Clock == nil || c.Log == nil {
		return nil, errors.New("cloudwatch: incomplete configuration")
	}
	t, err := newTables(c.Registry)
	if err != nil {
		return nil, err
	}
	services, err := policy.New(policy.Resource, "services", []byte(servicePolicy))
	if err != nil {
		return nil, fmt.Errorf("cloudwatch: %w", err)
	}
	return &Service{store: c.Store, tables: t, pages: c.Pages, jobs: c.Jobs, clock: c.Clock, log: c.Log, services: services, working: make(chan struct{}, 1)}, nil
}

// workPeriod is how long the journal grows before it is worked in.
const workPeriod = 10 * time.Second

// Run works the journal in until ctx is done.
func (s *Service) Run(ctx context.Context) error {
	for {
		if err := s.clock.Sleep(ctx, workPeriod); err != nil {
			return err
		}
		if err := s.workAll(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("metrics could not be worked in; they are in the journal", "error", err)
		}
	}
}

// value reads an optional member.
func value[T any](p *T) T { return wire.Value(p) }
