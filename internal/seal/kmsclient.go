package seal

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"fastness/internal/clock"
)

const (
	maxKMSResponseBytes = 64 << 10
	defaultKMSAttempts  = 4
	firstKMSDelay       = 100 * time.Millisecond
	maxKMSDelay         = 5 * time.Second
)

// KMSClientOptions configures a KMSClient.
type KMSClientOptions struct {
	// Endpoint is the URL of the service, https unless the host is a loopback
	// address: the root key travels in it.
	Endpoint string
	// HTTP performs the requests; it sets timeouts and trusted roots. Required.
	HTTP *http.Client
	// Sign signs a request for the service "kms" (Signature Version 4); body is what
	// will be sent. It is called for each attempt. Required.
	Sign func(ctx context.Context, r *http.Request, body []byte) error
	// Clock waits between attempts. Required.
	Clock clock.Clock
	// Attempts bounds the tries of one request; 0 means 4.
	Attempts int
}

// KMSClient speaks the two operations of AWS KMS that the AWSKMS provider needs, in
// the awsJson 1.1 protocol. Network errors, throttling and server errors are retried
// with delays that double, from 100 ms to 5 s.
type KMSClient struct{ o KMSClientOptions }

var _ KMS = (*KMSClient)(nil)

// NewKMSClient checks the options.
func NewKMSClient(o KMSClientOptions) (*KMSClient, error) {
	if o.HTTP == nil || o.Sign == nil || o.Clock == nil {
		return nil, errors.New("seal: KMSClientOptions needs HTTP, Sign and Clock")
	}
	u, err := url.Parse(o.Endpoint)
	if err != nil || u.Host == "" || u.User != nil || (u.Scheme != "https" && u.Scheme != "http") {
		return nil, errors.New("seal: the KMS endpoint is not an http or https URL")
	}
	if u.Scheme == "http" && !slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, u.Hostname()) {
		return nil, errors.New("seal: the KMS endpoint must use https: the root key travels in it")
	}
	if o.Attempts < 1 {
		o.Attempts = defaultKMSAttempts
	}
	return &KMSClient{o: o}, nil
}

// Encrypt implements KMS.
func (c *KMSClient) Encrypt(ctx context.Context, keyID string, plaintext []byte, encryptionContext map[string]string) ([]byte, string, error) {
	fields, err := json.Marshal(map[string]any{"KeyId": keyID, "EncryptionContext": encryptionContext})
	if err != nil {
		return nil, "", fmt.Errorf("seal: encoding a KMS request: %w", err)
	}
	// The plaintext is put in by hand, so that the body is its only copy.
	body := bytes.TrimSuffix(fields, []byte("}"))
	body = slices.Grow(body, len(`,"Plaintext":""}`)+base64.StdEncoding.EncodedLen(len(plaintext)))
	body = append(body, `,"Plaintext":"`...)
	body = base64.StdEncoding.AppendEncode(body, plaintext)
	body = append(body, `"}`...)
	defer clear(body)
	resp, err := c.call(ctx, "Encrypt", body)
	if err != nil {
		return nil, "", err
	}
	var out struct {
		CiphertextBlob []byte
		KeyId          string
	}
	if err := json.Unmarshal(resp, &out); err != nil {
		return nil, "", fmt.Errorf("%w: Encrypt: malformed answer", ErrKMS)
	}
	return out.CiphertextBlob, out.KeyId, nil
}

// Decrypt implements KMS.
func (c *KMSClient) Decrypt(ctx context.Context, keyID string, ciphertext []byte, encryptionContext map[string]string, dst []byte) (string, error) {
	body, err := json.Marshal(map[string]any{"KeyId": keyID, "EncryptionContext": encryptionContext, "CiphertextBlob": ciphertext})
	if err != nil {
		return "", fmt.Errorf("seal: encoding a KMS request: %w", err)
	}
	resp, err := c.call(ctx, "Decrypt", body)
	if err != nil {
		return "", err
	}
	defer clear(resp)
	var out struct {
		Plaintext []byte
		KeyId     string
	}
	err = json.Unmarshal(resp, &out)
	defer clear(out.Plaintext)
	if err != nil {
		return "", fmt.Errorf("%w: Decrypt: malformed answer", ErrKMS)
	}
	if len(out.Plaintext) != len(dst) {
		return "", fmt.Errorf("%w: the plaintext has %d bytes, not %d", ErrWrongKey, len(out.Plaintext), len(dst))
	}
	copy(dst, out.Plaintext)
	return out.KeyId, nil
}

// call sends one operation, with retries, and returns the body of the answer.
func (c *KMSClient) call(ctx context.Context, op string, body []byte) ([]byte, error) {
	delay := firstKMSDelay
	for attempt := 1; ; attempt++ {
		resp, retry, err := c.try(ctx, op, body)
		if err == nil {
			return resp, nil
		}
		if !retry || attempt == c.o.Attempts || ctx.Err() != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrKMS, op, err)
		}
		if serr := c.o.Clock.Sleep(ctx, delay); serr != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrKMS, op, errors.Join(err, serr))
		}
		delay = min(2*delay, maxKMSDelay)
	}
}

func (c *KMSClient) try(ctx context.Context, op string, body []byte) (_ []byte, retry bool, _ error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.o.Endpoint, bytes.NewReader(body))
	if err != nil {
		return nil, false, err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "TrentService."+op)
	if err := c.o.Sign(ctx, req, body); err != nil {
		return nil, false, fmt.Errorf("signing: %w", err)
	}
	resp, err := c.o.HTTP.Do(req)
	if err != nil {
		return nil, true, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxKMSResponseBytes+1))
	if err != nil {
		clear(b)
		return nil, true, err
	}
	if len(b) > maxKMSResponseBytes {
		clear(b)
		return nil, false, errors.New("the answer is too long")
	}
	if resp.StatusCode == http.StatusOK {
		return b, false, nil
	}
	var e struct {
		Type string `json:"__type"`
	}
	_ = json.Unmarshal(b, &e) // a body that is not JSON leaves the type empty
	name := e.Type[strings.LastIndexByte(e.Type, '#')+1:]
	if len(name) > 128 {
		name = name[:128]
	}
	retry = resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests ||
		slices.Contains([]string{"ThrottlingException", "LimitExceededException", "RequestTimeoutException"}, name)
	err = fmt.Errorf("status %d %q", resp.StatusCode, name)
	if slices.Contains([]string{"InvalidCiphertextException", "IncorrectKeyException"}, name) {
		err = fmt.Errorf("%w: %w", ErrWrongKey, err)
	}
	return nil, retry, err
}
