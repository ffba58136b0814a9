package table

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
)

// Codec turns records into bytes and back.
type Codec[T any] interface {
	Encode(record *T) ([]byte, error)
	Decode(b []byte) (*T, error)
}

var (
	// ErrNewerSchema: a record was written by a newer program.
	ErrNewerSchema = errors.New("table: record has a newer schema")
	// ErrDamaged: a record cannot be decoded.
	ErrDamaged = errors.New("table: damaged record")
)

// JSON is the usual codec: the schema number as a varint, then JSON.
type JSON[T any] struct {
	schema  uint64
	migrate map[uint64]func([]byte) ([]byte, error)
}

// NewJSON makes a codec for the given schema number, from 1. migrate[n] turns the JSON
// of schema n into the JSON of schema n+1; there is one for every schema from the
// oldest that may be stored up to schema-1.
func NewJSON[T any](schema uint64, migrate map[uint64]func([]byte) ([]byte, error)) (*JSON[T], error) {
	if schema == 0 {
		return nil, errors.New("table: schema numbers begin at 1")
	}
	oldest := schema
	for n, f := range migrate {
		if n == 0 || n >= schema || f == nil {
			return nil, fmt.Errorf("table: migration from schema %d to %d makes no sense", n, n+1)
		}
		oldest = min(oldest, n)
	}
	if uint64(len(migrate)) != schema-oldest {
		return nil, fmt.Errorf("table: migrations from schema %d to %d have a gap", oldest, schema)
	}
	return &JSON[T]{schema: schema, migrate: migrate}, nil
}

// Encode writes record in the current schema.
func (c *JSON[T]) Encode(record *T) ([]byte, error) {
	b, err := json.Marshal(record)
	if err != nil {
		return nil, fmt.Errorf("table: encode: %w", err)
	}
	return append(binary.AppendUvarint(make([]byte, 0, len(b)+2), c.schema), b...), nil
}

// Decode reads a record of the current or an older schema.
func (c *JSON[T]) Decode(b []byte) (*T, error) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n == 0 {
		return nil, fmt.Errorf("%w: no schema number", ErrDamaged)
	}
	if n > c.schema {
		return nil, fmt.Errorf("%w: %d, this program knows %d", ErrNewerSchema, n, c.schema)
	}
	b = b[size:]
	for ; n < c.schema; n++ {
		f := c.migrate[n]
		if f == nil {
			return nil, fmt.Errorf("%w: schema %d is no longer supported", ErrDamaged, n)
		}
		var err error
		if b, err = f(b); err != nil {
			return nil, fmt.Errorf("%w: migrate from schema %d: %w", ErrDamaged, n, err)
		}
	}
	record := new(T)
	if err := json.Unmarshal(b, record); err != nil {
		// The decoder's own text may quote the record.
		return nil, fmt.Errorf("%w: not the JSON of schema %d", ErrDamaged, c.schema)
	}
	return record, nil
}
