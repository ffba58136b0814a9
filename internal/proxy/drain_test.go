package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"fastness/internal/engine/waf/request"
)

// TestNoRequestIsLostWhenTheConfigurationChanges changes targets, rules, certificates and the
// web ACL while clients of HTTP/1.1 and HTTP/2 send requests as fast as they can.
func TestNoRequestIsLostWhenTheConfigurationChanges(t *testing.T) {
	handler := func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		fmt.Fprint(w, len(b))
	}
	a, b := targetOf(t, backend(t, handler).URL), targetOf(t, backend(t, handler).URL)
	var generation atomic.Int64
	r := start(t, baseConfig(a), func(c *Config, o *Options) {
		inspected(c, o, nil)
		o.Compile = func(*WebACL, Inspector) (Inspector, error) {
			generation.Add(1)
			return inspectorFunc(func(*request.Request, *Verdict) error { return nil }), nil
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	var sending sync.WaitGroup
	var sent atomic.Int64
	body := strings.Repeat("x", 20_000)
	for i := range 8 {
		sending.Go(func() {
			c := client(t)
			if i%2 == 1 {
				c = h2client(t)
			}
			for ctx.Err() == nil {
				res, err := c.Post(r.url("/"), "text/plain", strings.NewReader(body))
				if err != nil {
					t.Errorf("a request was lost: %v", err)
					return
				}
				got, err := io.ReadAll(res.Body)
				res.Body.Close()
				if err != nil || res.StatusCode != 200 || string(got) != "20000" {
					t.Errorf("status %d, %q, %v", res.StatusCode, got, err)
					return
				}
				sent.Add(1)
			}
		})
	}
	for i := range 40 {
		before := sent.Load()
		c := baseConfig([][]Target{{a}, {b}, {a, b}}[i%3]...)
		c.LoadBalancers[0].WebACL = "acl"
		c.WebACLs = []WebACL{{ARN: "acl"}}
		c.WebACLs[0].ACL.Name = fmt.Sprint(i)
		if i%4 == 0 { // another listener comes and goes
			c.LoadBalancers = append(c.LoadBalancers, c.LoadBalancers[0])
			c.LoadBalancers[1].Listeners = []Listener{c.LoadBalancers[0].Listeners[0]}
			c.LoadBalancers[1].Listeners[0].ARN = "l2"
		}
		if err := r.Apply(c); err != nil {
			t.Fatal(err)
		}
		eventually(t, "requests go on", func() bool { return sent.Load() > before+20 || t.Failed() })
	}
	cancel()
	sending.Wait()
	if generation.Load() < 40 {
		t.Errorf("%d programs were made", generation.Load())
	}
}

// TestShutdownLosesNoRequest ends the proxy while requests are answered.
func TestShutdownLosesNoRequest(t *testing.T) {
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2"} {
		reached, release := make(chan struct{}, 8), make(chan struct{})
		r := start(t, baseConfig(targetOf(t, backend(t, func(w http.ResponseWriter, _ *http.Request) {
			reached <- struct{}{}
			<-release
			fmt.Fprint(w, "done")
		}).URL)))
		c := client(t)
		if protocol == "HTTP/2" {
			c = h2client(t)
		}
		var sending sync.WaitGroup
		for range 8 {
			sending.Go(func() {
				res, err := c.Get(r.url("/"))
				if err != nil {
					t.Errorf("%s: %v", protocol, err)
					return
				}
				defer res.Body.Close()
				if b, err := io.ReadAll(res.Body); string(b) != "done" {
					t.Errorf("%s: %q, %v", protocol, b, err)
				}
			})
		}
		for range 8 {
			<-reached
		}
		ended := make(chan error, 1)
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), patienceOfTests)
			defer cancel()
			ended <- r.Shutdown(ctx)
		}()
		eventually(t, "nothing listens", func() bool { return r.Addr("l") == nil })
		select {
		case err := <-ended:
			t.Errorf("%s: ended before the requests: %v", protocol, err)
		default:
		}
		close(release)
		if err := <-ended; err != nil {
			t.Errorf("%s: %v", protocol, err)
		}
		sending.Wait()
	}
}

// scripted is a Source that gives what it is told.
type scripted struct {
	next chan any // Config or error
	n    uint64
}

func (s *scripted) Watch(ctx context.Context, after uint64) (Config, uint64, error) {
	select {
	case v := <-s.next:
		if err, bad := v.(error); bad {
			return Config{}, 0, err
		}
		s.n++
		return v.(Config), s.n, nil
	case <-ctx.Done():
		return Config{}, 0, ctx.Err()
	}
}

func TestFollowsASourceAndKeepsTheLastGoodConfiguration(t *testing.T) {
	r := start(t, baseConfig(targetOf(t, backend(t, dump).URL)))
	fixed := func(body string) Config {
		c := baseConfig(targetOf(t, "127.0.0.1:1"))
		c.LoadBalancers[0].Listeners[0].Default = Action{Fixed: &FixedResponse{Status: 200, Body: body}}
		return c
	}
	s := &scripted{next: make(chan any)}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx, s) }()
	s.next <- fixed("first")
	s.next <- Config{LoadBalancers: []LoadBalancer{{Listeners: []Listener{{Protocol: "x"}}}}}
	s.next <- errors.New("away")
	if a := r.get("/"); a.body != "first" {
		t.Errorf("%q", a.body)
	}
	s.next <- fixed("second")
	eventually(t, "the new configuration works", func() bool { return r.get("/").body == "second" && r.Revision() == 3 })
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
