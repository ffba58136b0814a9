package xksproxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"fastness/internal/api/kmsapi"
	"fastness/internal/audit"
	"fastness/internal/call"
	"fastness/internal/clock"
	"fastness/internal/engine/xks"
	"fastness/internal/securemem"
	"fastness/internal/sigv4"
	"fastness/internal/store"
	"fastness/internal/store/table"
	"fastness/internal/wire"
)

// Principal is the service principal as which the proxy uses KMS keys. A key policy
// exports its key by allowing it kms:GenerateDataKeyWithoutPlaintext and kms:Decrypt.
const Principal = "xks-proxy.fastness.internal"

// KeyLifetime is how long an unwrapped key is used before KMS is asked again.
const KeyLifetime = 30 * time.Second

// Door is how the proxy reaches KMS (front.Door).
type Door interface {
	wire.Invoker
	AsService(ctx context.Context, service, account, region string) context.Context
}

// Config is what the service is made of.
type Config struct {
	Store store.Store
	// Registry is where the proxy defines its tables.
	Registry *table.Registry
	Door     Door
	Audit    *audit.Log
	Clock    clock.Clock
	Log      *slog.Logger
	Arena    *securemem.Arena
	// Timeout bounds the work for one request; zero means xks.CallTimeout.
	Timeout time.Duration
	// Certificates, if set, are the client certificates of which every request needs
	// one, besides its signature.
	Certificates *xks.ClientCertificatePolicy
}

// Service is the proxy. It is safe for concurrent use.
type Service struct {
	store  store.Store
	tables *tables
	door   Door
	kms    *kmsapi.Client
	audit  *audit.Log
	clock  clock.Clock
	log    *slog.Logger
	arena  *securemem.Arena
	server *xks.Server

	tenants atomic.Pointer[map[string]*tenant]

	refreshing sync.Mutex
	read       store.Revision // what tenants were made from; under refreshing
}

var _ http.Handler = (*Service)(nil)

// Open makes the service with what the store holds.
func Open(ctx context.Context, c Config) (*Service, error) {
	if c.Store == nil || c.Registry == nil || c.Door == nil || c.Audit == nil || c.Clock == nil || c.Log == nil || c.Arena == nil {
		return nil, errors.New("xksproxy: incomplete configuration")
	}
	v, err := sigv4.NewVerifier(sigv4.Options{Clock: c.Clock})
	if err != nil {
		return nil, fmt.Errorf("xksproxy: %w", err)
	}
	t, err := newTables(c.Registry)
	if err != nil {
		return nil, err
	}
	s := &Service{store: c.Store, tables: t, door: c.Door, kms: kmsapi.NewClient(c.Door), audit: c.Audit, clock: c.Clock, log: c.Log, arena: c.Arena}
	s.server, err = xks.NewServer(xks.ServerConfig{
		Tenant: s.tenant, Verifier: verifier{v, c.Certificates}, Now: c.Clock.Now, Timeout: c.Timeout, Observe: s.observe,
	})
	if err != nil {
		return nil, fmt.Errorf("xksproxy: %w", err)
	}
	return s, s.refresh(ctx)
}

// ServeHTTP answers requests of key services.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.server.ServeHTTP(w, r) }

// Run forgets unwrapped keys that nobody asks for any more. It returns when ctx ends.
func (s *Service) Run(ctx context.Context) error {
	defer s.Close()
	for {
		if err := s.clock.Sleep(ctx, KeyLifetime); err != nil {
			return err
		}
		now := s.clock.Now()
		for _, t := range *s.tenants.Load() {
			for _, k := range t.keys {
				k.expire(now)
			}
		}
	}
}

// Close forgets all unwrapped keys. The service can still be used; it will ask KMS
// again.
func (s *Service) Close() {
	for _, t := range *s.tenants.Load() {
		for _, k := range t.keys {
			k.expire(time.Time{})
		}
	}
}

// tenant is a prefix as requests see it; it is made anew when anything of it changes.
type tenant struct {
	service *Service
	record  *prefixRecord
	keys    map[string]*exportedKey
	xks     xks.Tenant
}

// find returns a key, or nil; t may be nil.
func (t *tenant) find(id string) *exportedKey {
	if t == nil {
		return nil
	}
	return t.keys[id]
}

// refresh reads the configuration again. Keys that did not change keep their
// unwrapped form.
func (s *Service) refresh(ctx context.Context) error {
	s.refreshing.Lock()
	defer s.refreshing.Unlock()
	prefixes, keys, read, err := s.tables.load(ctx, s.store)
	if err != nil {
		return fmt.Errorf("xksproxy: load: %w", err)
	}
	s.read = read
	tenants := make(map[string]*tenant, len(prefixes))
	for _, p := range prefixes {
		t := &tenant{service: s, record: p, keys: make(map[string]*exportedKey)}
		t.xks = xks.Tenant{Keys: t, Authorize: func(ctx context.Context, c xks.Call) error { return s.authorize(ctx, p, &c) }}
		for _, c := range p.Credentials {
			t.xks.Credentials = append(t.xks.Credentials, xks.Credential{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.Secret})
		}
		tenants[p.Prefix] = t
	}
	old := map[string]*tenant{}
	if p := s.tenants.Load(); p != nil {
		old = *p
	}
	for _, k := range keys {
		if t := tenants[k.Prefix]; t != nil {
			t.keys[k.ID] = newExportedKey(k, old[k.Prefix].find(k.ID))
		}
	}
	s.tenants.Store(&tenants)
	for prefix, t := range old {
		for id, k := range t.keys {
			k.delete(tenants[prefix].find(id))
		}
	}
	return nil
}

func (s *Service) tenant(prefix string) (*xks.Tenant, bool) {
	t, ok := (*s.tenants.Load())[prefix]
	if !ok {
		return nil, false
	}
	return &t.xks, true
}

// observe writes down requests that were refused; the others are written down when
// they are authorized.
func (s *Service) observe(e xks.Event) {
	if e.Error == "" {
		return
	}
	s.log.Warn("external key store request refused", "prefix", e.Call.Prefix, "operation", e.Call.Op, "key", e.Call.KeyID, "error", e.Error, "cause", e.Cause)
	t := (*s.tenants.Load())[e.Call.Prefix]
	if t == nil || e.Error == xks.AuthenticationFailedException {
		return // nobody's: strangers must not be able to fill an account's history
	}
	if err := s.record(context.Background(), t.record, &e.Call, e.Error); err != nil {
		s.log.Error("external key store request not recorded", "error", err)
	}
}

// record writes a request into the event history.
func (s *Service) record(ctx context.Context, p *prefixRecord, c *xks.Call, failure xks.ErrorName) error {
	details := []call.Note{{Name: "prefix", Value: p.Prefix}, {Name: "accessKeyId", Value: c.AccessKeyID}}
	for _, n := range []call.Note{
		{Name: "keyId", Value: c.KeyID}, {Name: "awsPrincipalArn", Value: c.Metadata.AWSPrincipalARN},
		{Name: "kmsKeyArn", Value: c.Metadata.KMSKeyARN}, {Name: "kmsOperation", Value: c.Metadata.KMSOperation},
		{Name: "kmsRequestId", Value: c.Metadata.KMSRequestID}, {Name: "kmsViaService", Value: c.Metadata.KMSViaService},
		{Name: "error", Value: string(failure)},
	} {
		if n.Value != "" {
			details = append(details, n)
		}
	}
	return s.audit.Append(ctx, audit.ServiceRecord(audit.ServiceEvent{
		Account: p.Account, Region: p.Region, Source: Principal, Name: "XksProxy" + c.Op, Time: s.clock.Now(), Details: details, Quiet: true,
	}))
}
