package kms

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"fastness/internal/api/kmsapi"
	"fastness/internal/engine/xks"
	"fastness/internal/sigv4"
)

const (
	proxyHost = "proxy.example"
	proxyPath = "/tenant/kms/xks/v1"
)

var (
	firstCredential  = xks.Credential{AccessKeyID: "FIRSTACCESSKEYID234567", SecretAccessKey: "firstSecretAccessKeyOf43CharactersOrMore+/=00"}
	secondCredential = xks.Credential{AccessKeyID: "SECONDACCESSKEYID23456", SecretAccessKey: "secondSecretAccessKeyOf43CharactersOrMore+/=0"}
)

// testProxy is an external key store proxy with keys in memory behind the engine's
// server.
type testProxy struct {
	*httptest.Server

	mu          sync.Mutex
	keys        map[string]xks.KeyMetadata
	credentials []xks.Credential
	calls       []xks.Call
	material    []byte
	failure     error        // every operation answers with it
	sick        bool         // the key managers are unavailable
	instead     http.Handler // answers in place of the proxy
}

var _ xks.Keys = (*testProxy)(nil)

// withProxy is a harness whose external key stores may use a proxy.
func withProxy(t *testing.T, options ...func(*Config)) (*harness, *testProxy) {
	t.Helper()
	p := &testProxy{credentials: []xks.Credential{firstCredential}, material: make([]byte, 32), keys: map[string]xks.KeyMetadata{}}
	_, _ = rand.Read(p.material)
	both := []string{xks.UsageEncrypt, xks.UsageDecrypt}
	for _, id := range []string{"good", "other"} {
		p.keys[id] = xks.KeyMetadata{KeySpec: xks.KeySpecAES256, KeyUsage: both, KeyStatus: xks.KeyEnabled}
	}
	p.keys["disabled"] = xks.KeyMetadata{KeySpec: xks.KeySpecAES256, KeyUsage: both, KeyStatus: xks.KeyDisabled}
	p.keys["encrypt-only"] = xks.KeyMetadata{KeySpec: xks.KeySpecAES256, KeyUsage: both[:1], KeyStatus: xks.KeyEnabled}
	p.keys["rsa"] = xks.KeyMetadata{KeySpec: "RSA_2048", KeyUsage: both, KeyStatus: xks.KeyEnabled}

	var handler http.Handler
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		h := p.instead
		p.mu.Unlock()
		if h == nil {
			h = handler
		}
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(p.Close)
	h := newHarness(t, append([]func(*Config){func(c *Config) {
		c.ExternalKeyStores = ExternalKeyStores{
			Proxies: map[string]ProxyRoute{proxyHost: {Address: p.Listener.Addr().String(), Plain: true}},
			Timeout: 20 * time.Second, // the machine may be busy
		}
	}}, options...)...)
	v, err := sigv4.NewVerifier(sigv4.Options{Clock: h.clock})
	if err != nil {
		t.Fatal(err)
	}
	handler, err = xks.NewServer(xks.ServerConfig{
		Tenant: p.tenant, Verifier: proxyVerifier{v}, Now: h.clock.Now, Timeout: 20 * time.Second,
		Observe: func(e xks.Event) {
			p.mu.Lock()
			p.calls = append(p.calls, e.Call)
			p.mu.Unlock()
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return h, p
}

func (p *testProxy) tenant(prefix string) (*xks.Tenant, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return &xks.Tenant{Credentials: p.credentials, Keys: p}, prefix == "/tenant"
}

type proxyVerifier struct{ *sigv4.Verifier }

func (v proxyVerifier) Verify(r *http.Request, body []byte, lookup xks.CredentialLookup) (string, error) {
	sig, err := sigv4.Parse(sigv4.FromHTTP(r))
	if err != nil {
		return "", err
	}
	c, ok := lookup(sig.AccessKeyID)
	if !ok {
		return "", errors.New("unknown access key id")
	}
	return sig.AccessKeyID, v.Verifier.Verify(sig, []byte(c.SecretAccessKey), sigv4.Rules{Region: testRegion, Service: xks.ServiceName}, body)
}

func (p *testProxy) set(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

// last is the last call and empties the record.
func (p *testProxy) last() (c xks.Call) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.calls); n > 0 {
		c = p.calls[n-1]
	}
	p.calls = nil
	return c
}

func (p *testProxy) Metadata(_ context.Context, id string) (xks.KeyMetadata, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m, ok := p.keys[id]
	if !ok {
		return m, xks.NewProxyError(xks.KeyNotFoundException, "no such key")
	}
	return m, p.failure
}

func (p *testProxy) Encrypt(_ context.Context, _ string, plaintext, aad []byte) (xks.Sealed, error) {
	return xks.Seal(p.material, 1, plaintext, aad)
}

func (p *testProxy) Decrypt(_ context.Context, _ string, s xks.Sealed, aad []byte) ([]byte, error) {
	return xks.Open(p.material, s, aad)
}

func (p *testProxy) Health(context.Context) (xks.HealthStatus, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	status := xks.HealthActive
	if p.sick {
		status = xks.HealthUnavailable
	}
	return xks.HealthStatus{FleetSize: 1, ProxyVendor: "v", ProxyModel: "m", EKMVendor: "v",
		FleetDetails: []xks.KeyManagerHealth{{ID: "1", Model: "m", Status: status}}}, p.failure
}

// answering is a proxy that gives one answer to everything.
func answering(status int, body any) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(body)
	})
}

func refusing(name xks.ErrorName) http.Handler {
	return answering(name.Status(), map[string]string{"errorName": string(name), "errorMessage": "the proxy's own words"})
}

// storeRequest is a good CreateCustomKeyStore.
func storeRequest(name string) *kmsapi.CreateCustomKeyStoreRequest {
	return &kmsapi.CreateCustomKeyStoreRequest{
		CustomKeyStoreName: &name, CustomKeyStoreType: new(kmsapi.CustomKeyStoreTypeExternalKeyStore),
		XksProxyConnectivity: new(kmsapi.XksProxyConnectivityTypePublicEndpoint),
		XksProxyUriEndpoint:  new("https://" + proxyHost), XksProxyUriPath: new(proxyPath),
		XksProxyAuthenticationCredential: apiCredential(firstCredential),
	}
}

func apiCredential(c xks.Credential) *kmsapi.XksProxyAuthenticationCredentialType {
	return &kmsapi.XksProxyAuthenticationCredentialType{AccessKeyId: &c.AccessKeyID, RawSecretAccessKey: &c.SecretAccessKey}
}

// connected makes a connected key store and returns its id.
func (h *harness) connected() string {
	h.Helper()
	c := h.as(root(testAccount), testRegion).kms()
	made, err := c.CreateCustomKeyStore(h.Context(), storeRequest("store"))
	if err != nil {
		h.Fatal(err)
	}
	if _, err := c.ConnectCustomKeyStore(h.Context(), &kmsapi.ConnectCustomKeyStoreRequest{CustomKeyStoreId: made.CustomKeyStoreId}); err != nil {
		h.Fatal(err)
	}
	h.settle()
	if state, code := h.connection(*made.CustomKeyStoreId); state != "CONNECTED" {
		h.Fatalf("the store is %s %s", state, code)
	}
	return *made.CustomKeyStoreId
}

func (h *harness) settle() {
	h.Helper()
	if err := h.service.SettleKeyStores(h.Context()); err != nil {
		h.Fatal(err)
	}
}

// connection is the connection state and error code of a store.
func (h *harness) connection(id string) (state, code string) {
	h.Helper()
	out, err := h.as(root(testAccount), testRegion).kms().DescribeCustomKeyStores(h.Context(), &kmsapi.DescribeCustomKeyStoresRequest{CustomKeyStoreId: &id})
	if err != nil {
		h.Fatal(err)
	}
	return text(out.CustomKeyStores[0].ConnectionState), text(out.CustomKeyStores[0].ConnectionErrorCode)
}

// externalKey makes a KMS key for the external key "good".
func (h *harness) externalKey(store string) *kmsapi.KeyMetadata {
	h.Helper()
	made, err := h.as(root(testAccount), testRegion).kms().CreateKey(h.Context(), keyRequest(store, "good"))
	if err != nil {
		h.Fatal(err)
	}
	return made.KeyMetadata
}

func keyRequest(store, external string) *kmsapi.CreateKeyRequest {
	return &kmsapi.CreateKeyRequest{Origin: new(kmsapi.OriginTypeExternalKeyStore), CustomKeyStoreId: &store, XksKeyId: &external}
}

// wantAnswer fails unless err is the API error, with a message that contains part.
func wantAnswer(t *testing.T, what string, err error, code, part string) {
	t.Helper()
	if codeOf(err) != code || err != nil && !strings.Contains(err.Error(), part) {
		t.Errorf("%s: got %v, want %s (%s)", what, err, code, part)
	}
}
