package rotator

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
)

// dialer is the way out of a driver that would wrap what went wrong, or go on trying:
// it does the TLS handshake, keeps the first error, and ends the attempt with it.
type dialer struct {
	t      *target
	config *tls.Config // nil for plaintext
	stop   context.CancelFunc
	mu     sync.Mutex
	err    error
}

// DialContext connects to the target, whatever address the driver asks for.
func (d *dialer) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	conn, err := d.t.dialTLS(ctx, d.config)
	if err != nil {
		d.mu.Lock()
		if d.err == nil {
			d.err = err
		}
		d.mu.Unlock()
		d.stop()
	}
	return conn, err
}

func (d *dialer) failed() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.err
}
