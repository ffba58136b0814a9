package table

import (
	"bytes"
	"fmt"
	"strings"
)

// Place is what a key of the store says by itself: which table it belongs to, and where
// in it.
type Place struct {
	Scope Scope
	// Service and Kind name the table.
	Service, Kind string
	// Index names the index of which the key is an entry; it is empty for a record's.
	Index string
	// Parts are the id of a record. Of an entry they are the indexed parts, followed by
	// the record's id unless the index is unique.
	Parts []Part
}

// Locate takes a key apart. It returns ErrKey for one that is not a table's.
func Locate(key []byte) (p Place, err error) {
	var rest []byte
	if p.Scope, rest, err = splitScope(key); err != nil {
		return p, err
	}
	parts, err := ParseKey(rest)
	if err != nil {
		return p, err
	}
	if len(parts) < 2 {
		return p, fmt.Errorf("%w: no table", ErrKey)
	}
	service, isService := parts[0].Str()
	kind, isKind := parts[1].Str()
	if !isService || !isKind {
		return p, fmt.Errorf("%w: no table", ErrKey)
	}
	p.Service, p.Parts = service, parts[2:]
	p.Kind, p.Index, _ = strings.Cut(kind, "@")
	return p, nil
}

// Service is the service that a key belongs to, as a part of the key; nil if the key is
// not a table's. It is quick, for those who look at every key that is written.
func Service(key []byte) []byte {
	for range 2 { // account and Region
		s := rawString(key)
		if s == nil {
			return nil
		}
		key = key[len(s)+2:] // and the end of the string
	}
	if s := rawString(key); len(s) > 1 {
		return s[1:]
	}
	return nil
}

// rawString is the encoded string at the beginning of key, with its tag and without its
// end; nil if there is none.
func rawString(key []byte) []byte {
	if len(key) == 0 || key[0] != tagString {
		return nil
	}
	for at := 1; ; {
		i := bytes.IndexByte(key[at:], 0)
		if i < 0 || at+i+1 >= len(key) {
			return nil
		}
		at += i
		switch key[at+1] {
		case 0x01:
			return key[:at]
		case 0xff:
			at += 2
		default:
			return nil
		}
	}
}
