package proxy

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"fastness/internal/clock"
	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/attack"
	"fastness/internal/engine/waf/managed"
	"fastness/internal/engine/waf/request"
)

// wholeInspector is an Inspector that looks at all that is held.
type wholeInspector inspectorFunc

func (f wholeInspector) Inspect(_ context.Context, r *request.Request, v *Verdict) error {
	return f(r, v)
}
func (wholeInspector) LooksAtHeld() bool { return true }

// inspectedWhole attaches a web ACL, which compiles to inspect.
func inspectedWhole(inspect wholeInspector) func(*Config, *Options) {
	return func(c *Config, o *Options) {
		inspected(c, o, nil)
		o.Compile = func(*WebACL, Inspector) (Inspector, error) { return inspect, nil }
	}
}

// managedOptions are what web ACLs with managed groups are compiled with.
var managedOptions = sync.OnceValues(func() (o waf.Options, err error) {
	if o.Managed, err = managed.New(managed.Feeds{}); err != nil {
		return o, err
	}
	o.Attacks, err = attack.New()
	return o, err
})

// inspectedByGroups attaches a web ACL of managed groups.
func inspectedByGroups(t testing.TB) func(*Config, *Options) {
	options, err := managedOptions()
	if err != nil {
		t.Fatal(err)
	}
	return func(c *Config, o *Options) {
		acl := waf.ACL{Name: "a", DefaultAction: waf.Action{Kind: waf.Allow}}
		for i, name := range []string{"AWSManagedRulesCommonRuleSet", "AWSManagedRulesSQLiRuleSet"} {
			acl.Rules = append(acl.Rules, waf.Rule{Name: name, Priority: int32(i), Statement: waf.Statement{Managed: &waf.ManagedGroup{Vendor: "AWS", Name: name}}})
		}
		c.LoadBalancers[0].WebACL = "acl"
		c.WebACLs = []WebACL{{ARN: "acl", ACL: acl}}
		o.Compile = NewEngine(options, nil).Compile
	}
}

// upload is a form with a file of size bytes and a field behind it.
func upload(size int, field string) []byte {
	rng := rand.New(rand.NewPCG(1, uint64(size)))
	var b bytes.Buffer
	b.WriteString("--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\nContent-Type: application/pdf\r\n\r\n%PDF-1.7\n")
	for b.Len() < size {
		b.WriteByte(byte(rng.Uint32()))
	}
	fmt.Fprintf(&b, "\r\n--x\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\n%s\r\n--x--\r\n", field)
	return b.Bytes()
}

const uploadType = "multipart/form-data; boundary=x"

// summing answers with the sum of the body.
func summing(w http.ResponseWriter, r *http.Request) {
	h := sha256.New()
	n, err := io.Copy(h, r.Body)
	fmt.Fprintf(w, "%d %x %v", n, h.Sum(nil), err)
}

func sumOf(b []byte) string { return fmt.Sprintf("%d %x %v", len(b), sha256.Sum256(b), nil) }

// post sends a body, with its length or without.
func (r *rig) post(c *http.Client, contentType string, body []byte, known bool) (status int, answer string) {
	r.t.Helper()
	var reader io.Reader = bytes.NewReader(body)
	if !known {
		reader = io.MultiReader(reader)
	}
	req, err := http.NewRequest("POST", r.url("/upload"), reader)
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	res, err := c.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

func TestLongUploadsAreJudgedWhole(t *testing.T) {
	r := start(t, baseConfig(targetOf(t, backend(t, summing).URL)), inspectedByGroups(t))
	for version, c := range map[string]*http.Client{"HTTP/1.1": client(t), "HTTP/2": h2client(t)} {
		for _, size := range []int{70 << 10, 300 << 10, DefaultHeldBody - 300} {
			for _, known := range []bool{true, false} {
				good, bad := upload(size, "as we said"), upload(size, "1' or '1'='1' union select password from users -- ")
				if status, sum := r.post(c, uploadType, good, known); status != 200 || sum != sumOf(good) {
					t.Errorf("%s, %d bytes, length %v: status %d, %s", version, len(good), known, status, sum)
				}
				if status, _ := r.post(c, uploadType, bad, known); status != 403 {
					t.Errorf("%s, %d bytes, length %v: an attack behind the file got %d", version, len(bad), known, status)
				}
			}
		}
		// What is longer than what is held is refused as before.
		if status, _ := r.post(c, uploadType, upload(DefaultHeldBody+1, "as we said"), true); status != 403 {
			t.Errorf("%s: a longer body got %d", version, status)
		}
	}
	eventually(t, "nothing is held", func() bool { return r.Counters().Held == 0 })
	if n := r.Counters().HeldShort; n != 0 {
		t.Errorf("%d bodies got too little memory", n)
	}
}

func TestLongBodiesReachTargetsOfHTTP2(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(summing))
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	config := baseConfig(targetOf(t, s.URL))
	config.TargetGroups[0].Version = "HTTP2"
	r := start(t, config, inspectedByGroups(t))
	for version, c := range map[string]*http.Client{"HTTP/1.1": client(t), "HTTP/2": h2client(t)} {
		for _, known := range []bool{true, false} {
			body := upload(300<<10, "as we said")
			if status, sum := r.post(c, uploadType, body, known); status != 200 || sum != sumOf(body) {
				t.Errorf("%s, length %v: status %d, %s", version, known, status, sum)
			}
		}
	}
	eventually(t, "nothing is held", func() bool { return r.Counters().Held == 0 })
}

func TestWithoutMemoryLongBodiesAreTooLong(t *testing.T) {
	r := start(t, baseConfig(targetOf(t, backend(t, summing).URL)), inspectedByGroups(t), func(_ *Config, o *Options) { o.HeldMemory = 1 })
	body := upload(300<<10, "as we said")
	if status, _ := r.post(client(t), uploadType, body, true); status != 403 {
		t.Errorf("a body that is not held got %d", status)
	}
	body = upload(60<<10, "as we said")
	if status, sum := r.post(client(t), uploadType, body, true); status != 200 || sum != sumOf(body) {
		t.Errorf("a body that has its own memory got %d", status)
	}
	if c := r.Counters(); c.HeldShort != 1 || c.Held != 0 {
		t.Errorf("%+v", c)
	}
}

func TestTheMemoryForBodiesIsBounded(t *testing.T) {
	const bodies = 3
	var arrived sync.WaitGroup
	arrived.Add(bodies)
	held := make(chan int, bodies)
	r := start(t, baseConfig(targetOf(t, backend(t, summing).URL)), inspectedWhole(func(r *request.Request, _ *Verdict) error {
		held <- len(r.Held)
		arrived.Done()
		arrived.Wait() // so that they are held at the same time
		return nil
	}), func(_ *Config, o *Options) { o.HeldMemory = int64(heldSizes[2]) })
	var sending sync.WaitGroup
	c := client(t)
	body := upload(300<<10, "as we said")
	for range bodies {
		sending.Go(func() {
			if status, sum := r.post(c, uploadType, body, true); status != 200 || sum != sumOf(body) {
				t.Errorf("status %d, %s", status, sum)
			}
		})
	}
	sending.Wait()
	whole, beginnings := 0, 0
	for range bodies {
		switch n := <-held; n {
		case len(body):
			whole++
		case heldBody:
			beginnings++
		default:
			t.Errorf("%d bytes were held", n)
		}
	}
	if whole != 1 || beginnings != bodies-1 {
		t.Errorf("%d bodies and the beginnings of %d were held", whole, beginnings)
	}
	eventually(t, "nothing is held", func() bool { return r.Counters().Held == 0 })
}

func TestABodyIsHeldAsFarAsItIsLookedAt(t *testing.T) {
	for name, c := range map[string]struct {
		acl  waf.ACL
		want bool
	}{
		"customers' rules": {waf.ACL{DefaultAction: waf.Action{Kind: waf.Allow}, Rules: []waf.Rule{{Name: "r", Action: waf.Action{Kind: waf.Block}, Statement: waf.Statement{Byte: &waf.ByteMatch{
			Inspect: waf.Inspect{Component: request.Component{Kind: request.Body}}, Position: waf.Contains, Search: []byte("bad")}}}}}, false},
		"a managed group": {waf.ACL{DefaultAction: waf.Action{Kind: waf.Allow}, Rules: []waf.Rule{{Name: "r", Statement: waf.Statement{Managed: &waf.ManagedGroup{
			Vendor: "AWS", Name: "AWSManagedRulesCommonRuleSet"}}}}}, true},
	} {
		options, err := managedOptions()
		if err != nil {
			t.Fatal(err)
		}
		i, err := NewEngine(options, nil).Compile(&WebACL{ARN: "acl", ACL: c.acl}, nil)
		if err != nil {
			t.Fatal(err)
		}
		p := New(Options{Clock: clock.System{}, Log: slog.New(slog.DiscardHandler)})
		f := &flow{p: p, balancer: &balancer{inspector: i, attributes: Attributes{InspectedBody: 16 << 10}}}
		first, most := f.holding()
		if want := [2]int{16 << 10, 16 << 10}; !c.want && [2]int{first, most} != want || c.want && (first != heldBody || most != DefaultHeldBody) {
			t.Errorf("%s: %d and %d bytes are held", name, first, most)
		}
		if err := p.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// TestABodyThatStopsIsJudgedByWhatHasCome has clients stop behind 64 KiB: what came is judged as a body that goes on, and the rest streams.
func TestABodyThatStopsIsJudgedByWhatHasCome(t *testing.T) {
	const first, rest = 200 << 10, 100 << 10
	judged := make(chan request.Request, 1)
	config := baseConfig(targetOf(t, backend(t, func(w http.ResponseWriter, r *http.Request) {
		if err := http.NewResponseController(w).EnableFullDuplex(); err != nil {
			t.Error(err)
		}
		begun := make([]byte, first)
		if _, err := io.ReadFull(r.Body, begun); err != nil {
			t.Error(err)
		}
		_, _ = io.WriteString(w, "begun ")
		_ = http.NewResponseController(w).Flush()
		n, err := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, n, err)
	}).URL))
	inspect := inspectedWhole(func(r *request.Request, _ *Verdict) error {
		judged <- request.Request{BodyTruncated: r.HeldTruncated, Held: make([]byte, len(r.Held))}
		return nil
	})
	chunk := fmt.Sprintf("\r\n%x\r\n", rest)
	for name, m := range map[string]struct {
		head, before, soon, later, after string
		change                           func(*Config, *Options)
	}{
		// The time for all that is held is over.
		"of known length": {fmt.Sprintf("Content-Length: %d", first+rest), "", "", "", "", idleSecond},
		// The client waits for an answer.
		"in chunks": {"Transfer-Encoding: chunked", fmt.Sprintf("%x\r\n", first), "", chunk, "\r\n0\r\n\r\n", func(*Config, *Options) {}},
		// It stops in the line before a chunk.
		"within a chunk's line": {"Transfer-Encoding: chunked", fmt.Sprintf("%x\r\n", first), chunk[:3], chunk[3:], "\r\n0\r\n\r\n", func(*Config, *Options) {}},
	} {
		r := start(t, config, inspect, m.change)
		c := r.dial()
		c.send("POST / HTTP/1.1\r\nHost: h\r\n" + m.head + "\r\n\r\n" + m.before + strings.Repeat("a", first) + m.soon)
		if got := <-judged; len(got.Held) != first || !got.BodyTruncated {
			t.Errorf("%s: judged with %d bytes, goes on %v", name, len(got.Held), got.BodyTruncated)
		}
		if m.before != "" { // the answer begins before the rest comes
			if line, err := c.in.Peek(12); err != nil || string(line) != "HTTP/1.1 200" {
				t.Fatalf("%s: %q, %v", name, line, err)
			}
		}
		c.send(m.later + strings.Repeat("b", rest) + m.after)
		if a := c.receive("POST"); a.body != fmt.Sprint("begun ", rest, nil) {
			t.Errorf("%s: the target answered %q", name, a.body)
		}
	}
}

// TestStreamsOfHTTP2AreHeldTogether has as many bodies of a megabyte be held at once on one connection as its window does not have room for: none is judged before
// all are there.
func TestStreamsOfHTTP2AreHeldTogether(t *testing.T) {
	const bodies = 4
	var arrived sync.WaitGroup
	arrived.Add(bodies)
	r := start(t, baseConfig(targetOf(t, backend(t, summing).URL)), inspectedWhole(func(r *request.Request, _ *Verdict) error {
		if r.HeldTruncated {
			t.Errorf("%d bytes are held, and there are more", len(r.Held))
		}
		arrived.Done()
		arrived.Wait()
		return nil
	}))
	c := h2client(t)
	var sending sync.WaitGroup
	for i := range bodies {
		sending.Go(func() {
			body := bytes.Repeat([]byte{byte(i)}, DefaultHeldBody)
			if status, sum := r.post(c, "application/octet-stream", body, i%2 == 0); status != 200 || sum != sumOf(body) {
				t.Errorf("status %d, %s", status, sum)
			}
		})
	}
	sending.Wait()
}

func TestBodiesAreBoundedWhileTheyAreHeld(t *testing.T) {
	r := start(t, baseConfig(targetOf(t, backend(t, summing).URL)), inspectedWhole(func(*request.Request, *Verdict) error {
		t.Error("judged")
		return nil
	}), func(c *Config, _ *Options) { c.LoadBalancers[0].Attributes.MaxBody = 100_000 })
	for _, c := range []*http.Client{client(t), h2client(t)} {
		if status, _ := r.post(c, "text/plain", make([]byte, 300_000), false); status != 413 {
			t.Errorf("status %d", status)
		}
	}
}

func TestABodyIsLetGoWhenItWasSent(t *testing.T) {
	answer := make(chan struct{})
	answered := sync.OnceFunc(func() { close(answer) })
	defer answered()
	body := upload(300<<10, "as we said")
	r := start(t, baseConfig(targetOf(t, backend(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "begun")
		_ = http.NewResponseController(w).Flush()
		<-answer
	}).URL)), inspectedByGroups(t))
	req, err := http.NewRequest("POST", r.url("/"), bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", uploadType)
	res, err := client(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 200 {
		t.Errorf("status %d", res.StatusCode)
	}
	eventually(t, "nothing is held", func() bool { return r.Counters().Held == 0 })
	answered()
	if _, err := io.ReadAll(res.Body); err != nil {
		t.Error(err)
	}
}

// TestATargetMayAnswerALongBodyEarly has a target answer before it has read what was held.
func TestATargetMayAnswerALongBodyEarly(t *testing.T) {
	target := rawBackend(t, func(c net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReaderSize(c, 1<<10)); err != nil {
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
		_, _ = io.Copy(io.Discard, c)
	})
	r := start(t, baseConfig(target), inspectedWhole(func(*request.Request, *Verdict) error { return nil }))
	if status, answer := r.post(client(t), "text/plain", make([]byte, DefaultHeldBody), true); status != 401 || answer != "no" {
		t.Errorf("status %d, %q", status, answer)
	}
}

// TestALongBodyIsSentAgain has a target close the connections that were idle, when the next request comes.
func TestALongBodyIsSentAgain(t *testing.T) {
	var conns sync.Map
	target := rawBackend(t, func(c net.Conn) {
		in := bufio.NewReader(c)
		for n := 0; ; n++ {
			req, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			if n > 0 {
				return
			}
			conns.Store(c, true)
			b, _ := io.ReadAll(req.Body)
			sum := sumOf(b)
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(sum), sum)
		}
	})
	r := start(t, baseConfig(target), inspectedWhole(func(*request.Request, *Verdict) error { return nil }))
	body := bytes.Repeat([]byte("again"), 60_000)
	c := client(t)
	for range 3 {
		req, err := http.NewRequest("PUT", r.url("/"), bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		res, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != 200 || string(got) != sumOf(body) {
			t.Errorf("status %d, %s", res.StatusCode, got)
		}
	}
}

func TestContinueIsSaidOnceForALongBody(t *testing.T) {
	r := start(t, baseConfig(targetOf(t, backend(t, summing).URL)), inspectedByGroups(t))
	body := upload(300<<10, "as we said")
	conn := r.dial()
	conn.send(fmt.Sprintf("POST / HTTP/1.1\r\nHost: h\r\nUser-Agent: test\r\nContent-Type: %s\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", uploadType, len(body)))
	for _, want := range []string{"HTTP/1.1 100 Continue\r\n", "\r\n"} {
		if line, err := conn.in.ReadString('\n'); err != nil || line != want {
			t.Fatalf("%q, %v", line, err)
		}
	}
	conn.send(string(body))
	if a := conn.receive("POST"); a.StatusCode != 200 || a.body != sumOf(body) {
		t.Errorf("status %d, %s", a.StatusCode, a.body)
	}
}
