package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"fastness/internal/seal"
	"fastness/internal/store"
)

// The files of a backup. The key slots have the name that they have in the data
// directory.
const (
	backupStore    = "store.backup"
	backupManifest = "manifest.json"
)

// backupFormat is the number of the form described here.
const backupFormat = 1

// Manifest describes a backup. Its digests find damage, not forgery.
type Manifest struct {
	Format       int            `json:"format"`
	Version      string         `json:"version"` // of the program that wrote it
	Created      time.Time      `json:"created"`
	Installation string         `json:"installation"`
	Seal         string         `json:"seal"` // the kind of seal that opens it
	Revision     uint64         `json:"revision"`
	Files        []ManifestFile `json:"files"`
}

// ManifestFile is one file of a backup.
type ManifestFile struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"` // bytes
	SHA256 string `json:"sha256"`
}

// Backup writes the store and the key slots of a stopped server into dir, which must
// not exist and is removed again after an error. Both are sealed as they are on disk
// and open only with the root key. Whoever keeps the key slots of a backup can bring
// back a KMS key that was deleted after it.
func Backup(ctx context.Context, c Config, dir string) (m *Manifest, err error) {
	s, err := openStopped(&c, false)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	return writeBackup(ctx, &c, s.inner, fileSlots(&c), dir)
}

// fileSlots copies the file of key slots while nobody writes it.
func fileSlots(c *Config) func(context.Context, io.Writer) error {
	return func(_ context.Context, w io.Writer) error {
		in, err := os.Open(filepath.Join(c.DataDir, slotsFile))
		if err != nil {
			return fmt.Errorf("app: %w", err)
		}
		defer in.Close()
		_, err = io.Copy(w, in)
		return err
	}
}

// writeBackup backs up the inner store: what is written is sealed, whoever reads the
// backup. The store comes first. A key made meanwhile then has a slot that nothing
// names, which the next start destroys; one deleted meanwhile has lost its slot, as it
// should.
func writeBackup(ctx context.Context, c *Config, inner store.Store, slots func(context.Context, io.Writer) error, dir string) (_ *Manifest, err error) {
	info, err := seal.Inspect(ctx, inner)
	if err != nil {
		return nil, fmt.Errorf("app: backup: %w", err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, fmt.Errorf("app: backup: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	m := &Manifest{
		Format: backupFormat, Version: c.Version, Created: c.Clock.Now().UTC(), Installation: info.Installation, Seal: info.Provider,
	}
	add := func(name string, write func(io.Writer) error) error {
		sum, size := sha256.New(), counter(0)
		err := writeNew(filepath.Join(dir, name), func(w io.Writer) error {
			return write(io.MultiWriter(w, sum, &size))
		})
		if err == nil {
			m.Files = append(m.Files, ManifestFile{Name: name, Size: int64(size), SHA256: hex.EncodeToString(sum.Sum(nil))})
		}
		return err
	}
	if err := add(backupStore, func(w io.Writer) error {
		revision, err := store.Backup(ctx, inner, w)
		m.Revision = uint64(revision)
		return err
	}); err != nil {
		return nil, err
	}
	if err := add(slotsFile, func(w io.Writer) error { return slots(ctx, w) }); err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("app: backup: %w", err)
	}
	if err := writeNew(filepath.Join(dir, backupManifest), func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	}); err != nil {
		return nil, err
	}
	return m, errors.Join(syncDir(dir), syncDir(filepath.Dir(dir)))
}

// counter counts the bytes written to it.
type counter int64

// Write implements io.Writer.
func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
