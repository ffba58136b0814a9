package crash

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
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
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.addr+"/", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", target)
	if err := sigv4.Sign(req, body, s.credentials, sigv4.Scope{Region: region, Service: service}, time.Now()); err != nil {
		return "", err
	}
	// GetBody would let the transport send the call a second time by itself.
	req.GetBody = nil
	res, err := s.client.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return "", err
	}
	id := res.Header.Get("X-Amzn-Requestid")
	if res.StatusCode != http.StatusOK {
		r := new(refusal)
		if err := json.Unmarshal(answer, r); err != nil {
			return id, fmt.Errorf("%s: %s", target, res.Status)
		}
		return id, r
	}
	if out == nil {
		return id, nil
	}
	return id, json.Unmarshal(answer, out)
}
