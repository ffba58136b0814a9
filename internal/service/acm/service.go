package acm

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"fastness/internal/api/acmapi"
	"fastness/internal/clock"
	"fastness/internal/due"
	"fastness/internal/store"
	"fastness/internal/store/follow"
	"fastness/internal/store/table"
	"fastness/internal/wire"
)

// MaxBody bounds a request, in bytes: a chain of 2 MB fits, in base64.
const MaxBody = 4 << 20

// maxCertificates is the quota of an account in a Region (AWS Certificate Manager User Guide,
// "Quotas").
const maxCertificates = 2500

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

// Authority signs certificates (ca.Authority).
type Authority interface {
	Sign(now time.Time, validity time.Duration, names []string, key crypto.PublicKey) (certPEM, chainPEM []byte, err error)
}

// Users knows who uses certificates.
type Users interface {
	// CertificateUsers are the ARNs of the resources that use a certificate.
	CertificateUsers(r store.Reader, account, region, arn string) ([]string, error)
}

// Config is what the service is made of. Everything is required but what says otherwise.
type Config struct {
	Store store.Store
	// Registry is where the room defines its tables.
	Registry  *table.Registry
	Pages     Pages
	Jobs      Jobs
	Authority Authority
	Clock     clock.Clock
	Log       *slog.Logger
	// Users may be nil: then certificates are not used. It may also be set later, by Use.
	Users Users
	// Changed, if set, runs after the commit of whatever proxies are told. It must not block or use the
	// store.
	Changed func()
}

// Service implements AWS Certificate Manager. It is safe for concurrent use.
type Service struct {
	store     store.Store
	tables    *tables
	pages     Pages
	jobs      Jobs
	authority Authority
	clock     clock.Clock
	log       *slog.Logger
	users     Users
	changed   func()
	counts    table.Tally[table.Scope, int]
	memory    *follow.Memory
}

var _ acmapi.Service = (*Service)(nil)

// New makes the service.
func New(c Config) (*Service, error) {
	if c.Store == nil || c.Registry == nil || c.Pages == nil || c.Jobs == nil || c.Authority == nil || c.Clock == nil || c.Log == nil {
		return nil, errors.New("acm: incomplete configuration")
	}
	t, err := newTables(c.Registry)
	if err != nil {
		return nil, err
	}
	s := &Service{
		store: c.Store, tables: t, pages: c.Pages, jobs: c.Jobs, authority: c.Authority, clock: c.Clock, log: c.Log, users: c.Users, changed: c.Changed,
	}
	forget := func(context.Context) error { s.forget(); return nil }
	s.memory = follow.NewMemory("acm", func(ctx context.Context, _ follow.Commit) error { return forget(ctx) }, forget)
	if s.users == nil {
		s.users = nobody{}
	}
	return s, nil
}

// Use sets who uses certificates, before the service is used: load balancers and certificates know
// each other.
func (s *Service) Use(u Users) { s.users = u }

// nobody uses no certificates.
type nobody struct{}

func (nobody) CertificateUsers(store.Reader, string, string, string) ([]string, error) {
	return nil, nil
}

// publish has the proxies' configuration made anew once the transaction has committed.
func (s *Service) publish(tx store.Txn) {
	if s.changed != nil {
		tx.OnCommit(func(store.Revision) { s.changed() })
	}
}

// insert writes a new certificate, if the account has room for it.
func (s *Service) insert(tx store.Txn, r *certificateRecord) error {
	at := table.Scope{Account: r.Account, Region: r.Region}
	n, err := s.counts.Sum(at, func() (n int, err error) {
		for _, err := range s.tables.certificates.Scan(tx, at, table.Page{}) {
			if err != nil {
				return 0, err
			}
			n++
		}
		return n, nil
	})
	if err != nil {
		return fmt.Errorf("acm: %w", err)
	}
	if n >= maxCertificates {
		return &acmapi.LimitExceededException{Message: new(fmt.Sprintf("Error: you have reached your limit of %d certificates.", maxCertificates))}
	}
	s.counted(tx, at, 1)
	return s.tables.certificates.Insert(tx, r)
}

// counted adds to the number of certificates of a place, if it is known, when the transaction has
// committed.
func (s *Service) counted(tx store.Txn, at table.Scope, change int) {
	s.memory.OnCommit(tx, func(store.Revision) { s.counts.Change(at, func(n int) int { return n + change }) })
}

// Memory is what the room keeps in memory, for the follower of what other processes change: counts for
// the quotas, and what is made of its records (Config.Changed).
func (s *Service) Memory() *follow.Memory { return s.memory }

// forget has everything taken anew that is made of records that others changed.
func (s *Service) forget() {
	s.counts.Forget()
	if s.changed != nil {
		s.changed()
	}
}

// save writes a changed certificate.
func (s *Service) save(tx store.Txn, r *certificateRecord) error {
	s.publish(tx)
	return s.tables.certificates.Put(tx, r)
}

// Usable tells whether there is a certificate that listeners can present (elbv2.Certificates).
func (s *Service) Usable(r store.Reader, arn string) (bool, error) {
	_, err := s.tables.certificate(r, arn)
	if isNotFound(err) {
		return false, nil
	}
	return err == nil, err
}

// KeyPair is a certificate with its chain, and its private key, for proxies; both are PEM. Whoever
// gets it clears the key.
func (s *Service) KeyPair(r store.Reader, arn string) (chain string, key []byte, err error) {
	c, err := s.tables.certificate(r, arn)
	if err != nil {
		return "", nil, fmt.Errorf("acm: certificate %s: %w", arn, err)
	}
	return c.Certificate + c.Chain, encodeKey(c.Key), nil
}

func (s *Service) now(_ context.Context) time.Time {
	return s.clock.Now().UTC().Truncate(time.Millisecond)
}

// value reads an optional member.
func value[T any](p *T) T { return wire.Value(p) }

// some is a member that is left out when it is empty.
func some[T ~string](text T) *T {
	if text == "" {
		return nil
	}
	return &text
}
