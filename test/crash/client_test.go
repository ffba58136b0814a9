package crash

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"fastness/internal/sigv4"
)

// refusal is an error answer: the server was there and said no.
type refusal struct {
	Type    string `json:"__type"`
	Message string `json:"message"`
}

func (r *refusal) Error() string { return r.Type + ": " + r.Message }

// kms calls a KMS operation and returns the request's id. An error other than a
// *refusal leaves open whether the call happened.
func (s *server) kms(ctx context.Context, operation string, in map[string]any, out any) (string, error) {
	return s.post(ctx, "kms", "TrentService."+operation, in, out)
}

func (s *server) post(ctx context.Context, service, target string, in map[string]any, out any) (string, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return "", err
	}
	header := http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {target}}
	id, answer, err := s.send(ctx, service, "/", header, body)
	if err != nil || out == nil {
		return id, err
	}
	return id, json.Unmarshal(answer, out)
}

// send posts a signed request.
func (s *server) send(ctx context.Context, service, path string, header http.Header, body []byte) (id string, answer []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.addr+path, bytes.NewReader(body))
	if err != nil {
		return "", nil, err
	}
	req.Header = header
	if err := sigv4.Sign(req, body, s.credentials, sigv4.Scope{Region: region, Service: service}, time.Now()); err != nil {
		return "", nil, err
	}
	// GetBody would let the transport send the call a second time by itself.
	req.GetBody = nil
	res, err := s.client.Do(req)
	if err != nil {
		return "", nil, err
	}
	defer res.Body.Close()
	if answer, err = io.ReadAll(res.Body); err != nil {
		return "", nil, err
	}
	id = res.Header.Get("X-Amzn-Requestid")
	if res.StatusCode/100 != 2 {
		r := new(refusal)
		if err := json.Unmarshal(answer, r); err != nil {
			return id, nil, &refusal{res.Status, string(answer)}
		}
		return id, nil, r
	}
	return id, answer, nil
}
