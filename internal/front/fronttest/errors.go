package fronttest

import (
	"errors"
	"strings"
	"testing"

	"fastness/internal/wire"
)

// Code is the error code of err, "" for none.
func Code(err error) string {
	var api wire.APIError
	switch {
	case errors.As(err, &api):
		return api.ErrorCode()
	case err != nil:
		return "not an API error: " + err.Error()
	}
	return ""
}

// Text is the code and the message of an API error, "" for none.
func Text(err error) string {
	var api wire.APIError
	switch {
	case errors.As(err, &api):
		return api.ErrorCode() + ": " + api.ErrorMessage()
	case err != nil:
		return "not an API error: " + err.Error()
	}
	return ""
}

// Must is what an operation answered; the test fails on an error:
//
//	out := fronttest.Must[*kmsapi.CreateKeyResponse](t)(client.CreateKey(ctx, in))
func Must[T any](t testing.TB) func(out T, err error) T {
	t.Helper()
	return func(out T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(Text(err))
		}
		return out
	}
}

// Wants marks the test as failed unless the text of err begins with want, or there is none and want is "".
func Wants(t testing.TB, err error, want string) {
	t.Helper()
	if got := Text(err); want == "" && got != "" || !strings.HasPrefix(got, want) {
		t.Errorf("error %q, want %q", got, want)
	}
}
