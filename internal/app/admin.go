package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// adminSocket is the socket in the data directory for the operator on the machine.
const adminSocket = "admin.sock"

const (
	// maxSocketPath is the longest path of a Unix socket that every system takes.
	maxSocketPath = 103
	// maxAdminBody bounds a request of the operator, in bytes.
	maxAdminBody = 64 << 10
	// adminReadTimeout bounds how long such a request may take to arrive.
	adminReadTimeout = 10 * time.Second
)

// admin serves the operator of the machine on a Unix socket. Only the server's own
// user and root may use it: the socket's mode says so, and the kernel is asked who is
// at the other end. Nothing on the network reaches it.
type admin struct {
	server   *http.Server
	served   chan error
	stopping chan struct{} // closed when answers without an end have to end
}

// SocketPath is the socket of a server with the configuration.
func SocketPath(c Config) (string, error) {
	if err := c.complete(); err != nil {
		return "", err
	}
	return c.AdminSocket, nil
}

func (a *App) listenAdmin(ctx context.Context) (*admin, error) {
	path := a.config.AdminSocket
	if len(path) > maxSocketPath {
		return nil, fmt.Errorf("app: the path of the operator's socket is longer than %d bytes: %s; give a shorter one with --admin-socket", maxSocketPath, path)
	}
	// We hold the store, so a socket of that name is left over from a crash. Anything
	// else is not ours to remove, and Listen will say that it is in the way.
	if st, err := os.Lstat(path); err == nil && st.Mode().Type() == os.ModeSocket {
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("app: %w", err)
		}
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("app: operator's socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("app: operator's socket: %w", err), l.Close())
	}
	s := &admin{served: make(chan error, 1), stopping: make(chan struct{})}
	mux := http.NewServeMux()
	mux.Handle("/", a.resettable(a.adminHandler()))
	mux.Handle("POST /v1/events", a.serveEvents(s.stopping))
	s.server = &http.Server{
		Handler: mux, ReadTimeout: adminReadTimeout,
		ErrorLog: slog.NewLogLogger(a.config.Log.Handler(), slog.LevelDebug),
	}
	go func() { s.served <- s.server.Serve(&peerListener{Listener: l, log: a.config.Log}) }()
	return s, nil
}

func (s *admin) close(ctx context.Context) error {
	close(s.stopping)
	err := s.server.Shutdown(ctx)
	if err != nil {
		_ = s.server.Close()
	}
	if served := <-s.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// peerListener closes connections of other users.
type peerListener struct {
	net.Listener
	log *slog.Logger
}

// Accept implements net.Listener.
func (l *peerListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		err = checkPeer(c)
		if err == nil {
			return c, nil
		}
		l.log.Warn("refused a connection to the operator's socket", "error", err)
		_ = c.Close()
	}
}

// adminError is the answer of a request that failed.
type adminError struct {
	Error string `json:"error"`
}

// backupRequest asks for a backup into a directory of the server's machine.
type backupRequest struct {
	Directory string `json:"directory"`
}

// adminHandler is the API on the operator's socket.
func (a *App) adminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, a.status())
	})
	mux.HandleFunc("POST /v1/backup", func(w http.ResponseWriter, r *http.Request) {
		var in backupRequest
		if !readAdmin(w, r, &in) {
			return
		}
		m, err := a.Backup(r.Context(), in.Directory)
		answerAdmin(w, m, err)
	})
	mux.HandleFunc("POST /v1/explain", func(w http.ResponseWriter, r *http.Request) {
		var q Question
		if !readAdmin(w, r, &q) {
			return
		}
		reply, err := a.Explain(r.Context(), &q)
		answerAdmin(w, reply, err)
	})
	mux.HandleFunc("POST /v1/waf/explain", func(w http.ResponseWriter, r *http.Request) {
		var q WebRequest
		if !readAdmin(w, r, &q) {
			return
		}
		reply, err := a.ExplainWAF(r.Context(), &q)
		answerAdmin(w, reply, err)
	})
	mux.HandleFunc("POST /v1/waf/replay", func(w http.ResponseWriter, r *http.Request) {
		var q Replay
		if !readAdminUpTo(w, r, &q, MaxReplay) {
			return
		}
		reply, err := a.ReplayWAF(r.Context(), &q)
		answerAdmin(w, reply, err)
	})
	mux.HandleFunc("POST /v1/seal", func(w http.ResponseWriter, _ *http.Request) {
		err := a.Seal()
		answerAdmin(w, a.status(), err)
	})
	mux.HandleFunc("POST /v1/unseal", func(w http.ResponseWriter, r *http.Request) {
		err := a.Unseal(r.Context())
		answerAdmin(w, a.status(), err)
	})
	a.handleXKS(mux)
	return mux
}

func readAdmin(w http.ResponseWriter, r *http.Request, into any) bool {
	return readAdminUpTo(w, r, into, maxAdminBody)
}

// readAdminUpTo reads a request of at most most bytes.
func readAdminUpTo(w http.ResponseWriter, r *http.Request, into any, most int64) bool {
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, most)).Decode(into)
	if err != nil {
		writeJSON(w, http.StatusBadRequest, adminError{err.Error()})
	}
	return err == nil
}

func answerAdmin(w http.ResponseWriter, answer any, err error) {
	if err != nil {
		writeJSON(w, http.StatusInternalServerError, adminError{err.Error()})
		return
	}
	writeJSON(w, http.StatusOK, answer)
}

// Backup writes a backup of the running server into dir: an absolute path of a
// directory that does not exist. See the function Backup.
func (a *App) Backup(ctx context.Context, dir string) (*Manifest, error) {
	if !filepath.IsAbs(dir) {
		return nil, fmt.Errorf("app: backup: %q is not an absolute path", dir)
	}
	// The slots must be sealed under domain keys that the store's keyring has.
	a.changing.Lock()
	defer a.changing.Unlock()
	a.mu.Lock()
	r := a.rooms
	a.mu.Unlock()
	slots := fileSlots(&a.config)
	if r != nil {
		slots = func(ctx context.Context, w io.Writer) error { return r.slots.Backup(ctx, w) }
	}
	return writeBackup(ctx, &a.config, a.inner, slots, dir)
}

// Operator is a client of a server's socket for the operator.
type Operator struct{ http *http.Client }

// ErrNotRunning: nobody listens on the operator's socket.
var ErrNotRunning = errors.New("app: no server runs on this data directory")

// NewOperator returns a client of the socket at path.
func NewOperator(path string) *Operator {
	return &Operator{&http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			c, err := d.DialContext(ctx, "unix", path)
			if err != nil {
				return nil, fmt.Errorf("%w: %w", ErrNotRunning, err)
			}
			return c, nil
		},
	}}}
}

// Backup has the server write a backup into a directory of its machine.
func (o *Operator) Backup(ctx context.Context, dir string) (*Manifest, error) {
	m := new(Manifest)
	return m, o.call(ctx, http.MethodPost, "/v1/backup", backupRequest{dir}, m)
}

// Seal has the server forget its keys.
func (o *Operator) Seal(ctx context.Context) error {
	return o.call(ctx, http.MethodPost, "/v1/seal", nil, nil)
}

// Unseal has the server unseal itself with the seal it is configured with.
func (o *Operator) Unseal(ctx context.Context) error {
	return o.call(ctx, http.MethodPost, "/v1/unseal", nil, nil)
}

func (o *Operator) call(ctx context.Context, method, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	res, err := o.send(ctx, method, path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(res.Body).Decode(out); err != nil {
		return fmt.Errorf("app: answer of the server: %w", err)
	}
	return nil
}

// send sends a request and returns the answer, whose body the caller closes. An answer
// that is an error is returned as one.
func (o *Operator) send(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://fastness"+path, body)
	if err != nil {
		return nil, err
	}
	res, err := o.http.Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode == http.StatusOK {
		return res, nil
	}
	defer res.Body.Close()
	var failure adminError
	if err := json.NewDecoder(res.Body).Decode(&failure); err != nil {
		return nil, fmt.Errorf("app: the server answered %s", res.Status)
	}
	return nil, errors.New(failure.Error)
}
