package rotator

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// Reason says what kind of failure an [Error] is, for the decision whether to try again.
type Reason int

// The reasons.
const (
	// Misconfigured: the documents are incomplete or contradict each other. Trying
	// again is of no use before a secret changes.
	Misconfigured Reason = iota + 1
	// Forbidden: the operator does not allow this host, or a connection in plaintext.
	Forbidden
	// Unreachable: no connection, or the server has no room for one now.
	Unreachable
	// Untrusted: TLS failed, or the server asks for no password at all.
	Untrusted
	// LoginFailed: the server rejected the credentials.
	LoginFailed
	// Refused: the server took the login and refused the statement.
	Refused
	// Canceled: the context ended.
	Canceled
)

var reasonNames = [...]string{"unknown", "misconfigured", "forbidden", "unreachable", "untrusted", "login failed", "refused", "canceled"}

func (r Reason) String() string {
	if r < 0 || int(r) >= len(reasonNames) {
		return reasonNames[0]
	}
	return reasonNames[r]
}

// Error is the failure of one step. It holds no secret.
type Error struct {
	Step    string // "createSecret", "setSecret" or "testSecret"
	Reason  Reason
	Message string // AWS's sentence where its template has one
	Detail  string // what the server or the network said, if anything; one line
	cause   error  // only errors of a context
}

func (e *Error) Error() string {
	text := e.Step + ": " + e.Message
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	return text
}

// Unwrap gives the context's error if that is why the step ended, else nil: what a
// driver says may hold what we sent.
func (e *Error) Unwrap() error { return e.cause }

// failure is an error on its way up: the step is not known yet.
type failure struct {
	reason  Reason
	message string
	detail  string
	cause   error
}

func (f *failure) Error() string {
	if f.detail == "" {
		return f.message
	}
	return f.message + ": " + f.detail
}

func (f *failure) Unwrap() error { return f.cause }

func fail(reason Reason, format string, args ...any) *failure {
	return &failure{reason: reason, message: fmt.Sprintf(format, args...)}
}

// because adds what a driver said.
func (f *failure) because(err error) *failure {
	if err != nil {
		f.detail = err.Error()
	}
	return f
}

// maxDetail bounds what a server's words take in an error, in bytes.
const maxDetail = 300

// stepError makes an error fit to be shown. secrets are the values it may not hold.
func stepError(ctx context.Context, step string, err error, secrets ...[]byte) *Error {
	e := &Error{Step: step, Reason: Refused}
	if f, ok := errors.AsType[*failure](err); ok {
		e.Reason, e.Message, e.Detail = f.reason, f.message, f.detail
	} else {
		e.Message = "the step failed"
		e.Detail = err.Error()
	}
	// A driver reports a context that ended as a network error of some kind.
	if cause := context.Cause(ctx); cause != nil {
		e.Reason, e.cause, e.Detail = Canceled, ctx.Err(), cause.Error()
	}
	e.Message, e.Detail = oneLine(e.Message, 2*maxDetail), oneLine(e.Detail, maxDetail)
	for _, secret := range secrets {
		if len(secret) == 0 {
			continue
		}
		// Our own sentences hold names and hosts only.
		if bytes.Contains([]byte(e.Detail), secret) {
			e.Detail = "the server's words are withheld, for they hold a secret"
		}
	}
	return e
}

// oneLine keeps text of a foreign server from breaking the lines of our logs.
func oneLine(text string, limit int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "…"
}
