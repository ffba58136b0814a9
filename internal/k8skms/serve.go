package k8skms

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	kmsapi "k8s.io/kms/apis/v2"
)

// Bounds of the gRPC server.
const (
	maxMessageBytes   = 65_536
	maxStreams        = 256
	connectionTimeout = 10 * time.Second
	// drainTime is how long Run waits for calls in progress once it is told to stop.
	drainTime = 10 * time.Second
)

// Run serves on listener and keeps the key's state fresh until ctx ends; then it
// takes no new calls, waits up to ten seconds for those in progress, closes
// listener and returns nil. Any other end is an error. A Plugin runs once.
func (p *Plugin) Run(ctx context.Context, listener net.Listener) error {
	server := grpc.NewServer(
		grpc.MaxRecvMsgSize(maxMessageBytes),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.ConnectionTimeout(connectionTimeout),
	)
	kmsapi.RegisterKeyManagementServiceServer(server, p)

	refreshing, stopRefreshing := context.WithCancel(context.WithoutCancel(ctx))
	var background sync.WaitGroup
	defer background.Wait()
	defer stopRefreshing()
	background.Go(func() { p.refreshLoop(refreshing) })

	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("k8skms: serve: %w", err)
	case <-ctx.Done():
	}
	drained := make(chan struct{})
	go func() {
		server.GracefulStop()
		close(drained)
	}()
	timer, stop := p.config.Clock.After(drainTime)
	defer stop()
	select {
	case <-drained:
	case <-timer:
		server.Stop()
		<-drained
	}
	if err := <-served; err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return fmt.Errorf("k8skms: serve: %w", err)
	}
	return nil
}

// Listen opens the socket for address, unix:///absolute/path. The socket has mode
// 0600 from the moment it can be reached. A socket that nobody answers on any more
// is replaced; anything else at the path is an error.
func Listen(address string) (net.Listener, error) {
	path, ok := strings.CutPrefix(address, "unix://")
	if !ok || !filepath.IsAbs(path) || filepath.Clean(path) != path {
		return nil, fmt.Errorf("k8skms: listen address %q is not unix:///absolute/path", address)
	}
	if err := checkFree(path); err != nil {
		return nil, err
	}
	// bind(2) creates the socket by the process's umask, so it happens where nobody
	// else can look, and a rename makes the finished socket appear.
	hidden, err := os.MkdirTemp(filepath.Dir(path), ".kms")
	if err != nil {
		return nil, fmt.Errorf("k8skms: listen: %w", err)
	}
	defer os.RemoveAll(hidden)
	temporary := filepath.Join(hidden, "s")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: temporary, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("k8skms: listen: %w", err)
	}
	listener.SetUnlinkOnClose(false)
	if err = os.Chmod(temporary, 0o600); err == nil {
		err = os.Rename(temporary, path)
	}
	if err != nil {
		listener.Close()
		return nil, fmt.Errorf("k8skms: listen: %w", err)
	}
	return &socket{UnixListener: listener, path: path}, nil
}

// checkFree reports whether path may be taken.
func checkFree(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("k8skms: listen: %w", err)
	}
	if info.Mode().Type() != os.ModeSocket {
		return fmt.Errorf("k8skms: listen: %s exists and is not a socket", path)
	}
	if conn, err := net.DialTimeout("unix", path, time.Second); err == nil {
		conn.Close()
		return fmt.Errorf("k8skms: listen: another process serves %s", path)
	}
	return nil
}

// socket removes its file when closed.
type socket struct {
	*net.UnixListener
	path string
	once sync.Once
}

// Close removes the socket file and stops listening.
func (s *socket) Close() error {
	var err error
	s.once.Do(func() {
		removal := os.Remove(s.path)
		if errors.Is(removal, os.ErrNotExist) {
			removal = nil
		}
		err = errors.Join(removal, s.UnixListener.Close())
	})
	return err
}
