package secretsmanager

import (
	"context"
	"errors"
	"log/slog"

	"fastness/internal/api/kmsapi"
	"fastness/internal/api/secretsmanagerapi"
	"fastness/internal/audit"
	"fastness/internal/clock"
	"fastness/internal/due"
	"fastness/internal/store"
	"fastness/internal/store/follow"
	"fastness/internal/store/table"
)

// MaxBody bounds a request body, in bytes: a value of 64 KB with every byte escaped, and
// the rest of the request.
const MaxBody = 512 << 10

// KMS encrypts data keys on behalf of the caller in the context (kmsapi.Client).
type KMS interface {
	GenerateDataKey(ctx context.Context, in *kmsapi.GenerateDataKeyRequest) (*kmsapi.GenerateDataKeyResponse, error)
	Decrypt(ctx context.Context, in *kmsapi.DecryptRequest) (*kmsapi.DecryptResponse, error)
}

// Self calls the room through the front door, for BatchGetSecretValue and for built-in
// rotation functions, whose calls are in CloudTrail as those of AWS's functions are
// (secretsmanagerapi.Client).
type Self interface {
	GetSecretValue(ctx context.Context, in *secretsmanagerapi.GetSecretValueRequest) (*secretsmanagerapi.GetSecretValueResponse, error)
	PutSecretValue(ctx context.Context, in *secretsmanagerapi.PutSecretValueRequest) (*secretsmanagerapi.PutSecretValueResponse, error)
	UpdateSecretVersionStage(ctx context.Context, in *secretsmanagerapi.UpdateSecretVersionStageRequest) (*secretsmanagerapi.UpdateSecretVersionStageResponse, error)
}

// Principals knows the unique ids behind the ARNs of users, roles and role sessions
// (iam.Directory). Resource policies are stored with ids, so that a user or role deleted
// and made again under its old name has nothing of what the old one was given.
type Principals interface {
	PrincipalID(arn string) (id string, ok bool)
	PrincipalARN(id string) (arn string, ok bool)
}

// Pages makes pagination markers that callers cannot read or change (page.Sealer).
type Pages interface {
	Seal(operation, account, filter string, position []byte) (string, error)
	Open(operation, account, filter, token string) ([]byte, error)
}

// Jobs keeps work for later, durably (due.Queue).
type Jobs interface {
	Schedule(tx store.Txn, j due.Job) error
	Cancel(tx store.Txn, kind, id string) (bool, error)
}

// rotations carries rotations out. Every method works in the transaction it is given, on
// a record that its caller writes afterwards: the engine may change s.Rotation.Next,
// s.LastRotated and s.Stages.
type rotations interface {
	// configured is called when the rules of a secret have changed, or what they count
	// from: it sets Next and plans the next rotation.
	configured(ctx context.Context, tx store.Txn, s *secretRecord) error
	// begin starts a rotation with the version id token, now; with test it only tests that
	// the secret can be rotated. The configuration is complete and checked.
	begin(ctx context.Context, tx store.Txn, s *secretRecord, token string, test bool) error
	// cancelled is called when rotation is switched off, or the secret is deleted: nothing
	// is planned any more, and a rotation under way is abandoned.
	cancelled(ctx context.Context, tx store.Txn, s *secretRecord) error
}

// Config is what the service is made of.
type Config struct {
	Store store.Store
	// Registry is where the room defines its tables.
	Registry *table.Registry
	KMS      KMS
	Self     Self
	Pages    Pages
	Jobs     Jobs
	Audit    *audit.Log
	Clock    clock.Clock
	Log      *slog.Logger
	// Principals maps the ARNs in resource policies to unique ids; nil stores them as they
	// are and accepts those of principals that do not exist.
	Principals Principals
	// Regions that are served; secrets replicate among them.
	Regions []string
	// MaxSecrets is the quota of secrets for one account in one Region; 0 means
	// DefaultMaxSecrets.
	MaxSecrets int
	// Rotation is what rotations are made of.
	Rotation RotationConfig
}

// DefaultMaxSecrets is AWS's quota of secrets for one account in one Region.
const DefaultMaxSecrets = 500_000

// Service implements the Secrets Manager API.
type Service struct {
	store     store.Store
	tables    *tables
	directory *directory
	memory    *follow.Memory
	kms       KMS
	self      Self
	pages     Pages
	jobs      Jobs
	audit     *audit.Log
	clock     clock.Clock
	log       *slog.Logger
	regions   []string
	counts    *counts
	reads     *reads
	rotations rotations
	rotation  *rotationEngine

	principals Principals
}

var _ secretsmanagerapi.Service = (*Service)(nil)

// New makes the service.
func New(c Config) (*Service, error) {
	if c.Store == nil || c.Registry == nil || c.KMS == nil || c.Self == nil || c.Pages == nil || c.Jobs == nil ||
		c.Audit == nil || c.Clock == nil || c.Log == nil || len(c.Regions) == 0 || c.MaxSecrets < 0 {
		return nil, errors.New("secretsmanager: incomplete configuration")
	}
	t, err := newTables(c.Registry)
	if err != nil {
		return nil, err
	}
	if c.MaxSecrets == 0 {
		c.MaxSecrets = DefaultMaxSecrets
	}
	s := &Service{
		store: c.Store, tables: t, directory: newDirectory(c.Store, t), kms: c.KMS, self: c.Self, principals: c.Principals, pages: c.Pages, jobs: c.Jobs,
		audit: c.Audit, clock: c.Clock, log: c.Log, regions: c.Regions,
		counts: newCounts(c.MaxSecrets), reads: newReads(),
	}
	s.memory = follow.NewMemory(tableService, s.othersChanged, s.forget)
	s.rotation = newRotationEngine(s, c.Rotation)
	s.rotations = s.rotation
	return s, nil
}
