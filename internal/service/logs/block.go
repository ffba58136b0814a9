package logs

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/klauspost/compress/s2"
)

// The bounds of blocks, in bytes.
const (
	// blockBytes is from what size on a block is full, before compression. A block of one large event
	// is larger.
	blockBytes = 256 << 10
	// partBytes is the largest value; a larger block has several (store.MaxValueBytes less what sealing
	// adds).
	partBytes = 448 << 10
	// maxBlockBytes bounds a block, before compression.
	maxBlockBytes = blockBytes + maxEventBytes + 64
)

// blockID tells blocks apart, and orders those whose events are of the same time.
type blockID struct {
	at     uint64 // when the block came, in microseconds since 1970
	number uint64 // random, but for the lowest bits: the blocks of a batch are numbered
}

// blockNumberBits is enough for the blocks of a batch: one for each of 25 hours and 256 KiB at most.
const blockNumberBits = 8

// newBlockID makes the id of the first block of a batch; the others have the numbers behind its own.
func newBlockID(micros int64) blockID {
	var b [8]byte
	_, _ = rand.Read(b[:])
	return blockID{uint64(micros), binary.BigEndian.Uint64(b[:]) >> 40 << blockNumberBits}
}

// event is one event of a stream.
type event struct {
	at      int64 // milliseconds since 1970
	message string
}

// block is a block before or after its storage.
type block struct {
	ingested int64 // milliseconds since 1970
	events   []event
}

func (b *block) first() int64 { return b.events[0].at }
func (b *block) last() int64  { return b.events[len(b.events)-1].at }

// blockVersion begins the value of a block.
const blockVersion = 1

var errBlock = errors.New("logs: damaged block")

// A stored block: version, time of ingestion, last time, number of events, number of parts (varints), then compressed: for
// each event the time since the one before, the length of the message, the message.
//
// encode returns the parts. Every part but the first begins with the version, too.
func (b *block) encode() [][]byte {
	var plain []byte
	at := b.first()
	for _, e := range b.events {
		plain = binary.AppendUvarint(plain, uint64(e.at-at))
		plain = binary.AppendUvarint(plain, uint64(len(e.message)))
		plain = append(plain, e.message...)
		at = e.at
	}
	packed := s2.Encode(nil, plain)
	rest := packed
	n := 1 + max(0, len(packed)-1)/partBytes
	head := []byte{blockVersion}
	head = binary.AppendUvarint(head, uint64(b.ingested))
	head = binary.AppendUvarint(head, uint64(b.last()))
	head = binary.AppendUvarint(head, uint64(len(b.events)))
	head = binary.AppendUvarint(head, uint64(n))
	all := make([][]byte, n)
	for i := range all {
		cut := min(partBytes, len(rest))
		if i == 0 {
			all[i] = append(head, rest[:cut]...)
		} else {
			all[i] = append([]byte{blockVersion}, rest[:cut]...)
		}
		rest = rest[cut:]
	}
	return all
}

// head is what is known of a block without unpacking it.
type head struct {
	ingested, last int64
	count, parts   int
	packed         []byte // of the first part
}

func decodeHead(b []byte) (h head, err error) {
	if len(b) == 0 || b[0] != blockVersion {
		return h, errBlock
	}
	b = b[1:]
	n := func(most uint64) uint64 {
		v, size := binary.Uvarint(b)
		if size <= 0 || v > most {
			err = errBlock
			return 0
		}
		b = b[size:]
		return v
	}
	const maxTime = 1<<timeBits - 1
	h.ingested, h.last = int64(n(maxTime)), int64(n(maxTime))
	h.count, h.parts = int(n(maxEvents)), int(n(maxBlockBytes/partBytes+1))
	h.packed = b
	if err == nil && (h.count == 0 || h.parts == 0) {
		err = errBlock
	}
	return h, err
}

// checkBlock checks a stored part of a block, for fsck.
func checkBlock(b []byte) error {
	if len(b) < 2 || b[0] != blockVersion {
		return errBlock
	}
	return nil
}

// decode unpacks the events of a block whose first event is of a time. more are the other parts.
func (h *head) decode(first int64, more ...[]byte) ([]event, error) {
	packed := h.packed
	for _, m := range more {
		if len(m) == 0 || m[0] != blockVersion {
			return nil, errBlock
		}
		packed = append(slices.Clip(packed), m[1:]...)
	}
	if n, err := s2.DecodedLen(packed); err != nil || n > maxBlockBytes {
		return nil, errBlock
	}
	plain, err := s2.Decode(nil, packed)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errBlock, err)
	}
	text := string(plain)
	events := make([]event, 0, min(h.count, len(plain)/2+1))
	at, pos := first, 0
	for range h.count {
		d, n := binary.Uvarint(plain[pos:])
		if n <= 0 || d > hourMillis {
			return nil, errBlock
		}
		size, m := binary.Uvarint(plain[pos+n:])
		if pos += n + m; m <= 0 || size > uint64(len(plain)-pos) {
			return nil, errBlock
		}
		at += int64(d)
		events = append(events, event{at, text[pos : pos+int(size)]})
		pos += int(size)
	}
	if pos != len(plain) {
		return nil, errBlock
	}
	return events, nil
}
