package live

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// browse runs a script of Playwright's. It gets where things are as variables of its environment, and
// fails by its exit code. What it prints is returned.
func browse(t *testing.T, script string, variables ...string) string {
	t.Helper()
	node := lookFor(t, "nodejs", "node")
	chromium := lookFor(t, "chromium", "chromium", "/usr/bin/chromium")
	dir := playwright(t)
	cmd := exec.CommandContext(t.Context(), node, script)
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), "CHROMIUM="+chromium, "HOME="+t.TempDir(), "NO_COLOR=1"), variables...)
	// The browser ends with its driver.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	stop := time.AfterFunc(2*patience, func() { _ = cmd.Cancel() })
	defer stop.Stop()
	var out, all bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &all
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", script, err, out.String(), all.String())
	}
	return out.String()
}

var install sync.Mutex

// playwright installs Playwright as the lock file says, in an ignored directory that stays between runs,
// with the scripts beside it.
func playwright(t *testing.T) string {
	t.Helper()
	install.Lock()
	defer install.Unlock()
	npm := lookFor(t, "npm", "npm")
	dir, err := filepath.Abs("generated")
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	from, err := os.ReadDir("playwright")
	if err != nil {
		t.Fatal(err)
	}
	changed := false
	for _, e := range from {
		wanted, err := os.ReadFile(filepath.Join("playwright", e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, e.Name())
		if have, err := os.ReadFile(to); err == nil && bytes.Equal(have, wanted) {
			continue
		}
		changed = changed || strings.HasPrefix(e.Name(), "package")
		if err := os.WriteFile(to, wanted, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules", ".package-lock.json")); err != nil || changed {
		cmd := exec.CommandContext(t.Context(), npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("npm ci: %v\n%s", err, out)
		}
	}
	return dir
}
