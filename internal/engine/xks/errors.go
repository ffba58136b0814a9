package xks

import (
	"errors"
	"fmt"
	"net/http"
)

// ErrorName is the errorName of a proxy's error answer.
type ErrorName string

// All error names of the specification.
const (
	ValidationException           ErrorName = "ValidationException"
	InvalidStateException         ErrorName = "InvalidStateException"
	InvalidCiphertextException    ErrorName = "InvalidCiphertextException"
	InvalidKeyUsageException      ErrorName = "InvalidKeyUsageException"
	AuthenticationFailedException ErrorName = "AuthenticationFailedException"
	AccessDeniedException         ErrorName = "AccessDeniedException"
	KeyNotFoundException          ErrorName = "KeyNotFoundException"
	InvalidURIPathException       ErrorName = "InvalidUriPathException"
	ThrottlingException           ErrorName = "ThrottlingException"
	UnsupportedOperationException ErrorName = "UnsupportedOperationException"
	DependencyTimeoutException    ErrorName = "DependencyTimeoutException"
	InternalException             ErrorName = "InternalException"
)

// Status is the HTTP status the specification gives the error, 0 if it has no such
// error.
func (n ErrorName) Status() int {
	switch n {
	case ValidationException, InvalidStateException, InvalidCiphertextException, InvalidKeyUsageException:
		return http.StatusBadRequest
	case AuthenticationFailedException:
		return http.StatusUnauthorized
	case AccessDeniedException:
		return http.StatusForbidden
	case KeyNotFoundException, InvalidURIPathException:
		return http.StatusNotFound
	case ThrottlingException:
		return http.StatusTooManyRequests
	case UnsupportedOperationException:
		return http.StatusNotImplemented
	case DependencyTimeoutException:
		return http.StatusServiceUnavailable
	case InternalException:
		return http.StatusInternalServerError
	default:
		return 0
	}
}

// ProxyError is an error of the specification. The server answers with it; the
// client returns it when the proxy answered so.
type ProxyError struct {
	Name ErrorName
	// HTTPStatus is the status the proxy sent; zero on the server's side.
	HTTPStatus int
	// Message is the proxy's errorMessage, already cut to 511 printable ASCII
	// characters. It is for logs only: callers of the key service never see it.
	Message string
}

// NewProxyError returns an error for a Keys or Authorize implementation to give
// to the server. message reaches the key service's log; it must hold no secret.
func NewProxyError(name ErrorName, message string) *ProxyError {
	return &ProxyError{Name: name, Message: printable(message)}
}

// Error names the error without the proxy's own words.
func (e *ProxyError) Error() string {
	return fmt.Sprintf("external key store proxy: %s", e.Name)
}

// Is matches by name, so that errors.Is(err, &ProxyError{Name: n}) works.
func (e *ProxyError) Is(target error) bool {
	t, ok := target.(*ProxyError)
	return ok && t.Name == e.Name
}

// FailureKind says at which step a call failed that got no proper answer.
type FailureKind int

const (
	// Unreachable: the host name does not resolve or no TCP connection comes about.
	Unreachable FailureKind = iota + 1
	// TLSFailed: the proxy's certificate, our client certificate or the TLS version
	// was refused.
	TLSFailed
	// TimedOut: connected, but no answer within the call's time.
	TimedOut
	// ConnectionLost: the connection broke in the middle of the call.
	ConnectionLost
	// InvalidResponse: an answer that the specification does not know: redirects,
	// missing or malformed fields, a wrong integrity value, an unknown error.
	InvalidResponse
	// ManagersUnavailable: the proxy reports all its key managers UNAVAILABLE.
	ManagersUnavailable
	// Internal: the request could not be made at all, for a reason on our side.
	Internal
)

// String names the kind for logs.
func (k FailureKind) String() string {
	switch k {
	case Unreachable:
		return "proxy unreachable"
	case TLSFailed:
		return "TLS failed"
	case TimedOut:
		return "timed out"
	case ConnectionLost:
		return "connection lost"
	case InvalidResponse:
		return "invalid response"
	case ManagersUnavailable:
		return "all key managers unavailable"
	case Internal:
		return "internal failure"
	default:
		return "unknown failure"
	}
}

// CallError is a call that got no proper answer from the proxy.
type CallError struct {
	Kind FailureKind
	Op   string
	// CircuitOpen says that the proxy was not called because its last calls failed
	// in the same way a moment ago.
	CircuitOpen bool
	Err         error
}

// Error names the operation, the kind and the cause.
func (e *CallError) Error() string {
	open := ""
	if e.CircuitOpen {
		open = " (circuit open)"
	}
	return fmt.Sprintf("external key store proxy: %s: %s%s: %v", e.Op, e.Kind, open, e.Err)
}

// Unwrap is the cause.
func (e *CallError) Unwrap() error { return e.Err }

// ErrInput is wrapped by the client's refusal of a request that breaks the
// protocol's bounds before it is sent.
var ErrInput = errors.New("xks: input outside the protocol's bounds")

// ErrIntegrity is wrapped, inside a CallError of kind InvalidResponse, when the
// ciphertextDataIntegrityValue is absent or wrong.
var ErrIntegrity = errors.New("ciphertext data integrity value does not match")

// printable cuts s to what errorMessage may hold.
func printable(s string) string {
	b := make([]byte, 0, min(len(s), MaxErrorMessageLength))
	for i := 0; i < len(s) && len(b) < MaxErrorMessageLength; i++ {
		if c := s[i]; c >= 0x20 && c <= 0x7e {
			b = append(b, c)
		} else {
			b = append(b, '?')
		}
	}
	return string(b)
}
