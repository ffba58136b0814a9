package http1

import "net/http"

// Refusal is a request that is not taken. After one, nobody knows where the next request
// begins: the connection must end.
type Refusal struct {
	// Status is the status code of the answer.
	Status int
	// Reason is a phrase of ours; it never quotes the request.
	Reason string
}

// Error implements error.
func (r *Refusal) Error() string { return "http1: " + r.Reason }

func bad(reason string) *Refusal { return &Refusal{http.StatusBadRequest, reason} }
