package follow

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"fastness/internal/proxy"
)

// magic begins a file: the format and its version. The nonce follows, then the sealed
// revision (8 bytes) and configuration; magic is authenticated with them.
const magic = "fastness proxy configuration 1\n"

var errKept = errors.New("the kept configuration cannot be opened: it was changed, or kept with other credentials")

// aead is the cipher of the file.
func (c *Client) aead(ctx context.Context) (cipher.AEAD, error) {
	credentials, err := c.o.Credentials(ctx)
	if err != nil {
		return nil, err
	}
	key, err := hkdf.Key(sha256.New, credentials.Secret, nil, magic, 32)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// keep writes the file: whole or not at all.
func (c *Client) keep(ctx context.Context, text []byte, revision uint64) error {
	aead, err := c.aead(ctx)
	if err != nil {
		return err
	}
	b := append(make([]byte, 0, len(magic)+aead.NonceSize()+8+len(text)+aead.Overhead()), magic...)
	b = b[:len(magic)+aead.NonceSize()]
	nonce := b[len(magic):]
	_, _ = rand.Read(nonce) // never fails
	plain := append(binary.BigEndian.AppendUint64(nil, revision), text...)
	b = aead.Seal(b, nonce, plain, []byte(magic))
	clear(plain)
	f, err := os.CreateTemp(filepath.Dir(c.o.File), ".proxy-*") // of mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), c.o.File)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// kept reads the file.
func (c *Client) kept(ctx context.Context) (proxy.Config, uint64, error) {
	b, err := os.ReadFile(c.o.File)
	if err != nil {
		return proxy.Config{}, 0, err
	}
	aead, err := c.aead(ctx)
	if err != nil {
		return proxy.Config{}, 0, err
	}
	if len(b) < len(magic)+aead.NonceSize() || string(b[:len(magic)]) != magic {
		return proxy.Config{}, 0, errKept
	}
	b = b[len(magic):]
	plain, err := aead.Open(nil, b[:aead.NonceSize()], b[aead.NonceSize():], []byte(magic))
	if err != nil || len(plain) < 8 {
		return proxy.Config{}, 0, errKept
	}
	config, err := decode(plain[8:])
	if err != nil {
		return proxy.Config{}, 0, fmt.Errorf("the kept configuration: %w", err)
	}
	return config, binary.BigEndian.Uint64(plain), nil
}
