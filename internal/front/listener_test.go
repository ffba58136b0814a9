package front

import (
	"bufio"
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

// HTTP/1.1 is read by the same strict parser in both, and goes on behind a chunked body.
func TestPlainAndTLSAreReadStrictly(t *testing.T) {
	addr, roots := testServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
		_, _ = io.WriteString(w, tlsName(r))
	}))
	for _, c := range []struct {
		name string
		dial func() (net.Conn, error)
		tls  string
	}{
		{"plain", func() (net.Conn, error) { return net.Dial("tcp", addr) }, "plain"},
		{"TLS", func() (net.Conn, error) {
			return tls.Dial("tcp", addr, &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12})
		}, "TLS 1.3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn, err := c.dial()
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			const head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
			if _, err := io.WriteString(conn, head+"\r\n2\r\nab\r\n0\r\n\r\n"+head+"Content-Length: 5\r\n\r\n0\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			in := bufio.NewReader(conn)
			for i, want := range []int{http.StatusOK, http.StatusBadRequest} {
				res, err := http.ReadResponse(in, nil)
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(res.Body)
				if err != nil || res.StatusCode != want || i == 0 && string(body) != "ab"+c.tls {
					t.Errorf("%d %q %v", res.StatusCode, body, err)
				}
			}
			if _, err := in.ReadByte(); err == nil {
				t.Error("more came")
			}
		})
	}
}

func tlsName(r *http.Request) string {
	if r.TLS == nil {
		return "plain"
	}
	return tls.VersionName(r.TLS.Version)
}
