package live

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// servePHP runs PHP's own server on a directory and returns its address.
func servePHP(t testing.TB, root string, settings ...string) string {
	t.Helper()
	php := lookFor(t, "php-cli", "php", "/usr/bin/php")
	addr := "127.0.0.1:" + strconv.Itoa(freePort(t))
	args := []string{"-S", addr, "-t", root, "-d", "opcache.enable_cli=1", "-d", "display_errors=0", "-d", "upload_max_filesize=8M", "-d", "sys_temp_dir=" + t.TempDir()}
	for _, s := range settings {
		args = append(args, "-d", s)
	}
	p := launch(t, func(c *exec.Cmd) { c.Env = append(os.Environ(), "PHP_CLI_SERVER_WORKERS=3") }, php, args...)
	p.listening(addr)
	return addr
}

// copyTree copies a package's directory, with what its links lead to, so that it can be written to.
func copyTree(t testing.TB, from string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), filepath.Base(from))
	if out, err := exec.Command("cp", "-rL", "--no-preserve=all", from, to).CombinedOutput(); err != nil {
		t.Fatalf("cp: %v\n%s", err, out)
	}
	return to
}
