package browser

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// Chromium is a running browser. It reaches no network: what its pages ask for is answered here (tab.go).
type Chromium struct {
	cmd  *exec.Cmd
	pipe *pipe
	ends [2]*os.File
	dir  string
}

// Find gives the path of Debian's Chromium, or an error that names the package.
func Find() (string, error) {
	for _, p := range []string{"chromium", "/usr/bin/chromium"} {
		if path, err := exec.LookPath(p); err == nil {
			return path, nil
		}
	}
	return "", errors.New("missing: chromium (run test/deps.sh, or apt-get install --no-install-recommends chromium)")
}

// Start starts a browser with an empty profile in a temporary directory. Close ends it.
func Start(ctx context.Context) (*Chromium, error) {
	program, err := Find()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "judge")
	if err != nil {
		return nil, err
	}
	toRead, toWrite, err := os.Pipe() // commands
	if err != nil {
		return nil, err
	}
	fromRead, fromWrite, err := os.Pipe() // events and answers
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, program,
		"--headless=new", "--no-sandbox", "--remote-debugging-pipe", "--user-data-dir="+filepath.Join(dir, "profile"),
		// No name and no address is reached.
		"--host-resolver-rules=MAP * ~NOTFOUND", "--no-proxy-server", "--disable-background-networking", "--disable-component-update",
		"--disable-sync", "--disable-domain-reliability", "--no-pings", "--disable-extensions", "--no-first-run", "--no-default-browser-check",
		// As a page is over TLS, but for what it loads.
		"--unsafely-treat-insecure-origin-as-secure="+origin,
		// All frames of a tab are in one process, and none of them sleeps.
		"--disable-site-isolation-trials", "--disable-features=IsolateOrigins,site-per-process,IsolateSandboxedIframes,OriginKeyedProcessesByDefault,Translate,OptimizationHints,MediaRouter",
		"--disable-background-timer-throttling", "--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows", "--disable-hang-monitor",
		"--disable-ipc-flooding-protection", "--disable-dev-shm-usage", "--disable-gpu", "--mute-audio", "--autoplay-policy=no-user-gesture-required", "--window-size=1280,900", "--lang=en",
		"about:blank")
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_CONFIG_HOME="+dir, "XDG_CACHE_HOME="+dir)
	cmd.ExtraFiles = []*os.File{toRead, fromWrite}
	// Its processes end with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 10 * time.Second
	err = cmd.Start()
	_ = toRead.Close()
	_ = fromWrite.Close()
	if err != nil {
		_ = toWrite.Close()
		_ = fromRead.Close()
		return nil, errors.Join(fmt.Errorf("browser: %w", err), os.RemoveAll(dir))
	}
	return &Chromium{cmd: cmd, pipe: newPipe(toWrite, fromRead), ends: [2]*os.File{toWrite, fromRead}, dir: dir}, nil
}

// Version is the browser's, as it says.
func (c *Chromium) Version(ctx context.Context) (string, error) {
	var v struct{ Product string }
	err := c.pipe.call(ctx, "", "Browser.getVersion", nil, &v)
	return v.Product, err
}

// Close ends the browser and removes its profile.
func (c *Chromium) Close() error {
	_ = c.cmd.Cancel()
	_ = c.cmd.Wait() // it was killed
	<-c.pipe.end
	for _, f := range c.ends {
		_ = f.Close()
	}
	return os.RemoveAll(c.dir)
}
