package rotator

import (
	"context"
	"crypto/tls"
	"net/netip"
)

type netipAddr = netip.Addr

var testAddr = netip.MustParseAddr("192.0.2.1")

// fakeServer has a real server's rules for documents and takes one password.
type fakeServer struct {
	server
	accepts string
	sets    bool
	open    int
	tried   []string // passwords, in order
}

func (f *fakeServer) connect(_ context.Context, t *target, d *document, _ *tls.Config) (session, error) {
	f.tried = append(f.tried, string(d.password))
	if string(d.password) != f.accepts {
		return nil, fail(LoginFailed, "the server rejected the login")
	}
	f.open++
	return &fakeSession{f, t}, nil
}

type fakeSession struct {
	f *fakeServer
	t *target
}

func (s *fakeSession) applied(context.Context, *documents) (bool, error) { return true, nil }
func (s *fakeSession) setOwn(context.Context, *documents) error          { s.f.sets = true; return nil }
func (s *fakeSession) setOther(context.Context, *documents) error        { s.f.sets = true; return nil }
func (s *fakeSession) probe(context.Context, *document) error            { return nil }
func (s *fakeSession) close()                                            { s.f.open--; s.t.close() }
