package xks

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"net/http/httptest"
	"testing"
	"time"
)

// authority issues client certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB) authority {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test root"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return authority{cert, key}
}

func (a authority) issue(t testing.TB, name string, usage x509.ExtKeyUsage, notAfter time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: notAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{usage},
	}, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func TestMutualTLSLetsOnlyTheKeyServiceIn(t *testing.T) {
	root, stranger := newAuthority(t), newAuthority(t)
	roots := x509.NewCertPool()
	roots.AddCert(root.cert)
	name := ClientCommonName("eu-west-1")
	if name != "cks.kms.eu-west-1.amazonaws.com" {
		t.Fatalf("name %s", name)
	}
	later := time.Now().Add(time.Hour)

	p := &proxy{keys: newMemoryKeys(), events: make(chan Event, 64)}
	p.tenant = &Tenant{Credentials: []Credential{currentCredential}, Keys: p.keys}
	p.Server = httptest.NewUnstartedServer(p.handler(t))
	p.Config.ErrorLog = log.New(io.Discard, "", 0)
	p.TLS = &tls.Config{}
	p.StartTLS()
	t.Cleanup(p.Close)
	// httptest made its certificate; further listeners wear it under the policy.
	policy := ClientCertificatePolicy{Roots: roots, CommonName: name, Now: time.Now}
	listen := func(secure *tls.Config) *recorder {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		wire := &recorder{Listener: listener, written: make(chan []byte, 64)}
		go func() { _ = p.Config.Serve(tls.NewListener(wire, secure)) }()
		t.Cleanup(func() { listener.Close() })
		return wire
	}
	required, asked := listen(RequireClientCertificate(p.TLS, policy)), listen(AskClientCertificate(p.TLS, policy))

	trusted := x509.NewCertPool()
	trusted.AddCert(p.Certificate())
	cases := []struct {
		name        string
		certificate *tls.Certificate
		good        bool
	}{
		{"the key service", new(root.issue(t, name, x509.ExtKeyUsageClientAuth, later)), true},
		{"no certificate", nil, false},
		{"another name", new(root.issue(t, ClientCommonName("us-east-1"), x509.ExtKeyUsageClientAuth, later)), false},
		{"another authority", new(stranger.issue(t, name, x509.ExtKeyUsageClientAuth, later)), false},
		{"expired", new(root.issue(t, name, x509.ExtKeyUsageClientAuth, time.Now().Add(-time.Hour))), false},
		{"server certificate", new(root.issue(t, name, x509.ExtKeyUsageServerAuth, later)), false},
	}
	for _, c := range cases {
		for version, versionName := range map[uint16]string{tls.VersionTLS12: "TLS 1.2", tls.VersionTLS13: "TLS 1.3"} {
			for port, wire := range map[string]*recorder{"required": required, "asked for": asked} {
				t.Run(c.name+" over "+versionName+", "+port, func(t *testing.T) {
					config := &tls.Config{RootCAs: trusted, ServerName: "example.com", MaxVersion: version, MinVersion: version}
					if c.certificate != nil {
						// Unlike Certificates, this sends it even to an authority not asked for.
						config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
							return c.certificate, nil
						}
					}
					wire.drain()
					client := newTestClient(t, "https://"+wire.Addr().String(), func(cc *ClientConfig) { cc.TLS = config })
					err := health(client)
					if c.good || c.certificate == nil && wire == asked {
						if err != nil {
							t.Errorf("got %v", err)
						}
						return
					}
					wantCallError(t, err, TLSFailed)
					if code := ConnectionErrorCodeOf(err); code != CodeProxyInvalidTLSConfiguration {
						t.Errorf("code %s", code)
					}
					if version == tls.VersionTLS12 && !wire.saw(handshakeFailureRecord[:]) {
						t.Error("no handshake_failure alert on the wire")
					}
				})
			}
		}
	}
}

// recorder keeps what a server writes on its connections.
type recorder struct {
	net.Listener
	written chan []byte
}

func (r *recorder) Accept() (net.Conn, error) {
	conn, err := r.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return recordedConn{conn, r.written}, nil
}

func (r *recorder) drain() { r.saw(nil) }

// saw empties the record and reports whether one write was want.
func (r *recorder) saw(want []byte) bool {
	found := false
	for {
		select {
		case b := <-r.written:
			found = found || bytes.Equal(b, want)
		default:
			return found
		}
	}
}

type recordedConn struct {
	net.Conn
	written chan<- []byte
}

func (c recordedConn) Write(b []byte) (int, error) {
	select {
	case c.written <- bytes.Clone(b):
	default:
	}
	return c.Conn.Write(b)
}

func TestUnconfiguredPolicyLetsNobodyIn(t *testing.T) {
	root := newAuthority(t)
	pair := root.issue(t, "n", x509.ExtKeyUsageClientAuth, time.Now().Add(time.Hour))
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(root.cert)
	for name, policy := range map[string]ClientCertificatePolicy{
		"no roots": {CommonName: "n", Now: time.Now},
		"no name":  {Roots: roots, Now: time.Now},
		"no clock": {Roots: roots, CommonName: "n"},
	} {
		if policy.Check([]*x509.Certificate{leaf}) == nil {
			t.Errorf("%s: let in", name)
		}
	}
	if err := (ClientCertificatePolicy{roots, "n", time.Now}).Check([]*x509.Certificate{leaf}); err != nil {
		t.Errorf("good policy: %v", err)
	}
}
