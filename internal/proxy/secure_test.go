package proxy

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"fastness/internal/engine/waf/request"
)

// certificateFor makes a certificate that signs itself.
func certificateFor(t testing.TB, arn string, names ...string) (Certificate, *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return Certificate{
		ARN:   arn,
		Chain: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		Key:   string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})),
	}, leaf
}

// secured makes the listener one of HTTPS.
func secured(t testing.TB) func(*Config, *Options) {
	return func(c *Config, _ *Options) {
		k, _ := certificateFor(t, "k1", "one.example")
		k2, _ := certificateFor(t, "k2", "two.example", "*.wild.example")
		c.Certificates = []Certificate{k, k2}
		l := &c.LoadBalancers[0].Listeners[0]
		l.Protocol, l.Certificates = "HTTPS", []string{"k1", "k2"}
	}
}

func TestChoosesTheCertificateByName(t *testing.T) {
	r := start(t, baseConfig(targetOf(t, backend(t, dump).URL)), secured(t))
	for name, want := range map[string]string{
		"one.example": "one.example", "two.example": "two.example", "TWO.example": "two.example",
		"a.wild.example": "two.example", "a.b.wild.example": "one.example", "unknown.example": "one.example", "": "one.example",
	} {
		c, err := tls.Dial("tcp", r.addr, &tls.Config{ServerName: name, InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		if got := c.ConnectionState().PeerCertificates[0].Subject.CommonName; got != want {
			t.Errorf("%q: the certificate of %s, want %s", name, got, want)
		}
		c.Close()
	}
}

func TestNewCertificatesAreUsedAtOnce(t *testing.T) {
	r := start(t, baseConfig(targetOf(t, backend(t, dump).URL)), secured(t))
	c := r.config
	k, leaf := certificateFor(t, "k1", "one.example")
	c.Certificates = []Certificate{k, c.Certificates[1]}
	if err := r.Apply(c); err != nil {
		t.Fatal(err)
	}
	conn, err := tls.Dial("tcp", r.addr, &tls.Config{ServerName: "one.example", InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if !conn.ConnectionState().PeerCertificates[0].Equal(leaf) {
		t.Error("the old certificate")
	}
}

func TestInspectorSeesFingerprintsAndTheOrderOfFields(t *testing.T) {
	var mu sync.Mutex
	var seen request.Request
	var names []string
	r := start(t, baseConfig(targetOf(t, backend(t, dump).URL)), secured(t), func(c *Config, o *Options) {
		inspected(c, o, func(r *request.Request, _ *Verdict) error {
			mu.Lock()
			defer mu.Unlock()
			seen, names = *r, nil
			for _, f := range r.Fields {
				names = append(names, f.Name)
			}
			return nil
		})
	})
	for _, version := range []string{"--http1.1", "--http2"} {
		out, err := exec.Command("curl", "-sSk", version, "-H", "Zeta: 1", "-H", "Alpha: 2", "-b", "a=1; b=2", "https://"+r.addr+"/p?q").CombinedOutput()
		if err != nil {
			t.Fatalf("curl %s: %v: %s", version, err, out)
		}
		mu.Lock()
		order := strings.ToLower(strings.Join(names, ":"))
		if seen.Target != "/p?q" || seen.Scheme != "https" || len(seen.JA3) != 32 || !strings.HasPrefix(seen.JA4, "t13i") {
			t.Errorf("%s: %+v", version, seen)
		}
		if want := "user-agent:accept:cookie:zeta:alpha"; strings.TrimPrefix(order, "host:") != want {
			t.Errorf("%s: the order of fields is %s, want %s", version, order, want)
		}
		mu.Unlock()
	}
}

func TestAnswersPlainHTTPOnASecurePort(t *testing.T) {
	r := start(t, baseConfig(targetOf(t, backend(t, dump).URL)), secured(t))
	c := r.dial()
	c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	if a := c.receive("GET"); a.StatusCode != 400 {
		t.Errorf("status %d", a.StatusCode)
	}
}

func TestOpenSSLShakesHands(t *testing.T) {
	r := start(t, baseConfig(targetOf(t, backend(t, dump).URL)), secured(t))
	for flag, want := range map[string]string{"-tls1_2": "TLSv1.2", "-tls1_3": "TLSv1.3"} {
		cmd := exec.Command("openssl", "s_client", "-connect", r.addr, flag, "-ign_eof", "-servername", "two.example")
		cmd.Stdin = strings.NewReader("GET /path HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
		out, err := cmd.CombinedOutput()
		if !bytes.Contains(out, []byte("GET /path HTTP/1.1")) || !bytes.Contains(out, []byte(want)) || !bytes.Contains(out, []byte("CN = two.example")) {
			t.Errorf("%s: %v\n%s", flag, err, out)
		}
	}
	if out, err := exec.Command("openssl", "s_client", "-connect", r.addr, "-tls1_1").CombinedOutput(); err == nil {
		t.Errorf("TLS 1.1 was taken: %s", out)
	}
}

// h2client is a client of HTTP/2 over plain connections.
func h2client(t testing.TB) *http.Client {
	tr := &http.Transport{Protocols: new(http.Protocols), DisableCompression: true}
	tr.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: patienceOfTests}
}

func TestHTTP2Bodies(t *testing.T) {
	r := start(t, baseConfig(targetOf(t, backend(t, func(w http.ResponseWriter, r *http.Request) {
		if err := http.NewResponseController(w).EnableFullDuplex(); err != nil {
			t.Error(err)
		}
		n, err := io.Copy(w, r.Body)
		if err != nil {
			t.Errorf("the target read %d bytes: %v", n, err)
		}
	}).URL)))
	c := h2client(t)
	var wg sync.WaitGroup
	for _, size := range []int{0, 1, 16 << 10, 300_000, 3_000_000} {
		for _, known := range []bool{true, false} {
			wg.Go(func() {
				body := bytes.Repeat([]byte{byte(size)}, size)
				req, err := http.NewRequest("POST", r.url("/"), io.NopCloser(bytes.NewReader(body)))
				if err != nil {
					t.Error(err)
					return
				}
				if req.ContentLength = -1; known {
					req.ContentLength = int64(size)
				}
				res, err := c.Do(req)
				if err != nil {
					t.Errorf("%d bytes: %v", size, err)
					return
				}
				defer res.Body.Close()
				if got, err := io.ReadAll(res.Body); err != nil || !bytes.Equal(got, body) {
					t.Errorf("%d bytes, known %v: %d came back, %v", size, known, len(got), err)
				}
			})
		}
	}
	wg.Wait()
}

func TestH2loadFinishesEveryRequest(t *testing.T) {
	r := start(t, baseConfig(targetOf(t, backend(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat("x", 1000)) }).URL)), secured(t))
	out, err := exec.Command("h2load", "-n2000", "-c4", "-m20", "https://"+r.addr+"/").CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("2000 succeeded, 0 failed, 0 errored, 0 timeout")) {
		t.Errorf("%v\n%s", err, out)
	}
}
