package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// served runs serve until it has printed its banner, and returns the banner and what
// stops the server.
func served(t *testing.T, args ...string) (banner string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	read, write := io.Pipe()
	ended := make(chan error, 1)
	r := root()
	r.SetArgs(append([]string{"serve", "--listen", "127.0.0.1:0", "--log-level", "error"}, args...))
	r.SetOut(write)
	go func() {
		err := r.ExecuteContext(ctx)
		_ = write.CloseWithError(io.EOF)
		ended <- err
	}()
	var b strings.Builder
	lines := bufio.NewScanner(read)
	for lines.Scan() {
		b.WriteString(lines.Text() + "\n")
		if strings.HasPrefix(lines.Text(), "First start") {
			break
		}
	}
	go func() { _, _ = io.Copy(io.Discard, read) }()
	return b.String(), func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func TestDevelopmentDataIsTemporary(t *testing.T) {
	tmp, err := os.MkdirTemp("", "fst") // the paths of sockets are short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(tmp)
	t.Setenv("TMPDIR", tmp)
	banner, stop := served(t, "--dev")
	for _, want := range []string{"WARNING: --dev", " env --dev --url http://127.0.0.1:", "data directory  " + tmp} {
		if !strings.Contains(banner, want) {
			t.Errorf("no %q in\n%s", want, banner)
		}
	}
	if left, err := os.ReadDir(tmp); err != nil || len(left) != 1 {
		t.Errorf("while it runs: %v %v", left, err)
	}
	stop()
	if left, err := os.ReadDir(tmp); err != nil || len(left) != 0 {
		t.Errorf("after it ran: %v %v", left, err)
	}
}

func TestGivenDataStays(t *testing.T) {
	tmp, err := os.MkdirTemp("", "fst")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(tmp)
	data := filepath.Join(tmp, "data")
	t.Setenv("FASTNESS_DATA_DIR", data)
	banner, stop := served(t, "--dev")
	stop()
	if !strings.Contains(banner, data) {
		t.Error(banner)
	}
	for _, dir := range []string{data, data + "-secrets"} {
		if _, err := os.Stat(dir); err != nil {
			t.Error(err)
		}
	}
}
