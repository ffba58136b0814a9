package xks

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func health(c *Client) error {
	_, err := c.GetHealthStatus(context.Background(), RequestMetadata{KMSOperation: "KmsHealthCheck", KMSRequestID: "1"})
	return err
}

func describe(c *Client) error {
	_, err := c.GetKeyMetadata(context.Background(), goodKey, requestMetadata("CreateKey"))
	return err
}

// listen returns a listener whose connections are handed to serve.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go serve(conn)
		}
	}()
	return l.Addr().String()
}

// hang reads and never answers; it ends with the client's side.
func hang(conn net.Conn) {
	defer conn.Close()
	_, _ = io.Copy(io.Discard, conn)
}

func TestFailuresAreToldApart(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refusing := closed.Addr().String()
	closed.Close()

	hanging := listen(t, hang)
	breaking := listen(t, func(conn net.Conn) {
		buffer := make([]byte, 1)
		_, _ = conn.Read(buffer)
		conn.Close()
	})
	talking := listen(t, func(conn net.Conn) {
		defer conn.Close()
		buffer := make([]byte, 4096)
		_, _ = conn.Read(buffer)
		_, _ = conn.Write([]byte("220 mail.example ESMTP\r\n"))
	})
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	_, securePort, err := net.SplitHostPort(secure.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	trusted.AddCert(secure.Certificate())
	old := httptest.NewUnstartedServer(http.NotFoundHandler())
	old.Config.ErrorLog = log.New(io.Discard, "", 0)
	old.TLS = &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}
	old.StartTLS()
	t.Cleanup(old.Close)

	cases := []struct {
		name     string
		endpoint string
		option   func(*ClientConfig)
		want     FailureKind
		code     ConnectionErrorCode
	}{
		{"connection refused", "http://" + refusing, nil, Unreachable, CodeProxyNotReachable},
		{"name does not resolve", "https://proxy.invalid", func(c *ClientConfig) {
			c.Dial = func(_ context.Context, _, address string) (net.Conn, error) {
				return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: address, IsNotFound: true}}
			}
		}, Unreachable, CodeProxyNotReachable},
		{"no answer over plain", "http://" + hanging, short, TimedOut, CodeProxyTimedOut},
		{"no answer in the TLS handshake", "https://" + hanging, short, TimedOut, CodeProxyTimedOut},
		{"connection broken", "http://" + breaking, nil, ConnectionLost, CodeNetworkErrors},
		{"not HTTP", "http://" + talking, nil, InvalidResponse, CodeProxyInvalidResponse},
		{"not TLS", "https://" + talking, nil, TLSFailed, CodeProxyInvalidTLSConfiguration},
		{"certificate of an unknown authority", secure.URL, nil, TLSFailed, CodeProxyInvalidTLSConfiguration},
		{"certificate of another name", "https://localhost:" + securePort, func(c *ClientConfig) {
			c.TLS = &tls.Config{RootCAs: trusted}
		}, TLSFailed, CodeProxyInvalidTLSConfiguration},
		{"certificate expired", secure.URL, func(c *ClientConfig) {
			c.TLS = &tls.Config{RootCAs: trusted, Time: func() time.Time { return secure.Certificate().NotAfter.Add(time.Hour) }}
		}, TLSFailed, CodeProxyInvalidTLSConfiguration},
		{"TLS 1.1", old.URL, nil, TLSFailed, CodeProxyInvalidTLSConfiguration},
		{"signer fails", "http://" + refusing, func(c *ClientConfig) {
			c.Sign = func(*http.Request, []byte, Credential, time.Time) error { return errors.New("no key") }
		}, Internal, CodeInternalError},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var options []func(*ClientConfig)
			if c.option != nil {
				options = append(options, c.option)
			}
			err := health(newTestClient(t, c.endpoint, options...))
			wantCallError(t, err, c.want)
			if code := ConnectionErrorCodeOf(err); code != c.code {
				t.Errorf("code %s, want %s", code, c.code)
			}
		})
	}
}

func short(c *ClientConfig) { c.Timeout = 50 * time.Millisecond }

// TestStoppedProxyIsReportedInTime stops a proxy in the middle of its work, both
// ways: its socket closed, and its process frozen with the socket open.
func TestStoppedProxyIsReportedInTime(t *testing.T) {
	const limit = 400 * time.Millisecond
	atDefault := func(c *ClientConfig) { c.Timeout = 0 }
	measure := func(t *testing.T, c *Client, want FailureKind) {
		t.Helper()
		began := time.Now()
		err := describe(c)
		if took := time.Since(began); took >= limit {
			t.Errorf("reported after %v", took)
		}
		wantCallError(t, err, want)
	}
	t.Run("closed", func(t *testing.T) {
		p := newProxy(t)
		c := p.client(t)
		if err := describe(c); err != nil {
			t.Fatal(err)
		}
		p.CloseClientConnections()
		p.Close()
		measure(t, c, Unreachable)
	})
	t.Run("frozen", func(t *testing.T) {
		measure(t, newTestClient(t, "http://"+listen(t, hang), atDefault), TimedOut)
	})
}

func TestDeadKeptConnectionIsReplaced(t *testing.T) {
	p := newProxy(t)
	c := p.client(t)
	for range 3 {
		if err := describe(c); err != nil {
			t.Fatal(err)
		}
		p.CloseClientConnections()
	}
}

func TestCallerGivesUp(t *testing.T) {
	c := newTestClient(t, "http://"+listen(t, hang))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for range breakerThreshold + 1 {
		if _, err := c.GetKeyMetadata(ctx, goodKey, requestMetadata("CreateKey")); !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v", err)
		}
	}
	// What callers abandon does not open the circuit.
	if _, refused := c.breaker.admit(); refused != nil {
		t.Error("circuit open")
	}
}

func TestCircuitOpensProbesAndCloses(t *testing.T) {
	var now atomic.Int64
	var calls atomic.Int64
	var broken atomic.Bool
	broken.Store(true)
	p := newProxy(t)
	c := p.client(t, func(config *ClientConfig) {
		config.Now = func() time.Time { return time.Now().Add(time.Duration(now.Load())) }
		config.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			calls.Add(1)
			if broken.Load() {
				return nil, &net.OpError{Op: "dial", Err: errors.New("refused")}
			}
			return new(net.Dialer).DialContext(ctx, network, address)
		}
	})
	for range breakerThreshold {
		wantCallError(t, describe(c), Unreachable)
	}
	before := calls.Load()
	err := describe(c)
	wantCallError(t, err, Unreachable)
	var failure *CallError
	if !errors.As(err, &failure) || !failure.CircuitOpen || calls.Load() != before {
		t.Errorf("circuit not open: %v after %d dials", err, calls.Load()-before)
	}
	// After the pause one call probes; it fails, and the circuit stays open.
	now.Add(int64(breakerPause))
	wantCallError(t, describe(c), Unreachable)
	if calls.Load() != before+1 {
		t.Errorf("%d probes", calls.Load()-before)
	}
	wantCallError(t, describe(c), Unreachable)
	if calls.Load() != before+1 {
		t.Error("called while open")
	}
	// A health check is sent regardless, and its success closes the circuit.
	broken.Store(false)
	if err := health(c); err != nil {
		t.Fatal(err)
	}
	if err := describe(c); err != nil {
		t.Errorf("after recovery: %v", err)
	}
}

func sealedAnswer() map[string]any {
	return map[string]any{
		"ciphertext":           b64(12),
		"initializationVector": b64(12),
		"authenticationTag":    b64(16),
	}
}

// answering serves one fixed answer.
func answering(t testing.TB, status int, header http.Header, body []byte) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		maps.Copy(w.Header(), header)
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}))
	t.Cleanup(s.Close)
	return s
}

func TestClientChecksEncryptAnswers(t *testing.T) {
	integrity := DataIntegrityValue([]byte("aad"), Sealed{make([]byte, 12), nil, make([]byte, 12), make([]byte, 16)})
	wrong := sha256.Sum256(nil)
	cases := []struct {
		name      string
		member    string
		value     any
		integrity bool
		good      bool
	}{
		{"plain", "x", 1, false, true},
		{"IV of 16", "initializationVector", b64(16), false, true},
		{"metadata of 20", "ciphertextMetadata", b64(20), false, true},
		{"integrity", "ciphertextDataIntegrityValue", base64.StdEncoding.EncodeToString(integrity[:]), true, true},
		{"integrity missing", "x", 1, true, false},
		{"integrity wrong", "ciphertextDataIntegrityValue", base64.StdEncoding.EncodeToString(wrong[:]), true, false},
		{"integrity empty", "ciphertextDataIntegrityValue", "", true, false},
		{"ciphertext missing", "ciphertext", nil, false, false},
		{"ciphertext longer", "ciphertext", b64(13), false, false},
		{"ciphertext as number", "ciphertext", 1, false, false},
		{"IV of 13", "initializationVector", b64(13), false, false},
		{"IV missing", "initializationVector", nil, false, false},
		{"tag of 12", "authenticationTag", b64(12), false, false},
		{"tag not Base64", "authenticationTag", "%%%", false, false},
		{"metadata of 21", "ciphertextMetadata", b64(21), false, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			answer := sealedAnswer()
			answer[c.member] = c.value
			body, err := json.Marshal(answer)
			if err != nil {
				t.Fatal(err)
			}
			s := answering(t, http.StatusOK, nil, body)
			_, err = newTestClient(t, s.URL).Encrypt(t.Context(), goodKey, EncryptInput{
				Metadata: requestMetadata("Encrypt"), Plaintext: make([]byte, 12), AAD: []byte("aad"), Integrity: c.integrity,
			})
			if c.good {
				if err != nil {
					t.Errorf("got %v", err)
				}
				return
			}
			wantCallError(t, err, InvalidResponse)
			if c.integrity != errors.Is(err, ErrIntegrity) {
				t.Errorf("integrity error: %v", err)
			}
		})
	}
}

func TestClientRefusesMalformedAnswers(t *testing.T) {
	good := `{"xksProxyFleetSize":1,"xksProxyVendor":"v","xksProxyModel":"m","ekmVendor":"e","ekmFleetDetails":[{"id":"1","model":"m","healthStatus":"DEGRADED"}]}`
	if err := health(newTestClient(t, answering(t, 200, nil, []byte(good)).URL)); err != nil {
		t.Fatal(err)
	}
	eleven := "[" + strings.Repeat(`{"id":"1","model":"m","healthStatus":"ACTIVE"},`, 10) + `{"id":"1","model":"m","healthStatus":"ACTIVE"}]`
	cases := map[string]struct {
		status int
		body   string
	}{
		"empty":                  {200, ""},
		"not JSON":               {200, "<html>"},
		"array":                  {200, "[]"},
		"fleet of zero":          {200, strings.Replace(good, ":1,", ":0,", 1)},
		"fleet of a fraction":    {200, strings.Replace(good, ":1,", ":1.5,", 1)},
		"fleet as text":          {200, strings.Replace(good, ":1,", `:"1",`, 1)},
		"no vendor":              {200, strings.Replace(good, "xksProxyVendor", "x", 1)},
		"unknown health":         {200, strings.Replace(good, "DEGRADED", "FINE", 1)},
		"eleven key managers":    {200, good[:strings.Index(good, "[")] + eleven + "}"},
		"no key managers":        {200, good[:strings.Index(good, "[")] + "[]}"},
		"key manager as text":    {200, good[:strings.Index(good, "[")] + `["x"]}`},
		"too long":               {200, `{"x":"` + strings.Repeat("x", MaxResponseBytes) + `"}`},
		"other success status":   {201, good},
		"error without body":     {500, ""},
		"error of another world": {400, `{"errorName":"TeapotException"}`},
		"error without name":     {400, `{"errorMessage":"x"}`},
		"duplicate error name":   {400, `{"errorName":"ValidationException","errorName":"InternalException"}`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			err := health(newTestClient(t, answering(t, c.status, nil, []byte(c.body)).URL))
			wantCallError(t, err, InvalidResponse)
			if ScenarioOf(err) != ScenarioMalformedResponse {
				t.Errorf("scenario %d", ScenarioOf(err))
			}
		})
	}
	t.Run("redirect", func(t *testing.T) {
		elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			t.Error("the redirect was followed")
		}))
		defer elsewhere.Close()
		s := answering(t, http.StatusTemporaryRedirect, http.Header{"Location": {elsewhere.URL}}, nil)
		wantCallError(t, health(newTestClient(t, s.URL)), InvalidResponse)
	})
	t.Run("plaintext of another length", func(t *testing.T) {
		s := answering(t, 200, nil, []byte(`{"plaintext":"`+b64(11)+`"}`))
		_, err := newTestClient(t, s.URL).Decrypt(t.Context(), goodKey, DecryptInput{
			requestMetadata("Decrypt"), Sealed{make([]byte, 12), nil, make([]byte, 12), make([]byte, 16)}, nil})
		wantCallError(t, err, InvalidResponse)
	})
	for name, body := range map[string]string{
		"no usage":       `{"keySpec":"AES_256","keyStatus":"ENABLED"}`,
		"eleven usages":  `{"keySpec":"AES_256","keyStatus":"ENABLED","keyUsage":["1","2","3","4","5","6","7","8","9","10","11"]}`,
		"unknown status": `{"keySpec":"AES_256","keyStatus":"BLOCKED","keyUsage":[]}`,
		"number usage":   `{"keySpec":"AES_256","keyStatus":"ENABLED","keyUsage":[1]}`,
	} {
		t.Run(name, func(t *testing.T) {
			wantCallError(t, describe(newTestClient(t, answering(t, 200, nil, []byte(body)).URL)), InvalidResponse)
		})
	}
}

func TestProxyMessagesStayInTheLog(t *testing.T) {
	long := "se\x01cret\u00e9 " + strings.Repeat("m", 600)
	body, err := json.Marshal(map[string]string{"errorName": "InternalException", "errorMessage": long})
	if err != nil {
		t.Fatal(err)
	}
	err = describe(newTestClient(t, answering(t, 500, nil, body).URL))
	wantProxyError(t, err, InternalException)
	var p *ProxyError
	if !errors.As(err, &p) || strings.Contains(err.Error(), "mmm") || len(p.Message) != MaxErrorMessageLength || strings.ContainsAny(p.Message, "\x01\u00e9") {
		t.Errorf("error %q, message %q", err, p.Message)
	}
}

func TestClientRefusesInputOutOfBounds(t *testing.T) {
	c := newTestClient(t, "http://proxy.invalid")
	m := requestMetadata("Encrypt")
	good := Sealed{make([]byte, 12), nil, make([]byte, 12), make([]byte, 16)}
	for name, call := range map[string]func() error{
		"key id":         func() error { _, err := c.GetKeyMetadata(t.Context(), "a/b", m); return err },
		"key id of dots": func() error { _, err := c.GetKeyMetadata(t.Context(), "..", m); return err },
		"long key id":    func() error { _, err := c.GetKeyMetadata(t.Context(), strings.Repeat("k", 129), m); return err },
		"no plaintext":   func() error { _, err := c.Encrypt(t.Context(), "k", EncryptInput{Metadata: m}); return err },
		"long plaintext": func() error {
			_, err := c.Encrypt(t.Context(), "k", EncryptInput{Metadata: m, Plaintext: make([]byte, 4301)})
			return err
		},
		"long AAD": func() error {
			_, err := c.Encrypt(t.Context(), "k", EncryptInput{Metadata: m, Plaintext: []byte{1}, AAD: make([]byte, 8193)})
			return err
		},
		"no IV": func() error {
			s := good
			s.IV = nil
			_, err := c.Decrypt(t.Context(), "k", DecryptInput{m, s, nil})
			return err
		},
		"long ciphertext": func() error {
			s := good
			s.Ciphertext = make([]byte, 4301)
			_, err := c.Decrypt(t.Context(), "k", DecryptInput{m, s, nil})
			return err
		},
	} {
		if err := call(); !errors.Is(err, ErrInput) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNewClientChecksItsConfiguration(t *testing.T) {
	good := ClientConfig{Endpoint: "https://proxy.example", Path: BasePath, Credential: currentCredential, Sign: sdkSign, Now: time.Now}
	if _, err := NewClient(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*ClientConfig){
		"plain":         func(c *ClientConfig) { c.Endpoint = "http://proxy.example" },
		"no scheme":     func(c *ClientConfig) { c.Endpoint = "proxy.example" },
		"no host":       func(c *ClientConfig) { c.Endpoint = "https://" },
		"path":          func(c *ClientConfig) { c.Endpoint = "https://proxy.example/x" },
		"user":          func(c *ClientConfig) { c.Endpoint = "https://u@proxy.example" },
		"query":         func(c *ClientConfig) { c.Endpoint = "https://proxy.example?x" },
		"wrong path":    func(c *ClientConfig) { c.Path = "/kms/xks/v2" },
		"relative path": func(c *ClientConfig) { c.Path = "p" + BasePath },
		"empty segment": func(c *ClientConfig) { c.Path = "/p/" + BasePath },
		"bad character": func(c *ClientConfig) { c.Path = "/p.q" + BasePath },
		"long path":     func(c *ClientConfig) { c.Path = "/" + strings.Repeat("p", 128) + BasePath },
		"access key":    func(c *ClientConfig) { c.Credential.AccessKeyID = "lowercaseaccesskeyid" },
		"secret":        func(c *ClientConfig) { c.Credential.SecretAccessKey = "short" },
		"no signer":     func(c *ClientConfig) { c.Sign = nil },
		"no clock":      func(c *ClientConfig) { c.Now = nil },
	} {
		config := good
		change(&config)
		if _, err := NewClient(config); err == nil {
			t.Errorf("%s: accepted", name)
		} else if strings.Contains(err.Error(), "currentSecret") {
			t.Errorf("%s: the error tells the secret", name)
		}
	}
	if s := fmt.Sprintf("%v %+v %#v", currentCredential, currentCredential, currentCredential); strings.Contains(s, "currentSecret") {
		t.Errorf("the secret is printed: %s", s)
	}
}

func FuzzAnswers(f *testing.F) {
	body, err := json.Marshal(sealedAnswer())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(200, body)
	f.Add(200, []byte(`{"xksProxyFleetSize":1,"xksProxyVendor":"v","xksProxyModel":"m","ekmVendor":"e","ekmFleetDetails":[{"id":"1","model":"m","healthStatus":"ACTIVE"}]}`))
	f.Add(200, []byte(`{"keySpec":"AES_256","keyUsage":["ENCRYPT"],"keyStatus":"ENABLED"}`))
	f.Add(400, []byte(`{"errorName":"ValidationException","errorMessage":"x"}`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if p, ok := parseError(status, body); ok && (p.Name.Status() == 0 || len(p.Message) > MaxErrorMessageLength) {
			t.Errorf("error %+v", p)
		}
		answer, err := parseObject(body)
		if err != nil {
			return
		}
		if s, _, err := parseSealed(answer, 12); err == nil && (checkSealed(*s) != nil || len(s.Ciphertext) != 12) {
			t.Errorf("sealed %+v", s)
		}
		if k, err := parseKeyMetadata(answer); err == nil && len(k.KeyUsage) > MaxKeyUsages {
			t.Errorf("key %+v", k)
		}
		if h, err := parseHealth(answer); err == nil && (h.FleetSize < 1 || len(h.FleetDetails) == 0) {
			t.Errorf("health %+v", h)
		}
	})
}

func BenchmarkClientEncrypt(b *testing.B) {
	c := newProxy(b).client(b)
	in := EncryptInput{Metadata: requestMetadata("Encrypt"), Plaintext: make([]byte, 128), Integrity: true}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Encrypt(context.Background(), goodKey, in); err != nil {
			b.Fatal(err)
		}
	}
}
