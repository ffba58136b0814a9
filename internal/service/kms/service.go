package kms

import (
	"errors"
	"log/slog"
	"strconv"

	"fastness/internal/api/kmsapi"
	"fastness/internal/audit"
	"fastness/internal/clock"
	"fastness/internal/engine/attestation"
	"fastness/internal/engine/keyalg"
	"fastness/internal/securemem"
	"fastness/internal/store"
	"fastness/internal/store/follow"
	"fastness/internal/store/table"
	"fastness/internal/wire"
)

// MaxBody bounds a request body, in bytes: more than any KMS request needs.
const MaxBody = 64 << 10

// Tokens seals small things that travel through callers: grant tokens, import tokens
// (seal.AEAD).
type Tokens interface {
	Seal(dst, plaintext, aad []byte) ([]byte, error)
	Open(dst, sealed, aad []byte) ([]byte, error)
}

// Pages makes pagination markers that callers cannot read or change (page.Sealer).
type Pages interface {
	Seal(operation, account, filter string, position []byte) (string, error)
	Open(operation, account, filter, token string) ([]byte, error)
}

// KeyPool has keys ready that take up to seconds to generate, or says that it has none
// (keypool.Pool[keyalg.Spec, *keyalg.Key]).
type KeyPool interface {
	Take(spec keyalg.Spec) (*keyalg.Key, bool)
}

// Config is what the service is made of.
type Config struct {
	Store store.Store
	// Registry is where the room defines its tables.
	Registry *table.Registry
	Slots    Slots
	// Arena keeps key material that is in use.
	Arena  *securemem.Arena
	Tokens Tokens
	Pages  Pages
	Jobs   Jobs
	// Pool may be nil: then every key is generated when it is asked for.
	Pool  KeyPool
	Audit *audit.Log
	Clock clock.Clock
	Log   *slog.Logger
	// Regions that are served; multi-Region keys replicate among them.
	Regions []string
	// ResourceQuotas replace some of AWSResourceQuotas.
	ResourceQuotas map[string]int
	// Principals maps the ARNs in key policies and grants to unique ids; nil stores them as
	// they are and accepts those of principals that do not exist.
	Principals Principals
	// Attestation verifies the documents of Recipient; nil refuses them all.
	Attestation *attestation.Verifier
	// ExternalKeyStores limits which proxies external key stores may use.
	ExternalKeyStores ExternalKeyStores
}

// Service implements the KMS API.
type Service struct {
	store     store.Store
	tables    *tables
	directory *directory
	memory    *follow.Memory
	vault
	locked    *openCache // material in locked memory
	parsed    *openCache // private keys on the heap
	tokens    Tokens
	pages     Pages
	jobs      Jobs
	pool      KeyPool
	audit     *audit.Log
	clock     clock.Clock
	log       *slog.Logger
	regions   []string
	usage     *usage
	orphans   orphans
	quotas    resourceQuotas
	keyCounts table.Tally[place, int]

	principals  Principals
	attestation *attestation.Verifier
	keyStores   *keyStores
}

var _ kmsapi.Service = (*Service)(nil)

// New makes the service.
func New(c Config) (*Service, error) {
	if c.Store == nil || c.Registry == nil || c.Slots == nil || c.Arena == nil || c.Tokens == nil || c.Pages == nil || c.Jobs == nil || c.Audit == nil || c.Clock == nil || c.Log == nil || len(c.Regions) == 0 {
		return nil, errors.New("kms: incomplete configuration")
	}
	t, err := newTables(c.Registry)
	if err != nil {
		return nil, err
	}
	if err := c.ExternalKeyStores.check(); err != nil {
		return nil, err
	}
	quotas, err := newResourceQuotas(c.ResourceQuotas)
	if err != nil {
		return nil, err
	}
	s := &Service{
		store: c.Store, tables: t, directory: newDirectory(c.Store, t), vault: vault{c.Slots, c.Arena},
		locked: newOpenCache(maxLocked, lockedIdle), parsed: newOpenCache(maxParsed, parsedIdle), tokens: c.Tokens,
		pages: c.Pages, jobs: c.Jobs, pool: c.Pool, audit: c.Audit, clock: c.Clock, log: c.Log, regions: c.Regions,
		principals: c.Principals, attestation: c.Attestation, usage: newUsage(),
		quotas:    quotas,
		keyStores: newKeyStores(c.ExternalKeyStores),
	}
	s.memory = follow.NewMemory(tableService, s.othersChanged, s.forget)
	return s, nil
}

// InternalError implements front.InternalErrors: what callers hear when something failed
// here that is not their fault.
func (s *Service) InternalError() wire.APIError {
	return &kmsapi.KMSInternalException{Message: new("The request was rejected because an internal exception occurred. The request can be retried.")}
}

// generate makes a key, or takes one that the pool has ready.
func (s *Service) generate(spec keyalg.Spec) (*keyalg.Key, error) {
	if s.pool != nil {
		if k, ok := s.pool.Take(spec); ok {
			return k, nil
		}
	}
	return keyalg.Generate(spec)
}

func itoa(n int) string { return strconv.Itoa(n) }
