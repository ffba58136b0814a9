package seal

import (
	"encoding/binary"
	"fmt"
	"sync"
)

const (
	formatXAES  = 1
	headerBytes = 1 + 4 // format, key version
	// Overhead is how many bytes longer sealed data is than its plaintext.
	Overhead = headerBytes + xaesOverhead
)

// aadPool keeps buffers for header and associated data in one piece.
var aadPool = sync.Pool{New: func() any { return new(make([]byte, 0, 512)) }}

// header reads format and version of sealed data.
func header(sealed []byte) (version uint32, err error) {
	if len(sealed) < Overhead {
		return 0, fmt.Errorf("%w: %d bytes are too few", ErrIntegrity, len(sealed))
	}
	if sealed[0] != formatXAES {
		return 0, fmt.Errorf("%w: unknown format %d", ErrIntegrity, sealed[0])
	}
	return binary.BigEndian.Uint32(sealed[1:headerBytes]), nil
}

// sealVersion appends header and XAES output to dst.
func sealVersion(x *xaes, version uint32, dst, plaintext, aad []byte) ([]byte, error) {
	n := len(dst)
	dst = append(dst, formatXAES)
	dst = binary.BigEndian.AppendUint32(dst, version)
	buf := aadPool.Get().(*[]byte)
	full := append(append((*buf)[:0], dst[n:]...), aad...)
	out, err := x.seal(dst, plaintext, full)
	*buf = full
	aadPool.Put(buf)
	return out, err
}

// openVersion appends the plaintext of sealed, whose header was read, to dst.
func openVersion(x *xaes, dst, sealed, aad []byte) ([]byte, error) {
	buf := aadPool.Get().(*[]byte)
	full := append(append((*buf)[:0], sealed[:headerBytes]...), aad...)
	out, err := x.open(dst, sealed[headerBytes:], full)
	*buf = full
	aadPool.Put(buf)
	if err == errTag {
		err = ErrIntegrity
	}
	return out, err
}

// AEAD seals and opens bytes under the domain key of one purpose. It is safe for
// concurrent use and follows rotation by itself.
type AEAD struct {
	k       *Keyring
	purpose string
}

// Seal appends the sealed form of plaintext, Overhead bytes longer, to dst. Open
// needs the same aad, which may be nil.
func (a *AEAD) Seal(dst, plaintext, aad []byte) ([]byte, error) {
	d, err := a.k.domain(a.purpose)
	if err != nil {
		return nil, err
	}
	return sealVersion(d.keys[d.active], d.active, dst, plaintext, aad)
}

// Open appends the plaintext to dst. It returns ErrIntegrity for anything that Seal
// did not make with the same aad, ErrUnknownVersion when the key was dropped, and
// ErrSealed. dst must not overlap sealed.
func (a *AEAD) Open(dst, sealed, aad []byte) ([]byte, error) {
	v, err := header(sealed)
	if err != nil {
		return nil, err
	}
	x, err := a.k.version(a.purpose, v)
	if err != nil {
		return nil, err
	}
	return openVersion(x, dst, sealed, aad)
}

// Active is the version that Seal uses now.
func (a *AEAD) Active() (uint32, error) {
	d, err := a.k.domain(a.purpose)
	if err != nil {
		return 0, err
	}
	return d.active, nil
}

// Version is the key version that sealed names, without checking anything else.
func (a *AEAD) Version(sealed []byte) (uint32, error) { return header(sealed) }
