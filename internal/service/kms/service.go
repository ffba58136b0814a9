package kms

import (
	"context"
	"errors"
	"log/slog"
	"strconv"

	"fastness/internal/api/kmsapi"
	"fastness/internal/audit"
	"fastness/internal/clock"
	"fastness/internal/engine/attestation"
	"fastness/internal/engine/keyalg"
	"fastness/internal/store"
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

// KeyPool has RSA keys ready, because generating one takes up to seconds
// (keypool.Pool).
type KeyPool interface {
	Take(ctx context.Context, spec keyalg.Spec) (*keyalg.Key, error)
}

// Config is what the service is made of.
type Config struct {
	Store  store.Store
	Slots  Slots
	Tokens Tokens
	Pages  Pages
	Pool   KeyPool
	Audit  *audit.Log
	Clock  clock.Clock
	Log    *slog.Logger
	// Regions that are served; multi-Region keys replicate among them.
	Regions []string
	// Attestation verifies the documents of Recipient; nil refuses them all.
	Attestation *attestation.Verifier
}

// Service implements the KMS API.
type Service struct {
	store     store.Store
	tables    *tables
	directory *directory
	slots     Slots
	tokens    Tokens
	pages     Pages
	pool      KeyPool
	audit     *audit.Log
	clock     clock.Clock
	log       *slog.Logger
	regions   []string
	usage     *usage

	attestation *attestation.Verifier
}

var _ kmsapi.Service = (*Service)(nil)

// New makes the service.
func New(c Config) (*Service, error) {
	if c.Store == nil || c.Slots == nil || c.Tokens == nil || c.Pages == nil || c.Audit == nil || c.Clock == nil || c.Log == nil || len(c.Regions) == 0 {
		return nil, errors.New("kms: incomplete configuration")
	}
	t, err := newTables()
	if err != nil {
		return nil, err
	}
	return &Service{
		store: c.Store, tables: t, directory: newDirectory(c.Store, t), slots: c.Slots, tokens: c.Tokens,
		pages: c.Pages, pool: c.Pool, audit: c.Audit, clock: c.Clock, log: c.Log, regions: c.Regions,
		attestation: c.Attestation, usage: newUsage(),
	}, nil
}

// generate makes a key, from the pool if it has one.
func (s *Service) generate(ctx context.Context, spec keyalg.Spec) (*keyalg.Key, error) {
	if s.pool != nil {
		return s.pool.Take(ctx, spec)
	}
	return keyalg.Generate(spec)
}

func itoa(n int) string { return strconv.Itoa(n) }
