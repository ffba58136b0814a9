package store

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"iter"
)

// Image is the contents of a store at one revision.
type Image struct {
	Revision Revision
	// Tokens are the last fencing tokens by lease name.
	Tokens map[string]uint64
	// Items come in key order. A non-nil error is the last pair and means that the
	// image is worthless.
	Items iter.Seq2[Item, error]
}

// Loader is an engine that can be filled from an image. Load refuses a store that is
// not empty with ErrNotEmpty, and makes nothing visible unless all of it is there.
type Loader interface {
	Load(ctx context.Context, img Image) error
}

// TokenLister is an engine that can tell its fencing tokens.
type TokenLister interface {
	LeaseTokens(ctx context.Context) (map[string]uint64, error)
}

// Restore fills the empty store s from a stream that Backup wrote, and returns its
// revision: keys keep the revisions they had. Nothing of the stream is visible before
// its last checksum was verified; after an error s is empty as before.
func Restore(ctx context.Context, r io.Reader, s Store) (Revision, error) {
	l, ok := s.(Loader)
	if !ok {
		return 0, fmt.Errorf("store: restore: %w", ErrUnsupported)
	}
	b := &backupReader{r: bufio.NewReaderSize(r, backupFrameBytes), sum: sha256.New()}
	img, err := b.image()
	if err == nil {
		err = l.Load(ctx, img)
	}
	if err != nil {
		return 0, fmt.Errorf("store: restore: %w", err)
	}
	return img.Revision, nil
}

// VerifyBackup reads a stream that Backup wrote to its end, checks all of it, and
// returns its revision and number of items.
func VerifyBackup(ctx context.Context, r io.Reader) (rev Revision, items int, err error) {
	b := &backupReader{r: bufio.NewReaderSize(r, backupFrameBytes), sum: sha256.New()}
	img, err := b.image()
	if err != nil {
		return 0, 0, err
	}
	for _, err := range img.Items {
		if err != nil {
			return 0, 0, err
		}
		if err := ctx.Err(); err != nil {
			return 0, 0, err
		}
		items++
	}
	return img.Revision, items, nil
}

type backupReader struct {
	r    *bufio.Reader
	sum  hash.Hash // of everything read before the current frame
	kind byte
	body []byte
	frm  []byte // the current frame, not yet in sum
}

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrBackupDamaged, fmt.Sprintf(format, args...))
}

// next reads one frame into kind and body.
func (b *backupReader) next() error {
	b.sum.Write(b.frm)
	var head [5]byte
	if _, err := io.ReadFull(b.r, head[:]); err != nil {
		return cutOff(err)
	}
	n := binary.BigEndian.Uint32(head[1:])
	if n > maxBackupFrame {
		return damaged("frame of %d bytes", n)
	}
	b.frm = append(b.frm[:0], head[:]...)
	b.frm = append(b.frm, make([]byte, n+4)...)
	if _, err := io.ReadFull(b.r, b.frm[5:]); err != nil {
		return cutOff(err)
	}
	end := len(b.frm) - 4
	if crc32.Checksum(b.frm[:end], castagnoli()) != binary.BigEndian.Uint32(b.frm[end:]) {
		return damaged("checksum of a frame is wrong")
	}
	b.kind, b.body = head[0], b.frm[5:end]
	return nil
}

func cutOff(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return damaged("stream is cut off")
	}
	return fmt.Errorf("read backup: %w", err)
}

// image reads up to the first frame of items.
func (b *backupReader) image() (Image, error) {
	var img Image
	magic := make([]byte, len(backupMagic))
	if _, err := io.ReadFull(b.r, magic); err != nil {
		return img, cutOff(err)
	}
	if string(magic) != backupMagic {
		return img, damaged("not a backup")
	}
	b.frm = magic
	if err := b.next(); err != nil {
		return img, err
	}
	f := fields{b: b.body}
	format := f.uvarint()
	if b.kind != frameHeader || f.bad || format == 0 {
		return img, damaged("bad header")
	}
	if format > backupFormat {
		return img, fmt.Errorf("%w: format %d, known up to %d", ErrBackupTooNew, format, backupFormat)
	}
	img.Revision = Revision(f.uvarint())
	if !f.ended() {
		return img, damaged("bad header")
	}
	img.Tokens = make(map[string]uint64)
	for {
		if err := b.next(); err != nil {
			return img, err
		}
		if b.kind != frameTokens {
			break
		}
		for f := (fields{b: b.body}); !f.ended(); {
			name := string(f.bytes(MaxKeyBytes))
			token := f.uvarint()
			if f.bad {
				return img, damaged("bad lease token")
			}
			img.Tokens[name] = token
		}
	}
	img.Items = b.items(img.Revision)
	return img, nil
}

// items yields the items from the current frame on and ends after the end frame.
func (b *backupReader) items(rev Revision) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		count := uint64(0)
		var last []byte
		for b.kind == frameItems {
			for f := (fields{b: b.body}); !f.ended(); {
				it := Item{
					Key:   bytes.Clone(f.bytes(MaxKeyBytes)),
					Value: append([]byte{}, f.bytes(MaxValueBytes)...),
				}
				it.Revision = Revision(f.uvarint())
				switch {
				case f.bad, it.Revision == 0, it.Revision > rev:
					yield(Item{}, damaged("bad item"))
					return
				case bytes.Compare(it.Key, last) <= 0:
					yield(Item{}, damaged("items are out of order"))
					return
				}
				last = append(last[:0], it.Key...)
				count++
				if !yield(it, nil) {
					return
				}
			}
			if err := b.next(); err != nil {
				yield(Item{}, err)
				return
			}
		}
		if err := b.end(count); err != nil {
			yield(Item{}, err)
		}
	}
}

// end checks the last frame and that nothing follows it.
func (b *backupReader) end(count uint64) error {
	f := fields{b: b.body}
	n := f.uvarint()
	if b.kind != frameEnd || f.bad || n != count {
		return damaged("bad end")
	}
	if !bytes.Equal(f.b, b.sum.Sum(nil)) {
		return damaged("checksum of the stream is wrong")
	}
	if _, err := b.r.ReadByte(); err != io.EOF {
		return damaged("bytes after the end")
	}
	return nil
}

// fields takes a payload apart from the front; after the first misfit it is bad.
type fields struct {
	b   []byte
	bad bool
}

func (f *fields) uvarint() uint64 {
	v, n := binary.Uvarint(f.b)
	if n <= 0 {
		f.bad, f.b = true, nil
		return 0
	}
	f.b = f.b[n:]
	return v
}

func (f *fields) bytes(limit uint64) []byte {
	n := f.uvarint()
	if n > limit || n > uint64(len(f.b)) {
		f.bad, f.b = true, nil
		return nil
	}
	p := f.b[:n]
	f.b = f.b[n:]
	return p
}

// ended reports that the payload was taken apart to its last byte, without misfit.
func (f *fields) ended() bool { return len(f.b) == 0 && !f.bad }
