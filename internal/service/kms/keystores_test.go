package kms

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"fastness/internal/api/kmsapi"
	"fastness/internal/audit"
	"fastness/internal/engine/xks"
)

func TestExternalKeyStoreFromCreationToDeletion(t *testing.T) {
	h, _ := withProxy(t)
	c := h.as(root(testAccount), testRegion).kms()
	made, err := c.CreateCustomKeyStore(t.Context(), storeRequest("store"))
	if err != nil {
		t.Fatal(err)
	}
	id := *made.CustomKeyStoreId
	connect := func() error {
		_, err := c.ConnectCustomKeyStore(t.Context(), &kmsapi.ConnectCustomKeyStoreRequest{CustomKeyStoreId: &id})
		return err
	}
	disconnect := func() error {
		_, err := c.DisconnectCustomKeyStore(t.Context(), &kmsapi.DisconnectCustomKeyStoreRequest{CustomKeyStoreId: &id})
		return err
	}
	update := func(in kmsapi.UpdateCustomKeyStoreRequest) error {
		in.CustomKeyStoreId = &id
		_, err := c.UpdateCustomKeyStore(t.Context(), &in)
		return err
	}
	remove := func() error {
		_, err := c.DeleteCustomKeyStore(t.Context(), &kmsapi.DeleteCustomKeyStoreRequest{CustomKeyStoreId: &id})
		return err
	}
	createKey := func() error {
		_, err := c.CreateKey(t.Context(), keyRequest(id, "good"))
		return err
	}
	settle := func() error { return h.service.SettleKeyStores(t.Context()) }
	const invalidStore = "CustomKeyStoreInvalidStateException"
	for i, step := range []struct {
		name  string
		do    func() error
		code  string
		state string
	}{
		{"a key before connecting", createKey, invalidStore, "DISCONNECTED"},
		{"disconnect a disconnected store", disconnect, invalidStore, "DISCONNECTED"},
		{"rename while disconnected", func() error { return update(kmsapi.UpdateCustomKeyStoreRequest{NewCustomKeyStoreName: new("other")}) }, "", "DISCONNECTED"},
		{"connect", connect, "", "CONNECTING"},
		{"connect while connecting", connect, "", "CONNECTING"},
		{"a key while connecting", createKey, invalidStore, "CONNECTING"},
		{"update while connecting", func() error { return update(kmsapi.UpdateCustomKeyStoreRequest{NewCustomKeyStoreName: new("x")}) }, invalidStore, "CONNECTING"},
		{"settle", settle, "", "CONNECTED"},
		{"connect while connected", connect, "", "CONNECTED"},
		{"rename while connected", func() error { return update(kmsapi.UpdateCustomKeyStoreRequest{NewCustomKeyStoreName: new("store")}) }, "", "CONNECTED"},
		{"move while connected", func() error {
			return update(kmsapi.UpdateCustomKeyStoreRequest{XksProxyUriEndpoint: new("https://elsewhere.example")})
		}, invalidStore, "CONNECTED"},
		{"delete while connected", remove, invalidStore, "CONNECTED"},
		{"a key", createKey, "", "CONNECTED"},
		{"a second KMS key for the external key", createKey, "XksKeyAlreadyInUseException", "CONNECTED"},
		{"delete with a key", remove, "CustomKeyStoreHasCMKsException", "CONNECTED"},
		{"disconnect", disconnect, "", "DISCONNECTING"},
		{"disconnect while disconnecting", disconnect, invalidStore, "DISCONNECTING"},
		{"connect while disconnecting", connect, invalidStore, "DISCONNECTING"},
		{"settle", settle, "", "DISCONNECTED"},
		{"delete with a key", remove, "CustomKeyStoreHasCMKsException", "DISCONNECTED"},
	} {
		wantAnswer(t, step.name, step.do(), step.code, "")
		if state, _ := h.connection(id); state != step.state {
			t.Fatalf("step %d, %s: the store is %s, want %s", i, step.name, state, step.state)
		}
	}
	second := storeRequest("second")
	second.XksProxyUriEndpoint = new("https://PROXY.example") // the same host, written otherwise
	_, err = c.CreateCustomKeyStore(t.Context(), second)
	wantAnswer(t, "the same address", err, "XksProxyUriInUseException", "")
}

func TestDeletedStoreIsGone(t *testing.T) {
	h, _ := withProxy(t)
	c := h.as(root(testAccount), testRegion).kms()
	made, err := c.CreateCustomKeyStore(t.Context(), storeRequest("store"))
	if err != nil {
		t.Fatal(err)
	}
	id := made.CustomKeyStoreId
	if _, err := c.DeleteCustomKeyStore(t.Context(), &kmsapi.DeleteCustomKeyStoreRequest{CustomKeyStoreId: id}); err != nil {
		t.Fatal(err)
	}
	const gone = "CustomKeyStoreNotFoundException"
	_, err = c.DescribeCustomKeyStores(t.Context(), &kmsapi.DescribeCustomKeyStoresRequest{CustomKeyStoreId: id})
	wantAnswer(t, "describe", err, gone, *id)
	_, err = c.DescribeCustomKeyStores(t.Context(), &kmsapi.DescribeCustomKeyStoresRequest{CustomKeyStoreName: new("store")})
	wantAnswer(t, "describe by name", err, gone, "store")
	_, err = c.ConnectCustomKeyStore(t.Context(), &kmsapi.ConnectCustomKeyStoreRequest{CustomKeyStoreId: id})
	wantAnswer(t, "connect", err, gone, "")
	_, err = c.DisconnectCustomKeyStore(t.Context(), &kmsapi.DisconnectCustomKeyStoreRequest{CustomKeyStoreId: id})
	wantAnswer(t, "disconnect", err, gone, "")
	_, err = c.UpdateCustomKeyStore(t.Context(), &kmsapi.UpdateCustomKeyStoreRequest{CustomKeyStoreId: id})
	wantAnswer(t, "update", err, gone, "")
	_, err = c.DeleteCustomKeyStore(t.Context(), &kmsapi.DeleteCustomKeyStoreRequest{CustomKeyStoreId: id})
	wantAnswer(t, "delete", err, gone, "")
	_, err = c.CreateKey(t.Context(), keyRequest(*id, "good"))
	wantAnswer(t, "a key", err, gone, "")
	_, err = c.GenerateRandom(t.Context(), &kmsapi.GenerateRandomRequest{NumberOfBytes: new(int32(8)), CustomKeyStoreId: id})
	wantAnswer(t, "random", err, gone, "")
}

func TestCreateCustomKeyStoreRefusals(t *testing.T) {
	h, _ := withProxy(t, func(c *Config) {
		c.ExternalKeyStores.EndpointServices = map[string]EndpointService{
			"com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0": {Owner: testAccount, DNSName: "private.example", ProxyRoute: c.ExternalKeyStores.Proxies[proxyHost]},
			"com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef1": {Owner: testAccount, DNSName: "private1.example"},
			"com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef2": {Owner: otherAccount, DNSName: "private2.example"},
		}
	})
	c := h.as(root(testAccount), testRegion).kms()
	if _, err := c.CreateCustomKeyStore(t.Context(), storeRequest("store")); err != nil {
		t.Fatal(err)
	}
	private := func(service, host string) func(*kmsapi.CreateCustomKeyStoreRequest) {
		return func(in *kmsapi.CreateCustomKeyStoreRequest) {
			in.XksProxyConnectivity = new(kmsapi.XksProxyConnectivityTypeVPCEndpointService)
			in.XksProxyVpcEndpointServiceName = new("com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef" + service)
			in.XksProxyUriEndpoint = new("https://" + host)
		}
	}
	cloudHSM := func(f func(*kmsapi.CreateCustomKeyStoreRequest)) func(*kmsapi.CreateCustomKeyStoreRequest) {
		return func(in *kmsapi.CreateCustomKeyStoreRequest) {
			*in = kmsapi.CreateCustomKeyStoreRequest{CustomKeyStoreName: new("hsm"), CloudHsmClusterId: new("cluster-abcdefghijk"),
				KeyStorePassword: new("kmsPswd"), TrustAnchorCertificate: new("certificate")}
			f(in)
		}
	}
	for _, test := range []struct {
		name   string
		change func(in *kmsapi.CreateCustomKeyStoreRequest)
		code   string
	}{
		{"private store", private("0", "private.example"), ""},
		{"name in use", func(in *kmsapi.CreateCustomKeyStoreRequest) { in.CustomKeyStoreName = new("store") }, "CustomKeyStoreNameInUseException"},
		{"address in use", func(*kmsapi.CreateCustomKeyStoreRequest) {}, "XksProxyUriInUseException"},
		{"private at a public host", private("1", proxyHost), "XksProxyUriEndpointInUseException"},
		{"private at a private host in use", private("1", "private.example"), "XksProxyUriEndpointInUseException"},
		{"endpoint service in use", private("0", "private0.example"), "XksProxyVpcEndpointServiceInUseException"},
		{"no such endpoint service", private("9", "private9.example"), "XksProxyVpcEndpointServiceNotFoundException"},
		{"endpoint service of another account", private("2", "private2.example"), "XksProxyVpcEndpointServiceNotFoundException"},
		{"endpoint service of another name", private("1", "unknown.example"), "XksProxyVpcEndpointServiceInvalidConfigurationException"},
		{"no path", func(in *kmsapi.CreateCustomKeyStoreRequest) { in.XksProxyUriPath = nil }, "ValidationException"},
		{"no endpoint", func(in *kmsapi.CreateCustomKeyStoreRequest) { in.XksProxyUriEndpoint = nil }, "ValidationException"},
		{"no credential", func(in *kmsapi.CreateCustomKeyStoreRequest) { in.XksProxyAuthenticationCredential = nil }, "ValidationException"},
		{"no connectivity", func(in *kmsapi.CreateCustomKeyStoreRequest) { in.XksProxyConnectivity = nil }, "ValidationException"},
		{"plain endpoint", func(in *kmsapi.CreateCustomKeyStoreRequest) { in.XksProxyUriEndpoint = new("http://" + proxyHost) }, "ValidationException"},
		{"endpoint service of a public store", func(in *kmsapi.CreateCustomKeyStoreRequest) {
			private("1", "x.example")(in)
			in.XksProxyConnectivity = new(kmsapi.XksProxyConnectivityTypePublicEndpoint)
		}, "ValidationException"},
		{"private store without service", func(in *kmsapi.CreateCustomKeyStoreRequest) {
			in.XksProxyConnectivity = new(kmsapi.XksProxyConnectivityTypeVPCEndpointService)
		}, "ValidationException"},
		{"HSM parameters", func(in *kmsapi.CreateCustomKeyStoreRequest) { in.KeyStorePassword = new("kmsPswd") }, "ValidationException"},
		{"wrong path", func(in *kmsapi.CreateCustomKeyStoreRequest) { in.XksProxyUriPath = new("/nobody" + xks.BasePath) }, "XksProxyInvalidConfigurationException"},
		{"wrong secret", func(in *kmsapi.CreateCustomKeyStoreRequest) {
			in.XksProxyUriEndpoint = new("https://" + proxyHost + ".")
			in.XksProxyAuthenticationCredential = apiCredential(secondCredential)
		}, "XksProxyUriUnreachableException"}, // not the listed name: not reached
		{"cluster", cloudHSM(func(*kmsapi.CreateCustomKeyStoreRequest) {}), "CloudHsmClusterNotFoundException"},
		{"no cluster", cloudHSM(func(in *kmsapi.CreateCustomKeyStoreRequest) { in.CloudHsmClusterId = nil }), "ValidationException"},
		{"no password", cloudHSM(func(in *kmsapi.CreateCustomKeyStoreRequest) { in.KeyStorePassword = nil }), "ValidationException"},
		{"no trust anchor", cloudHSM(func(in *kmsapi.CreateCustomKeyStoreRequest) { in.TrustAnchorCertificate = nil }), "ValidationException"},
		{"proxy of a cluster", cloudHSM(func(in *kmsapi.CreateCustomKeyStoreRequest) { in.XksProxyUriPath = new(proxyPath) }), "ValidationException"},
	} {
		in := storeRequest("new " + strings.ReplaceAll(test.name, " ", "-"))
		test.change(in)
		_, err := c.CreateCustomKeyStore(t.Context(), in)
		wantAnswer(t, test.name, err, test.code, "")
	}
}

func TestCustomKeyStoresAreLimitedAndListedInPages(t *testing.T) {
	h, p := withProxy(t)
	p.set(func() {
		p.instead = answering(http.StatusOK, map[string]any{"xksProxyFleetSize": 1, "xksProxyVendor": "v", "xksProxyModel": "m", "ekmVendor": "v",
			"ekmFleetDetails": []any{map[string]string{"id": "1", "model": "m", "healthStatus": "ACTIVE"}}})
	})
	c := h.as(root(testAccount), testRegion).kms()
	made := map[string]bool{}
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"} {
		in := storeRequest(name)
		in.XksProxyUriPath = new("/" + name + xks.BasePath)
		out, err := c.CreateCustomKeyStore(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		made[*out.CustomKeyStoreId] = true
	}
	_, err := c.CreateCustomKeyStore(t.Context(), storeRequest("k"))
	wantAnswer(t, "the eleventh", err, "LimitExceededException", "")
	seen := map[string]bool{}
	in := &kmsapi.DescribeCustomKeyStoresRequest{Limit: new(int32(4))}
	for pages := 1; ; pages++ {
		out, err := c.DescribeCustomKeyStores(t.Context(), in)
		if err != nil || len(out.CustomKeyStores) > 4 {
			t.Fatalf("%d entries, %v", len(out.CustomKeyStores), err)
		}
		for _, e := range out.CustomKeyStores {
			seen[*e.CustomKeyStoreId] = true
		}
		if !*out.Truncated {
			if pages != 3 {
				t.Errorf("%d pages", pages)
			}
			break
		}
		in.Marker = out.NextMarker
	}
	if !maps.Equal(seen, made) {
		t.Errorf("listed %v, made %v", seen, made)
	}
	_, err = c.DescribeCustomKeyStores(t.Context(), &kmsapi.DescribeCustomKeyStoresRequest{Marker: new("garbage")})
	wantAnswer(t, "garbage", err, "InvalidMarkerException", "")
	out, err := h.as(root(otherAccount), testRegion).kms().DescribeCustomKeyStores(t.Context(), &kmsapi.DescribeCustomKeyStoresRequest{})
	if err != nil || len(out.CustomKeyStores) != 0 {
		t.Errorf("another account sees %d stores, %v", len(out.CustomKeyStores), err)
	}
	for id := range made {
		_, err = c.GenerateRandom(t.Context(), &kmsapi.GenerateRandomRequest{NumberOfBytes: new(int32(8)), CustomKeyStoreId: &id})
		wantAnswer(t, "random", err, "UnsupportedOperationException", "")
		break
	}
}

func TestCredentialOfAConnectedStoreCanBeRotated(t *testing.T) {
	h, p := withProxy(t)
	id := h.connected()
	key := h.externalKey(id)
	c := h.as(root(testAccount), testRegion).kms()
	encrypt := func() error {
		_, err := c.Encrypt(t.Context(), &kmsapi.EncryptRequest{KeyId: key.KeyId, Plaintext: []byte("x")})
		return err
	}
	change := &kmsapi.UpdateCustomKeyStoreRequest{CustomKeyStoreId: &id, XksProxyAuthenticationCredential: apiCredential(secondCredential)}
	_, err := c.UpdateCustomKeyStore(t.Context(), change)
	wantAnswer(t, "a credential that the proxy does not know", err, "XksProxyIncorrectAuthenticationCredentialException", "")
	wantAnswer(t, "the old one still works", encrypt(), "", "")
	p.set(func() { p.credentials = []xks.Credential{firstCredential, secondCredential} })
	if _, err := c.UpdateCustomKeyStore(t.Context(), change); err != nil {
		t.Fatal(err)
	}
	p.set(func() { p.credentials = []xks.Credential{secondCredential} })
	wantAnswer(t, "the new one", encrypt(), "", "")
	if got := p.last().AccessKeyID; got != secondCredential.AccessKeyID {
		t.Errorf("signed with %s", got)
	}
}

func TestEveryConnectionErrorCodeOfAProxy(t *testing.T) {
	for _, test := range []struct {
		code  string
		spoil func(h *harness, p *testProxy)
	}{
		{"", func(*harness, *testProxy) {}},
		{"INVALID_CREDENTIALS", func(_ *harness, p *testProxy) { p.credentials = []xks.Credential{secondCredential} }},
		{"XKS_PROXY_ACCESS_DENIED", func(_ *harness, p *testProxy) { p.instead = refusing(xks.AccessDeniedException) }},
		{"XKS_PROXY_INVALID_CONFIGURATION", func(_ *harness, p *testProxy) { p.instead = refusing(xks.InvalidURIPathException) }},
		{"XKS_PROXY_INVALID_RESPONSE", func(_ *harness, p *testProxy) {
			p.instead = answering(http.StatusOK, map[string]int{"xksProxyFleetSize": 0})
		}},
		{"XKS_PROXY_NOT_REACHABLE", func(_ *harness, p *testProxy) { p.sick = true }},
		{"XKS_PROXY_TIMED_OUT", func(_ *harness, p *testProxy) { p.instead = refusing(xks.DependencyTimeoutException) }},
		{"XKS_PROXY_INVALID_TLS_CONFIGURATION", func(h *harness, p *testProxy) {
			route := h.service.keyStores.config.Proxies[proxyHost]
			route.Plain = false // the proxy does not speak TLS
			h.service.keyStores.config.Proxies[proxyHost] = route
		}},
		{"NETWORK_ERRORS", func(_ *harness, p *testProxy) {
			p.instead = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		}},
		{"XKS_VPC_ENDPOINT_SERVICE_NOT_FOUND", func(h *harness, _ *testProxy) { h.makePrivate("vpce-svc-unknown") }},
		{"XKS_VPC_ENDPOINT_SERVICE_INVALID_CONFIGURATION", func(h *harness, _ *testProxy) { h.makePrivate("vpce-svc-misnamed") }},
		{"INTERNAL_ERROR", func(h *harness, _ *testProxy) {
			h.changeStore(func(k *keyStoreRecord) { k.Proxy.Path = "not a path" })
		}},
	} {
		t.Run(test.code, func(t *testing.T) {
			h, p := withProxy(t, func(c *Config) {
				c.ExternalKeyStores.EndpointServices = map[string]EndpointService{"vpce-svc-misnamed": {Owner: testAccount, DNSName: "else.example"}}
			})
			c := h.as(root(testAccount), testRegion).kms()
			made, err := c.CreateCustomKeyStore(t.Context(), storeRequest("store"))
			if err != nil {
				t.Fatal(err)
			}
			id := made.CustomKeyStoreId
			p.set(func() { test.spoil(h, p) })
			if _, err := c.ConnectCustomKeyStore(t.Context(), &kmsapi.ConnectCustomKeyStoreRequest{CustomKeyStoreId: id}); err != nil {
				t.Fatal(err)
			}
			h.settle()
			state, code := h.connection(*id)
			if code != test.code || state != "FAILED" && test.code != "" {
				t.Fatalf("%s %s, want %s", state, code, test.code)
			}
			if test.code == "" {
				return
			}
			_, err = c.ConnectCustomKeyStore(t.Context(), &kmsapi.ConnectCustomKeyStoreRequest{CustomKeyStoreId: id})
			wantAnswer(t, "connect a failed store", err, "CustomKeyStoreInvalidStateException", "FAILED")
			_, err = c.DisconnectCustomKeyStore(t.Context(), &kmsapi.DisconnectCustomKeyStoreRequest{CustomKeyStoreId: id})
			wantAnswer(t, "disconnect a failed store", err, "", "")
			h.settle()
			if state, code := h.connection(*id); state != "DISCONNECTED" || code != "" {
				t.Errorf("%s %s", state, code)
			}
		})
	}
}

func TestConnectionGoesOnAfterARestart(t *testing.T) {
	h, _ := withProxy(t)
	c := h.as(root(testAccount), testRegion).kms()
	made, err := c.CreateCustomKeyStore(t.Context(), storeRequest("store"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.ConnectCustomKeyStore(t.Context(), &kmsapi.ConnectCustomKeyStoreRequest{CustomKeyStoreId: made.CustomKeyStoreId}); err != nil {
		t.Fatal(err)
	}
	// Another process finds the store half connected.
	h.service.keyStores = newKeyStores(h.service.keyStores.config)
	w, err := h.store.Watch(t.Context(), h.service.tables.keyStores.Key(everywhere), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	done := make(chan error)
	ctx, cancel := contextWithCancel(t)
	go func() { done <- h.service.RunKeyStores(ctx) }()
	for range 3 { // created, connecting, connected
		if _, err := w.Next(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if state, code := h.connection(*made.CustomKeyStoreId); state != "CONNECTED" {
		t.Errorf("%s %s", state, code)
	}
	cancel()
	<-done
}

func TestSecretsOfProxiesAreNowhereToBeSeen(t *testing.T) {
	h, _ := withProxy(t)
	id := h.connected()
	h.externalKey(id)
	c := h.as(root(testAccount), testRegion).kms()
	out, err := c.DescribeCustomKeyStores(t.Context(), &kmsapi.DescribeCustomKeyStoresRequest{})
	if err != nil {
		t.Fatal(err)
	}
	described, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	page, err := h.audit.Lookup(t.Context(), audit.Query{Account: testAccount, Region: testRegion, Start: h.clock.Now().Add(-1e12), End: h.clock.Now().Add(1e12), Limit: 50})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range page.Events {
		names = append(names, e.Name)
		described = append(described, e.JSON...)
	}
	for _, want := range []string{"CreateCustomKeyStore", "ConnectCustomKeyStore", "CustomKeyStoreConnectionChange", "CreateKey"} {
		if !slices.Contains(names, want) {
			t.Errorf("no record of %s", want)
		}
	}
	if bytes.Contains(described, []byte(firstCredential.SecretAccessKey)) {
		t.Error("the secret shows")
	}
}

func TestDestroyedKeyFreesItsExternalKeyAndItsStore(t *testing.T) {
	h, _ := withProxy(t)
	id := h.connected()
	c := h.as(root(testAccount), testRegion).kms()
	for range 2 { // the second time the external key is free again
		key := h.externalKey(id)
		if _, err := c.ScheduleKeyDeletion(t.Context(), &kmsapi.ScheduleKeyDeletionRequest{KeyId: key.KeyId, PendingWindowInDays: new(int32(7))}); err != nil {
			t.Fatal(err)
		}
		_, err := c.CreateKey(t.Context(), keyRequest(id, "good"))
		wantAnswer(t, "while the key waits for its deletion", err, "XksKeyAlreadyInUseException", "")
		h.clock.Advance(8 * 24 * time.Hour)
		h.runJobs()
	}
	if _, err := c.DisconnectCustomKeyStore(t.Context(), &kmsapi.DisconnectCustomKeyStoreRequest{CustomKeyStoreId: &id}); err != nil {
		t.Fatal(err)
	}
	h.settle()
	_, err := c.DeleteCustomKeyStore(t.Context(), &kmsapi.DeleteCustomKeyStoreRequest{CustomKeyStoreId: &id})
	wantAnswer(t, "delete the empty store", err, "", "")
	h.consistent()
}
