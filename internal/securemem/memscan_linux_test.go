package securemem

import (
	"bufio"
	"bytes"
	"crypto"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// needle is a value to search for in memory, kept XORed with a mask so that the
// search does not find the needle itself.
type needle struct {
	masked, mask []byte
	anchor       int // place of a byte that is not 0, to search by
}

// newNeedle remembers b, which is in secret memory.
func newNeedle(b []byte) needle {
	n := needle{mask: make([]byte, len(b)), masked: make([]byte, len(b))}
	_, _ = rand.Read(n.mask)
	for i := range b {
		n.masked[i] = b[i] ^ n.mask[i]
	}
	for b[n.anchor] == 0 {
		n.anchor++ // memory is mostly zeros
	}
	return n
}

func (n needle) at(b []byte) bool {
	for i := range n.masked {
		if b[i]^n.mask[i] != n.masked[i] {
			return false
		}
	}
	return true
}

// in counts the places in b where the needle is.
func (n needle) in(b []byte) (found int) {
	first := n.masked[n.anchor] ^ n.mask[n.anchor]
	for at := n.anchor; at+len(n.mask)-n.anchor <= len(b); at++ {
		i := bytes.IndexByte(b[at:len(b)-len(n.mask)+n.anchor+1], first)
		if i < 0 {
			return found
		}
		at += i
		if n.at(b[at-n.anchor:]) {
			found++
		}
	}
	return found
}

// count reads all memory of this process through /proc/self/mem and counts n.
func (n needle) count(t *testing.T) int {
	t.Helper()
	const window = 1 << 20
	// The buffer is a mapping of its own, so that the search can leave it out.
	buf, err := unix.Mmap(-1, 0, window, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		clear(buf)
		_ = unix.Munmap(buf)
	}()
	bufAddr := uint64(uintptr(unsafe.Pointer(&buf[0])))
	mem, err := os.Open("/proc/self/mem")
	if err != nil {
		t.Fatal(err)
	}
	defer mem.Close()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	found, scanned := 0, 0
	sc := bufio.NewScanner(strings.NewReader(string(maps)))
	for sc.Scan() {
		f := strings.Fields(sc.Text())
		if f[1][0] != 'r' || strings.Contains(sc.Text(), "[v") {
			continue
		}
		lo, hi, _ := strings.Cut(f[0], "-")
		start, err1 := strconv.ParseUint(lo, 16, 64)
		end, err2 := strconv.ParseUint(hi, 16, 64)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		for off := start; off < end; {
			// The buffer may be merged with a neighbour into one line of maps.
			if off >= bufAddr && off < bufAddr+window {
				off = bufAddr + window
				continue
			}
			n1 := min(window, end-off)
			if off < bufAddr {
				n1 = min(n1, bufAddr-off)
			}
			got, err := mem.ReadAt(buf[:n1], int64(off))
			if got == 0 && err != nil {
				break
			}
			found += n.in(buf[:got])
			scanned += got
			step := uint64(got)
			if off+step < end && step > uint64(len(n.mask)) {
				step -= uint64(len(n.mask)) - 1 // a needle across two windows
			}
			off += step
		}
	}
	if scanned < 1<<20 {
		t.Fatalf("only %d bytes of memory were readable", scanned)
	}
	return found
}

func TestDestroyedSecretIsNowhereInMemory(t *testing.T) {
	a := NewArena(Options{})
	defer a.Close()
	for _, size := range []int{32, 4096, 20000} {
		s, err := a.Random(size)
		if err != nil {
			t.Fatal(err)
		}
		var n needle
		_ = s.With(func(b []byte) { n = newNeedle(b[:32]) })
		if got := n.count(t); got != 1 {
			t.Fatalf("size %d: the live secret is in memory %d times, want exactly once", size, got)
		}
		s.Destroy()
		if got := n.count(t); got != 0 {
			t.Errorf("size %d: the destroyed secret is still in memory %d times", size, got)
		}
	}
}

func TestCipherKeysAreOnlyInTheArena(t *testing.T) {
	a := NewArena(Options{})
	defer a.Close()
	key, err := a.Random(32)
	if err != nil {
		t.Fatal(err)
	}
	var n needle
	var blk *Block
	var gcm *GCM
	_ = key.With(func(b []byte) {
		n = newNeedle(b)
		blk, err = a.NewBlock(b)
		if err == nil {
			gcm, err = a.NewGCM(b)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	// The bytes of the key in order are the first two round keys on this machine's
	// schedule format, or are word-swapped; either way the key itself and the
	// schedules are the only places.
	live := n.count(t)
	if live < 1 || live > 3 {
		t.Fatalf("the live key is in memory %d times, want 1 to 3 (key, two schedules)", live)
	}
	_ = blk.With(func(cipher.Block) {})
	blk.Destroy()
	gcm.Destroy()
	if got := n.count(t); got != 1 {
		t.Errorf("after destroying both ciphers the key is in memory %d times, want once", got)
	}
	key.Destroy()
	if got := n.count(t); got != 0 {
		t.Errorf("the destroyed key is still in memory %d times", got)
	}
}

// TestArenaReportsALockThatTheLimitForbids runs itself again as a process with no
// right to lock memory.
func TestArenaReportsALockThatTheLimitForbids(t *testing.T) {
	const child = "SECUREMEM_TEST_LOCK_CHILD"
	if os.Getenv(child) == "" {
		runSelf(t, child)
		return
	}
	// CAP_IPC_LOCK would override the limit, so it is given up first.
	dropIPCLock(t)
	if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{}); err != nil {
		t.Fatal(err)
	}
	a := NewArena(Options{})
	defer a.Close()
	s, err := a.Random(32)
	if err != nil {
		t.Fatalf("without RequireLock: %v", err)
	}
	defer s.Destroy()
	st := a.Stats()
	if st.UnlockedBytes != st.MappedBytes || st.UnlockedBytes == 0 || st.Err == nil {
		t.Errorf("memory is not locked and Stats does not say so: %+v", st)
	}
	strict := NewArena(Options{RequireLock: true})
	defer strict.Close()
	if _, err := strict.Random(32); !errors.Is(err, ErrNotLocked) {
		t.Errorf("with RequireLock: %v", err)
	}
}

func TestHardenProcess(t *testing.T) {
	const child = "SECUREMEM_TEST_HARDEN_CHILD"
	if os.Getenv(child) == "" {
		runSelf(t, child)
		return
	}
	h, err := HardenProcess()
	if err != nil || !h.NotDumpable || !h.NoCore {
		t.Fatalf("%+v, %v", h, err)
	}
	if d, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0); err != nil || d != 0 {
		t.Errorf("dumpable is %d, %v", d, err)
	}
	var core, lock unix.Rlimit
	if err := errors.Join(unix.Getrlimit(unix.RLIMIT_CORE, &core), unix.Getrlimit(unix.RLIMIT_MEMLOCK, &lock)); err != nil {
		t.Fatal(err)
	}
	if core.Cur != 0 || core.Max != 0 {
		t.Errorf("core limit is %+v", core)
	}
	if lock.Cur != lock.Max {
		t.Errorf("memlock limit is %+v", lock)
	}
}

// runSelf runs the calling test in a new process with the variable set, because
// what it changes holds for a whole process.
func runSelf(t *testing.T, variable string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), variable+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Fatalf("the test did not run in the child:\n%s", out)
	}
}

// dropIPCLock removes CAP_IPC_LOCK from this thread, and keeps the goroutine on it.
func dropIPCLock(t *testing.T) {
	t.Helper()
	runtime.LockOSThread() // to the end of the process
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&hdr, &data[0]); err != nil {
		t.Fatal(err)
	}
	data[unix.CAP_IPC_LOCK/32].Effective &^= 1 << (unix.CAP_IPC_LOCK % 32)
	if err := unix.Capset(&hdr, &data[0]); err != nil {
		t.Fatal(err)
	}
}

// TestHMACKeyIsNowhereElse looks for the key and for the states made of it.
func TestHMACKeyIsNowhereElse(t *testing.T) {
	a := NewArena(Options{})
	defer a.Close()
	for _, size := range []int{32, 100} { // within a block of SHA-256, and beyond
		key, err := a.Random(size)
		if err != nil {
			t.Fatal(err)
		}
		var raw, inner, outer needle
		var m *HMAC
		_ = key.With(func(b []byte) {
			raw = newNeedle(b[:24])
			m, err = a.NewHMAC(crypto.SHA256, b)
		})
		if err != nil {
			t.Fatal(err)
		}
		want := 1
		if m.size == 0 {
			want, inner, outer = 2, raw, raw // in FIPS mode the HMAC has the key itself
		} else {
			_ = m.sec.With(func(b []byte) { inner, outer = newNeedle(b[:24]), newNeedle(b[m.size:][:24]) })
		}
		for range 100 {
			if _, err := m.Sum(nil, make([]byte, 50)); err != nil {
				t.Fatal(err)
			}
		}
		runtime.GC()
		if r, i, o := raw.count(t), inner.count(t), outer.count(t); r != want || i != want || o != want {
			t.Errorf("a key of %d bytes: the key is in memory %d times, its states %d and %d times; want %d of each", size, r, i, o, want)
		}
		key.Destroy()
		m.Destroy()
		if r, i, o := raw.count(t), inner.count(t), outer.count(t); r+i+o != 0 {
			t.Errorf("a destroyed key of %d bytes: in memory %d times, its states %d and %d times", size, r, i, o)
		}
	}
}
