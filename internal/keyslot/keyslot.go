package keyslot

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"fastness/internal/securemem"
)

// The errors of this package; match them with errors.Is.
var (
	// ErrGone: the slot was shredded, or never held this allocation.
	ErrGone = errors.New("keyslot: slot is gone")
	// ErrDamaged: both copies of a slot are damaged.
	ErrDamaged = errors.New("keyslot: slot is damaged")
	// ErrOwner: the slot belongs to another owner.
	ErrOwner = errors.New("keyslot: slot belongs to another owner")
	// ErrFile: not a keyslot file, or one of another installation.
	ErrFile = errors.New("keyslot: not the keyslot file of this installation")
	// ErrMissing: there is no keyslot file, and Options.Create is not set.
	ErrMissing = errors.New("keyslot: file missing")
	// ErrFull: MaxSlots are in use.
	ErrFull = errors.New("keyslot: file full")
	// ErrBroken: a write or sync failed; nothing is changed any more until the file is
	// opened again.
	ErrBroken = errors.New("keyslot: a write failed; open the file again")
	// ErrClosed: the file is closed.
	ErrClosed = errors.New("keyslot: closed")
)

// AEAD seals KEKs under a domain key; *seal.AEAD is one.
type AEAD interface {
	Seal(dst, plaintext, aad []byte) ([]byte, error)
	Open(dst, sealed, aad []byte) ([]byte, error)
	// Active is the key version that Seal uses.
	Active() (uint32, error)
	// Version is the key version that sealed names.
	Version(sealed []byte) (uint32, error)
}

// Options of Open.
type Options struct {
	// Installation binds the file to a keyring: seal.Info.Installation. Required.
	Installation string
	// AEAD seals the KEKs. Required.
	AEAD AEAD
	// Arena holds the KEKs that Allocate and OpenSlot return. Required.
	Arena *securemem.Arena
	// Create makes a new file when there is none. Set it only when the store is new:
	// a missing file over existing keys means that all of them are lost.
	Create bool
}

const (
	headerMagic   = "FSTNSLOT\x01"
	maxHeaderName = 256
	// firstGroups is what the first growth adds: 256 slots, 64 KiB.
	firstGroups = 8
)

// File is an open keyslot file. It is safe for concurrent use.
type File struct {
	dev  Device
	opts Options

	mu     sync.Mutex
	idle   sync.Cond // signalled when a slot stops being busy
	slots  []slot
	free   []uint32
	closed bool

	w *writer
}

// slot is what memory knows of a slot.
type slot struct {
	gen     uint64
	seq     uint32
	version uint32 // of the domain key
	state   state
	busy    bool // a write is under way
}

// Open opens the keyslot file at path and repairs what a crash left.
func Open(ctx context.Context, path string, o Options) (*File, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	dev, err := openFile(path)
	if errors.Is(err, os.ErrNotExist) {
		if !o.Create {
			return nil, fmt.Errorf("%w: %s", ErrMissing, path)
		}
		if err = createFile(path, encodeHeader(o.Installation)); err != nil {
			return nil, err
		}
		dev, err = openFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("keyslot: opening %s: %w", path, err)
	}
	f, err := OpenDevice(ctx, dev, o)
	if err != nil {
		return nil, errors.Join(err, dev.Close())
	}
	return f, nil
}

// OpenDevice opens the keyslot file on a device, which Close closes. An empty device
// is given a header if Options.Create is set.
func OpenDevice(ctx context.Context, dev Device, o Options) (*File, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	f := &File{dev: dev, opts: o}
	f.idle.L = &f.mu
	size, err := dev.Size()
	if err != nil {
		return nil, fmt.Errorf("keyslot: size: %w", err)
	}
	if size == 0 && o.Create {
		if _, err := dev.WriteAt(encodeHeader(o.Installation), 0); err != nil {
			return nil, fmt.Errorf("keyslot: writing the header: %w", err)
		}
		if err := dev.Sync(); err != nil {
			return nil, fmt.Errorf("keyslot: writing the header: %w", err)
		}
		size = pageBytes
	}
	header := make([]byte, pageBytes)
	if _, err := dev.ReadAt(header, 0); err != nil && err != io.EOF {
		return nil, fmt.Errorf("keyslot: reading the header: %w", err)
	}
	if err := checkHeader(header, o.Installation); err != nil {
		return nil, err
	}
	if err := f.recover(ctx, size); err != nil {
		return nil, err
	}
	f.w = newWriter(dev)
	return f, nil
}

func (o *Options) check() error {
	if o.AEAD == nil || o.Arena == nil || o.Installation == "" || len(o.Installation) > maxHeaderName {
		return errors.New("keyslot: Options needs Installation, AEAD and Arena")
	}
	return nil
}

// aad binds a sealed KEK to its place, allocation and owner.
func (f *File) aad(index uint32, gen uint64, owner [ownerBytes]byte) []byte {
	b := []byte("fastness keyslot\x00" + f.opts.Installation + "\x00")
	b = binary.BigEndian.AppendUint32(b, index)
	b = binary.BigEndian.AppendUint64(b, gen)
	return append(b, owner[:]...)
}

// Allocate makes a random KEK for owner (1 to MaxOwnerBytes) in a free slot. The slot
// is durable when Allocate returns. The caller destroys the Secret. When it returns an
// error after a failed write, the slot may be there without an owner's record: Check
// finds it. A cancelled context is noticed only before the write.
func (f *File) Allocate(ctx context.Context, owner string) (SlotID, *securemem.Secret, error) {
	if err := ctx.Err(); err != nil {
		return SlotID{}, nil, err
	}
	if len(owner) < 1 || len(owner) > MaxOwnerBytes {
		return SlotID{}, nil, fmt.Errorf("keyslot: owner of %d bytes", len(owner))
	}
	gen, err := newGeneration()
	if err != nil {
		return SlotID{}, nil, err
	}
	kek, err := f.opts.Arena.Random(kekBytes)
	if err != nil {
		return SlotID{}, nil, err
	}
	index, err := f.take()
	if err != nil {
		kek.Destroy()
		return SlotID{}, nil, err
	}
	m := image{state: live, gen: gen, owner: ownerHash(owner)}
	err = use(kek, func(k []byte) error { return f.sealInto(&m, index, k) })
	var v uint32
	if err == nil {
		v, err = f.opts.AEAD.Version(m.sealed[:])
	}
	if err == nil {
		err = f.w.do(liveOp(index, m))
	} else {
		f.mu.Lock()
		f.free = append(f.free, index) // nothing was written
		f.mu.Unlock()
	}
	if err != nil {
		kek.Destroy()
		return SlotID{}, nil, err
	}
	f.mu.Lock()
	f.slots[index] = slot{gen: gen, version: v, state: live}
	f.mu.Unlock()
	return SlotID{Index: index, Generation: gen}, kek, nil
}

// sealInto seals a KEK into an image of a slot.
func (f *File) sealInto(m *image, index uint32, kek []byte) error {
	out, err := f.opts.AEAD.Seal(m.sealed[:0], kek, f.aad(index, m.gen, m.owner))
	if err != nil {
		return fmt.Errorf("keyslot: sealing: %w", err)
	}
	if len(out) != sealedBytes {
		return fmt.Errorf("keyslot: a sealed key has %d bytes, not %d", len(out), sealedBytes)
	}
	return nil
}

// use calls g with the bytes of a secret.
func use(s *securemem.Secret, g func([]byte) error) error {
	var err error
	if e := s.With(func(b []byte) { err = g(b) }); e != nil {
		return e
	}
	return err
}

// newGeneration is a random number that is not zero.
func newGeneration() (uint64, error) {
	var b [8]byte
	for {
		if _, err := rand.Read(b[:]); err != nil {
			return 0, fmt.Errorf("keyslot: reading random bytes: %w", err)
		}
		if g := binary.BigEndian.Uint64(b[:]); g != 0 {
			return g, nil
		}
	}
}

// take removes a slot from the free ones, growing the file when there is none.
func (f *File) take() (uint32, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return 0, ErrClosed
	}
	if len(f.free) == 0 {
		n := max(firstGroups, len(f.slots)/slotsPerPage/4) * slotsPerPage
		if n = min(n, MaxSlots-len(f.slots)); n == 0 {
			return 0, ErrFull
		}
		first := len(f.slots)
		// Reserved before use: a full disk is found here, where nothing is broken by it.
		if err := f.dev.Grow(offset(uint32(first+n), 0)); err != nil {
			return 0, fmt.Errorf("keyslot: growing the file: %w", err)
		}
		f.slots = append(f.slots, make([]slot, n)...)
		for i := first + n - 1; i >= first; i-- {
			f.free = append(f.free, uint32(i))
		}
	}
	i := f.free[len(f.free)-1]
	f.free = f.free[:len(f.free)-1]
	return i, nil
}

// OpenSlot returns the KEK of a slot. It returns ErrGone, ErrOwner, ErrDamaged, or
// the AEAD's error when the sealed KEK does not open. The caller destroys the Secret.
func (f *File) OpenSlot(ctx context.Context, id SlotID, owner string) (*securemem.Secret, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := f.present(id); err != nil {
		return nil, err
	}
	m, err := f.readSlot(id)
	if err != nil {
		return nil, err
	}
	if m.owner != ownerHash(owner) {
		return nil, ErrOwner
	}
	return f.openImage(m, id.Index)
}

func (f *File) present(id SlotID) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return ErrClosed
	}
	if int64(id.Index) >= int64(len(f.slots)) {
		return ErrGone
	}
	s := f.slots[id.Index]
	switch {
	case s.state == invalid:
		return ErrDamaged
	case s.state != live || s.gen != id.Generation:
		return ErrGone
	}
	return nil
}

// readSlot reads the first whole copy of a live slot.
func (f *File) readSlot(id SlotID) (image, error) {
	var b [copyBytes]byte
	for c := range 2 {
		if _, err := f.dev.ReadAt(b[:], offset(id.Index, c)); err != nil {
			return image{}, fmt.Errorf("keyslot: reading slot %d: %w", id.Index, err)
		}
		if m := decodeImage(b[:], id.Index); m.state == live && m.gen == id.Generation {
			return m, nil
		}
	}
	// It may have been shredded between the look at memory and the reading.
	if err := f.present(id); err != nil {
		return image{}, err
	}
	return image{}, ErrDamaged
}

func (f *File) openImage(m image, index uint32) (*securemem.Secret, error) {
	kek, err := f.opts.Arena.New(kekBytes)
	if err != nil {
		return nil, err
	}
	err = use(kek, func(k []byte) error { return f.openInto(k, m, index) })
	if err == nil {
		return kek, nil
	}
	kek.Destroy()
	return nil, err
}

func (f *File) openInto(k []byte, m image, index uint32) error {
	out, err := f.opts.AEAD.Open(k[:0:kekBytes], m.sealed[:], f.aad(index, m.gen, m.owner))
	if err != nil {
		return fmt.Errorf("keyslot: opening slot %d: %w", index, err)
	}
	if len(out) != kekBytes {
		return fmt.Errorf("%w: key of %d bytes", ErrDamaged, len(out))
	}
	return nil
}

// lockSlot waits until no write to the slot is under way and marks it busy; ErrGone
// if it does not hold id.
func (f *File) lockSlot(id SlotID) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return ErrClosed
	}
	if int64(id.Index) >= int64(len(f.slots)) {
		return ErrGone
	}
	for f.slots[id.Index].busy {
		f.idle.Wait()
	}
	s := &f.slots[id.Index]
	if (s.state != live && s.state != shredding) || s.gen != id.Generation {
		return ErrGone
	}
	s.busy = true
	return nil
}

func (f *File) unlockSlot(index uint32, s slot) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.slots[index] = s
	f.idle.Broadcast()
}

// Shred destroys the KEK of a slot. When it returns nil, no copy of it is in the file
// and none comes back after a crash. A slot that is gone already is no error. From the
// moment Shred begins, OpenSlot returns ErrGone. A cancelled context is noticed only
// before the first write.
func (f *File) Shred(ctx context.Context, id SlotID) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	switch err := f.lockSlot(id); {
	case errors.Is(err, ErrGone):
		return nil
	case err != nil:
		return err
	}
	f.mu.Lock()
	f.slots[id.Index].state = shredding
	s := f.slots[id.Index]
	f.mu.Unlock()
	s.busy = false
	o, err := shredOp(id.Index, id.Generation)
	if err == nil {
		err = f.w.do(o)
	}
	if err != nil {
		f.unlockSlot(id.Index, s) // stays "shredding": Shred can be repeated
		return err
	}
	f.unlockSlot(id.Index, slot{})
	f.mu.Lock()
	f.free = append(f.free, id.Index)
	f.mu.Unlock()
	return nil
}

// Close waits for writes under way and closes the file.
func (f *File) Close() error {
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		return nil
	}
	f.closed = true
	f.mu.Unlock()
	f.w.stop()
	if err := f.dev.Close(); err != nil {
		return fmt.Errorf("keyslot: closing: %w", err)
	}
	return nil
}
