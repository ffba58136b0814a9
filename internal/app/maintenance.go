package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"fastness/internal/keyslot"
	"fastness/internal/seal"
	"fastness/internal/securemem"
	"fastness/internal/store"
	"fastness/internal/store/pebble"
)

// The files of a backup directory and their like in the data directory.
const (
	backupStore = "store.backup"
	slotsFile   = "keyslots"
	storeDir    = "store"
)

// openStore opens the store of a stopped server, sealed as it is.
func openStore(c *Config) (*pebble.Store, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	return pebble.Open(filepath.Join(c.DataDir, storeDir), pebble.Options{Logger: c.Log, Clock: c.Clock})
}

// Backup writes the store and the key slots of a stopped server into dir, which must
// not exist. Both are sealed: they open only with the root key. Whoever keeps the key
// slots of a backup can bring back a KMS key that was deleted after it.
func Backup(ctx context.Context, c Config, dir string) (err error) {
	if err := c.complete(); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(c.DataDir, storeDir)); err != nil {
		return fmt.Errorf("app: no store in %s: %w", c.DataDir, err)
	}
	s, err := openStore(&c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := os.Mkdir(dir, 0o700); err != nil {
		return fmt.Errorf("app: backup: %w", err)
	}
	if err := writeStream(filepath.Join(dir, backupStore), func(w io.Writer) error {
		_, err := store.Backup(ctx, s, w)
		return err
	}); err != nil {
		return err
	}
	return copyFile(filepath.Join(c.DataDir, slotsFile), filepath.Join(dir, slotsFile))
}

// Restore fills an empty data directory from a backup directory.
func Restore(ctx context.Context, c Config, dir string) (err error) {
	if err := c.complete(); err != nil {
		return err
	}
	in, err := os.Open(filepath.Join(dir, backupStore))
	if err != nil {
		return fmt.Errorf("app: restore: %w", err)
	}
	defer in.Close()
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return fmt.Errorf("app: restore: %w", err)
	}
	// The slots first: a store without its slots would be the worse half.
	if err := copyFile(filepath.Join(dir, slotsFile), filepath.Join(c.DataDir, slotsFile)); err != nil {
		return err
	}
	s, err := openStore(&c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	_, err = store.Restore(ctx, in, s)
	return err
}

// Fsck examines the data of a stopped server and returns what is wrong, a line each.
func Fsck(ctx context.Context, c Config) (problems []string, err error) {
	s, err := openStore(&c)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	found, err := store.Fsck(ctx, s)
	for _, p := range found {
		problems = append(problems, fmt.Sprintf("%s: %s (key %x)", p.Check, p.Text, p.Key))
	}
	return problems, err
}

// Initialize makes the store of a server that is unsealed with Shamir shares and hands
// the shares to show, once.
func Initialize(ctx context.Context, c Config, show func(shares [][]byte) error) (err error) {
	s, err := openStore(&c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	arena := securemem.NewArena(securemem.Options{})
	defer arena.Close()
	unsealer, err := seal.NewUnsealer(s, seal.Options{Clock: c.Clock, Arena: arena})
	if err != nil {
		return err
	}
	split, err := seal.NewShamirSplit(arena, c.Seal.Shares, c.Seal.Threshold)
	if err != nil {
		return err
	}
	defer split.Destroy()
	if err := unsealer.Initialize(ctx, split); err != nil {
		return err
	}
	defer unsealer.Seal()
	ring, err := unsealer.Keyring()
	if err != nil {
		return err
	}
	slots, err := openSlots(ctx, &c, ring, arena, true)
	if err != nil {
		return err
	}
	if err := slots.Close(); err != nil {
		return err
	}
	var shares [][]byte
	defer func() {
		for _, b := range shares {
			clear(b)
		}
	}()
	split.Shares(func(_ int, text []byte) { shares = append(shares, bytes.Clone(text)) })
	return show(shares)
}

// openSlots opens the key slots, or makes the file with create.
func openSlots(ctx context.Context, c *Config, ring *seal.Keyring, arena *securemem.Arena, create bool) (*keyslot.File, error) {
	info, err := ring.Info()
	if err != nil {
		return nil, err
	}
	aead, err := ring.AEAD(seal.PurposeKeyslot)
	if err != nil {
		return nil, err
	}
	return keyslot.Open(ctx, filepath.Join(c.DataDir, slotsFile), keyslot.Options{
		Installation: info.Installation, AEAD: aead, Arena: arena, Create: create,
	})
}

// ReadCA returns the certificate (PEM) of the server's own authority.
func ReadCA(c Config) ([]byte, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(c.SecretsDir, "tls", "ca.pem"))
	if err != nil {
		return nil, fmt.Errorf("app: the authority is made at the first start of the server: %w", err)
	}
	return text, nil
}

func writeStream(name string, write func(io.Writer) error) (err error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("app: %w", err)
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			os.Remove(name)
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	return f.Sync()
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("app: %w", err)
	}
	defer in.Close()
	return writeStream(to, func(w io.Writer) error {
		_, err := io.Copy(w, in)
		return err
	})
}
