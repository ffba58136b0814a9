package upstream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"fastness/internal/http1"
)

// State is the health of a target, as elbv2 names it.
type State string

const (
	// Initial: no check has passed yet.
	Initial State = "initial"
	// Healthy and Unhealthy are the results of checks.
	Healthy   State = "healthy"
	Unhealthy State = "unhealthy"
	// Draining: the target is being taken out.
	Draining State = "draining"
)

// Health is a state with AWS's reason code and a description, both empty when Healthy.
type Health struct {
	State       State
	Reason      string `json:",omitempty"`
	Description string `json:",omitempty"`
}

// Check says how to find out whether a target is healthy.
type Check struct {
	Off bool
	// Plain asks without TLS, Secure with TLS, whatever the group does; at most one is set.
	Plain, Secure bool
	// Port, if not 0, is asked instead of the target's own.
	Port              int
	Path              string
	Interval, Timeout time.Duration
	// Healthy and Unhealthy are how many checks in a row change the state.
	Healthy, Unhealthy int
	Matcher            Matcher
}

// State is the state of the target.
func (t *Target) State() State { return t.health.Load().State }

// Health is the state of the target, with a reason.
func (t *Target) Health() Health {
	if t.draining.Load() {
		return Health{Draining, "Target.DeregistrationInProgress", "Target deregistration is in progress"}
	}
	return *t.health.Load()
}

func (t *Target) setState(s State, reason string) { t.health.Store(&Health{State: s, Reason: reason}) }

// watch checks a target until ctx is done.
func (g *Group) watch(ctx context.Context, t *Target, config Config) {
	check := &config.Check
	probe := newProbe(g, t, &config)
	if probe != t {
		defer probe.close()
	}
	passed, failed := 0, 0
	for {
		health, ok := probe.check(ctx, &config)
		if ctx.Err() != nil {
			return
		}
		if ok {
			passed, failed = passed+1, 0
		} else {
			passed, failed = 0, failed+1
		}
		state := t.State()
		switch {
		// A new target serves after its first good answer (AWS).
		case ok && (state == Initial || state == Unhealthy && passed >= check.Healthy):
			g.turnTo(t, Health{State: Healthy})
		case !ok && (state == Healthy || state == Initial) && failed >= check.Unhealthy:
			g.turnTo(t, health)
		case !ok && state == Unhealthy:
			t.health.Store(&health)
		case state == Initial:
			t.setState(Initial, "Elb.InitialHealthChecking")
		}
		if g.clock.Sleep(ctx, check.Interval) != nil {
			return
		}
	}
}

// turnTo changes a target's state.
func (g *Group) turnTo(t *Target, h Health) {
	g.mu.Lock()
	t.health.Store(&h)
	g.settle()
	g.mu.Unlock()
	if g.change != nil {
		g.change(t.Addr, h)
	}
}

// newProbe is the target as checks speak to it.
func newProbe(g *Group, t *Target, config *Config) *Target {
	check := &config.Check
	addr := t.Addr
	if check.Port > 0 {
		host, _, _ := net.SplitHostPort(addr)
		addr = net.JoinHostPort(host, strconv.Itoa(check.Port))
	}
	secure := config.TLS
	switch {
	case check.Plain:
		secure = nil
	case check.Secure && secure == nil:
		secure = Insecure()
	}
	if addr == t.Addr && secure == config.TLS {
		return t
	}
	return newTarget(g.clock, addr, secure, config.HTTP2)
}

// check asks once.
func (t *Target) check(ctx context.Context, config *Config) (Health, bool) {
	check := &config.Check
	ctx, cancel := context.WithTimeout(ctx, check.Timeout)
	defer cancel()
	var code int
	var err error
	if t.Transport != nil {
		code, err = t.askHTTP2(ctx, check, config.GRPC)
	} else {
		code, err = t.askHTTP1(ctx, check)
	}
	switch {
	case err == nil && check.Matcher.Match(code):
		return Health{}, true
	case err == nil:
		return Health{Unhealthy, "Target.ResponseCodeMismatch", fmt.Sprintf("Health checks failed with these codes: [%d]", code)}, false
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return Health{Unhealthy, "Target.Timeout", "Request timed out"}, false
	}
	return Health{Unhealthy, "Target.FailedHealthChecks", "Health checks failed"}, false
}

// userAgent is that of AWS's health checks, which servers' logs are known to leave out.
const userAgent = "ELB-HealthChecker/2.0"

// askHTTP1 asks on a connection of its own, which shows that one can be made.
func (t *Target) askHTTP1(ctx context.Context, check *Check) (int, error) {
	c, err := t.Acquire(ctx, time.Now(), true)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, c.Close)
	defer stop()
	b := http1.AppendRequestLine(nil, http.MethodGet, check.Path)
	b = http1.AppendField(b, "Host", t.Addr)
	b = append(b, "Connection: close\r\nUser-Agent: "+userAgent+"\r\nAccept-Encoding: gzip, compressed\r\n\r\n"...)
	if _, err := c.Write(b); err != nil {
		return 0, err
	}
	for {
		head, err := c.Response.Next(http.MethodGet)
		if err != nil {
			return 0, err
		}
		if head.Status >= 200 {
			return head.Status, nil
		}
	}
}

// askHTTP2 asks over HTTP/2; grpc with a call without a message, whose code counts.
func (t *Target) askHTTP2(ctx context.Context, check *Check, grpc bool) (int, error) {
	scheme, method, body := "http", http.MethodGet, []byte(nil)
	if t.tls != nil {
		scheme = "https"
	}
	if grpc {
		method, body = http.MethodPost, make([]byte, 5) // an empty message
	}
	r, err := http.NewRequestWithContext(ctx, method, scheme+"://"+t.Addr+check.Path, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("User-Agent", userAgent)
	if grpc {
		r.Header.Set("Content-Type", "application/grpc")
		r.Header.Set("Te", "trailers")
	}
	res, err := t.Transport.RoundTrip(r)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	if !grpc {
		return res.StatusCode, nil
	}
	if _, err := io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)); err != nil {
		return 0, err
	}
	status := res.Trailer.Get("Grpc-Status")
	if status == "" {
		status = res.Header.Get("Grpc-Status") // an answer of trailers only
	}
	if res.StatusCode != http.StatusOK || status == "" {
		return 0, errNotGRPC
	}
	return strconv.Atoi(status)
}

var errNotGRPC = errors.New("upstream: not an answer of gRPC")
