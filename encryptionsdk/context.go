package encryptionsdk

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf8"
)

// reservedPrefix begins the context keys that only the library may set.
const reservedPrefix = "aws-crypto-"

// checkReserved refuses a caller's context with a reserved key.
func (c EncryptionContext) checkReserved() error {
	for k := range c {
		if strings.HasPrefix(k, reservedPrefix) {
			return fmt.Errorf("%w: key %q is reserved", ErrEncryptionContext, k)
		}
	}
	return nil
}

// contextReader walks the serialized pairs of an encryption context.
type contextReader struct {
	b      []byte
	pos    int
	offset int64 // of b in the message
}

func (r *contextReader) fail(format string, args ...any) error {
	return at(r.offset+int64(r.pos), "encryption context", fmt.Errorf("%w: "+format, append([]any{ErrMalformedContext}, args...)...))
}

// text reads a string that stands behind its length.
func (r *contextReader) text() (string, error) {
	if len(r.b)-r.pos < 2 {
		return "", r.fail("its length ends before its pairs do")
	}
	n := int(binary.BigEndian.Uint16(r.b[r.pos:]))
	if len(r.b)-r.pos-2 < n {
		return "", r.fail("a string of %d bytes is longer than the rest of the context", n)
	}
	s := string(r.b[r.pos+2 : r.pos+2+n])
	if !utf8.ValidString(s) {
		return "", r.fail("a string is not UTF-8")
	}
	r.pos += 2 + n
	return s, nil
}

// parseContext reads what follows the length of the context in a header, at offset of the
// message. It returns the keys in their order in the message as well. A context of a zero
// count and nothing else, which old libraries wrote, is empty.
func parseContext(b []byte, offset int64) (EncryptionContext, []string, error) {
	if len(b) == 0 {
		return nil, nil, nil
	}
	r := &contextReader{b: b, offset: offset}
	if len(b) < 2 {
		return nil, nil, r.fail("%d byte is too short for the number of pairs", len(b))
	}
	count := int(binary.BigEndian.Uint16(b))
	if count == 0 && len(b) > 2 {
		return nil, nil, r.fail("bytes without a pair")
	}
	if least := 2 + 4*count; len(b) < least {
		return nil, nil, r.fail("%d pairs do not fit %d bytes", count, len(b))
	}
	r.pos = 2
	if count == 0 {
		return nil, nil, nil
	}
	c, order := make(EncryptionContext, count), make([]string, 0, count)
	for range count {
		start := r.pos
		k, err := r.text()
		if err != nil {
			return nil, nil, err
		}
		v, err := r.text()
		if err != nil {
			return nil, nil, err
		}
		if _, twice := c[k]; twice {
			return nil, nil, at(offset+int64(start), "encryption context", fmt.Errorf("%w %q", ErrDuplicateContextKey, k))
		}
		c[k] = v
		order = append(order, k)
	}
	if r.pos != len(b) {
		return nil, nil, r.fail("%d bytes follow the last pair", len(b)-r.pos)
	}
	return c, order, nil
}

// subset is the part of c whose keys are in keys, or nil.
func (c EncryptionContext) subset(keys []string) EncryptionContext {
	var s EncryptionContext
	for _, k := range keys {
		if v, ok := c[k]; ok {
			if s == nil {
				s = EncryptionContext{}
			}
			s[k] = v
		}
	}
	return s
}

// without is the part of c whose keys are not in keys: c itself when that is all of it.
func (c EncryptionContext) without(keys []string) EncryptionContext {
	if len(keys) == 0 {
		return c
	}
	s := make(EncryptionContext, len(c))
	for k, v := range c {
		s[k] = v
	}
	for _, k := range keys {
		delete(s, k)
	}
	return s
}
