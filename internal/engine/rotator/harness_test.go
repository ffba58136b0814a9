package rotator

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fastness/test/databases"
)

// doc is a secret's document as a test writes it.
type doc map[string]any

func (d doc) with(changes doc) doc {
	out := doc{}
	for k, v := range d {
		out[k] = v
	}
	for k, v := range changes {
		out[k] = v
	}
	return out
}

func (d doc) json(t testing.TB) []byte {
	t.Helper()
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func parse(t testing.TB, raw []byte) doc {
	t.Helper()
	var d doc
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func hosts(t testing.TB, entries ...string) Hosts {
	t.Helper()
	h, err := ParseHosts(entries)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// registryFor reaches one server over TLS.
func registryFor(t testing.TB, s *databases.Server) *Registry {
	t.Helper()
	r := New(Config{Hosts: hosts(t, "localhost"), RootCAs: s.CA})
	t.Cleanup(func() { r.givenBack(t) })
	return r
}

// givenBack waits until the servers have closed all connections: who can have all slots of
// an address shares them with nobody.
func (r *Registry) givenBack(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*drainTimeout)
	defer cancel()
	r.slots.mu.Lock()
	hosts := slices.Collect(maps.Keys(r.slots.hosts))
	r.slots.mu.Unlock()
	for _, addr := range hosts {
		if err := r.slots.acquire(ctx, addr, r.slots.limit); err != nil {
			t.Errorf("connections to %v were not given back: %v", addr, err)
			continue
		}
		r.slots.release(addr, r.slots.limit)
	}
}

func lookup(t testing.TB, r *Registry, name string) *Rotator {
	t.Helper()
	rotator, ok := r.Lookup(name)
	if !ok {
		t.Fatalf("no rotator %s", name)
	}
	return rotator
}

// secret plays Secrets Manager for one secret.
type secret struct {
	t       testing.TB
	rotator *Rotator
	stages  Rotation
}

func newSecret(t testing.TB, r *Rotator, current doc, master doc) *secret {
	t.Helper()
	s := &secret{t: t, rotator: r}
	s.stages = Rotation{ARN: "arn:aws:secretsmanager:us-east-1:111122223333:secret:db-AbCdEf", Current: current.json(t), Options: r.Defaults()}
	if master != nil {
		s.stages.Master = master.json(t)
	}
	return s
}

// create runs createSecret.
func (s *secret) create() {
	s.t.Helper()
	pending, err := s.rotator.Create(s.stages.Current, s.stages.Options)
	if err != nil {
		s.t.Fatal(err)
	}
	s.stages.Pending = pending
}

// finish moves the labels.
func (s *secret) finish() {
	s.stages.Previous, s.stages.Current, s.stages.Pending = s.stages.Current, s.stages.Pending, nil
}

// rotate runs all four steps.
func (s *secret) rotate() {
	s.t.Helper()
	s.create()
	if err := s.rotator.Set(context.Background(), s.stages); err != nil {
		s.t.Fatal(err)
	}
	if err := s.rotator.Test(context.Background(), s.stages); err != nil {
		s.t.Fatal(err)
	}
	s.finish()
}

// works tells whether a document can log in.
func (s *secret) works(d []byte) bool {
	s.t.Helper()
	in := s.stages
	in.Pending = d
	err := s.rotator.Test(context.Background(), in)
	if err == nil {
		return true
	}
	if e, ok := errors.AsType[*Error](err); !ok || e.Reason != LoginFailed {
		s.t.Fatalf("neither logged in nor rejected: %v", err)
	}
	return false
}

// passwords are all that occurred in the stages.
func (s *secret) passwords() []string {
	var all []string
	for _, raw := range [][]byte{s.stages.Previous, s.stages.Current, s.stages.Pending, s.stages.Master} {
		if raw == nil {
			continue
		}
		if p, ok := parse(s.t, raw)["password"].(string); ok {
			all = append(all, p)
		}
	}
	return all
}

// holdsNone fails if a text holds one of the secrets.
func holdsNone(t testing.TB, what, text string, secrets ...string) {
	t.Helper()
	for _, s := range secrets {
		if strings.Contains(text, s) {
			t.Errorf("%s hold the password %q", what, s)
		}
	}
}

var errCut = errors.New("the process was killed here")

// cutAfter makes a registry's connections die at the n-th write of all of them: before
// it is sent, or after it with the answer lost. It tells how many writes there were.
func cutAfter(r *Registry, n int64, sent bool) (restore func(), writes *atomic.Int64) {
	writes = new(atomic.Int64)
	plain := r.dial
	r.dial = func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
		if writes.Load() >= n {
			return nil, errCut
		}
		conn, err := plain(ctx, to)
		if err != nil {
			return nil, err
		}
		return &cutConn{Conn: conn, writes: writes, n: n, sent: sent}, nil
	}
	return func() { r.dial = plain }, writes
}

type cutConn struct {
	net.Conn
	writes *atomic.Int64
	n      int64
	sent   bool
}

func (c *cutConn) Write(b []byte) (int, error) {
	at := c.writes.Add(1)
	switch {
	case at < c.n:
		return c.Conn.Write(b)
	case at == c.n && c.sent:
		if _, err := c.Conn.Write(b); err != nil {
			return 0, err
		}
		// Until the server has acted: its answer comes, and is lost. Not every
		// message has one.
		_ = c.Conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		one := make([]byte, 1)
		_, _ = io.ReadFull(c.Conn, one)
	}
	c.Conn.Close()
	return 0, errCut
}

func (c *cutConn) CloseWrite() error { return errCut }

// killedEverywhere cuts setSecret at each of its writes in turn, repeats it, and checks
// that the rotation then is complete. start makes a secret with a pending version.
func killedEverywhere(t *testing.T, start func() *secret, check func(*secret)) {
	t.Helper()
	for _, sent := range []bool{false, true} {
		points := int64(0)
		for n := int64(1); ; n++ {
			s := start()
			restore, writes := cutAfter(s.rotator.registry, n, sent)
			err := s.rotator.Set(context.Background(), s.stages)
			restore()
			if err == nil && writes.Load() < n {
				points = n - 1
				check(s)
				break
			}
			if err != nil {
				holdsNone(t, "errors", err.Error(), s.passwords()...)
			}
			if err := s.rotator.Set(context.Background(), s.stages); err != nil {
				t.Fatalf("killed at write %d (sent %v), the second run: %v", n, sent, err)
			}
			if err := s.rotator.Test(context.Background(), s.stages); err != nil {
				t.Fatalf("killed at write %d (sent %v), testSecret: %v", n, sent, err)
			}
			check(s)
			if n > 1000 {
				t.Fatal("setSecret does not come to an end")
			}
		}
		if points < 5 {
			t.Fatalf("only %d points to be killed at: the test cuts in the wrong place", points)
		}
	}
}
