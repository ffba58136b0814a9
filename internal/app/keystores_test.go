package app

import (
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"fastness/internal/service/kms"
)

func TestKeyStoreSettings(t *testing.T) {
	s := KeyStoreSettings{
		Proxies:          "a.example, B.example=10.0.0.7:8443,c.example=http://127.0.0.1:8180",
		EndpointServices: "com.amazonaws.vpce.us-east-1.vpce-svc-1=111122223333/D.example@10.0.0.8:443,com.amazonaws.vpce.us-east-1.vpce-svc-2=111122223333/e.example",
	}
	got, err := s.KeyStores()
	if err != nil {
		t.Fatal(err)
	}
	if want := map[string]kms.ProxyRoute{
		"a.example": {}, "b.example": {Address: "10.0.0.7:8443"}, "c.example": {Address: "127.0.0.1:8180", Plain: true},
	}; !maps.Equal(got.Proxies, want) {
		t.Errorf("proxies %v", got.Proxies)
	}
	if want := map[string]kms.EndpointService{
		"com.amazonaws.vpce.us-east-1.vpce-svc-1": {Owner: "111122223333", DNSName: "d.example", ProxyRoute: kms.ProxyRoute{Address: "10.0.0.8:443"}},
		"com.amazonaws.vpce.us-east-1.vpce-svc-2": {Owner: "111122223333", DNSName: "e.example"},
	}; !maps.Equal(got.EndpointServices, want) {
		t.Errorf("endpoint services %v", got.EndpointServices)
	}
	if got.TLS != nil {
		t.Error("TLS is configured without any setting of it")
	}
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]KeyStoreSettings{
		"URL as host":      {Proxies: "https://a.example"},
		"no host":          {Proxies: "=127.0.0.1:80"},
		"no owner":         {EndpointServices: "com.amazonaws.vpce.us-east-1.vpce-svc-1=d.example"},
		"no name":          {EndpointServices: "=111122223333/d.example"},
		"no DNS name":      {EndpointServices: "x=111122223333/"},
		"no authorities":   {CA: empty},
		"no such file":     {CA: empty + "x"},
		"certificate only": {Cert: empty},
	} {
		if _, err := s.KeyStores(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestOwnAddresses(t *testing.T) {
	for listen, want := range map[string][]netip.AddrPort{
		"192.0.2.1:443":      {netip.MustParseAddrPort("192.0.2.1:443")},
		":443":               {netip.MustParseAddrPort("[::]:443")},
		"[2001:db8::1]:4566": {netip.MustParseAddrPort("[2001:db8::1]:4566")},
		"nowhere":            nil,
	} {
		if got := ownAddresses(listen); !slices.Equal(got, want) {
			t.Errorf("%s: %v", listen, got)
		}
	}
}

func TestReadKMSQuotas(t *testing.T) {
	dir := t.TempDir()
	file := func(text string) string {
		path := filepath.Join(dir, "quotas.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, choice := range []string{"", QuotasOff} {
		if got, err := ReadKMSQuotas(choice); got.Requests != nil || got.Resources != nil || err != nil {
			t.Errorf("%q: %v, %v", choice, got, err)
		}
	}
	if got, err := ReadKMSQuotas(QuotasAWS); err != nil || !maps.Equal(got.Requests, kms.AWSRequestQuotas()) || got.Resources != nil {
		t.Errorf("AWS's: %v, %v", got, err)
	}
	if got, err := ReadKMSQuotas(file(`{"CreateKey": 0.5}`)); err != nil || !maps.Equal(got.Requests, map[string]float64{"CreateKey": 0.5}) {
		t.Errorf("a file: %v, %v", got, err)
	}
	got, err := ReadKMSQuotas(file(`{"CreateKey": 2, "Keys": 7, "GrantsPerKey": 100000}`))
	if err != nil || !maps.Equal(got.Requests, map[string]float64{"CreateKey": 2}) || !maps.Equal(got.Resources, map[string]int{"Keys": 7, "GrantsPerKey": 100_000}) {
		t.Errorf("a file with resource quotas: %v, %v", got, err)
	}
	for _, text := range []string{``, `[]`, `{"CreateKey": "5"}`, `{"Keys": 0}`, `{"Keys": -1}`, `{"Keys": 1.5}`, `{"Keys": 1e9}`} {
		if _, err := ReadKMSQuotas(file(text)); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
	if _, err := ReadKMSQuotas(filepath.Join(dir, "none")); err == nil {
		t.Error("a file that is not there is taken")
	}
}
