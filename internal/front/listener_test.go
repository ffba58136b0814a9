package front

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"fastness/internal/ca"
)

func testServer(t *testing.T, h http.Handler) (addr string, roots *x509.CertPool) {
	t.Helper()
	authority, err := ca.New(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	certPEM, keyPEM, err := authority.IssueServer(time.Now(), time.Hour, []string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Listen(t.Context(), "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}}, h, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
	})
	roots = x509.NewCertPool()
	roots.AppendCertsFromPEM(authority.CertificatePEM())
	return s.Addr().String(), roots
}

func TestOnePortServesPlainTLSAndBothHTTPVersions(t *testing.T) {
	addr, roots := testServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Proto)
	}))
	h2c := new(http.Protocols)
	h2c.SetUnencryptedHTTP2(true)
	h1 := new(http.Protocols)
	h1.SetHTTP1(true)
	h2 := new(http.Protocols)
	h2.SetHTTP2(true)
	for _, c := range []struct {
		name, url, want string
		protocols       *http.Protocols
	}{
		{"plain HTTP/1.1", "http://" + addr, "HTTP/1.1", h1},
		{"plain HTTP/2 with prior knowledge", "http://" + addr, "HTTP/2.0", h2c},
		{"TLS HTTP/1.1", "https://" + addr, "HTTP/1.1", h1},
		{"TLS HTTP/2", "https://" + addr, "HTTP/2.0", h2},
	} {
		t.Run(c.name, func(t *testing.T) {
			transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, Protocols: c.protocols}
			defer transport.CloseIdleConnections()
			res, err := (&http.Client{Transport: transport}).Get(c.url)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			if err != nil || string(body) != c.want {
				t.Fatalf("got %q, %v; want %q", body, err, c.want)
			}
		})
	}
}

func TestSilentConnectionHoldsUpNobody(t *testing.T) {
	addr, _ := testServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "ok")
	}))
	for range 20 {
		silent, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer silent.Close()
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	res, err := (&http.Client{Transport: transport, Timeout: 5 * time.Second}).Get("http://" + addr)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
}
