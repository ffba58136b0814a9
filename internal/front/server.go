package front

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Limits of the HTTP server. They bound what a slow or hostile client can hold.
const (
	maxHeaderBytes    = 64 << 10
	readHeaderTimeout = 10 * time.Second
	// readTimeout bounds a whole request; streaming uploads extend it themselves.
	readTimeout    = 60 * time.Second
	writeTimeout   = 120 * time.Second
	idleTimeout    = 120 * time.Second
	maxConnections = 10000
	// maxStreams is the number of concurrent HTTP/2 streams on one connection.
	maxStreams = 250
)

// Server serves a handler on one port, plain and TLS, HTTP/1.1 and HTTP/2.
type Server struct {
	http     *http.Server
	listener *dualListener
	served   chan error
}

// Listen opens addr and starts serving h. A nil config serves plain HTTP only.
func Listen(ctx context.Context, addr string, config *tls.Config, h http.Handler, log *slog.Logger) (*Server, error) {
	var lc net.ListenConfig
	inner, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("front: %w", err)
	}
	return serve(inner, config, h, log), nil
}

// serve serves h on connections of inner.
func serve(inner net.Listener, config *tls.Config, h http.Handler, log *slog.Logger) *Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	if config != nil {
		config = config.Clone()
		config.NextProtos = []string{"h2", "http/1.1"}
		config.MinVersion = tls.VersionTLS12
	}
	s := &Server{
		http: &http.Server{
			Handler:           h,
			MaxHeaderBytes:    maxHeaderBytes,
			ReadHeaderTimeout: readHeaderTimeout,
			ReadTimeout:       readTimeout,
			WriteTimeout:      writeTimeout,
			IdleTimeout:       idleTimeout,
			TLSConfig:         config,
			Protocols:         protocols,
			// OPTIONS * is no operation of any API: the door says so, with a request id.
			DisableGeneralOptionsHandler: true,
			HTTP2:                        &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
			ErrorLog:                     slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		},
		listener: newDualListener(inner, config, maxConnections),
		served:   make(chan error, 1),
	}
	go func() {
		err := s.http.Serve(s.listener)
		if errors.Is(err, http.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
			err = nil
		}
		s.served <- err
	}()
	return s
}

// Addr is the address that is served.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Failed delivers the error that ended serving, nil after Shutdown.
func (s *Server) Failed() <-chan error { return s.served }

// Shutdown stops accepting and waits until running requests are answered or ctx is
// done; then it closes what is left.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if err != nil {
		_ = s.http.Close()
	}
	s.listener.active.Wait()
	return err
}
