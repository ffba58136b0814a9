package secretsagent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Class says what an error means for values that are cached.
type Class int

// The classes of errors.
const (
	// Failed: nothing was learnt about the value.
	Failed Class = iota
	// Unreachable: the server could not be asked now. An old value may be served.
	Unreachable
	// Refused: the server said no. An old value must not be served any more.
	Refused
)

// Failure is an error of upstream, as callers of the agent get it.
type Failure struct {
	Class Class
	// Status is the HTTP status of the answer.
	Status int
	// Code is the name of the API's exception, or a name of the agent's own.
	Code    string
	Message string
	cause   error
}

// Error is the code, the message and what happened. They hold no value of a secret.
func (f *Failure) Error() string {
	text := f.Code
	if f.Message != "" {
		text += ": " + f.Message
	}
	if f.cause != nil {
		text += ": " + f.cause.Error()
	}
	return text
}

// Unwrap is what happened, nil if it could tell something secret.
func (f *Failure) Unwrap() error { return f.cause }

// internalFailure is the code of errors that say nothing to the caller.
const internalFailure = "InternalFailure"

// credentialsError marks an error of getting credentials. It may well come from a
// network, but a role that was taken away looks the same.
type credentialsError struct{ err error }

func (e *credentialsError) Error() string { return "credentials: " + e.err.Error() }
func (e *credentialsError) Unwrap() error { return e.err }

// classify turns an error of the SDK into a Failure. Codes, messages and statuses of
// network errors are those of the AWS Secrets Manager Agent.
func classify(err error) *Failure {
	var known *Failure
	if errors.As(err, &known) {
		return known
	}
	if c := (*credentialsError)(nil); errors.As(err, &c) {
		return &Failure{Failed, http.StatusInternalServerError, internalFailure, "", err}
	}
	status := 0
	if r := (*smithyhttp.ResponseError)(nil); errors.As(err, &r) {
		status = r.HTTPStatusCode()
	}
	if api := smithy.APIError(nil); errors.As(err, &api) && api.ErrorCode() != "" && api.ErrorCode() != "UnknownError" {
		f := &Failure{Refused, status, api.ErrorCode(), api.ErrorMessage(), nil}
		if _, throttled := retry.DefaultThrottleErrorCodes[f.Code]; throttled || status == http.StatusTooManyRequests || status >= 500 {
			f.Class = Unreachable
		}
		if f.Status < 400 {
			f.Status = http.StatusBadGateway
		}
		return f
	}
	var network net.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return &Failure{Unreachable, http.StatusGatewayTimeout, "TimeoutError", "Timeout", err}
	case status != 0:
		// An answer that is not of the API. The cause may quote it, so it is left out.
		f := &Failure{Failed, http.StatusBadGateway, "ConnectionError", "Response Error", fmt.Errorf("an answer with status %d that is not of the API", status)}
		if status >= 500 {
			f.Class = Unreachable
		}
		return f
	}
	if sent := (*smithyhttp.RequestSendError)(nil); errors.As(err, &sent) {
		return &Failure{Unreachable, http.StatusBadGateway, "ConnectionError", "Read Error", err}
	}
	if d := (*smithy.DeserializationError)(nil); errors.As(err, &d) {
		return &Failure{Failed, http.StatusBadGateway, "ConnectionError", "Response Error", errors.New("an answer that cannot be read")}
	}
	return &Failure{Failed, http.StatusInternalServerError, internalFailure, "", err}
}
