package xks

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// SignatureVerifier checks SigV4 for service ServiceName.
type SignatureVerifier interface {
	// Verify checks the signature of r over body and that its date lies within five
	// minutes. It finds the secret by lookup, which knows the credentials of one
	// tenant only, and returns the access key id that signed. Every failure is an
	// error; its text goes to Event, never to the caller.
	Verify(r *http.Request, body []byte, lookup CredentialLookup) (accessKeyID string, err error)
}

// CredentialLookup finds a tenant's credential by access key id.
type CredentialLookup func(accessKeyID string) (Credential, bool)

// Keys is a tenant's key manager. Its methods return ProxyErrors by NewProxyError;
// any other error becomes an InternalException, and a passed deadline a
// DependencyTimeoutException. The server has checked all bounds before a call.
type Keys interface {
	// Metadata describes a key; KeyNotFoundException if there is none.
	Metadata(ctx context.Context, keyID string) (KeyMetadata, error)
	// Encrypt seals plaintext and authenticates aad and its own metadata.
	Encrypt(ctx context.Context, keyID string, plaintext, aad []byte) (Sealed, error)
	// Decrypt opens what Encrypt sealed; InvalidCiphertextException otherwise.
	Decrypt(ctx context.Context, keyID string, sealed Sealed, aad []byte) ([]byte, error)
	// Health describes proxy and key managers, by a result at most a minute old.
	Health(ctx context.Context) (HealthStatus, error)
}

// Call is what secondary authorization decides on.
type Call struct {
	Prefix      string // the tenant's path prefix, "" or "/example"
	Op          string
	KeyID       string
	AccessKeyID string
	Metadata    RequestMetadata
}

// Tenant is one isolated customer of the proxy, behind its own path prefix.
type Tenant struct {
	// Credentials are the accepted ones: one, or two while they are rotated.
	Credentials []Credential
	Keys        Keys
	// Authorize is the secondary authorization on request metadata; nil allows
	// whoever can sign. An error that is not a ProxyError is AccessDeniedException.
	// It is not asked for GetHealthStatus.
	Authorize func(ctx context.Context, call Call) error
	// Admit is the request quota; nil means none. False is a ThrottlingException.
	Admit func() bool
}

func (t *Tenant) lookup(accessKeyID string) (Credential, bool) {
	for _, c := range t.Credentials {
		if c.AccessKeyID == accessKeyID {
			return c, true
		}
	}
	return Credential{}, false
}

// Event describes one answered request, for logs and metrics. It holds neither
// plaintext nor secrets.
type Event struct {
	Call     Call
	Status   int
	Error    ErrorName     // "" for success and for 405
	Cause    error         // what the server knows and the caller does not hear
	Duration time.Duration // from the first header byte read to the answer written
}

// ServerConfig is what a Server is made of.
type ServerConfig struct {
	// Tenant finds the tenant of a path prefix, "" or "/example/prefix". It is asked
	// for every request, so that tenants and credentials change without a restart.
	Tenant func(prefix string) (*Tenant, bool)
	// Verifier checks signatures.
	Verifier SignatureVerifier
	// Now is the clock that measures Event.Duration.
	Now func() time.Time
	// Timeout bounds the work of the key manager for one request; zero means
	// CallTimeout, after which the caller has gone anyway.
	Timeout time.Duration
	// Observe is told of every answer; nil for nobody.
	Observe func(Event)
}

// Server is the proxy as an http.Handler. It is safe for concurrent use.
type Server struct{ config ServerConfig }

var _ http.Handler = (*Server)(nil)

// NewServer returns a server.
func NewServer(config ServerConfig) (*Server, error) {
	if config.Tenant == nil || config.Verifier == nil || config.Now == nil {
		return nil, errors.New("xks: server needs Tenant, Verifier and Now")
	}
	if config.Timeout <= 0 {
		config.Timeout = CallTimeout
	}
	if config.Observe == nil {
		config.Observe = func(Event) {}
	}
	return &Server{config: config}, nil
}

// ServeHTTP answers one request in the order of checks of the package comment.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	event := Event{Status: http.StatusOK}
	began := s.config.Now()
	defer func() {
		event.Duration = s.config.Now().Sub(began)
		s.config.Observe(event)
	}()
	tenant, ok := s.route(r, &event.Call)
	if !ok {
		writeError(w, &event, NewProxyError(InvalidURIPathException, "the URI path is not valid"))
		return
	}
	if r.Method != http.MethodPost {
		event.Status = http.StatusMethodNotAllowed
		w.Header().Set("Allow", http.MethodPost)
		w.WriteHeader(event.Status)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.config.Timeout)
	defer cancel()
	answer, err := s.serve(ctx, w, r, tenant, &event.Call)
	if err != nil {
		writeError(w, &event, err)
		return
	}
	writeJSON(w, http.StatusOK, answer)
	if decrypted, ok := answer.(decryptAnswer); ok {
		clear(decrypted.Plaintext)
	}
}

func (s *Server) serve(ctx context.Context, w http.ResponseWriter, r *http.Request, tenant *Tenant, call *Call) (any, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxRequestBytes))
	if err != nil {
		return nil, validation("the request body cannot be read or is too long")
	}
	defer clear(body) // it may hold a plaintext
	if call.AccessKeyID, err = s.config.Verifier.Verify(r, body, tenant.lookup); err != nil {
		return nil, &causedError{NewProxyError(AuthenticationFailedException, "the request signature is not valid"), err}
	}
	if tenant.Admit != nil && !tenant.Admit() {
		return nil, NewProxyError(ThrottlingException, "the request rate is too high")
	}
	request, err := parseObject(body)
	if err != nil {
		return nil, validation(err.Error())
	}
	if call.Metadata, err = parseMetadata(request, call.Op); err != nil {
		return nil, validation(err.Error())
	}
	return s.perform(ctx, tenant, call, request)
}

// route parses the path from its end, since a prefix may hold anything, and finds
// the tenant.
func (s *Server) route(r *http.Request, call *Call) (*Tenant, bool) {
	path := r.URL.EscapedPath()
	if r.URL.RawQuery != "" || strings.Contains(path, "%") {
		return nil, false
	}
	rest, ok := strings.CutSuffix(path, "/health")
	if ok {
		call.Op = OpGetHealthStatus
	} else {
		if rest, call.Op = cutOperation(path); call.Op == "" {
			return nil, false
		}
		slash := strings.LastIndexByte(rest, '/')
		if slash < 0 || !ValidKeyID(rest[slash+1:]) {
			return nil, false
		}
		call.KeyID = rest[slash+1:]
		if rest, ok = strings.CutSuffix(rest[:slash], "/keys"); !ok {
			return nil, false
		}
	}
	if ValidatePath(rest) != nil {
		return nil, false
	}
	call.Prefix = strings.TrimSuffix(rest, BasePath)
	return s.config.Tenant(call.Prefix)
}

// cutOperation splits the last segment off a path if it names an operation on a key.
func cutOperation(path string) (rest, op string) {
	slash := strings.LastIndexByte(path, '/')
	if slash < 0 {
		return path, ""
	}
	switch path[slash+1:] {
	case "metadata":
		op = OpGetKeyMetadata
	case "encrypt":
		op = OpEncrypt
	case "decrypt":
		op = OpDecrypt
	}
	return path[:slash], op
}

// causedError is a ProxyError with a cause for Event alone.
type causedError struct {
	*ProxyError
	cause error
}

func (e *causedError) Error() string { return e.ProxyError.Error() + ": " + e.cause.Error() }

func (e *causedError) Unwrap() []error { return []error{e.ProxyError, e.cause} }

func validation(message string) *ProxyError { return NewProxyError(ValidationException, message) }

// writeError answers with the ProxyError in err; anything else is a timeout of the
// key manager or an internal error, whose text stays here.
func writeError(w http.ResponseWriter, event *Event, err error) {
	var proxyError *ProxyError
	switch {
	case errors.As(err, &proxyError) && proxyError.Name.Status() != 0:
	case errors.Is(err, context.DeadlineExceeded):
		proxyError = NewProxyError(DependencyTimeoutException, "the key manager did not answer in time")
	default:
		proxyError = NewProxyError(InternalException, "the key manager failed")
	}
	event.Error, event.Cause, event.Status = proxyError.Name, err, proxyError.Name.Status()
	writeJSON(w, event.Status, errorAnswer{Name: proxyError.Name, Message: printable(proxyError.Message)})
}

func writeJSON(w http.ResponseWriter, status int, answer any) {
	body, err := json.Marshal(answer)
	if err != nil {
		// The answers are plain structs of strings, numbers and bytes.
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// The caller may have gone; there is nobody left to tell.
	_, _ = w.Write(body)
	clear(body) // it may hold a plaintext
}

type errorAnswer struct {
	Name    ErrorName `json:"errorName"`
	Message string    `json:"errorMessage,omitempty"`
}
