package app

import (
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"fastness/internal/clock"
)

// examined are the states by check.
func examined(t *testing.T, c Config) map[string]string {
	t.Helper()
	findings, err := Examine(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	states := make(map[string]string)
	for _, f := range findings {
		states[f.Check] = f.State
		if f.State != FindingOK && f.Advice == "" {
			t.Errorf("%s: no advice", f.Check)
		}
	}
	return states
}

func expect(t *testing.T, states map[string]string, check, want string) {
	t.Helper()
	if states[check] != want {
		t.Errorf("%s: %s, not %s", check, states[check], want)
	}
}

func TestExamineARunningServer(t *testing.T) {
	a := startDev(t)
	c := a.config
	c.Listen = a.Endpoint()
	states := examined(t, c)
	for _, check := range []string{"data directory", "secrets directory", "root key file", "first access key", "TLS certificate", "server"} {
		expect(t, states, check, FindingOK)
	}

	for name, mode := range map[string]os.FileMode{c.DataDir: 0o755, c.SecretsDir: 0o755, c.Seal.KeyFile: 0o644, a.CredentialsFile(): 0o640} {
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
	}
	states = examined(t, c)
	expect(t, states, "data directory", FindingWarn)
	for _, check := range []string{"secrets directory", "root key file", "first access key"} {
		expect(t, states, check, FindingFail)
	}

	for after, want := range map[time.Duration]string{serverValidity - 24*time.Hour: FindingWarn, serverValidity + time.Hour: FindingFail, -48 * time.Hour: FindingFail} {
		c.Clock = clock.NewManual(time.Now().Add(after))
		expect(t, examined(t, c), "TLS certificate", want)
	}
	c.Clock = clock.NewManual(time.Now().Add(-48 * time.Hour))
	expect(t, examined(t, c), "clock", FindingFail) // it is earlier than the data

	if err := os.Remove(c.Seal.KeyFile); err != nil {
		t.Fatal(err)
	}
	expect(t, examined(t, c), "root key file", FindingFail)
}

func TestExamineNothing(t *testing.T) {
	c := Config{DataDir: filepath.Join(t.TempDir(), "data"), Listen: "127.0.0.1:0"}
	for check, state := range examined(t, c) {
		if state == FindingFail {
			t.Errorf("%s fails before the first start", check)
		}
	}
}

func TestExamineAnotherProgram(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	}()
	c := Config{DataDir: filepath.Join(t.TempDir(), "data"), Listen: l.Addr().String()}
	expect(t, examined(t, c), "server", FindingFail)
}
