package e2e

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestWhatWasAcknowledgedSurvivesAKill writes from several clients, kills the server in
// the middle of it, and looks for everything that was answered; three times over the
// same data.
func TestWhatWasAcknowledgedSurvivesAKill(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	var mu sync.Mutex
	blobs := map[string]string{} // by text
	var aliases, users []string
	for round := range 3 {
		s := i.serve(t)
		var writers sync.WaitGroup
		var killed atomic.Bool
		enough := make(chan struct{}, 1<<16)
		ended := func(err error) bool {
			if err != nil && !killed.Load() {
				t.Error(err)
			}
			return err != nil
		}
		for w := range 4 {
			writers.Go(func() {
				// A writer that fails too early must not leave the test waiting.
				defer func() { enough <- struct{}{} }()
				for n := 0; ; n++ {
					name := fmt.Sprintf("r%d-w%d-n%d", round, w, n)
					out, err := s.tryKMS(s.key, "CreateKey", object{})
					if ended(err) {
						return
					}
					key := out["KeyMetadata"].(object)["KeyId"].(string)
					if out, err = s.tryKMS(s.key, "Encrypt", object{"KeyId": key, "Plaintext": []byte(name)}); ended(err) {
						return
					}
					mu.Lock()
					blobs[name] = out["CiphertextBlob"].(string)
					mu.Unlock()
					if _, err := s.tryKMS(s.key, "CreateAlias", object{"TargetKeyId": key, "AliasName": "alias/" + name}); ended(err) {
						return
					}
					mu.Lock()
					aliases = append(aliases, "alias/"+name)
					mu.Unlock()
					if _, err := s.tryIAM(s.key, "CreateUser", "UserName", name); ended(err) {
						return
					}
					mu.Lock()
					users = append(users, name)
					mu.Unlock()
					enough <- struct{}{}
				}
			})
		}
		for n := 0; n < 12 && !t.Failed(); n++ {
			<-enough
		}
		killed.Store(true)
		s.kill(t)
		writers.Wait()
	}
	s := i.serve(t)
	for text, blob := range blobs {
		s.mustDecrypt(t, blob, text)
	}
	for _, alias := range aliases {
		s.kms(t, "DescribeKey", object{"KeyId": alias})
	}
	for _, user := range users {
		s.iam(t, "GetUser", "UserName", user)
	}
	s.stop(t)
	if out := i.run(t, "", "fsck"); !strings.Contains(out, "no problems found") {
		t.Errorf("fsck after the crashes: %s", out)
	}
	t.Logf("%d keys, %d aliases and %d users survived", len(blobs), len(aliases), len(users))
}

// TestStartTimeAndMemory prints what a fresh server costs. The figures depend on the
// machine, so only gross errors fail.
func TestStartTimeAndMemory(t *testing.T) {
	i := newInstallation(t)
	began := time.Now()
	s := i.serve(t)
	if code, body := s.get(t, "/ready"); code != http.StatusOK {
		t.Fatalf("/ready: %d %s", code, body)
	}
	first := time.Since(began)
	t.Logf("cold start with an empty data directory: banner after %v, first answer after %v", s.ready, first)
	t.Logf("resident memory of the idle server: %.1f MiB", float64(s.resident(t))/(1<<20))
	s.createKey(t)
	s.stop(t)
	s = i.serve(t)
	t.Logf("start over existing data: banner after %v", s.ready)
	if first > 20*time.Second || s.resident(t) > 60<<20 {
		t.Errorf("the start took %v, the memory is %d bytes", first, s.resident(t))
	}
}

// resident is the resident memory of the process in bytes.
func (s *server) resident(t *testing.T) int64 {
	t.Helper()
	return s.statusField(t, "VmRSS") << 10
}

// statusField is a number of /proc/PID/status.
func (s *server) statusField(t *testing.T, name string) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			n, err := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("no %s in\n%s", name, text)
	return 0
}
