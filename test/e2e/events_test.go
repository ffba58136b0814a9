package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fastness/internal/clock"
	"fastness/internal/eventlog"
	"fastness/internal/seal"
	"fastness/internal/securemem"
	"fastness/internal/store"
	"fastness/internal/store/pebble"
	"fastness/internal/store/table"
)

// emit writes events into the log of a server that is stopped, with the program's own
// packages, as if it had been killed before it gave them numbers.
func (i *installation) emit(t *testing.T, events ...eventlog.Event) {
	t.Helper()
	arena := securemem.NewArena(securemem.Options{})
	defer arena.Close()
	inner, err := pebble.Open(filepath.Join(i.data(), "store"), pebble.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer inner.Close()
	ring, err := seal.Open(t.Context(), inner, seal.NewFile(arena, filepath.Join(i.secrets(), "root.key")), seal.Options{Arena: arena, Clock: clock.System{}})
	if err != nil {
		t.Fatal(err)
	}
	defer ring.Seal()
	sealed := ring.Store(inner)
	log, err := eventlog.Open(sealed, table.NewRegistry(), eventlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sealed.Update(t.Context(), func(tx store.Txn) error { return log.Append(tx, events...) }); err != nil {
		t.Fatal(err)
	}
}

// tail runs fastness events tail.
func (i *installation) tail(t *testing.T, args ...string) string {
	t.Helper()
	return i.run(t, "", "events tail", args...)
}

func TestEventsTail(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.serve(t).stop(t)
	var events []eventlog.Event
	for n := range 25 {
		e := eventlog.Event{
			ID: fmt.Sprintf("00000000-0000-4000-8000-%012d", n), Account: "111111111111", Region: "us-east-1",
			Source: "aws.ssm", DetailType: "Parameter Store Change", Resources: []string{"arn:aws:ssm:us-east-1:111111111111:parameter/p"},
			Detail: json.RawMessage(fmt.Sprintf("{\"operation\" : \"Update\",\n\t\"number\":%d, \"html\":\"<&>\"}", n)),
		}
		if n%5 == 4 {
			e.Account, e.Source = "222222222222", "my\x1b[31m.app"
		}
		events = append(events, e)
	}
	i.emit(t, events...)
	s := i.serve(t)

	// The numbers are given behind the start: a follower sees all of it.
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := i.command(ctx, "events tail", "--follow", "--lines", "1000", "--output", "json")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	next := map[string]int{}
	for range events {
		if !lines.Scan() {
			t.Fatalf("the follower ended: %v", lines.Err())
		}
		var e struct {
			Version, ID, Account, Source string
			Detail                       struct{ Number int }
		}
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatalf("%v in %s", err, lines.Text())
		}
		if e.Version != "0" || !strings.HasSuffix(e.ID, fmt.Sprintf("%012d", e.Detail.Number)) || e.Detail.Number < next[e.Account] {
			t.Errorf("after %d: %s", next[e.Account], lines.Text())
		}
		if !strings.Contains(lines.Text(), fmt.Sprintf(`"detail":{"operation":"Update","number":%d,"html":"<&>"}}`, e.Detail.Number)) {
			t.Errorf("not as it was written: %s", lines.Text())
		}
		next[e.Account] = e.Detail.Number + 1
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("an interrupted follower: %v", err)
	}

	if out := i.tail(t); strings.Count(out, "\n") != 10 || !strings.Contains(out, `"number":24`) || strings.Contains(out, `"number":14,`) {
		t.Errorf("the last ten are\n%s", out)
	}
	out5 := i.tail(t, "--account", "222222222222", "--region", "us-east-1", "-n", "100")
	if strings.Count(out5, "\n") != 5 || strings.Contains(out5, "\x1b") || !strings.Contains(out5, "my\uFFFD[31m.app") {
		t.Errorf("of one account:\n%q", out5)
	}
	if out := i.tail(t, "--region", "eu-central-1"); out != "" {
		t.Errorf("of another Region: %s", out)
	}
	i.refused(t, "--lines is a number", "", "events tail", "--lines", "1001")
	s.stop(t)
	i.refused(t, "no server runs", "", "events tail")
	if out := i.run(t, "", "fsck"); strings.Contains(out, "event") {
		t.Errorf("fsck says %s", out)
	}
}
