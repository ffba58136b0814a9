package secretsagent

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	"fastness/internal/clock"
)

// api is a server that speaks awsJson 1.1 for the operations the agent calls. It keeps
// real state, which tests change between requests.
type api struct {
	*httptest.Server
	mu         sync.Mutex
	secrets    map[string]map[string]any // by id and version: "name", "name@stage"
	parameters map[string]map[string]any // by name with selector
	fail       func(w http.ResponseWriter) bool
	calls      []string
	entered    chan struct{} // a request that waits says so
	gate       chan struct{} // if not nil, answers wait for it
}

func newAPI(t *testing.T) *api {
	t.Helper()
	a := &api{secrets: map[string]map[string]any{}, parameters: map[string]map[string]any{}, entered: make(chan struct{}, 100)}
	a.Server = httptest.NewServer(a)
	t.Cleanup(a.Close)
	return a
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct {
		SecretID       string `json:"SecretId"`
		VersionID      string `json:"VersionId"`
		VersionStage   string
		Name           string
		WithDecryption bool
	}
	body, err := io.ReadAll(r.Body)
	if err == nil && bytes.HasPrefix(body, []byte("{")) {
		err = json.Unmarshal(body, &in)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	a.mu.Lock()
	target := r.Header.Get("X-Amz-Target")
	a.calls = append(a.calls, target)
	gate := a.gate
	a.mu.Unlock()
	if gate != nil {
		a.entered <- struct{}{}
		select {
		case <-gate:
		case <-r.Context().Done():
			return
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.fail != nil && a.fail(w) {
		return
	}
	switch target {
	case "secretsmanager.GetSecretValue":
		id := in.SecretID
		for _, v := range []string{in.VersionID, in.VersionStage} {
			if v != "" {
				id += "@" + v
			}
		}
		if s, ok := a.secrets[id]; ok {
			writeJSON(w, http.StatusOK, s)
			return
		}
		apiError(w, http.StatusBadRequest, "ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
	case "AmazonSSM.GetParameter":
		p, ok := a.parameters[in.Name]
		if !ok {
			apiError(w, http.StatusBadRequest, "ParameterNotFound", "")
			return
		}
		if p["Type"] == "SecureString" && !in.WithDecryption {
			p = map[string]any{"Name": p["Name"], "Type": p["Type"], "Value": "Y2lwaGVydGV4dA==", "Version": p["Version"]}
		}
		writeJSON(w, http.StatusOK, map[string]any{"Parameter": p})
	default:
		apiError(w, http.StatusBadRequest, "UnknownOperationException", "")
	}
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func apiError(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("X-Amzn-ErrorType", code)
	writeJSON(w, status, map[string]string{"__type": code, "message": message})
}

// put gives a secret a value.
func (a *api) put(id, value string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.secrets[id] = map[string]any{
		"ARN": "arn:aws:secretsmanager:us-east-1:111122223333:secret:" + id + "-NhBWsc", "Name": id,
		"VersionId": "5767290c-d089-49ed-b97c-17086f8c9d79", "SecretString": value,
		"VersionStages": []string{"AWSCURRENT"}, "CreatedDate": 1569534789.046,
	}
}

func (a *api) failWith(f func(http.ResponseWriter) bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fail = f
}

// asked is how many requests have come.
func (a *api) asked() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.calls)
}

// upstream is the SDK's clients, for the server.
func (a *api) upstream(t *testing.T) *Upstream {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": a.URL, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example",
		"AWS_MAX_ATTEMPTS": "1", "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
	} {
		t.Setenv(name, value)
	}
	u, err := Connect(t.Context(), UpstreamOptions{MaxConnections: 3, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// testToken is the token of tests.
const testToken = "4-chosen-by-fair-dice-roll"

// running is an agent on a port.
type running struct {
	*Agent
	base  string
	clock *clock.Manual
	log   *lockedBuffer
	stop  func() error
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func start(t *testing.T, source Source, change func(*Config)) *running {
	t.Helper()
	c := DefaultConfig()
	c.Port = 0
	if change != nil {
		change(&c)
	}
	token, err := NewToken(testToken)
	if err != nil {
		t.Fatal(err)
	}
	r := &running{clock: clock.NewManual(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)), log: new(lockedBuffer)}
	log := slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if r.Agent, err = New(c, token, source, r.clock, log); err != nil {
		t.Fatal(err)
	}
	l, err := Listen(t.Context(), netip.AddrPortFrom(c.Address, c.Port))
	if err != nil {
		t.Fatal(err)
	}
	r.base = "http://" + l.Addr().String()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	served := make(chan error, 1)
	go func() { served <- r.Serve(ctx, l) }()
	r.stop = sync.OnceValue(func() error { cancel(); return <-served })
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Errorf("serving: %v", err)
		}
	})
	return r
}

// request makes a request with a connection of its own.
func (r *running) request(t *testing.T, method, path string, header ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, r.base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

const tokenHeader = "X-Aws-Parameters-Secrets-Token"

// get asks with the token.
func (r *running) get(t *testing.T, path string) (int, string) {
	t.Helper()
	return r.request(t, http.MethodGet, path, tokenHeader, testToken)
}

func (r *running) want(t *testing.T, path string, status int, body string) {
	t.Helper()
	if s, b := r.get(t, path); s != status || b != body {
		t.Errorf("%s: %d %s\nwant %d %s", path, s, b, status, body)
	}
}

// secretBody is the answer of the AWS Secrets Manager Agent for a secret of put. The
// form is that which its own tests expect: the date is text.
func secretBody(id, value string) string {
	return fmt.Sprintf(`{"ARN":"arn:aws:secretsmanager:us-east-1:111122223333:secret:%s-NhBWsc","Name":"%s","VersionId":"5767290c-d089-49ed-b97c-17086f8c9d79","SecretString":"%s","VersionStages":["AWSCURRENT"],"CreatedDate":"1569534789.046"}`, id, id, value)
}

func TestSecretIsAnsweredInBothWays(t *testing.T) {
	a := newAPI(t)
	a.put("prod/db", "hunter2")
	r := start(t, a.upstream(t), nil)
	want := secretBody("prod/db", "hunter2")
	r.want(t, "/secretsmanager/get?secretId=prod/db", 200, want)
	r.want(t, "/secretsmanager/get?secretId=prod%2Fdb", 200, want)
	r.want(t, "/v1/prod/db", 200, want)
	if n := a.asked(); n != 1 {
		t.Errorf("upstream was asked %d times", n)
	}
	if s, b := r.request(t, "GET", "/v1/prod/db", "X-Vault-Token", testToken); s != 200 || b != want {
		t.Errorf("with the other header: %d %s", s, b)
	}
}

func TestSecretBinaryAndVersions(t *testing.T) {
	a := newAPI(t)
	a.secrets["b@AWSPREVIOUS"] = map[string]any{"ARN": "arn", "Name": "b", "VersionId": "v", "SecretBinary": []byte{0, 255, '<'}, "VersionStages": []string{"AWSPREVIOUS", "x"}}
	a.secrets["b@0123456789abcdef0123456789abcdef"] = map[string]any{"Name": "b", "SecretString": "<&>\"\\\n\u2028é"}
	r := start(t, a.upstream(t), nil)
	r.want(t, "/secretsmanager/get?secretId=b&versionStage=AWSPREVIOUS", 200, `{"ARN":"arn","Name":"b","VersionId":"v","SecretBinary":"AP88","VersionStages":["AWSPREVIOUS","x"],"CreatedDate":null}`)
	r.want(t, "/v1/b?versionId=0123456789abcdef0123456789abcdef", 200, `{"ARN":null,"Name":"b","VersionId":null,"SecretString":"<&>\"\\\n`+"\u2028é"+`","CreatedDate":null}`)
}

func TestParameterIsAnsweredAsTheExtensionDoes(t *testing.T) {
	a := newAPI(t)
	secure := map[string]any{
		"ARN": "arn:aws:ssm:us-east-1:111122223333:parameter/p", "DataType": "text", "Name": "/p", "Type": "SecureString",
		"Value": "v", "Version": 3, "LastModifiedDate": 1569534789.046,
	}
	a.parameters["/p"], a.parameters["/p:3"], a.parameters["/p:live"] = secure, secure, secure
	r := start(t, a.upstream(t), nil)
	want := `{"Parameter":{"ARN":"arn:aws:ssm:us-east-1:111122223333:parameter/p","DataType":"text","LastModifiedDate":"2019-09-26T21:53:09.046Z","Name":"/p","Selector":null,"SourceResult":null,"Type":"SecureString","Value":"v","Version":3},"ResultMetadata":{}}`
	for _, q := range []string{"name=/p", "name=%2Fp&version=3", "name=%2Fp&label=live"} {
		r.want(t, "/systemsmanager/parameters/get?withDecryption=true&"+q, 200, want)
	}
	r.want(t, "/systemsmanager/parameters/get?name=/p", 200, `{"Parameter":{"ARN":null,"DataType":null,"LastModifiedDate":null,"Name":"/p","Selector":null,"SourceResult":null,"Type":"SecureString","Value":"Y2lwaGVydGV4dA==","Version":3},"ResultMetadata":{}}`)
	r.want(t, "/systemsmanager/parameters/get?name=/q", 400, `{"__type":"ParameterNotFound", "message":""}`)
}

// The statuses and texts are those of the AWS Secrets Manager Agent.
func TestRefusals(t *testing.T) {
	a := newAPI(t)
	a.put("s", "hunter2")
	r := start(t, a.upstream(t), nil)
	for _, c := range []struct {
		name, method, path string
		header             []string
		status             int
		body               string
	}{
		{"no token", "GET", "/secretsmanager/get?secretId=s", nil, 403, "Bad Token"},
		{"wrong token", "GET", "/secretsmanager/get?secretId=s", []string{tokenHeader, "wrong"}, 403, "Bad Token"},
		{"no token for nothing", "GET", "/nothing", nil, 403, "Bad Token"},
		{"empty token", "GET", "/v1/s", []string{tokenHeader, ""}, 403, "Bad Token"},
		{"forwarded", "GET", "/v1/s", []string{tokenHeader, testToken, "X-Forwarded-For", "10.0.0.1"}, 400, "Forwarded"},
		{"forwarded without a token", "GET", "/v1/s", []string{"X-Forwarded-For", ""}, 400, "Forwarded"},
		{"post", "POST", "/v1/s", []string{tokenHeader, testToken}, 405, "Not allowed"},
		{"post to ping", "POST", "/ping", nil, 405, "Not allowed"},
		{"ping", "GET", "/ping", nil, 200, "healthy"},
		{"forwarded ping", "GET", "/ping", []string{"X-Forwarded-For", "10.0.0.1"}, 200, "healthy"},
		{"no such path", "GET", "/v2/s", []string{tokenHeader, testToken}, 404, "Not found"},
		{"no id in the path", "GET", "/v1/", []string{tokenHeader, testToken}, 400, "missing secret ID"},
		{"no id", "GET", "/secretsmanager/get", []string{tokenHeader, testToken}, 400, "missing parameter secretId"},
		{"unknown parameter", "GET", "/secretsmanager/get?secretId=s&abc=123", []string{tokenHeader, testToken}, 400, "unknown parameter: abc"},
		{"id in path and query", "GET", "/v1/s?secretId=t", []string{tokenHeader, testToken}, 400, "unknown parameter: secretId"},
		{"refresh", "GET", "/v1/s?refreshNow=123", []string{tokenHeader, testToken}, 400, "invalid refreshNow value"},
		{"no name", "GET", "/systemsmanager/parameters/get", []string{tokenHeader, testToken}, 400, "missing parameter name"},
		{"not found", "GET", "/v1/t", []string{tokenHeader, testToken}, 400, `{"__type":"ResourceNotFoundException", "message":"Secrets Manager can't find the specified secret."}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if s, b := r.request(t, c.method, c.path, c.header...); s != c.status || b != c.body {
				t.Errorf("%d %q, want %d %q", s, b, c.status, c.body)
			}
		})
	}
	if n := a.asked(); n != 1 {
		t.Errorf("upstream was asked %d times", n)
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	a := newAPI(t)
	a.put("s", "hunter2")
	r := start(t, a.upstream(t), func(c *Config) { c.MaxConnections = 2 })
	for range 2 {
		c, err := net.Dial("tcp", r.base[len("http://"):])
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		// An answer shows that the connection has been accepted.
		if _, err := io.WriteString(c, "GET /ping HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
	r.want(t, "/v1/s", 429, "Connection limit exceeded")
	r.want(t, "/ping", 200, "healthy")
}

func TestNothingSecretIsLoggedAndValuesAreWiped(t *testing.T) {
	a := newAPI(t)
	a.put("s", "hunter2-canary")
	a.secrets["broken"] = map[string]any{"SecretString": map[string]string{"hunter2-canary": "hunter2-canary"}}
	r := start(t, a.upstream(t), nil)
	r.get(t, "/v1/s")
	r.get(t, "/v1/s?refreshNow=true")
	r.get(t, "/v1/broken")
	r.request(t, "GET", "/v1/s", tokenHeader, "hunter2-canary")
	if s := r.cache.arena.Stats(); s.Secrets != 1 {
		t.Errorf("%d values are held", s.Secrets)
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if s := r.cache.arena.Stats(); s.Secrets != 0 || s.MappedBytes != 0 {
		t.Errorf("after the end, %d values are held in %d bytes", s.Secrets, s.MappedBytes)
	}
	if log := r.log.String(); bytes.Contains([]byte(log), []byte("hunter2")) || bytes.Contains([]byte(log), []byte(testToken)) {
		t.Errorf("the log has a secret:\n%s", log)
	}
}

func TestErrorsOfUpstream(t *testing.T) {
	a := newAPI(t)
	u := a.upstream(t)
	for _, c := range []struct {
		name   string
		fail   func(http.ResponseWriter) bool
		status int
		body   string
		class  Class
	}{
		{"denied", func(w http.ResponseWriter) bool {
			apiError(w, 400, "AccessDeniedException", `User: "x" is not authorized`)
			return true
		}, 400, `{"__type":"AccessDeniedException", "message":"User: \"x\" is not authorized"}`, Refused},
		{"expired", func(w http.ResponseWriter) bool { apiError(w, 403, "ExpiredTokenException", "expired"); return true }, 403, `{"__type":"ExpiredTokenException", "message":"expired"}`, Refused},
		{"throttled", func(w http.ResponseWriter) bool {
			apiError(w, 400, "ThrottlingException", "Rate exceeded")
			return true
		}, 400, `{"__type":"ThrottlingException", "message":"Rate exceeded"}`, Unreachable},
		{"internal", func(w http.ResponseWriter) bool { apiError(w, 500, "InternalServiceError", "oops"); return true }, 500, `{"__type":"InternalServiceError", "message":"oops"}`, Unreachable},
		{"hung up", func(http.ResponseWriter) bool { panic(http.ErrAbortHandler) }, 502, `{"__type":"ConnectionError", "message":"Read Error"}`, Unreachable},
		{"no API", func(w http.ResponseWriter) bool { http.Error(w, "<html>", http.StatusForbidden); return true }, 502, `{"__type":"ConnectionError", "message":"Response Error"}`, Failed},
		{"no API, and broken", func(w http.ResponseWriter) bool { http.Error(w, "<html>", http.StatusServiceUnavailable); return true }, 502, `{"__type":"ConnectionError", "message":"Response Error"}`, Unreachable},
		{"too long", func(w http.ResponseWriter) bool {
			writeJSON(w, 200, map[string]any{"SecretString": string(bytes.Repeat([]byte("x"), maxUpstreamBytes))})
			return true
		}, 502, `{"__type":"ConnectionError", "message":"Response Error"}`, Failed},
	} {
		t.Run(c.name, func(t *testing.T) {
			a.failWith(c.fail)
			r := start(t, u, nil)
			r.want(t, "/v1/s", c.status, c.body)
			_, err := u.Secret(t.Context(), SecretQuery{ID: "s"})
			if f, ok := err.(*Failure); !ok || f.Class != c.class {
				t.Errorf("%#v, want class %d", err, c.class)
			}
		})
	}
}

func TestTimeoutOfUpstream(t *testing.T) {
	a := newAPI(t)
	a.gate = make(chan struct{})
	u := a.upstream(t)
	u.o.SecretTimeout = time.Millisecond
	start(t, u, nil).want(t, "/v1/s", 504, `{"__type":"TimeoutError", "message":"Timeout"}`)
}

func TestMissingCredentialsAreNotAnUnreachableServer(t *testing.T) {
	a := newAPI(t)
	a.upstream(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	u, err := Connect(t.Context(), UpstreamOptions{MaxConnections: 1})
	if err != nil {
		t.Fatal(err)
	}
	_, err = u.Secret(t.Context(), SecretQuery{ID: "s"})
	if f, ok := err.(*Failure); !ok || f.Class != Failed || f.Code != internalFailure {
		t.Errorf("%v", err)
	}
}

func TestListenRefusesOtherAddresses(t *testing.T) {
	if l, err := Listen(t.Context(), netip.MustParseAddrPort("0.0.0.0:0")); err == nil {
		l.Close()
		t.Error("it listens on all addresses")
	}
}

func TestClientAsksAgent(t *testing.T) {
	a := newAPI(t)
	a.put("s", `{"k":"<v>"}`)
	a.parameters["/p:2"] = map[string]any{"Name": "/p", "Type": "String", "Value": "pv", "Version": 2}
	a.parameters["/p:live"] = map[string]any{"Name": "/p", "Type": "String", "Value": "lv", "Version": 1}
	r := start(t, a.upstream(t), nil)
	c, err := NewClient(r.base, testToken)
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Secret(t.Context(), SecretQuery{ID: "s"})
	if err != nil || s.String == nil || *s.String != `{"k":"<v>"}` {
		t.Errorf("%+v, %v", s, err)
	}
	for selector, want := range map[string]string{"2": "pv", "live": "lv"} {
		p, err := c.Parameter(t.Context(), ParameterQuery{Name: "/p", Selector: selector})
		if err != nil || p.Value != want {
			t.Errorf("%s: %+v, %v", selector, p, err)
		}
	}
	if _, err := c.Secret(t.Context(), SecretQuery{ID: "t"}); err == nil || err.Error() != "ResourceNotFoundException: Secrets Manager can't find the specified secret." {
		t.Error(err)
	}
	if c, err = NewClient(r.base, "wrong"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Secret(t.Context(), SecretQuery{ID: "s"}); err == nil || err.Error() != "Forbidden: the agent says: Bad Token" {
		t.Error(err)
	}
	for _, base := range []string{"", "https://127.0.0.1:2773", "http://10.0.0.1:2773", "http://example.com", "http://u:p@127.0.0.1", "http://127.0.0.1/x", "http://127.0.0.1.example.com"} {
		if _, err := NewClient(base, "x"); err == nil {
			t.Errorf("%q is an agent", base)
		}
	}
}
