package keyslot

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	mrand "math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"fastness/internal/securemem"
)

var errPower = errors.New("power lost")

// crashDisk is a Device whose power fails at a chosen operation. What was not synced
// is then lost, kept, torn, or takes its whole page with it.
type crashDisk struct {
	mu      sync.Mutex
	durable []byte
	view    []byte // what reads see
	pending []pendingWrite
	ops     int
	failAt  int // 0: never
	dead    bool
	rng     *mrand.Rand
}

type pendingWrite struct {
	off  int64
	data []byte
}

func newCrashDisk(image []byte, failAt int, seed uint64) *crashDisk {
	return &crashDisk{durable: bytes.Clone(image), view: bytes.Clone(image), failAt: failAt, rng: mrand.New(mrand.NewPCG(seed, uint64(failAt)))}
}

// step counts an operation and says whether the power fails in it.
func (d *crashDisk) step() bool {
	d.ops++
	if d.ops == d.failAt {
		d.dead = true
	}
	return d.dead
}

func put(img []byte, off int64, data []byte) []byte {
	if need := int(off) + len(data); need > len(img) {
		img = append(img, make([]byte, need-len(img))...)
	}
	copy(img[off:], data)
	return img
}

func (d *crashDisk) ReadAt(p []byte, off int64) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return 0, errPower
	}
	if off >= int64(len(d.view)) {
		return 0, io.EOF
	}
	n := copy(p, d.view[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (d *crashDisk) WriteAt(p []byte, off int64) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	wasDead := d.dead
	d.step()
	if wasDead {
		return 0, errPower
	}
	d.pending = append(d.pending, pendingWrite{off, bytes.Clone(p)})
	d.view = put(d.view, off, p)
	if d.dead {
		return 0, errPower
	}
	return len(p), nil
}

func (d *crashDisk) Sync() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.step() {
		return errPower
	}
	for _, w := range d.pending {
		d.durable = put(d.durable, w.off, w.data)
	}
	d.pending = nil
	return nil
}

func (d *crashDisk) Grow(size int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.step() {
		return errPower
	}
	// Growth is lost by a crash unless something is written there.
	if n := size - int64(len(d.view)); n > 0 {
		d.view = append(d.view, make([]byte, n)...)
	}
	return nil
}

func (d *crashDisk) Size() (int64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return int64(len(d.view)), nil
}

func (d *crashDisk) Close() error { return nil }

// afterCrash is what the disk holds when the power is back.
func (d *crashDisk) afterCrash() []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dead = true
	img := bytes.Clone(d.durable)
	for _, w := range d.pending {
		switch d.rng.IntN(4) {
		case 0: // lost
		case 1: // kept
			img = put(img, w.off, w.data)
		case 2: // torn
			img = put(img, w.off, w.data[:d.rng.IntN(len(w.data)+1)])
		case 3: // the page it is in is garbage
			page := w.off / pageBytes * pageBytes
			garbage := make([]byte, pageBytes)
			for i := range garbage {
				garbage[i] = byte(d.rng.Uint32())
			}
			img = put(img, page, garbage)
		}
	}
	return img
}

// testAEAD seals with the library's AES-GCM in the size and header of a sealed KEK.
type testAEAD struct {
	gcm    cipher.AEAD
	active atomic.Uint32
}

func newTestAEAD(t testing.TB) *testAEAD {
	t.Helper()
	b, err := aes.NewCipher(bytes.Repeat([]byte{9}, 32))
	if err != nil {
		t.Fatal(err)
	}
	g, err := cipher.NewGCM(b)
	if err != nil {
		t.Fatal(err)
	}
	a := &testAEAD{gcm: g}
	a.active.Store(1)
	return a
}

func (a *testAEAD) Seal(dst, plaintext, aad []byte) ([]byte, error) {
	v := a.active.Load()
	dst = binary.BigEndian.AppendUint32(append(dst, 1), v)
	nonce := make([]byte, 24)
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	dst = append(dst, nonce...)
	return a.gcm.Seal(dst, nonce[:12], plaintext, binary.BigEndian.AppendUint32(bytes.Clone(aad), v)), nil
}

func (a *testAEAD) Open(dst, sealed, aad []byte) ([]byte, error) {
	v, err := a.Version(sealed)
	if err != nil {
		return nil, err
	}
	return a.gcm.Open(dst, sealed[5:17], sealed[29:], binary.BigEndian.AppendUint32(bytes.Clone(aad), v))
}

func (a *testAEAD) Active() (uint32, error) { return a.active.Load(), nil }

func (a *testAEAD) Version(sealed []byte) (uint32, error) {
	if len(sealed) < 45 || sealed[0] != 1 {
		return 0, errors.New("not sealed")
	}
	return binary.BigEndian.Uint32(sealed[1:]), nil
}

// ledger is what the test knows of each allocation.
type ledger struct {
	mu      sync.Mutex
	entries []*entry
}

type entry struct {
	id       SlotID
	owner    string
	kek      [kekBytes]byte
	started  bool // Shred was called
	shredded bool // Shred returned nil
}

func (l *ledger) add(e *entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = append(l.entries, e)
}

// work allocates, shreds and rewraps until the power fails or it is done.
func work(ctx context.Context, f *File, aead *testAEAD, l *ledger, worker, rounds int) {
	var mine []*entry
	for i := range rounds {
		owner := fmt.Sprintf("owner-%d-%d", worker, i)
		id, kek, err := f.Allocate(ctx, owner)
		if err != nil {
			return
		}
		e := &entry{id: id, owner: owner}
		_ = kek.With(func(b []byte) { copy(e.kek[:], b) })
		kek.Destroy()
		l.add(e)
		mine = append(mine, e)
		if i%3 == 2 {
			victim := mine[len(mine)-2]
			l.mu.Lock()
			victim.started = true
			l.mu.Unlock()
			if err := f.Shred(ctx, victim.id); err != nil {
				return
			}
			l.mu.Lock()
			victim.shredded = true
			l.mu.Unlock()
		}
		if worker == 0 && i%4 == 3 {
			aead.active.Add(1)
			if _, _, err := f.Rewrap(ctx, 100); err != nil {
				return
			}
		}
	}
}

// verify checks what must hold after a crash, on an image that was opened.
func (l *ledger) verify(t *testing.T, f *File, what string) {
	t.Helper()
	for _, e := range l.entries {
		kek, err := f.OpenSlot(t.Context(), e.id, e.owner)
		switch {
		case e.shredded:
			if !errors.Is(err, ErrGone) {
				t.Fatalf("%s: shredded slot %v: %v", what, e.id, err)
			}
		case err == nil:
			if !kek.Equal(e.kek[:]) {
				t.Fatalf("%s: slot %v has another key", what, e.id)
			}
		case !e.started:
			t.Fatalf("%s: acknowledged slot %v: %v", what, e.id, err)
		case !errors.Is(err, ErrGone):
			t.Fatalf("%s: slot %v whose shredding was interrupted: %v", what, e.id, err)
		}
		kek.Destroy()
	}
	for i, s := range f.slots {
		if s.state == invalid {
			t.Fatalf("%s: slot %d counts as damaged", what, i)
		}
	}
}

func crashAt(t *testing.T, workers, rounds, failAt int, seed uint64) (ended bool) {
	t.Helper()
	arena := securemem.NewArena(securemem.Options{})
	defer arena.Close()
	aead := newTestAEAD(t)
	o := Options{Installation: "test", AEAD: aead, Arena: arena, Create: true}
	what := fmt.Sprintf("%d workers, seed %d, power lost at operation %d", workers, seed, failAt)
	disk := newCrashDisk(encodeHeader("test"), failAt, seed)
	f, err := OpenDevice(t.Context(), disk, o)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	var l ledger
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() { work(t.Context(), f, aead, &l, w, rounds) })
	}
	wg.Wait()
	if err := f.Close(); err != nil {
		t.Fatalf("%s: close: %v", what, err)
	}
	ended = !disk.dead
	image := disk.afterCrash()
	// The power also fails during the repair, at each of its operations.
	for again := 1; ; again++ {
		disk := newCrashDisk(image, again, seed)
		f, err := OpenDevice(t.Context(), disk, o)
		if err == nil {
			l.verify(t, f, what)
			if err := f.Close(); err != nil {
				t.Fatalf("%s: close after repair: %v", what, err)
			}
			break
		}
		if !errors.Is(err, errPower) {
			t.Fatalf("%s: opening: %v", what, err)
		}
		image = disk.afterCrash()
	}
	return ended
}

func TestPowerLossAtEveryOperation(t *testing.T) {
	for seed := range uint64(6) {
		for failAt := 1; ; failAt++ {
			if crashAt(t, 1, 13, failAt, seed) {
				if failAt < 60 {
					t.Fatalf("the work took only %d operations", failAt)
				}
				break
			}
		}
	}
}

func TestPowerLossUnderConcurrentWork(t *testing.T) {
	for seed := range uint64(2) {
		for failAt := 1; failAt < 200; failAt += 5 {
			crashAt(t, 8, 12, failAt, seed)
		}
	}
}
