package keyslot

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
)

// encodeHeader is the first page: magic, length and bytes of the installation's name,
// and a checksum in the last four bytes.
func encodeHeader(installation string) []byte {
	b := make([]byte, pageBytes)
	n := copy(b, headerMagic)
	binary.BigEndian.PutUint16(b[n:], uint16(len(installation)))
	copy(b[n+2:], installation)
	binary.BigEndian.PutUint32(b[pageBytes-4:], crc32.Checksum(b[:pageBytes-4], castagnoli))
	return b
}

func checkHeader(b []byte, installation string) error {
	if !bytes.Equal(b, encodeHeader(installation)) {
		return ErrFile
	}
	return nil
}

// recover reads all slots, completes what was begun and repairs damaged copies.
func (f *File) recover(ctx context.Context, size int64) error {
	groups := (size - pageBytes + groupBytes - 1) / groupBytes
	if size < pageBytes || groups*slotsPerPage > MaxSlots {
		return fmt.Errorf("%w: %d bytes long", ErrFile, size)
	}
	f.slots = make([]slot, groups*slotsPerPage)
	var repairs []*op
	buf := make([]byte, groupBytes)
	for g := range groups {
		if err := ctx.Err(); err != nil {
			return err
		}
		clear(buf) // what is beyond the end counts as zero
		if _, err := f.dev.ReadAt(buf, pageBytes+g*groupBytes); err != nil && err != io.EOF {
			return fmt.Errorf("keyslot: reading: %w", err)
		}
		for i := range slotsPerPage {
			index := uint32(g)*slotsPerPage + uint32(i)
			a := decodeImage(buf[i*copyBytes:][:copyBytes], index)
			b := decodeImage(buf[pageBytes+i*copyBytes:][:copyBytes], index)
			m, repair := resolve(a, b)
			s := &f.slots[index]
			switch m.state {
			case live:
				v, err := f.opts.AEAD.Version(m.sealed[:])
				if err != nil {
					s.state = invalid // whole, but not written by us
					continue
				}
				*s = slot{gen: m.gen, seq: m.seq, version: v, state: live}
			case shredding:
				o, err := finishOp(index, m.gen, a.state, b.state)
				if err != nil {
					return err
				}
				repairs = append(repairs, o)
				continue
			default:
				s.state = m.state
			}
			if repair != [2]bool{} {
				repairs = append(repairs, repairOp(index, m, repair))
			}
		}
	}
	if err := runBatch(f.dev, repairs); err != nil {
		return fmt.Errorf("keyslot: repairing: %w", err)
	}
	for i := len(f.slots) - 1; i >= 0; i-- {
		if f.slots[i].state == free {
			f.free = append(f.free, uint32(i))
		}
	}
	return nil
}
