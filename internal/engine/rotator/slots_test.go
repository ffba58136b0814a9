package rotator

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slots{limit: 16, hosts: map[netip.Addr]*hostSlots{}}
		var mu sync.Mutex
		open, most := 0, 0
		var all sync.WaitGroup
		for i := range 100 {
			weight := 1 + i%3
			all.Go(func() {
				if err := s.acquire(t.Context(), testAddr, weight); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				open += weight
				most = max(most, open)
				mu.Unlock()
				<-time.After(time.Second) // of the bubble's clock
				mu.Lock()
				open -= weight
				mu.Unlock()
				s.release(testAddr, weight)
			})
		}
		all.Wait()
		if most > 16 || most < 14 {
			t.Errorf("at most %d at a time", most)
		}
		if len(s.hosts) != 0 {
			t.Error("a host that nobody uses is remembered")
		}
	})
}

func TestSlotsOfWhoGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slots{limit: 2, hosts: map[netip.Addr]*hostSlots{}}
		if err := s.acquire(t.Context(), testAddr, 1); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		heavy, light := make(chan error, 1), make(chan error, 1)
		go func() { heavy <- s.acquire(ctx, testAddr, 2) }()
		synctest.Wait()
		go func() { light <- s.acquire(t.Context(), testAddr, 1) }()
		synctest.Wait()
		select {
		case <-light:
			t.Error("the second in line went first")
		default:
		}
		cancel()
		if err := <-heavy; err == nil {
			t.Error("acquired after the context ended")
		}
		if err := <-light; err != nil {
			t.Error(err)
		}
		s.release(testAddr, 1)
		s.release(testAddr, 1)
		if len(s.hosts) != 0 {
			t.Error("slots are lost")
		}
	})
}

// A hundred rotations at once. The server itself counts: it logs each connection and its
// end, and is asked meanwhile.
func TestConnectionsOfManyRotations(t *testing.T) {
	server, admin := pgStart(t)
	registry := registryFor(t, server)
	r := lookup(t, registry, "PostgreSQLSingleUser")
	var secrets []*secret
	for i := range 100 {
		secrets = append(secrets, newSecret(t, r, pgUser(t, server, admin, fmt.Sprintf("app%d", i)), nil))
	}
	watcher := pgAdmin(t, server, &tls.Config{ServerName: server.Host, RootCAs: server.CA})
	done := make(chan struct{})
	var most int
	var watch, all sync.WaitGroup
	watch.Go(func() {
		for {
			v := pgExec(t, watcher, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'fastness'")
			if n, err := strconv.Atoi(v[0]); err == nil {
				most = max(most, n)
			}
			select {
			case <-done:
				return
			default:
			}
		}
	})
	for _, s := range secrets {
		all.Go(func() {
			pending, err := r.Create(s.stages.Current, s.stages.Options)
			if err != nil {
				t.Error(err)
				return
			}
			s.stages.Pending = pending
			if err := r.Set(context.Background(), s.stages); err != nil {
				t.Error(err)
				return
			}
			if err := r.Test(context.Background(), s.stages); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	close(done)
	watch.Wait()
	if most > connectionsPerAddress {
		t.Errorf("the server counted %d connections at a time", most)
	}
	open, mostLogged := 0, 0
	for line := range strings.SplitSeq(server.Log(t), "\n") {
		switch {
		case strings.Contains(line, "connection received:"):
			open++
		case strings.Contains(line, "disconnection:"), strings.Contains(line, "FATAL:"): // a login that fails ends without the former
			open--
		}
		mostLogged = max(mostLogged, open)
	}
	// The two of this test are there, too.
	if mostLogged > connectionsPerAddress+2 || mostLogged < connectionsPerAddress {
		t.Errorf("the server logged %d connections at a time", mostLogged)
	}
	t.Logf("at most %d connections in pg_stat_activity, %d in the log", most, mostLogged-2)
}
