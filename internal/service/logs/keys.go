package logs

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"fastness/internal/store"
	"fastness/internal/store/table"
)

// The kinds of keys that are no records of tables.
const (
	kindBlock = "block"
	kindPart  = "part"
	kindHour  = "hour"
)

// hourMillis is an hour in milliseconds.
const hourMillis = 3600_000

// hourOf is the hour of a time since 1970.
func hourOf(ms int64) int64 { return ms / hourMillis }

func space(sc table.Scope, kind, group string) []byte {
	return table.Key(table.String(sc.Account), table.String(sc.Region), table.String(tableService), table.String(kind), table.String(group))
}

// blockSpace is the prefix of the keys of a stream's blocks.
func blockSpace(sc table.Scope, group, stream string) []byte {
	return table.AppendKey(space(sc, kindBlock, group), table.String(stream))
}

// blockKeyIn is the key of a block below the space of its stream.
func blockKeyIn(space []byte, first int64, id blockID) []byte {
	return table.AppendKey(bytes.Clone(space), table.Uint(uint64(first)), table.Uint(id.at), table.Uint(id.number))
}

// blockKeyTail is how long the part of a block's key behind blockSpace is.
const blockKeyTail = 3 * 9

// partKey is the key of a further part of a block, from 1 on.
func partKey(sc table.Scope, group, stream string, first int64, id blockID, part int) []byte {
	return table.AppendKey(blockKeyIn(table.AppendKey(space(sc, kindPart, group), table.String(stream)), first, id), table.Uint(uint64(part)))
}

// parseBlockKey reads the key of a block below the space of its stream.
func parseBlockKey(key []byte, space int) (first int64, id blockID, err error) {
	if len(key) != space+blockKeyTail {
		return 0, id, errors.New("logs: the key of a block has another length")
	}
	all, err := table.ParseKey(key[space:])
	if err != nil || len(all) != 3 {
		return 0, id, fmt.Errorf("logs: the key of a block: %w", errors.Join(err, table.ErrKey))
	}
	n := func(i int) uint64 {
		v, ok := all[i].Num()
		if !ok {
			err = table.ErrKey
		}
		return v
	}
	first, id.at, id.number = int64(n(0)), n(1), n(2)
	return first, id, err
}

// blocksFrom is the smallest key of blocks that begin at a time or later.
func blocksFrom(space []byte, ms int64) []byte {
	return table.AppendKey(bytes.Clone(space), table.Uint(uint64(max(ms, 0))))
}

// hourKey is the key of what a stream has in an hour.
func hourKey(sc table.Scope, group string, hour int64, stream string) []byte {
	return table.AppendKey(hoursFrom(space(sc, kindHour, group), hour), table.String(stream))
}

func hoursFrom(space []byte, hour int64) []byte {
	return table.AppendKey(bytes.Clone(space), table.Uint(uint64(max(hour, 0))))
}

// parseHourKey reads the key of an hour below the space of its group.
func parseHourKey(key []byte, space int) (hour int64, stream string, err error) {
	if len(key) < space {
		return 0, "", table.ErrKey
	}
	all, err := table.ParseKey(key[space:])
	if err != nil || len(all) != 2 {
		return 0, "", fmt.Errorf("logs: the key of an hour: %w", errors.Join(err, table.ErrKey))
	}
	n, ok := all[0].Num()
	stream, ok2 := all[1].Str()
	if !ok || !ok2 {
		return 0, "", table.ErrKey
	}
	return int64(n), stream, nil
}

// The value of an hour is the time that the longest block of a stream and hour spans, in milliseconds,
// rounded up to a power of two so that it seldom changes.

func encodeHour(span int64) []byte { return binary.AppendUvarint(nil, uint64(span)) }

func decodeHour(b []byte) (int64, error) {
	n, size := binary.Uvarint(b)
	if size != len(b) || size <= 0 || n > 2*hourMillis {
		return 0, errors.New("logs: damaged hour")
	}
	return int64(n), nil
}

func checkHour(b []byte) error {
	_, err := decodeHour(b)
	return err
}

// roundSpan rounds up to a power of two, at least a second's.
func roundSpan(span int64) int64 {
	return max(1024, int64(1)<<bits.Len64(uint64(max(span, 1)-1)))
}

// noteHour notes that a stream has a block of a span in an hour.
func noteHour(tx store.Txn, sc table.Scope, group string, hour int64, stream string, span int64) error {
	key := hourKey(sc, group, hour, stream)
	it, err := tx.Get(key)
	if err == nil {
		have, err := decodeHour(it.Value)
		if err != nil {
			return err
		}
		if have >= span {
			return nil
		}
	} else if !isNotFound(err) {
		return err
	}
	return tx.Put(key, encodeHour(roundSpan(span)))
}
