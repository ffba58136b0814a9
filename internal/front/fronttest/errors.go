package fronttest

import (
	"errors"

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
