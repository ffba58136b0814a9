package wafv2

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"time"

	"fastness/internal/api/logsapi"
	"fastness/internal/api/wafv2api"
	"fastness/internal/clock"
	"fastness/internal/store"
	"fastness/internal/store/follow"
	"fastness/internal/store/table"
	"fastness/internal/wire"
)

// MaxBody bounds a request, in bytes: an IP set of 10,000 addresses or a web ACL of 5,000 WCU
// fits.
const MaxBody = 4 << 20

// Pages makes tokens that callers cannot read or change (page.Sealer).
type Pages interface {
	Seal(operation, account, filter string, position []byte) (string, error)
	Open(operation, account, filter, token string) ([]byte, error)
}

// AEAD seals API keys (seal.AEAD).
type AEAD interface {
	Seal(dst, plaintext, aad []byte) ([]byte, error)
	Open(dst, sealed, aad []byte) ([]byte, error)
}

// ResourceState is what is known of a resource that a web ACL could protect.
type ResourceState int

// The states of resources.
const (
	ResourceAbsent ResourceState = iota
	// ResourcePending resources are being made.
	ResourcePending
	ResourceReady
)

// Resources knows the resources of other services that web ACLs can protect.
type Resources interface {
	// WebACLResource tells the state of a resource and its tags.
	WebACLResource(r store.Reader, arn string) (ResourceState, map[string]string, error)
}

// Live is what the proxies know.
type Live interface {
	// RateLimited are the addresses that a rate-based rule limits now. group is the name of the rule
	// that refers to the rule group in which the rule is; empty for a rule of the web ACL itself.
	RateLimited(ctx context.Context, webACL, group, rule string) ([]netip.Addr, error)
	// Samples are requests that met a rule, and how many there were, from a range of time: see
	// Sampled.
	Samples(ctx context.Context, webACL, metric string, from, to time.Time, limit int) (Sampled, error)
	// Paths are the paths that were asked for most in a range of time.
	Paths(ctx context.Context, q PathQuery) (PathTraffic, error)
}

// Config is what the service is made of. Everything is required but what says otherwise.
type Config struct {
	Store store.Store
	// Registry is where the room defines its tables.
	Registry *table.Registry
	Pages    Pages
	// Keys seals API keys.
	Keys  AEAD
	Clock clock.Clock
	Log   *slog.Logger
	// Resources may be nil: then there is nothing to protect.
	Resources Resources
	// Catalogue has the managed rule groups; nil means none.
	Catalogue Catalogue
	// Live is what the proxies know; nil means that there are none.
	Live   Live
	Quotas Quotas
	// IntegrationURL is the address of the scripts that applications integrate with, for an account
	// and a Region; nil means that there are none.
	IntegrationURL func(account, region string) string
	// Logs is how log groups are asked for; nil means that there are none.
	Logs *logsapi.Client
	// Buckets knows the buckets that logs can go to; nil means that there are none.
	Buckets Buckets
	// Changed, if set, runs after the commit of whatever proxies enforce. It must not block or use
	// the store.
	Changed func()
}

// Service implements AWS WAF. It is safe for concurrent use.
type Service struct {
	store       store.Store
	tables      *tables
	documents   *documents
	pages       Pages
	keys        AEAD
	clock       clock.Clock
	log         *slog.Logger
	resources   Resources
	catalogue   Catalogue
	live        Live
	quotas      Quotas
	integration func(account, region string) string
	logs        *logsapi.Client
	buckets     Buckets
	changed     func()
	counts      table.Tally[countOf, int]
	memory      *follow.Memory
}

var _ wafv2api.Service = (*Service)(nil)

// New makes the service.
func New(c Config) (*Service, error) {
	if c.Store == nil || c.Registry == nil || c.Pages == nil || c.Keys == nil || c.Clock == nil || c.Log == nil {
		return nil, errors.New("wafv2: incomplete configuration")
	}
	t, err := newTables(c.Registry)
	if err != nil {
		return nil, err
	}
	s := &Service{
		store: c.Store, tables: t, documents: newDocuments(), pages: c.Pages, keys: c.Keys, clock: c.Clock, log: c.Log,
		resources: c.Resources, catalogue: c.Catalogue, live: c.Live, quotas: c.Quotas.withDefaults(), integration: c.IntegrationURL, logs: c.Logs, buckets: c.Buckets, changed: c.Changed,
	}
	forget := func(context.Context) error { s.forget(); return nil }
	s.memory = follow.NewMemory("wafv2", func(ctx context.Context, _ follow.Commit) error { return forget(ctx) }, forget)
	if s.resources == nil {
		s.resources = noResources{}
	}
	if s.catalogue == nil {
		s.catalogue = emptyCatalogue{}
	}
	if s.live == nil {
		s.live = noProxies{}
	}
	return s, nil
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

// counted adds to a number of entities, if it is known, when the transaction has committed.
func (s *Service) counted(tx store.Txn, of countOf, change int) {
	s.memory.OnCommit(tx, func(store.Revision) { s.counts.Change(of, func(n int) int { return n + change }) })
}

// noResources stands for services that are not there.
type noResources struct{}

func (noResources) WebACLResource(store.Reader, string) (ResourceState, map[string]string, error) {
	return ResourceAbsent, nil, nil
}

// noProxies stands for proxies that are not there.
type noProxies struct{}

func (noProxies) RateLimited(context.Context, string, string, string) ([]netip.Addr, error) {
	return nil, nil
}

func (noProxies) Samples(context.Context, string, string, time.Time, time.Time, int) (Sampled, error) {
	return Sampled{}, nil
}

func (noProxies) Paths(context.Context, PathQuery) (PathTraffic, error) { return PathTraffic{}, nil }

// value reads an optional member.
func value[T any](p *T) T { return wire.Value(p) }

// some is a member that is left out when it is empty.
func some(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
