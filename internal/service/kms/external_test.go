package kms

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"fastness/internal/api/kmsapi"
	"fastness/internal/engine/envelope"
	"fastness/internal/engine/xks"
	"fastness/internal/store"
)

func contextWithCancel(t *testing.T) (context.Context, context.CancelFunc) {
	return context.WithCancel(t.Context())
}

// changeStore changes the record of the only key store behind the service's back.
func (h *harness) changeStore(f func(k *keyStoreRecord)) {
	h.Helper()
	_, err := h.store.Update(h.Context(), func(tx store.Txn) error {
		all, err := h.service.tables.keyStoresOf(tx, testAccount, testRegion)
		if err != nil {
			return err
		}
		f(&all[0])
		return h.service.tables.keyStores.Put(tx, &all[0])
	})
	if err != nil {
		h.Fatal(err)
	}
}

func (h *harness) makePrivate(service string) {
	h.changeStore(func(k *keyStoreRecord) {
		k.Proxy.Connectivity, k.Proxy.Service, k.Proxy.ServiceOwner = kmsapi.XksProxyConnectivityTypeVPCEndpointService, service, testAccount
	})
}

func TestKeysInExternalStoresEncryptTwice(t *testing.T) {
	h, p := withProxy(t)
	id := h.connected()
	key := h.externalKey(id)
	if *key.CustomKeyStoreId != id || *key.XksKeyConfiguration.Id != "good" || text(key.Origin) != "EXTERNAL_KEY_STORE" || key.CurrentKeyMaterialId != nil {
		t.Errorf("metadata %+v", key)
	}
	if call := p.last(); call.Op != xks.OpGetKeyMetadata || call.Metadata.KMSOperation != "CreateKey" || call.Metadata.AWSPrincipalARN != root(testAccount).ARN {
		t.Errorf("the proxy saw %+v", call)
	}
	c := h.as(root(testAccount), testRegion).kms()
	_, err := c.GetKeyRotationStatus(t.Context(), &kmsapi.GetKeyRotationStatusRequest{KeyId: key.KeyId})
	wantAnswer(t, "rotation status", err, "UnsupportedOperationException", *key.Arn+" origin is EXTERNAL_KEY_STORE which is not valid for this operation.")
	largest := make([]byte, 4096)
	_, _ = rand.Read(largest)
	contexts := map[string]string{"a": "1", "b": strings.Repeat("é", 4000)}
	for name, plaintext := range map[string][]byte{"short": []byte("attack at dawn"), "largest": largest} {
		enc, err := c.Encrypt(t.Context(), &kmsapi.EncryptRequest{KeyId: key.Arn, Plaintext: plaintext, EncryptionContext: contexts})
		if err != nil {
			t.Fatal(name, err)
		}
		seen := p.last()
		if m := seen.Metadata; seen.KeyID != "good" || m.KMSKeyARN != *key.Arn || m.KMSOperation != "Encrypt" || m.KMSRequestID == "" {
			t.Errorf("the proxy saw %+v", seen)
		}
		if bytes.Contains(enc.CiphertextBlob, plaintext) {
			t.Error("the plaintext shows")
		}
		dec, err := c.Decrypt(t.Context(), &kmsapi.DecryptRequest{CiphertextBlob: enc.CiphertextBlob, EncryptionContext: contexts})
		if err != nil || !bytes.Equal(dec.Plaintext, plaintext) || *dec.KeyId != *key.Arn || dec.KeyMaterialId != nil {
			t.Fatalf("%s: %v, %v", name, dec, err)
		}
		// What the proxy was given is sealed under KMS's own material.
		_, sealed, err := parseExternalBlob(enc.CiphertextBlob)
		if err != nil {
			t.Fatal(err)
		}
		inner, err := xks.Open(p.material, sealed, externalAAD([16]byte(enc.CiphertextBlob[2:18]), contexts))
		if err != nil || bytes.Contains(inner, plaintext) {
			t.Errorf("%s: the proxy can read the plaintext, %v", name, err)
		}
		_, err = c.Decrypt(t.Context(), &kmsapi.DecryptRequest{CiphertextBlob: enc.CiphertextBlob})
		wantAnswer(t, name+" without context", err, "KMSInvalidStateException", "ciphertext or encryption context")
		_, err = c.Decrypt(t.Context(), &kmsapi.DecryptRequest{CiphertextBlob: enc.CiphertextBlob[:50]})
		wantAnswer(t, name+" cut", err, "InvalidCiphertextException", "")
	}
}

func TestOtherOperationsOnKeysInExternalStores(t *testing.T) {
	h, _ := withProxy(t)
	key := h.externalKey(h.connected())
	c := h.as(root(testAccount), testRegion).kms()
	made, err := c.CreateKey(t.Context(), &kmsapi.CreateKeyRequest{})
	if err != nil {
		t.Fatal(err)
	}
	ours := made.KeyMetadata.KeyId
	data, err := c.GenerateDataKey(t.Context(), &kmsapi.GenerateDataKeyRequest{KeyId: key.KeyId, KeySpec: new(kmsapi.DataKeySpecAES256)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.GenerateDataKeyWithoutPlaintext(t.Context(), &kmsapi.GenerateDataKeyWithoutPlaintextRequest{KeyId: key.KeyId, NumberOfBytes: new(int32(1024))}); err != nil {
		t.Fatal(err)
	}
	there, err := c.ReEncrypt(t.Context(), &kmsapi.ReEncryptRequest{CiphertextBlob: data.CiphertextBlob, DestinationKeyId: ours})
	if err != nil {
		t.Fatal(err)
	}
	back, err := c.ReEncrypt(t.Context(), &kmsapi.ReEncryptRequest{CiphertextBlob: there.CiphertextBlob, DestinationKeyId: key.KeyId})
	if err != nil {
		t.Fatal(err)
	}
	dec, err := c.Decrypt(t.Context(), &kmsapi.DecryptRequest{CiphertextBlob: back.CiphertextBlob, KeyId: key.KeyId})
	if err != nil || !bytes.Equal(dec.Plaintext, data.Plaintext) {
		t.Fatal(err)
	}
	_, err = c.Decrypt(t.Context(), &kmsapi.DecryptRequest{CiphertextBlob: back.CiphertextBlob, KeyId: ours})
	wantAnswer(t, "another key", err, "IncorrectKeyException", "")
	_, err = c.Decrypt(t.Context(), &kmsapi.DecryptRequest{CiphertextBlob: there.CiphertextBlob, KeyId: key.KeyId})
	wantAnswer(t, "a blob of another key", err, "IncorrectKeyException", "")
	_, err = c.GenerateDataKeyPair(t.Context(), &kmsapi.GenerateDataKeyPairRequest{KeyId: key.KeyId, KeyPairSpec: new(kmsapi.DataKeyPairSpecECCNISTP256)})
	wantAnswer(t, "a pair", err, "UnsupportedOperationException", "")
}

func TestCreateKeyInExternalStoreRefusals(t *testing.T) {
	h, _ := withProxy(t)
	id := h.connected()
	c := h.as(root(testAccount), testRegion).kms()
	for _, test := range []struct {
		name, code string
		in         *kmsapi.CreateKeyRequest
	}{
		{"no such key", "XksKeyNotFoundException", keyRequest(id, "nobody")},
		{"dots", "XksKeyNotFoundException", keyRequest(id, "..")},
		{"disabled", "XksKeyInvalidConfigurationException", keyRequest(id, "disabled")},
		{"no decryption", "XksKeyInvalidConfigurationException", keyRequest(id, "encrypt-only")},
		{"not AES", "XksKeyInvalidConfigurationException", keyRequest(id, "rsa")},
		{"no key id", "ValidationException", &kmsapi.CreateKeyRequest{Origin: new(kmsapi.OriginTypeExternalKeyStore), CustomKeyStoreId: &id}},
		{"HSM origin", "ValidationException", &kmsapi.CreateKeyRequest{Origin: new(kmsapi.OriginTypeAWSCloudhsm), CustomKeyStoreId: &id}},
		{"no such store", "CustomKeyStoreNotFoundException", keyRequest("cks-00000000000000000", "good")},
	} {
		_, err := c.CreateKey(t.Context(), test.in)
		wantAnswer(t, test.name, err, test.code, "")
	}
}

func TestDisconnectedStoreMakesItsKeysUnavailable(t *testing.T) {
	h, p := withProxy(t)
	id := h.connected()
	key := h.externalKey(id)
	c := h.as(root(testAccount), testRegion).kms()
	enc, err := c.Encrypt(t.Context(), &kmsapi.EncryptRequest{KeyId: key.KeyId, Plaintext: []byte("x")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.DisconnectCustomKeyStore(t.Context(), &kmsapi.DisconnectCustomKeyStoreRequest{CustomKeyStoreId: &id}); err != nil {
		t.Fatal(err)
	}
	p.last()
	for _, state := range []string{"DISCONNECTING", "DISCONNECTED"} {
		if got, _ := h.connection(id); got != state {
			t.Errorf("the store is %s", got)
		}
		_, err = c.Encrypt(t.Context(), &kmsapi.EncryptRequest{KeyId: key.KeyId, Plaintext: []byte("x")})
		wantAnswer(t, "encrypt", err, "KMSInvalidStateException", "not connected")
		_, err = c.Encrypt(t.Context(), &kmsapi.EncryptRequest{KeyId: key.KeyId, Plaintext: []byte("x"), DryRun: new(true)})
		wantAnswer(t, "dry run", err, "KMSInvalidStateException", "not connected")
		_, err = c.Decrypt(t.Context(), &kmsapi.DecryptRequest{CiphertextBlob: enc.CiphertextBlob})
		wantAnswer(t, "decrypt", err, "KMSInvalidStateException", "not connected")
		_, err = c.GenerateDataKey(t.Context(), &kmsapi.GenerateDataKeyRequest{KeyId: key.KeyId, KeySpec: new(kmsapi.DataKeySpecAES256)})
		wantAnswer(t, "data key", err, "KMSInvalidStateException", "not connected")
		described, err := c.DescribeKey(t.Context(), &kmsapi.DescribeKeyRequest{KeyId: key.KeyId})
		if err != nil || text(described.KeyMetadata.KeyState) != "Unavailable" || *described.KeyMetadata.Enabled {
			t.Errorf("%+v, %v", described.KeyMetadata, err)
		}
		h.settle()
	}
	if call := p.last(); call.Op != "" {
		t.Errorf("the proxy was called: %+v", call)
	}
}

// TestProxyErrorsBecomeTheDocumentedExceptions has the error table of the XKS proxy
// specification ("KMS considerations").
func TestProxyErrorsBecomeTheDocumentedExceptions(t *testing.T) {
	const (
		state      = "KMSInvalidStateException"
		storeState = "CustomKeyStoreInvalidStateException"
		response   = "XksProxyInvalidResponseException"
		unreached  = "XksProxyUriUnreachableException"
		config     = "XksKeyInvalidConfigurationException"
	)
	for _, test := range []struct {
		name                        string
		instead                     http.Handler
		create, createKey, encrypts string
		message                     string
	}{
		{"validation", refusing(xks.ValidationException), response, storeState, state, "cannot interpret the response"},
		{"invalid state", refusing(xks.InvalidStateException), response, config, state, "is not enabled in the external key manager"},
		{"invalid ciphertext", refusing(xks.InvalidCiphertextException), response, storeState, state, "ciphertext or encryption context is corrupted"},
		{"key usage", refusing(xks.InvalidKeyUsageException), response, config, state, "does not support the requested operation"},
		{"authentication", refusing(xks.AuthenticationFailedException), "XksProxyIncorrectAuthenticationCredentialException", storeState, state, "could not authenticate AWS KMS"},
		{"access denied", refusing(xks.AccessDeniedException), response, state, state, "denied access to the operation"},
		{"key not found", refusing(xks.KeyNotFoundException), response, "XksKeyNotFoundException", state, "was not found in its external key manager"},
		{"path", refusing(xks.InvalidURIPathException), "XksProxyInvalidConfigurationException", storeState, state, "invalid URI path"},
		{"throttling", refusing(xks.ThrottlingException), unreached, storeState, state, "very high request rate"},
		{"unsupported", refusing(xks.UnsupportedOperationException), response, config, state, "does not support the requested operation"},
		{"slow key manager", refusing(xks.DependencyTimeoutException), unreached, storeState, state, "time allotted"},
		{"internal", refusing(xks.InternalException), response, storeState, state, "cannot communicate with the external key manager"},
		{"malformed", answering(http.StatusOK, []int{1}), response, storeState, state, "cannot interpret the response"},
		{"redirect", answering(http.StatusFound, nil), response, storeState, state, "cannot interpret the response"},
		{"broken connection", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), unreached, storeState, state, "cannot communicate with the external key store proxy"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h, p := withProxy(t)
			id := h.connected()
			key := h.externalKey(id)
			c := h.as(root(testAccount), testRegion).kms()
			enc, err := c.Encrypt(t.Context(), &kmsapi.EncryptRequest{KeyId: key.KeyId, Plaintext: []byte("x")})
			if err != nil {
				t.Fatal(err)
			}
			p.set(func() { p.instead = test.instead })
			in := storeRequest("another")
			in.XksProxyUriPath = new("/another" + xks.BasePath)
			_, err = c.CreateCustomKeyStore(t.Context(), in)
			wantAnswer(t, "create a store", err, test.create, test.message)
			_, err = c.UpdateCustomKeyStore(t.Context(), &kmsapi.UpdateCustomKeyStoreRequest{CustomKeyStoreId: &id, XksProxyUriPath: new("/a" + xks.BasePath)})
			wantAnswer(t, "update a store", err, test.create, test.message)
			_, err = c.CreateKey(t.Context(), keyRequest(id, "other"))
			wantAnswer(t, "create a key", err, test.createKey, test.message)
			_, err = c.Encrypt(t.Context(), &kmsapi.EncryptRequest{KeyId: key.KeyId, Plaintext: []byte("x")})
			wantAnswer(t, "encrypt", err, test.encrypts, test.message)
			_, err = c.Decrypt(t.Context(), &kmsapi.DecryptRequest{CiphertextBlob: enc.CiphertextBlob})
			wantAnswer(t, "decrypt", err, test.encrypts, test.message)
			if err != nil && strings.Contains(err.Error(), "own words") {
				t.Error("the proxy's words reach the caller")
			}
		})
	}
}

func TestProxyThatDoesNotAnswerIsGivenUp(t *testing.T) {
	if xks.CallTimeout != 250*time.Millisecond {
		t.Errorf("a call may take %v", xks.CallTimeout)
	}
	h, p := withProxy(t)
	id := h.connected()
	key := h.externalKey(id)
	if d := h.service.keyStores.config.Timeout; d != 20*time.Second {
		t.Fatalf("timeout %v", d)
	}
	// From here on with little patience (but enough for a TLS handshake), and a proxy that hangs.
	h.service.closeProxies()
	h.service.keyStores.config.Timeout = 500 * time.Millisecond
	p.set(func() {
		p.instead = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // only then does the server notice that the client has gone
			<-r.Context().Done()
		})
	})
	c := h.as(root(testAccount), testRegion).kms()
	_, err := c.Encrypt(t.Context(), &kmsapi.EncryptRequest{KeyId: key.KeyId, Plaintext: []byte("x")})
	wantAnswer(t, "hanging", err, "KMSInvalidStateException", "did not respond in time")
	p.Server.CloseClientConnections()
	p.Server.Close()
	_, err = c.Encrypt(t.Context(), &kmsapi.EncryptRequest{KeyId: key.KeyId, Plaintext: []byte("x")})
	wantAnswer(t, "stopped", err, "KMSInvalidStateException", "")
	if state, _ := h.connection(id); state != "CONNECTED" {
		t.Errorf("the store is %s; only its owner disconnects it", state)
	}
}

func TestHealthCheckClosesTheCircuit(t *testing.T) {
	h, p := withProxy(t)
	key := h.externalKey(h.connected())
	c := h.as(root(testAccount), testRegion).kms()
	encrypt := func() error {
		_, err := c.Encrypt(t.Context(), &kmsapi.EncryptRequest{KeyId: key.KeyId, Plaintext: []byte("x")})
		return err
	}
	p.set(func() {
		p.instead = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	})
	for range 5 {
		wantAnswer(t, "broken", encrypt(), "KMSInvalidStateException", "cannot communicate")
	}
	p.set(func() { p.instead = nil })
	wantAnswer(t, "open circuit", encrypt(), "KMSInvalidStateException", "cannot communicate")
	if err := h.service.CheckKeyStores(t.Context()); err != nil {
		t.Fatal(err)
	}
	if last := p.last(); last.Op != xks.OpGetHealthStatus || last.Metadata.KMSOperation != "KmsHealthCheck" {
		t.Errorf("the proxy saw %+v", last)
	}
	wantAnswer(t, "closed circuit", encrypt(), "", "")
}

func TestUnlistedProxiesAreReachedAtPublicAddressesOnly(t *testing.T) {
	h, p := withProxy(t)
	c := h.as(root(testAccount), testRegion).kms()
	in := storeRequest("inside")
	in.XksProxyUriEndpoint = new("https://127.0.0.1")
	_, err := c.CreateCustomKeyStore(t.Context(), in)
	wantAnswer(t, "loopback", err, "XksProxyUriUnreachableException", "")
	if last := p.last(); last.Op != "" {
		t.Errorf("the proxy saw %+v", last)
	}
	e := &ExternalKeyStores{Own: []netip.AddrPort{netip.MustParseAddrPort("8.8.8.8:443")}}
	for address, public := range map[string]bool{
		"1.1.1.1:443": true, "[2606:4700::1111]:443": true, "8.8.8.8:444": true,
		"8.8.8.8:443": false, "127.0.0.1:443": false, "127.1.2.3:443": false, "[::1]:443": false, "0.0.0.0:443": false, "[::]:443": false,
		"10.0.0.1:443": false, "172.16.0.1:443": false, "192.168.1.1:443": false, "169.254.169.254:443": false, "100.64.0.1:443": false,
		"[fe80::1%eth0]:443": false, "[fd00:ec2::254]:443": false, "[::ffff:127.0.0.1]:443": false, "[::ffff:169.254.169.254]:443": false,
		"[64:ff9b::7f00:1]:443": false, "[2002:7f00:1::]:443": false, "224.0.0.1:443": false, "255.255.255.255:443": false, "[ff02::1]:443": false,
	} {
		if err := e.refusePrivate("tcp", address, nil); (err == nil) != public {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestPlainProxiesMustBeOnLoopback(t *testing.T) {
	for address, good := range map[string]bool{"127.0.0.1:80": true, "[::1]:80": true, "10.0.0.1:80": false, "localhost:80": false, "": false, "127.0.0.1": false} {
		e := ExternalKeyStores{Proxies: map[string]ProxyRoute{"p": {Address: address, Plain: true}}}
		if err := e.check(); (err == nil) != good {
			t.Errorf("%q: %v", address, err)
		}
		e = ExternalKeyStores{EndpointServices: map[string]EndpointService{"p": {ProxyRoute: ProxyRoute{Address: address, Plain: true}}}}
		if err := e.check(); (err == nil) != good {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func FuzzParseExternalBlob(f *testing.F) {
	good := appendExternalBlob([16]byte{1}, &xks.Sealed{Ciphertext: []byte("c"), Metadata: []byte("m"), IV: make([]byte, 12), Tag: make([]byte, 16)})
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{2}, envelope.MaxBlob+1))
	f.Fuzz(func(t *testing.T, blob []byte) {
		ref, s, err := parseExternalBlob(blob)
		if err != nil {
			if !errors.Is(err, envelope.ErrInvalidCiphertext) {
				t.Fatal(err)
			}
			return
		}
		if again := appendExternalBlob(ref, &s); !bytes.Equal(again, blob) {
			t.Fatalf("%x became %x", blob, again)
		}
	})
}
