package ssm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"

	"fastness/internal/api/kmsapi"
	"fastness/internal/api/secretsmanagerapi"
	"fastness/internal/api/ssmapi"
	"fastness/internal/audit"
	"fastness/internal/clock"
	"fastness/internal/due"
	"fastness/internal/eventlog"
	"fastness/internal/policy"
	"fastness/internal/store"
	"fastness/internal/store/follow"
	"fastness/internal/store/table"
	"fastness/internal/wire"
)

// The quotas of an account in a Region (AWS Systems Manager endpoints and quotas).
const (
	DefaultMaxStandard = 10_000
	DefaultMaxAdvanced = 100_000
)

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

// Events is the log of events (eventlog.Log).
type Events interface {
	Append(tx store.Txn, events ...eventlog.Event) error
}

// Images knows which AMIs there are.
type Images interface {
	// HasImage tells whether an account can use an image in a Region.
	HasImage(ctx context.Context, account, region, id string) (bool, error)
}

// Config is what the service is made of. Everything is required but what says otherwise.
type Config struct {
	Store store.Store
	// Registry is where the room defines its tables.
	Registry *table.Registry
	Pages    Pages
	Jobs     Jobs
	Events   Events
	Audit    *audit.Log
	// Door is how KMS and Secrets Manager are called (front.Door.Invoke).
	Door  wire.Invoker
	Clock clock.Clock
	Log   *slog.Logger
	// Images may be nil: then there are no AMIs.
	Images Images
	// Public are the parameters under /aws/service; may be nil.
	Public *Public
	// MaxStandard and MaxAdvanced are the quotas of parameters for an account in a Region; 0
	// means the defaults.
	MaxStandard, MaxAdvanced int
}

// Service implements Parameter Store. It is safe for concurrent use.
type Service struct {
	store     store.Store
	tables    *tables
	directory *directory
	memory    *follow.Memory
	pages     Pages
	jobs      Jobs
	events    Events
	audit     *audit.Log
	kms       *kmsapi.Client
	secrets   *secretsmanagerapi.Client
	clock     clock.Clock
	log       *slog.Logger
	images    Images
	public    *Public
	counts    table.Tally[place, tierCount] // of parameters, for the quotas
	max       tierCount
	// everything is an identity policy that allows all.
	everything *policy.Policy
}

var _ ssmapi.Service = (*Service)(nil)

// New makes the service.
func New(c Config) (*Service, error) {
	if c.Store == nil || c.Registry == nil || c.Pages == nil || c.Jobs == nil || c.Events == nil || c.Audit == nil || c.Door == nil || c.Clock == nil || c.Log == nil {
		return nil, errors.New("ssm: incomplete configuration")
	}
	if c.MaxStandard < 0 || c.MaxAdvanced < 0 {
		return nil, errors.New("ssm: a quota of parameters is negative")
	}
	t, err := newTables(c.Registry)
	if err != nil {
		return nil, err
	}
	if c.Public == nil {
		c.Public = new(Public)
	}
	everything, err := policy.New(policy.IdentityInline, "everything", []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`))
	if err != nil {
		return nil, fmt.Errorf("ssm: %w", err)
	}
	s := &Service{
		store: c.Store, tables: t, directory: newDirectory(c.Store, t), pages: c.Pages, jobs: c.Jobs, events: c.Events,
		audit: c.Audit, kms: kmsapi.NewClient(c.Door), secrets: secretsmanagerapi.NewClient(c.Door), clock: c.Clock, log: c.Log,
		images: c.Images, public: c.Public,
		everything: everything,
		max:        tierCount{cmp.Or(c.MaxStandard, DefaultMaxStandard), cmp.Or(c.MaxAdvanced, DefaultMaxAdvanced)},
	}
	s.memory = follow.NewMemory(tableService, s.othersChanged, s.forget)
	return s, nil
}

// value reads an optional member.
func value[T any](p *T) T { return wire.Value(p) }
