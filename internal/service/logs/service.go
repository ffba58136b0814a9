package logs

import (
	"errors"
	"log/slog"
	"sync"

	"fastness/internal/api/logsapi"
	"fastness/internal/clock"
	"fastness/internal/due"
	"fastness/internal/policy"
	"fastness/internal/store"
	"fastness/internal/store/table"
	"fastness/internal/wire"
)

// MaxBody bounds a request, in bytes: a batch of 1 MiB whose characters are mostly escaped in JSON
// fits.
const MaxBody = 8 << 20

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

// Service implements CloudWatch Logs. It is safe for concurrent use.
type Service struct {
	store  store.Store
	tables *tables
	pages  Pages
	jobs   Jobs
	clock  clock.Clock
	log    *slog.Logger

	mu sync.Mutex
	// compiled are the resource policies in use, by their text.
	compiled map[string]*policy.Policy
}

var _ logsapi.Service = (*Service)(nil)

// New makes the service.
func New(c Config) (*Service, error) {
	if c.Store == nil || c.Registry == nil || c.Pages == nil || c.Jobs == nil || c.Clock == nil || c.Log == nil {
		return nil, errors.New("logs: incomplete configuration")
	}
	t, err := newTables(c.Registry)
	if err != nil {
		return nil, err
	}
	return &Service{store: c.Store, tables: t, pages: c.Pages, jobs: c.Jobs, clock: c.Clock, log: c.Log, compiled: make(map[string]*policy.Policy)}, nil
}

// ValidationError implements front.ValidationErrors: CloudWatch Logs has an error of its own for
// inputs that break a constraint.
func (s *Service) ValidationError(message string) wire.APIError {
	return &logsapi.InvalidParameterException{Message: &message}
}

// now is the time in milliseconds since 1970.
func (s *Service) now() int64 { return s.clock.Now().UnixMilli() }

// value reads an optional member.
func value[T any](p *T) T { return wire.Value(p) }
