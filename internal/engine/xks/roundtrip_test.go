package xks

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"testing"
	"time"
)

func TestEncryptThenDecrypt(t *testing.T) {
	p := newProxy(t)
	c := p.client(t)
	for name, in := range map[string]EncryptInput{
		"plain":          {Plaintext: []byte("Hello World!")},
		"with AAD":       {Plaintext: []byte("Hello World!"), AAD: []byte("project=nile,department=marketing")},
		"with integrity": {Plaintext: []byte("x"), AAD: []byte("a"), Integrity: true},
		"largest":        {Plaintext: make([]byte, MaxPlaintextBytes), AAD: make([]byte, MaxAADBytes), Integrity: true},
	} {
		t.Run(name, func(t *testing.T) {
			in.Metadata = requestMetadata("Encrypt")
			s, err := c.Encrypt(t.Context(), goodKey, in)
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.Decrypt(t.Context(), goodKey, DecryptInput{requestMetadata("Decrypt"), *s, in.AAD})
			if err != nil || !bytes.Equal(got, in.Plaintext) {
				t.Fatalf("got %q, %v", got, err)
			}
			_, err = c.Decrypt(t.Context(), goodKey, DecryptInput{requestMetadata("Decrypt"), *s, []byte("other")})
			wantProxyError(t, err, InvalidCiphertextException)
			moved := *s
			moved.Metadata = nil
			_, err = c.Decrypt(t.Context(), goodKey, DecryptInput{requestMetadata("Decrypt"), moved, append(in.AAD[:len(in.AAD):len(in.AAD)], s.Metadata...)[:min(len(in.AAD)+20, MaxAADBytes)]})
			wantProxyError(t, err, InvalidCiphertextException)
		})
	}
}

func TestStatusOperations(t *testing.T) {
	p := newProxy(t)
	c := p.client(t)
	status, err := c.GetHealthStatus(t.Context(), RequestMetadata{KMSOperation: "KmsHealthCheck", KMSRequestID: "1"})
	if err != nil || status.FleetSize != 1 || status.FleetDetails[0].Status != HealthActive {
		t.Errorf("health %+v, %v", status, err)
	}
	key, err := c.GetKeyMetadata(t.Context(), goodKey, requestMetadata("CreateKey"))
	if err != nil || key.KeySpec != KeySpecAES256 || !key.Allows(UsageDecrypt) || key.KeyStatus != KeyEnabled {
		t.Errorf("key %+v, %v", key, err)
	}
	p.keys.set(func(k *memoryKeys) { k.health.FleetDetails[0].Status = HealthUnavailable })
	_, err = c.GetHealthStatus(t.Context(), RequestMetadata{KMSOperation: "KmsHealthCheck", KMSRequestID: "1"})
	wantCallError(t, err, ManagersUnavailable)
	if code := ConnectionErrorCodeOf(err); code != CodeProxyNotReachable {
		t.Errorf("code %s", code)
	}
}

func TestBothCredentialsOfARotationAreAccepted(t *testing.T) {
	p := newProxy(t)
	metadata := requestMetadata("CreateKey")
	for _, c := range []struct {
		credential Credential
		accepted   bool
	}{
		{currentCredential, true},
		{nextCredential, true},
		{strangeCredential, false},
		{Credential{currentCredential.AccessKeyID, nextCredential.SecretAccessKey}, false},
	} {
		client := p.client(t, func(config *ClientConfig) { config.Credential = c.credential })
		_, err := client.GetKeyMetadata(t.Context(), goodKey, metadata)
		if c.accepted {
			if err != nil {
				t.Errorf("%v: %v", c.credential, err)
			}
			continue
		}
		wantProxyError(t, err, AuthenticationFailedException)
		if code := ConnectionErrorCodeOf(err); code != CodeInvalidCredentials {
			t.Errorf("code %s", code)
		}
	}
	late := p.client(t, func(config *ClientConfig) {
		config.Now = func() time.Time { return time.Now().Add(-6 * time.Minute) }
	})
	_, err := late.GetKeyMetadata(t.Context(), goodKey, metadata)
	wantProxyError(t, err, AuthenticationFailedException)
}

// TestEveryErrorOfTheSpecification raises each error name by a real cause and
// checks what the client makes of it.
func TestEveryErrorOfTheSpecification(t *testing.T) {
	encrypt := func(c *Client, key string) error {
		_, err := c.Encrypt(context.Background(), key, EncryptInput{Metadata: requestMetadata("Encrypt"), Plaintext: []byte{1}})
		return err
	}
	integrity := func(c *Client, key string) error {
		_, err := c.Encrypt(context.Background(), key, EncryptInput{Metadata: requestMetadata("Encrypt"), Plaintext: []byte{1}, Integrity: true})
		return err
	}
	decrypt := func(c *Client, key string) error {
		s := Sealed{Ciphertext: []byte{1}, IV: make([]byte, 12), Tag: make([]byte, 16)}
		_, err := c.Decrypt(context.Background(), key, DecryptInput{requestMetadata("Decrypt"), s, nil})
		return err
	}
	health := func(c *Client, _ string) error {
		_, err := c.GetHealthStatus(context.Background(), RequestMetadata{KMSOperation: "KmsHealthCheck", KMSRequestID: "1"})
		return err
	}
	describe := func(c *Client, key string) error {
		_, err := c.GetKeyMetadata(context.Background(), key, requestMetadata("CreateKey"))
		return err
	}
	cases := []struct {
		name  string
		setup func(*proxy)
		call  func(*Client, string) error
		key   string
		want  ErrorName
		code  ConnectionErrorCode
	}{
		{"validation", nil, func(c *Client, key string) error {
			_, err := c.GetKeyMetadata(context.Background(), key, RequestMetadata{})
			return err
		}, goodKey, ValidationException, CodeProxyInvalidResponse},
		{"health without request id", nil, func(c *Client, _ string) error {
			_, err := c.GetHealthStatus(context.Background(), RequestMetadata{KMSOperation: "x"})
			return err
		}, "", ValidationException, CodeProxyInvalidResponse},
		{"disabled key", nil, encrypt, "disabled_key", InvalidStateException, CodeProxyInvalidResponse},
		{"invalid ciphertext", nil, decrypt, goodKey, InvalidCiphertextException, CodeProxyInvalidResponse},
		{"encrypt with a decrypt-only key", nil, encrypt, "decrypt_only_key", InvalidKeyUsageException, CodeProxyInvalidResponse},
		{"decrypt with an encrypt-only key", nil, decrypt, "encrypt_only_key", InvalidKeyUsageException, CodeProxyInvalidResponse},
		{"integrity with an encrypt-only key", nil, integrity, "encrypt_only_key", InvalidKeyUsageException, CodeProxyInvalidResponse},
		{"impotent key", nil, encrypt, "impotent_key", InvalidKeyUsageException, CodeProxyInvalidResponse},
		{"no such key", nil, describe, "nokey", KeyNotFoundException, CodeProxyInvalidResponse},
		{"no such key to encrypt", nil, encrypt, "nokey", KeyNotFoundException, CodeProxyInvalidResponse},
		{"denied", func(p *proxy) {
			p.tenant.Authorize = func(context.Context, Call) error { return errors.New("policy says no") }
		}, encrypt, goodKey, AccessDeniedException, CodeProxyAccessDenied},
		{"denied metadata", func(p *proxy) {
			p.tenant.Authorize = func(context.Context, Call) error { return errors.New("policy says no") }
		}, describe, goodKey, AccessDeniedException, CodeProxyAccessDenied},
		{"throttled", func(p *proxy) { p.tenant.Admit = func() bool { return false } }, health, "", ThrottlingException, CodeProxyNotReachable},
		{"key manager slow", func(p *proxy) {
			p.keys.set(func(k *memoryKeys) { k.failure = context.DeadlineExceeded })
		}, health, "", DependencyTimeoutException, CodeProxyTimedOut},
		{"key manager hangs", func(p *proxy) { p.keys.set(func(k *memoryKeys) { k.block = true }) }, encrypt, goodKey, DependencyTimeoutException, CodeProxyTimedOut},
		{"key manager broken", func(p *proxy) {
			p.keys.set(func(k *memoryKeys) { k.failure = errors.New("secret detail") })
		}, describe, goodKey, InternalException, CodeProxyInvalidResponse},
		{"trial decryption fails", func(p *proxy) {
			p.keys.set(func(k *memoryKeys) { k.corrupt = true })
		}, integrity, goodKey, InternalException, CodeProxyInvalidResponse},
		{"unsupported by the key manager", func(p *proxy) {
			p.keys.set(func(k *memoryKeys) { k.failure = NewProxyError(UnsupportedOperationException, "") })
		}, encrypt, goodKey, UnsupportedOperationException, CodeProxyInvalidResponse},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := newProxy(t)
			if c.setup != nil {
				c.setup(p)
			}
			err := c.call(p.client(t), c.key)
			wantProxyError(t, err, c.want)
			if code := ConnectionErrorCodeOf(err); code != c.code {
				t.Errorf("connection error code %s, want %s", code, c.code)
			}
			if e := <-p.events; e.Error != c.want || e.Status != c.want.Status() || e.Cause == nil {
				t.Errorf("event %+v", e)
			}
			if ScenarioOf(err) == ScenarioUnknown || ScenarioOf(err).Message() == "" {
				t.Error("no scenario for the error")
			}
		})
	}
	t.Run("wrong prefix", func(t *testing.T) {
		p := newProxy(t)
		err := describe(p.client(t, func(config *ClientConfig) { config.Path = testPrefix + "/invalid" + BasePath }), goodKey)
		wantProxyError(t, err, InvalidURIPathException)
		if code := ConnectionErrorCodeOf(err); code != CodeProxyInvalidConfiguration {
			t.Errorf("code %s", code)
		}
	})
}

func TestSecondaryAuthorizationSeesTheRequest(t *testing.T) {
	p := newProxy(t)
	var seen []Call
	p.tenant.Authorize = func(_ context.Context, call Call) error {
		seen = append(seen, call)
		return nil
	}
	c := p.client(t)
	if _, err := c.Encrypt(t.Context(), goodKey, EncryptInput{Metadata: requestMetadata("GenerateDataKey"), Plaintext: []byte{1}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.GetHealthStatus(t.Context(), RequestMetadata{KMSOperation: "KmsHealthCheck", KMSRequestID: "1"}); err != nil {
		t.Fatal(err)
	}
	want := Call{testPrefix, OpEncrypt, goodKey, currentCredential.AccessKeyID, requestMetadata("GenerateDataKey")}
	if len(seen) != 1 || seen[0] != want {
		t.Errorf("authorization saw %+v", seen)
	}
}

func TestOtherMethodsAreNotAllowed(t *testing.T) {
	p := newProxy(t)
	for path, want := range map[string]int{
		"/health":                 http.StatusMethodNotAllowed,
		"/keys/foo/metadata":      http.StatusMethodNotAllowed,
		"/keys/foo/encrypt":       http.StatusMethodNotAllowed,
		"/keys/foo/decrypt":       http.StatusMethodNotAllowed,
		"/keys/foo/sign":          http.StatusNotFound,
		"/keys/foo%2Fbar/encrypt": http.StatusNotFound,
		"/keys/f$o/encrypt":       http.StatusNotFound,
		"/keys//encrypt":          http.StatusNotFound,
		"/keys/encrypt":           http.StatusNotFound,
		"/foo/encrypt":            http.StatusNotFound,
		"/health?x=1":             http.StatusNotFound,
		"":                        http.StatusNotFound,
	} {
		r, err := http.Get(p.URL + testPrefix + BasePath + path)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != want {
			t.Errorf("GET %s: %d, want %d", path, r.StatusCode, want)
		}
	}
}
