package contest

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func get(path string) func(int) ([]byte, error) {
	return func(int) ([]byte, error) { return []byte("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n"), nil }
}

func TestFloodSendsEveryRequestOnce(t *testing.T) {
	var seen atomic.Int64
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen.Add(1)
		if r.URL.Path == "/refused" {
			http.Error(w, "no", http.StatusForbidden)
		}
	}))
	defer h.Close()
	s := &Server{Addr: h.Listener.Addr().String()}
	if err := s.Flood(t.Context(), 4, 100, get("/")); err != nil || seen.Load() != 100 {
		t.Errorf("%d requests, %v", seen.Load(), err)
	}
	if err := s.Flood(t.Context(), 4, 100, get("/refused")); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("refused: %v", err)
	}
}

func TestAPeerThatFailsIsLeftOutAndTheOthersGoOn(t *testing.T) {
	h := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer h.Close()
	c := Contest{Rounds: 3, Window: time.Millisecond}
	defer c.Stop()
	tries := 0
	enter := func(name string, fails bool) func() (*Server, error) {
		return func() (*Server, error) {
			cmd := exec.Command("sleep", "60") // a process whose time is counted
			s := &Server{Name: name, Addr: h.Listener.Addr().String(), cmd: cmd}
			s.Requests = func(context.Context, string, int) ([][]byte, error) {
				if fails {
					tries++
					return nil, errors.New("out of order")
				}
				b, err := get("/")(0)
				return [][]byte{b}, err
			}
			return s, cmd.Start()
		}
	}
	if err := c.Enter("ours", enter("ours", false)); err != nil {
		t.Fatal(err)
	}
	c.EnterPeer("peer", enter("peer", true))
	results, err := c.Compare(t.Context(), "op", 1)
	if err != nil || len(results) != 1 || results[0].Server != "ours" || len(results[0].rounds) != 3 || tries != 1 {
		t.Errorf("%+v, %v, %d tries", results, err, tries)
	}
}

func TestRatiosAreOfRoundsBesideEachOther(t *testing.T) {
	// The machine was twice as slow in the second round, for both.
	fast := Result{Server: "fast", Operation: "op", rounds: []measured{{rate: 200, cpu: 10}, {rate: 100, cpu: 20}, {rate: 190, cpu: 10}}}
	slow := Result{Server: "slow", Operation: "op", rounds: []measured{{rate: 100, cpu: 20}, {rate: 50, cpu: 40}, {rate: 95, cpu: 20}}}
	if rate, cpu := fast.Against(&slow); rate != 2 || cpu != 2 {
		t.Errorf("%v by rate, %v by processor time", rate, cpu)
	}
	var b strings.Builder
	Print(&b, []Result{fast, slow}, "slow", "absent")
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 4 || !strings.HasSuffix(lines[2], "| 2.00 | 2.00 | - | - |") || !strings.HasSuffix(lines[3], "| - | - | - | - |") {
		t.Errorf("%s", b.String())
	}
}
