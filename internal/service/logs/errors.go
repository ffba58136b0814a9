package logs

import (
	"fmt"

	"fastness/internal/api/logsapi"
)

func invalid(format string, args ...any) error {
	return &logsapi.InvalidParameterException{Message: new(fmt.Sprintf(format, args...))}
}

func noGroup() error {
	return &logsapi.ResourceNotFoundException{Message: new("The specified log group does not exist.")}
}

func noStream() error {
	return &logsapi.ResourceNotFoundException{Message: new("The specified log stream does not exist.")}
}

func badToken() error { return invalid("The specified nextToken is invalid.") }
