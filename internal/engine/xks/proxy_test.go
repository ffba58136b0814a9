package xks

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

var (
	currentCredential = Credential{"CURRENTACCESSKEYID234", "currentSecretAccessKeyOf43CharactersOrMore+/="}
	nextCredential    = Credential{"NEXTACCESSKEYIDFORTEST", "nextSecretAccessKeyOf43CharactersOrMore000000"}
	strangeCredential = Credential{"STRANGEACCESSKEYID2345", "strangeSecretAccessKeyOf43CharactersOrMore000"}
)

const (
	testPrefix = "/example/uri/path/prefix"
	goodKey    = "foo"
)

// memoryKeys is a key manager in memory on top of Seal and Open.
type memoryKeys struct {
	mu       sync.Mutex
	material map[string][]byte
	metadata map[string]KeyMetadata
	health   HealthStatus
	failure  error // returned by every method if set
	corrupt  bool  // Encrypt returns a wrong tag
	block    bool  // Encrypt waits until its context ends
}

func newMemoryKeys() *memoryKeys {
	k := &memoryKeys{
		material: map[string][]byte{},
		metadata: map[string]KeyMetadata{},
		health: HealthStatus{
			FleetSize: 1, ProxyVendor: "vendor", ProxyModel: "model", EKMVendor: "vendor",
			FleetDetails: []KeyManagerHealth{{ID: "1", Model: "m", Status: HealthActive}},
		},
	}
	for id, usage := range map[string][]string{
		goodKey:            {UsageEncrypt, UsageDecrypt},
		"encrypt_only_key": {UsageEncrypt},
		"decrypt_only_key": {UsageDecrypt},
		"impotent_key":     {"SIGN"},
		"disabled_key":     {UsageEncrypt, UsageDecrypt},
	} {
		material := make([]byte, 32)
		rand.Read(material)
		k.material[id] = material
		k.metadata[id] = KeyMetadata{KeySpec: KeySpecAES256, KeyUsage: usage, KeyStatus: KeyEnabled}
	}
	disabled := k.metadata["disabled_key"]
	disabled.KeyStatus = KeyDisabled
	k.metadata["disabled_key"] = disabled
	return k
}

func (k *memoryKeys) set(change func(*memoryKeys)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	change(k)
}

func (k *memoryKeys) Metadata(_ context.Context, id string) (KeyMetadata, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.failure != nil {
		return KeyMetadata{}, k.failure
	}
	m, ok := k.metadata[id]
	if !ok {
		return KeyMetadata{}, NewProxyError(KeyNotFoundException, "no such key")
	}
	return m, nil
}

func (k *memoryKeys) Encrypt(ctx context.Context, id string, plaintext, aad []byte) (Sealed, error) {
	k.mu.Lock()
	material, corrupt, block := k.material[id], k.corrupt, k.block
	k.mu.Unlock()
	if block {
		<-ctx.Done()
		return Sealed{}, ctx.Err()
	}
	s, err := Seal(material, 7, plaintext, aad)
	if err == nil && corrupt {
		s.Tag[0] ^= 1
	}
	return s, err
}

func (k *memoryKeys) Decrypt(_ context.Context, id string, s Sealed, aad []byte) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return Open(k.material[id], s, aad)
}

func (k *memoryKeys) Health(context.Context) (HealthStatus, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.health, k.failure
}

// proxy is a Server with one tenant behind an HTTP test server.
type proxy struct {
	*httptest.Server
	keys   *memoryKeys
	tenant *Tenant
	events chan Event
}

func newProxy(t testing.TB) *proxy {
	t.Helper()
	p := &proxy{keys: newMemoryKeys(), events: make(chan Event, 1024)}
	p.tenant = &Tenant{Credentials: []Credential{currentCredential, nextCredential}, Keys: p.keys}
	p.Server = httptest.NewServer(p.handler(t))
	t.Cleanup(p.Close)
	return p
}

func (p *proxy) handler(t testing.TB) *Server {
	t.Helper()
	server, err := NewServer(ServerConfig{
		Tenant: func(prefix string) (*Tenant, bool) {
			return p.tenant, prefix == testPrefix
		},
		Verifier: sigV4{time.Now},
		Now:      time.Now,
		Observe: func(e Event) {
			select {
			case p.events <- e:
			default: // only some tests look
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return server
}

// client returns a client for the proxy, changed by the options. Its time limit is
// long enough for a busy machine; tests of the limit set their own.
func (p *proxy) client(t testing.TB, options ...func(*ClientConfig)) *Client {
	t.Helper()
	return newTestClient(t, p.URL, options...)
}

func newTestClient(t testing.TB, endpoint string, options ...func(*ClientConfig)) *Client {
	t.Helper()
	config := ClientConfig{
		Endpoint:   endpoint,
		Path:       testPrefix + BasePath,
		Credential: currentCredential,
		Sign:       sdkSign,
		AllowPlain: true,
		Timeout:    10 * time.Second,
		Now:        time.Now,
	}
	for _, option := range options {
		option(&config)
	}
	c, err := NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func requestMetadata(operation string) RequestMetadata {
	return RequestMetadata{
		AWSPrincipalARN: "arn:aws:iam::123456789012:user/Alice",
		KMSKeyARN:       "arn:aws:kms:us-east-2:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
		KMSOperation:    operation,
		KMSRequestID:    "4112f4d6-db54-4af4-ae30-c55a22a8dfae",
		KMSViaService:   "ebs",
	}
}

// wantProxyError fails unless err is the named error with its status.
func wantProxyError(t *testing.T, err error, name ErrorName) {
	t.Helper()
	var p *ProxyError
	if !errors.As(err, &p) || p.Name != name || p.HTTPStatus != name.Status() {
		t.Errorf("got %v, want %s", err, name)
	}
}

// wantCallError fails unless err is a call error of the kind.
func wantCallError(t *testing.T, err error, kind FailureKind) {
	t.Helper()
	var c *CallError
	if !errors.As(err, &c) || c.Kind != kind {
		t.Errorf("got %v, want %v", err, kind)
	}
}
