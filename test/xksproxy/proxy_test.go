package xksproxy_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"fastness/internal/api/kmsapi"
	"fastness/internal/audit"
	"fastness/internal/clock"
	"fastness/internal/engine/xks"
	"fastness/internal/service/kms"
	"fastness/internal/service/xksproxy"
	"fastness/internal/sigv4"
	"fastness/internal/wire"
)

const proxyHost = "other-fastness.example"

func newHouse(t testing.TB, o options) *house {
	t.Helper()
	if o.clock == nil {
		o.clock = clock.System{}
	}
	o.log = slog.New(slog.DiscardHandler)
	h, err := openHouse(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.close)
	return h
}

// newProxy is a house that exports the test client's keys, and its HTTP server.
func newProxy(t testing.TB, c clock.Clock) (*house, *httptest.Server) {
	t.Helper()
	return exporting(t, options{clock: c})
}

func exporting(t testing.TB, o options) (*house, *httptest.Server) {
	t.Helper()
	h := newHouse(t, o)
	if err := h.export(t.Context()); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h.proxy)
	t.Cleanup(server.Close)
	return h, server
}

// client is a key service's client of the proxy.
func client(t testing.TB, server *httptest.Server, c clock.Clock, credential xks.Credential) *xks.Client {
	t.Helper()
	client, err := xks.NewClient(xks.ClientConfig{
		Endpoint: server.URL, Path: clientPrefix + xks.BasePath, AllowPlain: true, Credential: credential, Timeout: 20 * time.Second, Now: c.Now,
		Sign: func(r *http.Request, body []byte, c xks.Credential, at time.Time) error {
			return sigv4.Sign(r, body, sigv4.Credentials{AccessKeyID: c.AccessKeyID, Secret: []byte(c.SecretAccessKey)},
				sigv4.Scope{Region: "eu-west-1", Service: xks.ServiceName}, at)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func metadata(operation string) xks.RequestMetadata {
	return xks.RequestMetadata{
		AWSPrincipalARN: "arn:aws:iam::123456789012:user/Alice", KMSOperation: operation, KMSRequestID: "4112f4d6-db54-4af4-ae30-c55a22a8dfae",
		KMSKeyARN: "arn:aws:kms:us-east-2:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
	}
}

func code(err error) string {
	var api wire.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

func isProxyError(err error, name xks.ErrorName) bool {
	return errors.Is(err, &xks.ProxyError{Name: name})
}

// TestOneFastnessIsAnothersExternalKeyStore walks through the whole: a key store, a
// key, its use, the end of the other Fastness.
func TestOneFastnessIsAnothersExternalKeyStore(t *testing.T) {
	other, server := newProxy(t, clock.System{})
	h := newHouse(t, options{external: kms.ExternalKeyStores{
		Proxies: map[string]kms.ProxyRoute{proxyHost: {Address: server.Listener.Addr().String(), Plain: true}},
		Timeout: 20 * time.Second, // the machine may be busy; the default of 250 ms is package xks's
	}})
	c := h.root()
	ks, err := c.CreateCustomKeyStore(t.Context(), &kmsapi.CreateCustomKeyStoreRequest{
		CustomKeyStoreName: new("other"), CustomKeyStoreType: new(kmsapi.CustomKeyStoreTypeExternalKeyStore),
		XksProxyConnectivity: new(kmsapi.XksProxyConnectivityTypePublicEndpoint), XksProxyUriEndpoint: new("https://" + proxyHost),
		XksProxyUriPath: new(clientPrefix + xks.BasePath),
		XksProxyAuthenticationCredential: &kmsapi.XksProxyAuthenticationCredentialType{
			AccessKeyId: &clientCredential.AccessKeyID, RawSecretAccessKey: &clientCredential.SecretAccessKey,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.ConnectCustomKeyStore(t.Context(), &kmsapi.ConnectCustomKeyStoreRequest{CustomKeyStoreId: ks.CustomKeyStoreId}); err != nil {
		t.Fatal(err)
	}
	if err := h.kms.SettleKeyStores(t.Context()); err != nil {
		t.Fatal(err)
	}
	create := func(id string) (*kmsapi.CreateKeyResponse, error) {
		return c.CreateKey(t.Context(), &kmsapi.CreateKeyRequest{
			Origin: new(kmsapi.OriginTypeExternalKeyStore), CustomKeyStoreId: ks.CustomKeyStoreId, XksKeyId: &id,
		})
	}
	for id, want := range map[string]string{"encrypt_only_key": "XksKeyInvalidConfigurationException", "impotent_key": "XksKeyInvalidConfigurationException", "bar": "XksKeyNotFoundException"} {
		if _, err := create(id); code(err) != want {
			t.Errorf("a key for %s: %v", id, err)
		}
	}
	made, err := create("foo")
	if err != nil {
		t.Fatal(err)
	}
	key := made.KeyMetadata.KeyId
	contexts := map[string]string{"project": "nile"}
	enc, err := c.Encrypt(t.Context(), &kmsapi.EncryptRequest{KeyId: key, Plaintext: make([]byte, 4096), EncryptionContext: contexts})
	if err != nil {
		t.Fatal(err)
	}
	if err := other.proxy.Admin().RotateKey(t.Context(), clientPrefix, "foo"); err != nil {
		t.Fatal(err)
	}
	dec, err := c.Decrypt(t.Context(), &kmsapi.DecryptRequest{CiphertextBlob: enc.CiphertextBlob, EncryptionContext: contexts})
	if err != nil || !bytes.Equal(dec.Plaintext, make([]byte, 4096)) {
		t.Fatal(err)
	}
	page, err := other.audit.Lookup(t.Context(), audit.Query{Account: account, Region: region, Start: time.Unix(0, 0), End: other.clock.Now(), Limit: 1,
		Match: func(e *audit.Event) bool { return e.Name == "XksProxyDecrypt" }})
	if err != nil || len(page.Events) != 1 || !strings.Contains(string(page.Events[0].JSON), *made.KeyMetadata.Arn) {
		t.Errorf("the other Fastness recorded %v, %v", page.Events, err)
	}
	server.CloseClientConnections()
	server.Close()
	_, err = c.Decrypt(t.Context(), &kmsapi.DecryptRequest{CiphertextBlob: enc.CiphertextBlob, EncryptionContext: contexts})
	if code(err) != "KMSInvalidStateException" || !strings.Contains(err.Error(), "cannot communicate with the external key store proxy") {
		t.Errorf("after the other one has stopped: %v", err)
	}
}

func TestCredentialsRotateWithTwoSets(t *testing.T) {
	h, server := newProxy(t, clock.System{})
	admin := h.proxy.Admin()
	works := func(c xks.Credential) bool {
		_, err := client(t, server, h.clock, c).GetKeyMetadata(t.Context(), "foo", metadata("CreateKey"))
		if err != nil && !isProxyError(err, xks.AuthenticationFailedException) {
			t.Fatal(err)
		}
		return err == nil
	}
	if err := admin.RetireCredential(t.Context(), clientPrefix, clientCredential.AccessKeyID); !errors.Is(err, xksproxy.ErrLastCredential) {
		t.Errorf("retire the only one: %v", err)
	}
	next, err := admin.RotateCredential(t.Context(), clientPrefix)
	if err != nil {
		t.Fatal(err)
	}
	if err := next.Validate(); err != nil {
		t.Fatal(err)
	}
	if !works(clientCredential) || !works(next) {
		t.Error("both must work during the rotation")
	}
	if _, err := admin.RotateCredential(t.Context(), clientPrefix); !errors.Is(err, xksproxy.ErrLimit) {
		t.Errorf("a third one: %v", err)
	}
	if err := admin.RetireCredential(t.Context(), clientPrefix, clientCredential.AccessKeyID); err != nil {
		t.Fatal(err)
	}
	if works(clientCredential) || !works(next) {
		t.Error("only the new one must work now")
	}
}

func TestExportedKeyDependsOnItsKMSKey(t *testing.T) {
	clk := clock.NewManual(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	h, server := newProxy(t, clk)
	c := client(t, server, clk, clientCredential)
	encrypt := func() error {
		_, err := c.Encrypt(t.Context(), "foo", xks.EncryptInput{Metadata: metadata("Encrypt"), Plaintext: []byte("x"), Integrity: true})
		return err
	}
	if err := encrypt(); err != nil {
		t.Fatal(err)
	}
	prefixes, err := h.proxy.Admin().Prefixes(t.Context())
	if err != nil || len(prefixes) != 1 || len(prefixes[0].Keys) != len(clientKeys) {
		t.Fatalf("%+v, %v", prefixes, err)
	}
	key := prefixes[0].Keys[0].KMSKey
	if _, err := h.root().DisableKey(t.Context(), &kmsapi.DisableKeyRequest{KeyId: &key}); err != nil {
		t.Fatal(err)
	}
	clk.Advance(xksproxy.KeyLifetime)
	if err := encrypt(); !isProxyError(err, xks.InvalidStateException) {
		t.Errorf("with a disabled KMS key: %v", err)
	}
	m, err := c.GetKeyMetadata(t.Context(), "foo", metadata("CreateKey"))
	if err != nil || m.KeyStatus != xks.KeyDisabled {
		t.Errorf("%+v, %v", m, err)
	}
	if _, err := h.root().EnableKey(t.Context(), &kmsapi.EnableKeyRequest{KeyId: &key}); err != nil {
		t.Fatal(err)
	}
	if err := encrypt(); err != nil {
		t.Error(err)
	}
	if _, err := h.root().PutKeyPolicy(t.Context(), &kmsapi.PutKeyPolicyRequest{KeyId: &key, Policy: new(
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + account + `:root"},"Action":"kms:*","Resource":"*"}}`)}); err != nil {
		t.Fatal(err)
	}
	clk.Advance(xksproxy.KeyLifetime)
	if err := encrypt(); !isProxyError(err, xks.AccessDeniedException) {
		t.Errorf("without permission: %v", err)
	}
}

func TestAdminRefusals(t *testing.T) {
	h, _ := newProxy(t, clock.System{})
	admin, ctx := h.proxy.Admin(), t.Context()
	private, err := h.root().CreateKey(ctx, &kmsapi.CreateKeyRequest{})
	if err != nil {
		t.Fatal(err)
	}
	prefix := func(s xksproxy.PrefixSpec) error {
		_, err := admin.CreatePrefix(ctx, s)
		return err
	}
	for name, test := range map[string]struct{ got, want error }{
		"prefix twice":     {prefix(xksproxy.PrefixSpec{Prefix: clientPrefix, Account: account, Region: region}), xksproxy.ErrPrefixExists},
		"no slash":         {prefix(xksproxy.PrefixSpec{Prefix: "a", Account: account, Region: region}), xksproxy.ErrInvalid},
		"no account":       {prefix(xksproxy.PrefixSpec{Prefix: "/a", Account: "me", Region: region}), xksproxy.ErrInvalid},
		"short secret":     {prefix(xksproxy.PrefixSpec{Prefix: "/a", Account: account, Region: region, Credential: &xks.Credential{AccessKeyID: "A"}}), xksproxy.ErrInvalid},
		"full prefix":      {admin.DeletePrefix(ctx, clientPrefix), xksproxy.ErrPrefixHasKeys},
		"no prefix":        {admin.DeletePrefix(ctx, "/nobody"), xksproxy.ErrNoSuchPrefix},
		"no key":           {admin.DeleteKey(ctx, clientPrefix, "bar"), xksproxy.ErrNoSuchKey},
		"no credential":    {admin.RetireCredential(ctx, clientPrefix, "A"), xksproxy.ErrNoSuchCredential},
		"key id":           {admin.AddKey(ctx, clientPrefix, xksproxy.KeySpec{ID: "a/b", KMSKey: *private.KeyMetadata.Arn}), xksproxy.ErrInvalid},
		"usage":            {admin.AddKey(ctx, clientPrefix, xksproxy.KeySpec{ID: "a", KMSKey: *private.KeyMetadata.Arn, Usages: []string{"SIGN"}}), xksproxy.ErrInvalid},
		"foreign account":  {admin.AddKey(ctx, clientPrefix, xksproxy.KeySpec{ID: "a", KMSKey: strings.Replace(*private.KeyMetadata.Arn, account, "444455556666", 1)}), xksproxy.ErrInvalid},
		"not an ARN":       {admin.AddKey(ctx, clientPrefix, xksproxy.KeySpec{ID: "a", KMSKey: "alias/a"}), xksproxy.ErrInvalid},
		"prefix of no one": {admin.AddKey(ctx, "/nobody", xksproxy.KeySpec{ID: "a", KMSKey: *private.KeyMetadata.Arn}), xksproxy.ErrNoSuchPrefix},
	} {
		if !errors.Is(test.got, test.want) {
			t.Errorf("%s: got %v, want %v", name, test.got, test.want)
		}
	}
	err = admin.AddKey(ctx, clientPrefix, xksproxy.KeySpec{ID: "a", KMSKey: *private.KeyMetadata.Arn})
	if code(err) != "AccessDeniedException" {
		t.Errorf("a key whose policy does not allow the proxy: %v", err)
	}
	for _, k := range clientKeys {
		if err := admin.DeleteKey(ctx, clientPrefix, k.ID); err != nil {
			t.Error(err)
		}
	}
	if err := admin.DeletePrefix(ctx, clientPrefix); err != nil {
		t.Error(err)
	}
}

func TestRulesDecideOnWhatTheCallerSays(t *testing.T) {
	h, server := newProxy(t, clock.System{})
	c := client(t, server, h.clock, clientCredential)
	for _, test := range []struct {
		rules   xksproxy.Rules
		allowed bool
	}{
		{xksproxy.Rules{}, true},
		{xksproxy.Rules{Principals: []string{"arn:aws:iam::123456789012:*"}, Operations: []string{"Encrypt"}}, true},
		{xksproxy.Rules{Principals: []string{"arn:aws:iam::999999999999:*"}}, false},
		{xksproxy.Rules{Operations: []string{"Decrypt"}}, false},
		{xksproxy.Rules{KMSKeys: []string{metadata("").KMSKeyARN}}, true},
		{xksproxy.Rules{KMSKeys: []string{"arn:aws:kms:us-east-2:123456789012:key/other"}}, false},
		{xksproxy.Rules{ViaServices: []string{"ebs"}}, false},
	} {
		if err := h.proxy.Admin().SetRules(t.Context(), clientPrefix, test.rules); err != nil {
			t.Fatal(err)
		}
		_, err := c.Encrypt(t.Context(), "foo", xks.EncryptInput{Metadata: metadata("Encrypt"), Plaintext: []byte("x")})
		if test.allowed && err != nil || !test.allowed && !isProxyError(err, xks.AccessDeniedException) {
			t.Errorf("%+v: %v", test.rules, err)
		}
	}
}

func TestRequestsWithoutTheirCertificateAreAsGoodAsUnsigned(t *testing.T) {
	h, server := exporting(t, options{certificates: &xks.ClientCertificatePolicy{
		Roots: x509.NewCertPool(), CommonName: xks.ClientCommonName(region), Now: time.Now,
	}})
	tlsServer := httptest.NewTLSServer(h.proxy)
	t.Cleanup(tlsServer.Close)
	for _, s := range []*httptest.Server{server, tlsServer} {
		req, err := http.NewRequest(http.MethodPost, s.URL+clientPrefix+xks.BasePath+"/health", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		if err := sigv4.Sign(req, []byte("{}"), sigv4.Credentials{AccessKeyID: clientCredential.AccessKeyID, Secret: []byte(clientCredential.SecretAccessKey)},
			sigv4.Scope{Region: region, Service: xks.ServiceName}, time.Now()); err != nil {
			t.Fatal(err)
		}
		res, err := s.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: %s", s.URL, res.Status)
		}
	}
}

func TestServesItsOwnRequestsOnly(t *testing.T) {
	h, _ := newProxy(t, clock.System{})
	const path = clientPrefix + xks.BasePath
	signed := func(service string) string {
		return "AWS4-HMAC-SHA256 Credential=AKID/20260301/us-east-1/" + service + "/aws4_request, SignedHeaders=host, Signature=00"
	}
	for _, test := range []struct {
		method, target, authorization string
		want                          bool
	}{
		{"POST", path + "/health", "", true},
		{"POST", path + "/keys/foo/encrypt", signed("s3"), true},
		{"POST", path + "/keys/foo/encrypt", signed("kms-xks-proxy"), true},
		{"GET", "/", signed("kms-xks-proxy"), true},
		{"GET", path + "/health", signed("s3"), false},
		{"POST", path + "/health?uploads", signed("s3"), false},
		{"POST", path, "", false},
		{"POST", path + "/other", "", false},
		{"POST", "/nobody" + xks.BasePath + "/health", "", false},
		{"POST", "/", signed("kms"), false},
		{"POST", "/", "Credential=/kms-xks-proxy", false},
		{"POST", "/", signed("x-kms-xks-proxy"), false},
	} {
		r := httptest.NewRequest(test.method, test.target, nil)
		r.Header.Set("Authorization", test.authorization)
		if got := h.proxy.Serves(r); got != test.want {
			t.Errorf("%s %s %q: %v", test.method, test.target, test.authorization, got)
		}
	}
}

func BenchmarkProxyEncrypt(b *testing.B) {
	h, server := newProxy(b, clock.System{})
	c := client(b, server, h.clock, clientCredential)
	in := xks.EncryptInput{Metadata: metadata("Encrypt"), Plaintext: make([]byte, 256), AAD: make([]byte, 64), Integrity: true}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := c.Encrypt(context.Background(), "foo", in); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
