package e2e

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What TestStreamingInConstantMemory runs with:
//
//	FASTNESS_STREAM_MIB      length of the stream, in MiB (256)
//	FASTNESS_STREAM_CGROUP   if set, a memory cgroup of so many MiB for both processes; where
//	                         none can be made, GOMEMLIMIT of half of it for each
const (
	streamMiB    = "FASTNESS_STREAM_MIB"
	streamCgroup = "FASTNESS_STREAM_CGROUP"
)

// headroom is what a process may grow by above an idle one, in bytes.
const headroom = 32 << 20

// TestStreamingInConstantMemory sends a stream through fastness encrypt | fastness decrypt.
// What comes out is what went in, and neither process has ever had 32 MiB more than one
// that has begun a message and waits.
func TestStreamingInConstantMemory(t *testing.T) {
	length := int64(setting(t, streamMiB, 256)) << 20
	w := newWorkshop(t, nil)
	group := ""
	if limit := setting(t, streamCgroup, 0); limit > 0 {
		var err error
		if group, err = memoryGroup(t, int64(limit)<<20); err != nil {
			t.Logf("no memory cgroup can be made here (%v): GOMEMLIMIT and the measured peaks take its place", err)
			w.env = append(w.env, "GOMEMLIMIT="+strconv.Itoa(limit/2)+"MiB")
		}
	}
	key := w.rawKey(t)
	for _, suite := range []string{"0x0478", "0x0578"} {
		encrypt := append([]string{"encrypt", "--algorithm", suite}, key...)
		idle := idleMemory(t, w, encrypt)

		left := startIn(t, w, group, encrypt...)
		right := startIn(t, w, group, append([]string{"decrypt"}, key...)...)
		go func() {
			_, err := io.Copy(right.in, left.out)
			left.copied <- errors.Join(err, right.in.Close())
		}()
		// Both are measured when all has passed through them but the end is not in sight.
		const tail = 8 << 20
		through, measured := make(chan error, 1), make(chan struct{})
		in, out := sha256.New(), sha256.New()
		began := time.Now()
		go func() {
			_, err := io.CopyN(io.MultiWriter(left.in, in), endless(), length)
			<-measured
			left.copied <- errors.Join(err, left.in.Close())
		}()
		var total int64
		go func() {
			n, err := io.CopyN(out, right.out, length-tail)
			total = n
			through <- err
		}()
		await(t, through, left, right)
		peaks := []int64{left.peak(t), right.peak(t)}
		close(measured)
		go func() {
			n, err := io.Copy(out, right.out)
			total += n
			through <- err
		}()
		await(t, through, left, right)
		for range 2 {
			if err := <-left.copied; err != nil {
				t.Error(err)
			}
		}
		elapsed := time.Since(began)
		left.wait(t)
		right.wait(t)
		if total != length || string(in.Sum(nil)) != string(out.Sum(nil)) {
			t.Errorf("%s: %d bytes in, %d out; checksums %x, %x", suite, length, total, in.Sum(nil), out.Sum(nil))
		}
		for i, name := range []string{"encrypt", "decrypt"} {
			if peaks[i]-idle > headroom {
				t.Errorf("%s: %s had %d KiB, %d idle", suite, name, peaks[i]>>10, idle>>10)
			}
		}
		t.Logf("%s: %d MiB in %v, %.0f MiB/s; peaks %d and %d KiB, idle %d KiB", suite, length>>20, elapsed.Round(time.Millisecond),
			float64(length>>20)/elapsed.Seconds(), peaks[0]>>10, peaks[1]>>10, idle>>10)
	}
	if group != "" {
		t.Logf("memory cgroup %s: %s", group, groupPeak(t, group))
	}
}

func setting(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n <= 0 {
		t.Fatalf("%s=%q", name, text)
	}
	return n
}

// endless is a stream that does not repeat.
func endless() io.Reader {
	return bufio.NewReaderSize(rand.NewChaCha8([32]byte{1}), 1<<20)
}

// piped is a running process between two pipes.
type piped struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    io.Reader
	log    *buffer
	copied chan error
}

// startIn starts the program under test, in a memory cgroup if one is given. A shell joins
// it first, so that everything the program ever has is counted.
func startIn(t *testing.T, w *workshop, group string, args ...string) *piped {
	t.Helper()
	p := &piped{log: new(buffer), copied: make(chan error, 3)}
	p.cmd = exec.CommandContext(t.Context(), binary, args...)
	if group != "" {
		script := `echo $$ > "$0/cgroup.procs" && exec "$@"`
		p.cmd = exec.CommandContext(t.Context(), "/bin/sh", append([]string{"-c", script, group, binary}, args...)...)
	}
	p.cmd.Dir, p.cmd.Env, p.cmd.Stderr = w.dir, w.env, p.log
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if p.out, err = p.cmd.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // long gone, unless the test has failed
	})
	return p
}

// await waits for a step of the stream, however long it takes while it moves on.
func await(t *testing.T, step <-chan error, processes ...*piped) {
	t.Helper()
	if err := <-step; err != nil {
		for _, p := range processes {
			t.Logf("%v: %s", p.cmd.Args, p.log)
		}
		t.Fatal(err)
	}
}

func (p *piped) wait(t *testing.T) {
	t.Helper()
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("%v: %v\n%s", p.cmd.Args, err, p.log)
	}
}

// peak is the largest resident set that the process has had, in bytes.
func (p *piped) peak(t *testing.T) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n << 10
		}
	}
	t.Fatalf("no VmHWM in %s", text)
	return 0
}

// idleMemory is the peak of a process that has written the header of a message and waits.
func idleMemory(t *testing.T, w *workshop, args []string) int64 {
	t.Helper()
	p := startIn(t, w, "", args...)
	if _, err := io.CopyN(io.Discard, p.out, 16); err != nil {
		t.Fatalf("%v\n%s", err, p.log)
	}
	peak := p.peak(t)
	if err := p.in.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, p.out); err != nil {
		t.Fatal(err)
	}
	p.wait(t)
	return peak
}

// memoryGroup makes a memory cgroup with a limit: of version 2, else of version 1. The error
// tells why this process may not make one.
func memoryGroup(t *testing.T, limit int64) (string, error) {
	t.Helper()
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "", err
	}
	var errs []error
	for line := range strings.Lines(string(own)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 || parts[1] != "" && parts[1] != "memory" {
			continue
		}
		root, file := "/sys/fs/cgroup", "memory.max"
		if parts[1] == "memory" {
			root, file = "/sys/fs/cgroup/memory", "memory.limit_in_bytes"
		}
		group := filepath.Join(root, parts[2], "fastness-stream-"+strconv.Itoa(os.Getpid()))
		if err := os.Mkdir(group, 0o755); err != nil {
			errs = append(errs, err)
			continue
		}
		t.Cleanup(func() {
			// A process that has just ended may still be counted.
			for err := os.Remove(group); errors.Is(err, syscall.EBUSY); err = os.Remove(group) {
			}
		})
		if _, err := os.Stat(filepath.Join(group, file)); err != nil {
			errs = append(errs, err)
			continue
		}
		if err := os.WriteFile(filepath.Join(group, file), []byte(strconv.FormatInt(limit, 10)), 0); err != nil {
			errs = append(errs, err)
			continue
		}
		return group, nil
	}
	return "", errors.Join(append(errs, errors.New("this process is in no memory cgroup"))...)
}

// groupPeak is what the group has used at most, and its limit.
func groupPeak(t *testing.T, group string) string {
	t.Helper()
	for _, names := range [][2]string{{"memory.peak", "memory.max"}, {"memory.max_usage_in_bytes", "memory.limit_in_bytes"}} {
		peak, err := os.ReadFile(filepath.Join(group, names[0]))
		if err != nil {
			continue
		}
		limit, err := os.ReadFile(filepath.Join(group, names[1]))
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("peak %s of %s bytes", strings.TrimSpace(string(peak)), strings.TrimSpace(string(limit)))
	}
	return "its peak is not told"
}
