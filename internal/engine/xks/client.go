package xks

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"crypto/tls"
)

// SignFunc signs r with SigV4 for service ServiceName as of at: it must set
// X-Amz-Date and Authorization and cover at least host and x-amz-date and the
// hash of body.
type SignFunc func(r *http.Request, body []byte, credential Credential, at time.Time) error

// ClientConfig describes one proxy.
type ClientConfig struct {
	// Endpoint is https://host[:port], without a path. http:// is taken only with
	// AllowPlain.
	Endpoint string
	// Path is [/prefix]/kms/xks/v1.
	Path string
	// Credential signs the requests.
	Credential Credential
	// Sign makes the signature.
	Sign SignFunc
	// TLS holds roots and, for mutual TLS, the client certificate; nil means the
	// machine's roots. The minimum version is raised to TLS 1.2.
	TLS *tls.Config
	// AllowPlain permits http://, for tests and proxies on the same host.
	AllowPlain bool
	// Timeout of one call, connection included; zero means CallTimeout.
	Timeout time.Duration
	// Now is the clock that dates signatures.
	Now func() time.Time
	// Dial replaces the network dialer, nil for the default one.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Client calls one proxy. It is safe for concurrent use and holds kept-alive
// connections until Close.
type Client struct {
	config    ClientConfig
	base      string
	transport *http.Transport
	breaker   breaker
}

// NewClient checks the configuration and returns a client. It does not connect.
func NewClient(config ClientConfig) (*Client, error) {
	base, err := checkEndpoint(config.Endpoint, config.AllowPlain)
	if err != nil {
		return nil, err
	}
	if err := ValidatePath(config.Path); err != nil {
		return nil, err
	}
	if err := config.Credential.Validate(); err != nil {
		return nil, err
	}
	if config.Sign == nil || config.Now == nil {
		return nil, errors.New("xks: client needs Sign and Now")
	}
	if config.Timeout <= 0 {
		config.Timeout = CallTimeout
	}
	return &Client{
		config:    config,
		base:      base + config.Path,
		transport: newTransport(config),
		breaker:   breaker{now: config.Now},
	}, nil
}

// Close drops idle connections. Calls in progress end on their own.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

func checkEndpoint(endpoint string, allowPlain bool) (string, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return "", fmt.Errorf("xks: endpoint: %w", err)
	}
	switch {
	case u.Scheme != "https" && !(allowPlain && u.Scheme == "http"):
		return "", errors.New("xks: endpoint must begin with https://")
	case u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Path != "" && u.Path != "/":
		return "", errors.New("xks: endpoint must be a host name, with a port if need be, and nothing else")
	}
	return u.Scheme + "://" + u.Host, nil
}

// ValidatePath checks a proxy path, [/prefix]/kms/xks/v1: at most 128 characters
// of letters, digits, '/', '-' and '_'.
func ValidatePath(path string) error {
	prefix, ok := strings.CutSuffix(path, BasePath)
	if !ok {
		return fmt.Errorf("xks: path must end in %s", BasePath)
	}
	if len(path) > MaxPathLength {
		return fmt.Errorf("xks: path has %d characters, at most %d", len(path), MaxPathLength)
	}
	if prefix == "" {
		return nil
	}
	if prefix[0] != '/' || strings.HasSuffix(prefix, "/") || strings.Contains(prefix, "//") {
		return errors.New("xks: path prefix must begin with a slash and have no empty segment")
	}
	for i := 0; i < len(prefix); i++ {
		if c := prefix[i]; !isAlphanumeric(c) && c != '/' && c != '-' && c != '_' {
			return errors.New("xks: path may hold letters, digits, '/', '-' and '_' only")
		}
	}
	return nil
}

// GetHealthStatus asks the proxy for its own health and its key managers'. It is
// sent even while the circuit is open. A proxy whose key managers are all
// UNAVAILABLE is a CallError of kind ManagersUnavailable.
func (c *Client) GetHealthStatus(ctx context.Context, metadata RequestMetadata) (*HealthStatus, error) {
	request := healthRequest{RequestMetadata: metadata}
	answer, err := c.call(ctx, OpGetHealthStatus, "/health", request)
	if err != nil {
		return nil, err
	}
	status, err := parseHealth(answer)
	if err != nil {
		return nil, invalidResponse(OpGetHealthStatus, err)
	}
	if !status.Available() {
		return nil, &CallError{Kind: ManagersUnavailable, Op: OpGetHealthStatus,
			Err: fmt.Errorf("%d key managers reported", len(status.FleetDetails))}
	}
	return status, nil
}

// GetKeyMetadata asks for an external key's type, usage and state. Whether they
// suit is the caller's decision.
func (c *Client) GetKeyMetadata(ctx context.Context, keyID string, metadata RequestMetadata) (*KeyMetadata, error) {
	if err := checkKeyID(keyID); err != nil {
		return nil, err
	}
	request := healthRequest{RequestMetadata: metadata}
	answer, err := c.call(ctx, OpGetKeyMetadata, "/keys/"+keyID+"/metadata", request)
	if err != nil {
		return nil, err
	}
	key, err := parseKeyMetadata(answer)
	if err != nil {
		return nil, invalidResponse(OpGetKeyMetadata, err)
	}
	return key, nil
}

// EncryptInput is the input of Client.Encrypt.
type EncryptInput struct {
	Metadata  RequestMetadata
	Plaintext []byte // at most 4,300 bytes
	AAD       []byte // at most 8,192 bytes; nil for none
	// Integrity asks for a ciphertextDataIntegrityValue and checks it: the proxy
	// then proves that it can decrypt what it returns.
	Integrity bool
}

// Encrypt has the proxy encrypt under the external key.
func (c *Client) Encrypt(ctx context.Context, keyID string, in EncryptInput) (*Sealed, error) {
	if err := checkKeyID(keyID); err != nil {
		return nil, err
	}
	if len(in.Plaintext) == 0 || len(in.Plaintext) > MaxPlaintextBytes || len(in.AAD) > MaxAADBytes {
		return nil, fmt.Errorf("%w: %d bytes of plaintext and %d of additional data", ErrInput, len(in.Plaintext), len(in.AAD))
	}
	request := encryptRequest{
		RequestMetadata:     in.Metadata,
		AAD:                 in.AAD,
		Plaintext:           in.Plaintext,
		EncryptionAlgorithm: AlgorithmAESGCM,
	}
	if in.Integrity {
		request.CDIVAlgorithm = CDIVSHA256
	}
	answer, err := c.call(ctx, OpEncrypt, "/keys/"+keyID+"/encrypt", request)
	if err != nil {
		return nil, err
	}
	sealed, integrity, err := parseSealed(answer, len(in.Plaintext))
	if err != nil {
		return nil, invalidResponse(OpEncrypt, err)
	}
	if in.Integrity {
		want := DataIntegrityValue(in.AAD, *sealed)
		if subtle.ConstantTimeCompare(want[:], integrity) != 1 {
			return nil, invalidResponse(OpEncrypt, ErrIntegrity)
		}
	}
	return sealed, nil
}

// DecryptInput is the input of Client.Decrypt.
type DecryptInput struct {
	Metadata RequestMetadata
	Sealed   Sealed
	AAD      []byte
}

// Decrypt has the proxy decrypt what it once encrypted.
func (c *Client) Decrypt(ctx context.Context, keyID string, in DecryptInput) ([]byte, error) {
	if err := checkKeyID(keyID); err != nil {
		return nil, err
	}
	s := in.Sealed
	if err := checkSealed(s); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInput, err)
	}
	if len(s.Ciphertext) > MaxPlaintextBytes || len(in.AAD) > MaxAADBytes {
		return nil, fmt.Errorf("%w: %d bytes of ciphertext and %d of additional data", ErrInput, len(s.Ciphertext), len(in.AAD))
	}
	answer, err := c.call(ctx, OpDecrypt, "/keys/"+keyID+"/decrypt", decryptRequest{
		RequestMetadata:     in.Metadata,
		AAD:                 in.AAD,
		Ciphertext:          s.Ciphertext,
		CiphertextMetadata:  s.Metadata,
		IV:                  s.IV,
		Tag:                 s.Tag,
		EncryptionAlgorithm: AlgorithmAESGCM,
	})
	if err != nil {
		return nil, err
	}
	plaintext, err := answer.requiredBlob("plaintext")
	if err == nil && len(plaintext) != len(s.Ciphertext) {
		err = fmt.Errorf("plaintext has %d bytes, the ciphertext %d", len(plaintext), len(s.Ciphertext))
	}
	if err != nil {
		return nil, invalidResponse(OpDecrypt, err)
	}
	return plaintext, nil
}

func checkKeyID(id string) error {
	if !ValidKeyID(id) {
		return fmt.Errorf("%w: external key id", ErrInput)
	}
	return nil
}

func invalidResponse(op string, err error) *CallError {
	return &CallError{Kind: InvalidResponse, Op: op, Err: err}
}

// Request bodies. encoding/json writes []byte as padded standard Base64.
type healthRequest struct {
	RequestMetadata RequestMetadata `json:"requestMetadata"`
}

type encryptRequest struct {
	RequestMetadata     RequestMetadata `json:"requestMetadata"`
	AAD                 []byte          `json:"additionalAuthenticatedData,omitempty"`
	Plaintext           []byte          `json:"plaintext"`
	EncryptionAlgorithm string          `json:"encryptionAlgorithm"`
	CDIVAlgorithm       string          `json:"ciphertextDataIntegrityValueAlgorithm,omitempty"`
}

type decryptRequest struct {
	RequestMetadata     RequestMetadata `json:"requestMetadata"`
	AAD                 []byte          `json:"additionalAuthenticatedData,omitempty"`
	Ciphertext          []byte          `json:"ciphertext"`
	CiphertextMetadata  []byte          `json:"ciphertextMetadata,omitempty"`
	IV                  []byte          `json:"initializationVector"`
	Tag                 []byte          `json:"authenticationTag"`
	EncryptionAlgorithm string          `json:"encryptionAlgorithm"`
}
