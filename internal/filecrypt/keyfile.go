package filecrypt

import (
	"bytes"
	"crypto/rsa"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"fastness/encryptionsdk/rawkeyring"
)

// maxKeyFile bounds a file with a key, in bytes.
const maxKeyFile = 64 << 10

// place is where a raw key is read from.
type place struct {
	path       string // or:
	descriptor int    // ≥ 0
}

// placeOf reads file:PATH or fd:N. Its errors do not repeat the text, which may be a key.
func placeOf(text string) (place, error) {
	if path, ok := strings.CutPrefix(text, "file:"); ok && path != "" {
		return place{path: path, descriptor: -1}, nil
	}
	if digits, ok := strings.CutPrefix(text, "fd:"); ok {
		if n, err := strconv.ParseUint(digits, 10, 16); err == nil && n != 1 && n != 2 {
			return place{descriptor: int(n)}, nil
		}
		return place{}, errors.New("fd: is followed by the number of a descriptor that is open for reading")
	}
	return place{}, errors.New("a raw key comes from key=file:PATH or key=fd:N, never from the command line, which others can see")
}

func (p place) String() string {
	if p.path != "" {
		return p.path
	}
	return fmt.Sprintf("descriptor %d", p.descriptor)
}

// read reads the key's bytes; the caller wipes them. A file that others can open is
// refused: whoever could read it may have the key already.
func (p place) read() ([]byte, error) {
	var f *os.File
	if p.path != "" {
		var err error
		if f, err = os.Open(p.path); err != nil {
			return nil, err
		}
	} else if f = os.NewFile(uintptr(p.descriptor), p.String()); f == nil {
		return nil, fmt.Errorf("%s is not open", p)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := private(st); err != nil {
		return nil, fmt.Errorf("%s: %w", p, err)
	}
	b := make([]byte, maxKeyFile+1)
	n, err := io.ReadFull(f, b)
	if err == nil {
		clear(b)
		return nil, fmt.Errorf("%s is longer than %d bytes", p, maxKeyFile)
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		clear(b)
		return nil, fmt.Errorf("%s: %w", p, err)
	}
	return b[:n], nil
}

// aesKey reads an AES key; the caller wipes it.
func (g *KeyGroup) aesKey() ([]byte, error) {
	p, err := placeOf(g.Keys[0])
	if err != nil {
		return nil, err
	}
	text, err := p.read()
	if err != nil {
		return nil, err
	}
	key := text
	if g.Encoding == "hex" || g.Encoding == "base64" {
		defer clear(text)
		trimmed := bytes.TrimSpace(text)
		var n int
		if g.Encoding == "hex" {
			key = make([]byte, hex.DecodedLen(len(trimmed)))
			n, err = hex.Decode(key, trimmed)
		} else {
			key = make([]byte, base64.StdEncoding.DecodedLen(len(trimmed)))
			n, err = base64.StdEncoding.Decode(key, trimmed)
		}
		if err != nil {
			clear(key)
			// The decoders' errors quote the input.
			return nil, fmt.Errorf("%s is not %s", p, g.Encoding)
		}
		key = key[:n]
	}
	switch len(key) {
	case 16, 24, 32:
		return key, nil
	}
	n := len(key)
	clear(key)
	return nil, fmt.Errorf("%s has %d bytes, and an AES key 16, 24 or 32 (encoding=hex or base64 says that it is text)", p, n)
}

// rsaKey reads an RSA key. private is nil for a public key.
func (g *KeyGroup) rsaKey() (public *rsa.PublicKey, private *rsa.PrivateKey, err error) {
	p, err := placeOf(g.Keys[0])
	if err != nil {
		return nil, nil, err
	}
	text, err := p.read()
	if err != nil {
		return nil, nil, err
	}
	defer clear(text)
	private, err = rawkeyring.ParseRSAPrivateKey(text)
	if err == nil {
		return &private.PublicKey, private, nil
	}
	public, publicErr := rawkeyring.ParseRSAPublicKey(text)
	if publicErr == nil {
		return public, nil, nil
	}
	return nil, nil, fmt.Errorf("%s: %w; %w", p, err, publicErr)
}
