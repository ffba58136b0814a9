package contest

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"
)

// Contest are servers that take turns.
type Contest struct {
	Rounds int
	// Window is how long one server is measured in one round; WarmUp comes before it.
	Window time.Duration

	servers []*Server
	out     map[*Server]bool // that failed
}

// Result is what one server did with one operation on one number of connections.
type Result struct {
	Server, Operation string
	Conns             int
	rounds            []measured
}

// Enter starts a server without which there is no contest; it takes its turn after those
// before it. start returns a server with its error if it runs nevertheless.
func (c *Contest) Enter(name string, start func() (*Server, error)) error {
	s, err := start()
	if err == nil {
		s.essential = true
		c.servers = append(c.servers, s)
		return nil
	}
	if s != nil {
		s.Stop()
	}
	return fmt.Errorf("%s: %w", name, err)
}

// EnterPeer starts a server as Enter does. One that does not start is left out, and said.
func (c *Contest) EnterPeer(name string, start func() (*Server, error)) {
	if err := c.Enter(name, start); err != nil {
		fmt.Fprintf(os.Stderr, "left out: %v\n", err)
		return
	}
	c.servers[len(c.servers)-1].essential = false
}

// Stop ends all servers.
func (c *Contest) Stop() {
	for _, s := range c.servers {
		s.Stop()
	}
	c.servers = nil
}

// Compare measures one operation with one number of connections on every server that
// offers it. A server that fails is left out from there on, and said; an unfinished
// comparison has the rounds that were measured.
func (c *Contest) Compare(ctx context.Context, op string, conns int) ([]Result, error) {
	all := make([]Result, len(c.servers))
	measured := func() []Result {
		return slices.DeleteFunc(all, func(r Result) bool { return len(r.rounds) == 0 })
	}
	for range c.Rounds {
		for i, s := range c.servers {
			if c.out[s] {
				continue
			}
			all[i].Server, all[i].Operation, all[i].Conns = s.Name, op, conns
			m, offered, err := s.round(ctx, op, conns, c.Window)
			switch {
			case err == nil:
				if offered {
					all[i].rounds = append(all[i].rounds, m)
				}
			case !s.essential && ctx.Err() == nil:
				if c.out == nil {
					c.out = make(map[*Server]bool)
				}
				c.out[s] = true
				fmt.Fprintf(os.Stderr, "%s is left out from %s with %d connections on: %v\n", s.Name, op, conns, err)
			default:
				return measured(), fmt.Errorf("%s: %s: %w", op, s.Name, err)
			}
		}
	}
	return measured(), nil
}

// round measures an operation once, if the server offers it.
func (s *Server) round(ctx context.Context, op string, conns int, window time.Duration) (m measured, offered bool, err error) {
	requests, err := s.Requests(ctx, op, conns)
	if err != nil || len(requests) == 0 {
		return measured{}, false, err
	}
	m, err = load(ctx, s.Addr, requests, s.Vary, window, s.cpu)
	return m, true, err
}
