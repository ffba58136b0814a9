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

	"fastness/internal/front"
	"fastness/internal/seal"
	"fastness/internal/securemem"
	"fastness/internal/store/pebble"

	"github.com/prometheus/client_golang/prometheus"
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
	registry *prometheus.Registry
	metrics  *front.Metrics
	// fresh is set when this start created the store.
	fresh bool

	mu      sync.Mutex
	rooms   *rooms // nil while sealed
	stopped bool
}

// Start opens everything and serves. A server that waits for Shamir shares is started
// too: it serves the unseal API and says that it is sealed.
func Start(ctx context.Context, c Config) (_ *App, err error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("app: data directory: %w", err)
	}
	a := &App{config: c, arena: securemem.NewArena(securemem.Options{}), registry: prometheus.NewRegistry()}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Stop(context.WithoutCancel(ctx)))
		}
	}()
	a.metrics = front.NewMetrics(a.registry)
	if a.inner, err = pebble.Open(filepath.Join(c.DataDir, storeDir), pebble.Options{Logger: c.Log, Clock: c.Clock}); err != nil {
		return nil, err
	}
	a.unsealer, err = seal.NewUnsealer(a.inner, seal.Options{Clock: c.Clock, Arena: a.arena})
	if err != nil {
		return nil, err
	}
	a.certs = &certificates{dir: filepath.Join(c.SecretsDir, "tls"), clock: c.Clock}
	if c.TLSCert != "" {
		if err := a.certs.loadFiles(c.TLSCert, c.TLSKey); err != nil {
			return nil, err
		}
	} else {
		a.certs.loadOwn()
	}
	a.gate = front.NewGate(a.status, promhttp.HandlerFor(a.registry, promhttp.HandlerOpts{}), a.sealHandler())
	ready, err := a.unseal(ctx)
	if err != nil {
		return nil, err
	}
	if ready {
		if err := a.open(ctx); err != nil {
			return nil, err
		}
	}
	if a.server, err = front.Listen(ctx, c.Listen, a.certs.config(), a.gate, c.Log); err != nil {
		return nil, err
	}
	return a, a.writeConfig()
}

// open makes the services over the unsealed store and lets requests in. It does
// nothing when they are there.
func (a *App) open(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.rooms != nil || a.stopped {
		return nil
	}
	ring, err := a.unsealer.Keyring()
	if err != nil {
		return err
	}
	r, err := a.openRooms(ctx, ring)
	if err != nil {
		return err
	}
	a.rooms = r
	a.gate.Open(r.door)
	return nil
}

// Stop drains requests and closes everything, in the reverse order of Start.
func (a *App) Stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	var errs []error
	if a.server != nil {
		errs = append(errs, a.server.Shutdown(ctx))
	}
	a.mu.Lock()
	a.stopped = true
	r := a.rooms
	a.rooms = nil
	a.mu.Unlock()
	if r != nil {
		a.gate.Open(nil)
		errs = append(errs, r.close())
	}
	if a.unsealer != nil {
		a.unsealer.Seal()
	}
	if a.inner != nil {
		errs = append(errs, a.inner.Close())
	}
	a.arena.Close()
	return errors.Join(errs...)
}

// Addr is the address that is served.
func (a *App) Addr() net.Addr { return a.server.Addr() }

// Handler is what the server serves.
func (a *App) Handler() http.Handler { return a.gate }

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

// CAFile is the certificate of our own CA, empty when the operator gave certificates.
func (a *App) CAFile() string {
	if a.config.TLSCert != "" {
		return ""
	}
	return filepath.Join(a.certs.dir, "ca.pem")
}

func (a *App) status() front.Status {
	s := front.Status{Status: "ok", Version: a.config.Version, FIPS: fips140.Enabled()}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.rooms == nil {
		s.Status = "sealed"
	}
	return s
}
