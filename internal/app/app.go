package app

import (
	"context"
	"crypto/fips140"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"fastness/internal/front"
	"fastness/internal/seal"
	"fastness/internal/securemem"
	"fastness/internal/store/pebble"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// App is a running server.
type App struct {
	config   Config
	arena    *securemem.Arena
	inner    *pebble.Store
	unsealer *seal.Unsealer
	certs    *certificates
	gate     *front.Gate
	server   *front.Server
	admin    *admin
	metrics  *front.Metrics
	busy     busyness
	activity activityCounters
	fresh    bool // this start created the store
	// retrying ends the attempts to unseal in the background.
	retrying context.CancelFunc
	attempts sync.WaitGroup

	// changing is held while domain keys change, and while a backup is written.
	changing sync.Mutex
	// running is held by every request under --dev, and alone by a reset, which replaces
	// the store and the unsealer.
	running sync.RWMutex
	// opening is held while the server is being unsealed or sealed.
	opening sync.Mutex

	mu      sync.Mutex
	rooms   *rooms // nil while sealed
	stopped bool
}

// Start opens everything and serves. A server that cannot be unsealed yet, because it
// waits for Shamir shares or because the KMS with its root key is away, is started
// too: it says that it is sealed and serves nothing else.
func Start(ctx context.Context, c Config) (_ *App, err error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	for _, dir := range []string{c.DataDir, c.SecretsDir} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("app: %w", err)
		}
	}
	if err := checkDataDir(c.DataDir); err != nil {
		return nil, err
	}
	a := &App{config: c, arena: securemem.NewArena(securemem.Options{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Stop(context.WithoutCancel(ctx)))
		}
	}()
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	a.registerGauges(registry)
	a.metrics = front.NewMetrics(registry)
	if err := a.openStore(); err != nil {
		return nil, err
	}
	a.certs = &certificates{dir: filepath.Join(c.SecretsDir, "tls"), clock: c.Clock, keep: c.Dev}
	if c.TLSCert != "" {
		if err := a.certs.loadFiles(c.TLSCert, c.TLSKey); err != nil {
			return nil, err
		}
	} else {
		a.certs.loadOwn(serverNames(c.TLSNames))
	}
	a.gate = front.NewGate(a.status, promhttp.HandlerFor(registry, promhttp.HandlerOpts{}), a.sealHandler())
	if err := a.begin(ctx); err != nil {
		return nil, err
	}
	if a.admin, err = a.listenAdmin(ctx); err != nil {
		return nil, err
	}
	if a.server, err = front.Listen(ctx, c.Listen, a.tlsConfig(), a.busy.counting(a.Handler()), c.Log); err != nil {
		return nil, err
	}
	return a, a.writeConfig()
}

// openStore opens the store, sealed as it is.
func (a *App) openStore() (err error) {
	c := &a.config
	if a.inner, err = pebble.Open(filepath.Join(c.DataDir, storeDir), pebble.Options{Logger: c.Log, Clock: c.Clock}); err != nil {
		return err
	}
	a.unsealer, err = seal.NewUnsealer(a.inner, seal.Options{Clock: c.Clock, Arena: a.arena})
	return err
}

// registerGauges offers what is measured when it is asked for.
func (a *App) registerGauges(r *prometheus.Registry) {
	gauge := func(name, help string, value func() float64) {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "fastness", Name: name, Help: help}, value))
	}
	counter := func(name, help string, value *atomic.Uint64) {
		r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: "fastness", Name: name, Help: help}, func() float64 { return float64(value.Load()) }))
	}
	counter("waf_log_records_total", "Records of inspected requests that were delivered to where web ACLs log.", &a.activity.delivered)
	counter("waf_log_records_lost_total", "Records of inspected requests that were lost: there were too many, or their destination took none.", &a.activity.lost)
	counter("waf_requests_uncounted_total", "Inspected requests that are missing in the metrics of web ACLs.", &a.activity.uncounted)
	gauge("sealed", "1 while the server is sealed.", func() float64 {
		if a.Sealed() {
			return 1
		}
		return 0
	})
	gauge("secret_memory_bytes", "Memory that holds keys.", func() float64 { return float64(a.arena.Stats().MappedBytes) })
	gauge("secret_memory_unlocked_bytes", "Memory that holds keys and could be swapped out, because the limit of locked memory is too low.", func() float64 {
		return float64(a.arena.Stats().UnlockedBytes)
	})
}

// open makes the services over the unsealed store and lets requests in. It does
// nothing when they are there.
func (a *App) open(ctx context.Context) error {
	a.opening.Lock()
	defer a.opening.Unlock()
	if ready, err := a.closedFor(); ready || err != nil {
		return err
	}
	ring, err := a.unsealer.Keyring()
	if err != nil {
		return err
	}
	r, err := a.openRooms(ctx, ring)
	if err != nil {
		// Keys without services would be of no use to anyone.
		a.unsealer.Seal()
		return err
	}
	a.mu.Lock()
	stopped := a.stopped
	if !stopped {
		a.rooms = r
	}
	a.mu.Unlock()
	if stopped {
		return errors.Join(errStopped, r.close())
	}
	a.gate.Open(r.door, r.proxy, r.followers)
	return nil
}

var errStopped = errors.New("app: the server stops")

// closedFor tells whether the rooms are open already.
func (a *App) closedFor() (open bool, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stopped {
		return false, errStopped
	}
	return a.rooms != nil, nil
}

// Seal closes the services and destroys all keys in memory. Calls that are under way
// may fail. The server goes on to run, sealed.
func (a *App) Seal() error {
	a.opening.Lock()
	defer a.opening.Unlock()
	return a.shut()
}

// shut closes the rooms and forgets the keys.
func (a *App) shut() error {
	a.mu.Lock()
	r := a.rooms
	a.rooms = nil
	a.mu.Unlock()
	var err error
	if r != nil {
		a.gate.Open(nil)
		err = r.close()
	}
	if a.unsealer != nil {
		a.unsealer.Seal()
	}
	return err
}

// Stop drains requests and closes everything, in the reverse order of Start.
func (a *App) Stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	var errs []error
	if a.retrying != nil {
		a.retrying()
		a.attempts.Wait()
	}
	a.endFollowers()
	if a.server != nil {
		errs = append(errs, a.server.Shutdown(ctx))
	}
	if a.admin != nil {
		errs = append(errs, a.admin.close(ctx))
	}
	a.mu.Lock()
	a.stopped = true
	a.mu.Unlock()
	a.opening.Lock()
	defer a.opening.Unlock()
	errs = append(errs, a.shut())
	if a.inner != nil {
		errs = append(errs, a.inner.Close())
	}
	a.arena.Close()
	return errors.Join(errs...)
}

// endFollowers has proxies on other hosts not wait for a configuration any more.
func (a *App) endFollowers() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.rooms != nil && a.rooms.followers != nil {
		a.rooms.followers.end()
	}
}

// Addr is the address that is served.
func (a *App) Addr() net.Addr { return a.server.Addr() }

// Handler is what the server serves.
func (a *App) Handler() http.Handler { return a.resettable(a.gate) }

// Failed delivers the error that ended serving.
func (a *App) Failed() <-chan error { return a.server.Failed() }

// Sealed tells whether the server waits to be unsealed.
func (a *App) Sealed() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.rooms == nil
}

// Fresh tells whether this start created the store.
func (a *App) Fresh() bool { return a.fresh }

// DataDir is the absolute path of the data directory.
func (a *App) DataDir() string { return a.config.DataDir }

// SecretsDir holds the root key, the first credentials and the TLS key.
func (a *App) SecretsDir() string { return a.config.SecretsDir }

// CAFile is the certificate of our own CA, empty when the operator gave certificates.
func (a *App) CAFile() string {
	if a.config.TLSCert != "" {
		return ""
	}
	return filepath.Join(a.certs.dir, "ca.pem")
}

func (a *App) status() front.Status {
	s := front.Status{Status: "ok", Version: a.config.Version, FIPS: fips140.Enabled(), FIPSEnforced: fips140.Enforced(), FIPSModule: fips140.Version()}
	if a.Sealed() {
		s.Status = "sealed"
	}
	return s
}
