package store

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"maps"
	"slices"
)

// A backup is one stream, the same for every engine:
//
//	magic, then frames: type (1 byte), length of payload (4 bytes, big endian),
//	payload, CRC-32C of type, length and payload (4 bytes, big endian).
//
//	H  format (uvarint), revision (uvarint); the first frame
//	L  lease tokens: length of name (uvarint), name, token (uvarint); repeated
//	I  items in key order: length of key, key, length of value, value, revision; repeated
//	E  number of items (uvarint), SHA-256 of all bytes before this frame; the last
//
// Checksums find damage, not forgery: values are sealed by package seal, and whoever
// can replace a backup must be kept away from it like from the data directory.
const (
	backupMagic  = "fastness-backup\n"
	backupFormat = 1

	frameHeader = 'H'
	frameTokens = 'L'
	frameItems  = 'I'
	frameEnd    = 'E'

	// backupFrameBytes is the payload size at which a frame is written;
	// maxBackupFrame is the largest one that is read.
	backupFrameBytes = 64 << 10
	maxBackupFrame   = backupFrameBytes + MaxKeyBytes + MaxValueBytes + 64
)

var (
	// ErrNotEmpty: a restore was asked into a store that holds, or has ever held, data.
	ErrNotEmpty = errors.New("store: not empty")
	// ErrBackupDamaged: a backup stream is cut off, altered or not a backup.
	ErrBackupDamaged = errors.New("store: backup is damaged")
	// ErrBackupTooNew: a backup was written in a format this program does not know.
	ErrBackupTooNew = errors.New("store: backup was written by a newer program")
	// ErrUnsupported: the engine does not offer what was asked.
	ErrUnsupported = errors.New("store: engine does not support this")
)

// backupWriter writes frames and sums up what went out.
type backupWriter struct {
	w   *bufio.Writer
	sum hash.Hash
}

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

func (b *backupWriter) frame(kind byte, payload []byte) error {
	head := binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(payload)))
	crc := crc32.Update(crc32.Checksum(head, castagnoli()), castagnoli(), payload)
	for _, part := range [][]byte{head, payload, binary.BigEndian.AppendUint32(nil, crc)} {
		if err := b.write(part); err != nil {
			return err
		}
	}
	return nil
}

func (b *backupWriter) write(p []byte) error {
	b.sum.Write(p)
	_, err := b.w.Write(p)
	return err
}

// Backup writes a snapshot of s to w while s keeps working, and returns its revision.
// Values go out as the engine holds them, that is sealed. With an engine that is a
// TokenLister the fencing tokens go with it.
func Backup(ctx context.Context, s Store, w io.Writer) (Revision, error) {
	var rev Revision
	err := s.View(ctx, func(r Reader) error {
		rev = r.Revision()
		var tokens map[string]uint64
		if l, ok := s.(TokenLister); ok {
			// Read after the snapshot was taken, so no token in it is newer.
			var err error
			if tokens, err = l.LeaseTokens(ctx); err != nil {
				return err
			}
		}
		return writeBackup(ctx, r, tokens, w)
	})
	if err != nil {
		return 0, fmt.Errorf("store: backup: %w", err)
	}
	return rev, nil
}

func writeBackup(ctx context.Context, r Reader, tokens map[string]uint64, w io.Writer) error {
	b := &backupWriter{w: bufio.NewWriterSize(w, backupFrameBytes), sum: sha256.New()}
	if err := b.write([]byte(backupMagic)); err != nil {
		return err
	}
	head := binary.AppendUvarint(nil, backupFormat)
	if err := b.frame(frameHeader, binary.AppendUvarint(head, uint64(r.Revision()))); err != nil {
		return err
	}
	var buf []byte
	flush := func(kind byte, limit int) error {
		if len(buf) < limit {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		err := b.frame(kind, buf)
		buf = buf[:0]
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(tokens)) {
		buf = appendBytes(buf, []byte(name))
		buf = binary.AppendUvarint(buf, tokens[name])
		if err := flush(frameTokens, backupFrameBytes); err != nil {
			return err
		}
	}
	if err := flush(frameTokens, 1); err != nil {
		return err
	}
	count := uint64(0)
	for item, err := range r.Scan(Range{}) {
		if err != nil {
			return err
		}
		buf = appendBytes(buf, item.Key)
		buf = appendBytes(buf, item.Value)
		buf = binary.AppendUvarint(buf, uint64(item.Revision))
		count++
		if err := flush(frameItems, backupFrameBytes); err != nil {
			return err
		}
	}
	if err := flush(frameItems, 1); err != nil {
		return err
	}
	if err := b.frame(frameEnd, b.sum.Sum(binary.AppendUvarint(nil, count))); err != nil {
		return err
	}
	return b.w.Flush()
}

func appendBytes(dst, p []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(p))), p...)
}
