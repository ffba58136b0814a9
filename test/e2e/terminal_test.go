package e2e

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// openTerminal makes a pseudo terminal: what a program writes to tty is read from screen.
func openTerminal(t *testing.T) (screen, tty *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { screen.Close() })
	number, err := unix.IoctlGetInt(int(screen.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	if tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tty.Close() })
	return screen, tty
}

// On a terminal a long input has a line of progress, which is gone at the end.
func TestProgressOnATerminal(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t, nil)
	screen, tty := openTerminal(t)
	cmd := exec.CommandContext(t.Context(), binary, append([]string{"encrypt", "-o", os.DevNull}, w.rawKey(t)...)...)
	cmd.Dir, cmd.Env, cmd.Stderr = w.dir, w.env, tty
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// The input goes on until the line appears, and ends then.
	shown, fed := make(chan struct{}), make(chan error, 1)
	go func() {
		chunk := make([]byte, 1<<20)
		for {
			select {
			case <-shown:
				fed <- in.Close()
				return
			default:
			}
			if _, err := in.Write(chunk); err != nil {
				fed <- err
				return
			}
		}
	}()
	line := make([]byte, 4096)
	n, err := screen.Read(line)
	close(shown)
	if err != nil {
		t.Fatal(err)
	}
	if text := string(line[:n]); !strings.HasPrefix(text, "\r<stdin>  ") || !strings.Contains(text, "iB/s") {
		t.Errorf("%q", text)
	}
	if err := <-fed; err != nil {
		t.Error(err)
	}
	rest := make(chan string, 1)
	go func() {
		text, _ := io.ReadAll(screen) // ends with an error, when nobody has the terminal open
		rest <- string(text)
	}()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if err := tty.Close(); err != nil {
		t.Error(err)
	}
	if text := <-rest; !strings.HasSuffix(text, "\r\x1b[K") {
		t.Errorf("at the end: %q", text)
	}
}
