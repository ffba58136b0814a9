//go:build conformance

package sigv4

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"fastness/internal/sigv4"
)

// suiteCases is the number of cases in the suite; fewer mean a broken copy.
const suiteCases = 38

// testCase is one folder of the suite.
type testCase struct {
	name, dir string
	Creds     struct {
		AccessKeyID string `json:"access_key_id"`
		Secret      string `json:"secret_access_key"`
		Token       string `json:"token"`
	} `json:"credentials"`
	Normalize bool      `json:"normalize"`
	Region    string    `json:"region"`
	Service   string    `json:"service"`
	Timestamp time.Time `json:"timestamp"`
	OmitToken bool      `json:"omit_session_token"`
}

func load(t *testing.T) []testCase {
	t.Helper()
	root := os.Getenv("FASTNESS_VECTORS")
	if root == "" {
		t.Fatal("FASTNESS_VECTORS is not set; run make conformance")
	}
	dirs, err := filepath.Glob(filepath.Join(root, "sigv4", "v4", "*", "context.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []testCase
	for _, file := range dirs {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Dir(file)
		c := testCase{name: filepath.Base(dir), dir: dir}
		if err := json.Unmarshal(text, &c); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		cases = append(cases, c)
	}
	if len(cases) != suiteCases {
		t.Fatalf("%d cases, want %d", len(cases), suiteCases)
	}
	return cases
}

func (c *testCase) file(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(c.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (c *testCase) rules() sigv4.Rules {
	r := sigv4.Rules{Region: c.Region, Service: c.Service, TokenAfterSigning: c.OmitToken}
	if !c.Normalize {
		r.Path = sigv4.PathVerbatim
	}
	return r
}

// wire is a request before it becomes a sigv4.Request.
type wire struct {
	method, target string
	header         [][2]string
	body           string
}

// parseWire reads a request of the suite. net/http would refuse those with a space
// or raw UTF-8 in the target, so the suite is read by hand.
func parseWire(t *testing.T, text string) wire {
	t.Helper()
	head, body, _ := strings.Cut(text, "\n\n")
	lines := strings.Split(head, "\n")
	first, last := strings.Index(lines[0], " "), strings.LastIndex(lines[0], " ")
	if first < 0 || first == last {
		t.Fatalf("request line %q", lines[0])
	}
	w := wire{method: lines[0][:first], target: lines[0][first+1 : last], body: body}
	for _, line := range lines[1:] {
		if line == "" {
			continue
		}
		if line[0] == ' ' || line[0] == '\t' { // obsolete folding, joined as net/http does
			w.header[len(w.header)-1][1] += " " + strings.TrimSpace(line)
			continue
		}
		name, value, _ := strings.Cut(line, ":")
		w.header = append(w.header, [2]string{name, value})
	}
	return w
}

// request is w as net/http would hand it over.
func (w wire) request() sigv4.Request {
	r := sigv4.Request{Method: w.method, Target: w.target, Header: http.Header{}}
	if w.body != "" {
		r.ContentLength = -1 // unless a header tells
	}
	for _, h := range w.header {
		switch name := textproto.CanonicalMIMEHeaderKey(h[0]); name {
		case "Host":
			r.Host = h[1]
		case "Content-Length":
			n, err := strconv.ParseInt(h[1], 10, 64)
			if err != nil {
				n = -1
			}
			r.ContentLength = n
		default:
			r.Header[name] = append(r.Header[name], h[1])
		}
	}
	return r
}

func (w wire) clone() wire {
	w.header = slices.Clone(w.header)
	return w
}

// verify is what a server does: the access key id chooses the secret, because a
// header signature covers the id in no other way.
func (c *testCase) verify(v *sigv4.Verifier, w wire, secret string) error {
	s, err := sigv4.Parse(w.request())
	if err != nil {
		return err
	}
	if s.AccessKeyID != c.Creds.AccessKeyID {
		return v.VerifyUnknown(s, c.rules(), []byte(w.body))
	}
	return v.Verify(s, []byte(secret), c.rules(), []byte(w.body))
}

type fixed time.Time

func (f fixed) Now() time.Time { return time.Time(f) }

func verifier(t *testing.T, c *testCase) *sigv4.Verifier {
	t.Helper()
	v, err := sigv4.NewVerifier(sigv4.Options{Clock: fixed(c.Timestamp)})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestSuite(t *testing.T) {
	for _, c := range load(t) {
		for _, kind := range []string{"header", "query"} {
			t.Run(c.name+"/"+kind, func(t *testing.T) {
				w := parseWire(t, c.file(t, kind+"-signed-request.txt"))
				v := verifier(t, &c)
				if err := c.verify(v, w, c.Creds.Secret); err != nil {
					t.Fatal(err)
				}
				err := c.verify(v, w, c.Creds.Secret+"x")
				var e *sigv4.Error
				if !errors.As(err, &e) || e.Kind != sigv4.KindMismatch {
					t.Fatalf("another secret: %v", err)
				}
				if want := c.file(t, kind+"-canonical-request.txt"); e.CanonicalRequest != want {
					t.Errorf("canonical request\n%s\nwant\n%s", e.CanonicalRequest, want)
				}
				if want := c.file(t, kind+"-string-to-sign.txt"); e.StringToSign != want {
					t.Errorf("string to sign\n%s\nwant\n%s", e.StringToSign, want)
				}
				if want := strings.TrimSpace(c.file(t, kind+"-signature.txt")); e.SignatureProvided != want {
					t.Errorf("signature %s, want %s", e.SignatureProvided, want)
				}
			})
		}
	}
}

// TestSuiteChanged changes each byte of the method, the path, the query, each signed
// header, the signature and the scope, and the payload: each must be refused.
func TestSuiteChanged(t *testing.T) {
	count := 0
	for _, c := range load(t) {
		for _, kind := range []string{"header", "query"} {
			t.Run(c.name+"/"+kind, func(t *testing.T) {
				w := parseWire(t, c.file(t, kind+"-signed-request.txt"))
				v := verifier(t, &c)
				s, err := sigv4.Parse(w.request())
				if err != nil {
					t.Fatal(err)
				}
				refuse := func(what string, changed wire) {
					t.Helper()
					count++
					var e *sigv4.Error
					if err := c.verify(v, changed, c.Creds.Secret); !errors.As(err, &e) {
						t.Errorf("%s: accepted (%v)\n%+v", what, err, changed)
					}
				}
				for i := range w.method {
					m := w.clone()
					m.method = change(w.method, i)
					refuse("method", m)
				}
				// The suite's token of this case is added after signing: no signature
				// covers it.
				uncovered := strings.Index(w.target, "&X-Amz-Security-Token=")
				if !c.OmitToken {
					uncovered = -1
				}
				for i := range len(w.target) {
					if uncovered >= 0 && i > uncovered && i < strings.Index(w.target, "&X-Amz-Signature=") {
						continue
					}
					m := w.clone()
					m.target = change(w.target, i)
					if c.Normalize && samePath(m.target, w.target) {
						continue // a segment that ".." takes away is not signed
					}
					refuse(fmt.Sprintf("target byte %d", i), m)
				}
				for h, header := range w.header {
					name := strings.ToLower(header[0])
					if name != "authorization" && !s.Signed(name) {
						continue
					}
					for i := range len(header[1]) {
						m := w.clone()
						m.header[h][1] = change(header[1], i)
						refuse(fmt.Sprintf("%s byte %d", name, i), m)
					}
					gone := w.clone()
					gone.header = slices.Delete(gone.header, h, h+1)
					refuse(name+" removed", gone)
					twice := w.clone()
					twice.header = append(twice.header, [2]string{name, "x"})
					if name != "host" && name != "content-length" { // net/http refuses these itself
						refuse(name+" repeated", twice)
					}
				}
				more := w.clone()
				more.body += "x"
				refuse("payload longer", more)
				for i := range len(w.body) {
					m := w.clone()
					m.body = change(w.body, i)
					refuse("payload", m)
				}
				added := w.clone()
				added.header = append(added.header, [2]string{"X-Amz-Target", "Other.Operation"})
				refuse("unsigned x-amz-target", added)
				param := w.clone()
				if strings.Contains(param.target, "?") {
					param.target += "&Extra=1"
				} else {
					param.target += "?Extra=1"
				}
				refuse("another parameter", param)
			})
		}
	}
	t.Logf("%d changed requests", count)
}

// samePath tells whether two targets differ only in what normalization removes.
func samePath(a, b string) bool {
	pathA, queryA, _ := strings.Cut(a, "?")
	pathB, queryB, _ := strings.Cut(b, "?")
	return queryA == queryB && strings.HasPrefix(pathA, "/") && path.Clean(pathA) == path.Clean(pathB) &&
		strings.HasSuffix(pathA, "/") == strings.HasSuffix(pathB, "/")
}

// change replaces one byte by a letter that is not what was there, in either case.
func change(v string, i int) string {
	b := []byte(v)
	if b[i]|0x20 == 'z' {
		b[i] = 'q'
	} else {
		b[i] = 'z'
	}
	return string(b)
}
