package xks

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// post sends a signed request with a body of the test's own making.
func post(t testing.TB, handler http.Handler, path, body string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "http://proxy.example"+testPrefix+BasePath+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if err := sdkSign(r, []byte(body), currentCredential, time.Now()); err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w.Result()
}

// wantAnswer checks status, content type and error name ("" for success).
func wantAnswer(t *testing.T, r *http.Response, name ErrorName) {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		ErrorName    ErrorName
		ErrorMessage string
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatalf("answer %q: %v", body, err)
	}
	status := http.StatusOK
	if name != "" {
		status = name.Status()
	}
	if answer.ErrorName != name || r.StatusCode != status || r.Header.Get("Content-Type") != "application/json" {
		t.Errorf("got %d %s, want %d %q", r.StatusCode, body, status, name)
	}
	if len(answer.ErrorMessage) > MaxErrorMessageLength || printable(answer.ErrorMessage) != answer.ErrorMessage {
		t.Errorf("error message %q breaks its bounds", answer.ErrorMessage)
	}
}

func b64(n int) string { return base64.StdEncoding.EncodeToString(make([]byte, n)) }

func encryptBody() map[string]any {
	return map[string]any{
		"requestMetadata":     requestMetadata("Encrypt"),
		"plaintext":           b64(12),
		"encryptionAlgorithm": "AES_GCM",
	}
}

func decryptBody() map[string]any {
	return map[string]any{
		"requestMetadata":      requestMetadata("Decrypt"),
		"ciphertext":           b64(12),
		"initializationVector": b64(12),
		"authenticationTag":    b64(16),
		"encryptionAlgorithm":  "AES_GCM",
	}
}

func TestServerChecksEveryMember(t *testing.T) {
	p := newProxy(t)
	handler := p.handler(t)
	drop := struct{}{}
	cases := []struct {
		name   string
		path   string
		body   func() map[string]any
		member string
		value  any
		want   ErrorName
	}{
		{"encrypt", "/keys/foo/encrypt", encryptBody, "x", 1, ""},
		{"no plaintext", "/keys/foo/encrypt", encryptBody, "plaintext", drop, ValidationException},
		{"null plaintext", "/keys/foo/encrypt", encryptBody, "plaintext", nil, ValidationException},
		{"empty plaintext", "/keys/foo/encrypt", encryptBody, "plaintext", "", ValidationException},
		{"plaintext as number", "/keys/foo/encrypt", encryptBody, "plaintext", 1, ValidationException},
		{"plaintext not Base64", "/keys/foo/encrypt", encryptBody, "plaintext", "!!!!", ValidationException},
		{"plaintext in URL Base64", "/keys/foo/encrypt", encryptBody, "plaintext", "-_-_", ValidationException},
		{"plaintext without padding", "/keys/foo/encrypt", encryptBody, "plaintext", "QQ", ValidationException},
		{"plaintext with a line break", "/keys/foo/encrypt", encryptBody, "plaintext", "QUJD\nQUJD", ValidationException},
		{"plaintext in loose Base64", "/keys/foo/encrypt", encryptBody, "plaintext", "QR==", ValidationException},
		{"largest plaintext", "/keys/foo/encrypt", encryptBody, "plaintext", b64(MaxPlaintextBytes), ""},
		{"oversized plaintext", "/keys/foo/encrypt", encryptBody, "plaintext", b64(MaxPlaintextBytes + 1), UnsupportedOperationException},
		{"largest AAD", "/keys/foo/encrypt", encryptBody, "additionalAuthenticatedData", b64(MaxAADBytes), ""},
		{"empty AAD", "/keys/foo/encrypt", encryptBody, "additionalAuthenticatedData", "", ""},
		{"oversized AAD", "/keys/foo/encrypt", encryptBody, "additionalAuthenticatedData", b64(MaxAADBytes + 1), UnsupportedOperationException},
		{"AAD not Base64", "/keys/foo/encrypt", encryptBody, "additionalAuthenticatedData", "?", ValidationException},
		{"no algorithm", "/keys/foo/encrypt", encryptBody, "encryptionAlgorithm", drop, ValidationException},
		{"other algorithm", "/keys/foo/encrypt", encryptBody, "encryptionAlgorithm", "AES_CBC", ValidationException},
		{"integrity value", "/keys/foo/encrypt", encryptBody, "ciphertextDataIntegrityValueAlgorithm", "SHA_256", ""},
		{"other integrity algorithm", "/keys/foo/encrypt", encryptBody, "ciphertextDataIntegrityValueAlgorithm", "SHA_512", ValidationException},
		{"no metadata", "/keys/foo/encrypt", encryptBody, "requestMetadata", drop, ValidationException},
		{"metadata as text", "/keys/foo/encrypt", encryptBody, "requestMetadata", "x", ValidationException},
		{"empty metadata", "/keys/foo/encrypt", encryptBody, "requestMetadata", map[string]any{}, ValidationException},
		{"unknown KMS operation", "/keys/foo/encrypt", encryptBody, "requestMetadata", requestMetadata("BulkEncrypt"), ""},
		{"longest ARN", "/keys/foo/encrypt", encryptBody, "requestMetadata", RequestMetadata{AWSPrincipalARN: strings.Repeat("a", 2048), KMSKeyARN: "k", KMSOperation: "o", KMSRequestID: "r"}, ""},
		{"ARN too long", "/keys/foo/encrypt", encryptBody, "requestMetadata", RequestMetadata{AWSPrincipalARN: strings.Repeat("a", 2049), KMSKeyARN: "k", KMSOperation: "o", KMSRequestID: "r"}, ValidationException},
		{"no key ARN", "/keys/foo/encrypt", encryptBody, "requestMetadata", RequestMetadata{AWSPrincipalARN: "a", KMSOperation: "o", KMSRequestID: "r"}, ValidationException},
		{"member in capitals", "/keys/foo/encrypt", encryptBody, "Plaintext", b64(12), ""},
		{"deep nesting", "/keys/foo/encrypt", encryptBody, "x", [][][][][]int{{{{{1}}}}}, ValidationException},
		{"long array", "/keys/foo/encrypt", encryptBody, "x", make([]int, maxJSONElements+1), ValidationException},
		{"decrypt of noise", "/keys/foo/decrypt", decryptBody, "x", 1, InvalidCiphertextException},
		{"no ciphertext", "/keys/foo/decrypt", decryptBody, "ciphertext", drop, ValidationException},
		{"empty ciphertext", "/keys/foo/decrypt", decryptBody, "ciphertext", "", InvalidCiphertextException},
		{"oversized ciphertext", "/keys/foo/decrypt", decryptBody, "ciphertext", b64(MaxPlaintextBytes + 1), UnsupportedOperationException},
		{"no IV", "/keys/foo/decrypt", decryptBody, "initializationVector", drop, ValidationException},
		{"IV of 13", "/keys/foo/decrypt", decryptBody, "initializationVector", b64(13), InvalidCiphertextException},
		{"IV of 16", "/keys/foo/decrypt", decryptBody, "initializationVector", b64(16), InvalidCiphertextException},
		{"no tag", "/keys/foo/decrypt", decryptBody, "authenticationTag", drop, ValidationException},
		{"short tag", "/keys/foo/decrypt", decryptBody, "authenticationTag", b64(12), InvalidCiphertextException},
		{"metadata of 21", "/keys/foo/decrypt", decryptBody, "ciphertextMetadata", b64(21), InvalidCiphertextException},
		{"metadata not Base64", "/keys/foo/decrypt", decryptBody, "ciphertextMetadata", "?", ValidationException},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			body := maps.Clone(c.body())
			if c.value == drop {
				delete(body, c.member)
			} else {
				body[c.member] = c.value
			}
			text, err := json.Marshal(body)
			if err != nil {
				t.Fatal(err)
			}
			wantAnswer(t, post(t, handler, c.path, string(text)), c.want)
		})
	}
}

func TestServerRefusesBadJSON(t *testing.T) {
	p := newProxy(t)
	handler := p.handler(t)
	good, err := json.Marshal(requestMetadata("KmsHealthCheck"))
	if err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string]string{
		"empty":            "",
		"noise":            "noise",
		"array":            "[]",
		"null":             "null",
		"truncated":        `{"requestMetadata":` + string(good),
		"trailing data":    `{"requestMetadata":` + string(good) + `}x`,
		"duplicate member": `{"requestMetadata":` + string(good) + `,"requestMetadata":` + string(good) + `}`,
		"invalid UTF-8":    `{"requestMetadata":` + string(good) + `,"x":"` + "\xff" + `"}`,
		"trailing comma":   `{"requestMetadata":` + string(good) + `,}`,
		"no requests":      "{}",
		"too long":         `{"requestMetadata":` + string(good) + `,"x":"` + strings.Repeat("x", MaxRequestBytes) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			wantAnswer(t, post(t, handler, "/health", body), ValidationException)
		})
	}
	wantAnswer(t, post(t, handler, "/health", `{"requestMetadata":`+string(good)+`}`), "")
}

func TestServerAuthenticatesBeforeItParses(t *testing.T) {
	p := newProxy(t)
	handler := p.handler(t)
	signed := func(change func(*http.Request)) *http.Response {
		body := []byte("not JSON")
		r := httptest.NewRequest(http.MethodPost, "http://proxy.example"+testPrefix+BasePath+"/health", bytes.NewReader(body))
		if err := sdkSign(r, body, currentCredential, time.Now()); err != nil {
			t.Fatal(err)
		}
		change(r)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w.Result()
	}
	wantAnswer(t, signed(func(*http.Request) {}), ValidationException)
	for name, change := range map[string]func(*http.Request){
		"no signature": func(r *http.Request) { r.Header.Del("Authorization") },
		"other host":   func(r *http.Request) { r.Host = "other.example" },
		"other body":   func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("{}")) },
		"other path":   func(r *http.Request) { r.URL.Path = testPrefix + BasePath + "/keys/foo/encrypt" },
		"old date":     func(r *http.Request) { r.Header.Set("X-Amz-Date", "20200101T000000Z") },
	} {
		t.Run(name, func(t *testing.T) { wantAnswer(t, signed(change), AuthenticationFailedException) })
	}
}

// anyone accepts every signature, so that fuzzing reaches the parser.
type anyone struct{}

func (anyone) Verify(*http.Request, []byte, CredentialLookup) (string, error) { return "", nil }

func FuzzRequestBody(f *testing.F) {
	for _, body := range []map[string]any{encryptBody(), decryptBody()} {
		text, err := json.Marshal(body)
		if err != nil {
			f.Fatal(err)
		}
		f.Add("/keys/foo/encrypt", text)
		f.Add("/keys/foo/decrypt", text)
	}
	f.Add("/health", []byte(`{"requestMetadata":{"kmsRequestId":"1","kmsOperation":"KmsHealthCheck"}}`))
	f.Add("/keys/foo/metadata", []byte(`{"requestMetadata":{}}`))
	keys := newMemoryKeys()
	server, err := NewServer(ServerConfig{
		Tenant:   func(string) (*Tenant, bool) { return &Tenant{Keys: keys}, true },
		Verifier: anyone{},
		Now:      time.Now,
		Timeout:  time.Minute,
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path string, body []byte) {
		r := httptest.NewRequest(http.MethodPost, "http://proxy.example/", bytes.NewReader(body))
		r.URL.Path = BasePath + path
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		answer := map[string]any{}
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Fatalf("answer %q", w.Body.Bytes())
		}
		name, _ := answer["errorName"].(string)
		if w.Code == http.StatusOK && name != "" || w.Code != http.StatusOK && ErrorName(name).Status() != w.Code {
			t.Fatalf("%d %s", w.Code, w.Body.Bytes())
		}
		if w.Code == http.StatusInternalServerError {
			t.Fatalf("internal error for %q", body)
		}
	})
}

func BenchmarkServerEncrypt(b *testing.B) {
	keys := newMemoryKeys()
	server, err := NewServer(ServerConfig{
		Tenant:   func(string) (*Tenant, bool) { return &Tenant{Keys: keys}, true },
		Verifier: anyone{},
		Now:      time.Now,
	})
	if err != nil {
		b.Fatal(err)
	}
	body, err := json.Marshal(encryptBody())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest(http.MethodPost, "http://proxy.example"+BasePath+"/keys/foo/encrypt", bytes.NewReader(body))
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatalf("%d %s", w.Code, w.Body.Bytes())
		}
	}
}
