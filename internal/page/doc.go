// Package page makes pagination tokens (NextToken, Marker) that callers can neither
// read nor change: the place where a listing goes on, sealed and bound to the
// operation, the account and the filters it belongs to. A token that was altered, or
// that comes from another listing, is ErrInvalid and nothing else.
package page
