package interpreter

import (
	"bufio"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"fastness/test/waf/sandbox"
)

// Main has to be the first thing that the main of a program does which uses this package: the program runs in boxes, too, as what it
// says there.
func Main() {
	sandbox.Probe()
	if os.Args[0] == shellDriver {
		driveShells()
		os.Exit(0)
	}
}

// shellDriver is the name of this program in the box of commands: it is the first process there, and runs shells.
const shellDriver = "/judge/shell"

// toRun is a line for a shell, and ran what became of it: the trace of its commands, what it said on standard error, the names of decoys
// that ran, the files that were made, and whether it had to be ended.
type (
	toRun struct{ Shell, Text string }
	ran   struct {
		Trace, Said string
		Ran, Files  []string
		Hung        bool // it had to be ended
	}
)

// Bounds on a line: how long it may take before all that it started is ended (its own time of the processor is bounded too, and far lower),
// and how much of what it says is read, in bytes.
const (
	longestLine = 10 * time.Second
	mostSaid    = 1 << 16
)

// writable are the directories in which files may be made.
var writable = []string{"/tmp", "/var/tmp", "/dev/shm", "/var/www/html"}

// driveShells runs lines until its input ends: a line of JSON each, and one for an answer.
func driveShells() {
	signal.Ignore(syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGPIPE)
	in := bufio.NewReader(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	for {
		text, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		var q toRun
		if json.Unmarshal(text, &q) != nil {
			return
		}
		r, err := runLine(q)
		if err != nil {
			r.Said += "\njudge: " + err.Error()
		}
		if out.Encode(r) != nil {
			return
		}
	}
}

// runLine runs a line, waits until all that it has started has ended, and removes what it has made.
func runLine(q toRun) (r ran, err error) {
	said, err := memory("said")
	if err != nil {
		return r, err
	}
	defer said.Close()
	trace, err := memory("trace")
	if err != nil {
		return r, err
	}
	defer trace.Close()
	cmd := exec.Command(q.Shell, "-c", q.Text)
	cmd.Stderr = said
	// Descriptors up to the ninth, which Bash traces to; dash traces to standard error.
	for range 6 {
		cmd.ExtraFiles = append(cmd.ExtraFiles, nil)
	}
	cmd.ExtraFiles = append(cmd.ExtraFiles, trace)
	if err := cmd.Start(); err != nil {
		return r, err
	}
	r.Hung = reap(cmd.Process)
	err = errors.Join(readAll(said, &r.Said), readAll(trace, &r.Trace))
	if !strings.HasSuffix(q.Shell, "bash") {
		r.Trace = r.Said
	}
	names, _ := os.ReadFile("/judge/ran/names") // there is none if no decoy ran
	r.Ran = strings.Fields(string(names))
	for _, d := range append(writable, "/judge/ran") {
		r.Files = append(r.Files, empty(d)...)
	}
	slices.Sort(r.Files)
	return r, err
}

func memory(name string) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	return os.NewFile(uintptr(fd), name), err
}

func readAll(f *os.File, into *string) error {
	b := make([]byte, mostSaid)
	n, err := f.ReadAt(b, 0)
	*into = strings.ToValidUTF8(string(b[:n]), "\ufffd")
	if n == 0 || err != nil && n > 0 { // its end
		return nil
	}
	return err
}

// reap waits for a process and all others, which are this one's since it is the first. It tells whether it, or all, or one for the time that it took, had to be ended.
func reap(p *os.Process) (hung bool) {
	var late atomic.Bool
	timer := time.AfterFunc(longestLine, func() {
		late.Store(true)
		_ = syscall.Kill(-1, syscall.SIGKILL) // all but this one
	})
	defer timer.Stop()
	defer func() { _ = p.Release() }()
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		if errors.Is(err, syscall.ECHILD) {
			return hung || late.Load()
		}
		if status.Signaled() && (status.Signal() == syscall.SIGXCPU || pid == p.Pid && status.Signal() == syscall.SIGKILL) {
			hung = true
		}
	}
}

// empty removes what is below a directory, and tells the names of files that were there.
func empty(dir string) (names []string) {
	_ = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			_ = os.Chmod(name, 0o700) // so that it can be removed
		} else if name != dir && !strings.HasPrefix(name, "/judge/") {
			names = append(names, name)
		}
		return nil
	})
	entries, _ := os.ReadDir(dir) // what cannot be read has nothing
	for _, e := range entries {
		_ = os.RemoveAll(filepath.Join(dir, e.Name()))
	}
	return names
}
