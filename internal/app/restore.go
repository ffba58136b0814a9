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

	"fastness/internal/store"
	"fastness/internal/store/pebble"
)

// The errors of a restore; match them with errors.Is.
var (
	// ErrNotEmpty: the data directory holds something.
	ErrNotEmpty = errors.New("app: the data directory is not empty")
	// ErrBackupDamaged: the backup is incomplete or was changed.
	ErrBackupDamaged = errors.New("app: the backup is damaged")
)

// maxManifest bounds a manifest, in bytes.
const maxManifest = 64 << 10

// Restore fills an empty data directory from a backup directory. All of the backup is
// verified before anything is visible: after an error the data directory is as empty
// as it was. The root key is not part of a backup.
func Restore(ctx context.Context, c Config, dir string) (_ *Manifest, err error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	m, err := readManifest(dir)
	if err != nil {
		return nil, err
	}
	for _, f := range m.Files {
		if err := verifyFile(filepath.Join(dir, f.Name), f); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("app: restore: %w", err)
	}
	building := filepath.Join(c.DataDir, restoringDir)
	if err := makeRoom(c.DataDir, building); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(building))
		}
	}()
	if err := build(ctx, &c, dir, building); err != nil {
		return nil, err
	}
	// The slots first: a store without them is refused at the start, slots without a
	// store are too, and the directory goes last of all.
	for _, name := range []string{slotsFile, storeDir} {
		if err := os.Rename(filepath.Join(building, name), filepath.Join(c.DataDir, name)); err != nil {
			return nil, errors.Join(fmt.Errorf("app: restore: %w", err), os.Remove(filepath.Join(c.DataDir, slotsFile)))
		}
	}
	if err := syncDir(c.DataDir); err != nil {
		return nil, err
	}
	if err := os.Remove(building); err != nil {
		return nil, fmt.Errorf("app: restore: %w", err)
	}
	return m, syncDir(c.DataDir)
}

func readManifest(dir string) (*Manifest, error) {
	in, err := os.Open(filepath.Join(dir, backupManifest))
	if err != nil {
		return nil, fmt.Errorf("app: restore: %w", err)
	}
	defer in.Close()
	text, err := io.ReadAll(io.LimitReader(in, maxManifest))
	if err != nil {
		return nil, fmt.Errorf("app: restore: %w", err)
	}
	m := new(Manifest)
	if err := json.Unmarshal(text, m); err != nil {
		return nil, fmt.Errorf("%w: manifest: %w", ErrBackupDamaged, err)
	}
	if m.Format != backupFormat {
		return nil, fmt.Errorf("app: restore: the backup has format %d, this program knows %d", m.Format, backupFormat)
	}
	if len(m.Files) != 2 || m.Files[0].Name != backupStore || m.Files[1].Name != slotsFile {
		return nil, fmt.Errorf("%w: the manifest does not list the files of a backup", ErrBackupDamaged)
	}
	return m, nil
}

func verifyFile(name string, f ManifestFile) error {
	in, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("app: restore: %w", err)
	}
	defer in.Close()
	sum := sha256.New()
	size, err := io.Copy(sum, in)
	if err != nil {
		return fmt.Errorf("app: restore: %w", err)
	}
	if size != f.Size || hex.EncodeToString(sum.Sum(nil)) != f.SHA256 {
		return fmt.Errorf("%w: %s is not as it was written", ErrBackupDamaged, f.Name)
	}
	return nil
}

// makeRoom makes the directory to build in. The data directory must be empty but for
// what an interrupted restore left, and what a file system puts at its root.
func makeRoom(dataDir, building string) error {
	entries, err := os.ReadDir(dataDir)
	if err != nil {
		return fmt.Errorf("app: restore: %w", err)
	}
	interrupted := false
	for _, e := range entries {
		interrupted = interrupted || e.Name() == restoringDir
	}
	for _, e := range entries {
		switch name := e.Name(); {
		case name == restoringDir || name == "lost+found":
		case interrupted && (name == slotsFile || name == storeDir):
			// Moved into place, but the restore did not end.
			if err := os.RemoveAll(filepath.Join(dataDir, name)); err != nil {
				return fmt.Errorf("app: restore: %w", err)
			}
		default:
			return fmt.Errorf("%w: %s holds %s", ErrNotEmpty, dataDir, name)
		}
	}
	if err := os.RemoveAll(building); err != nil {
		return fmt.Errorf("app: restore: %w", err)
	}
	if err := os.Mkdir(building, 0o700); err != nil {
		return fmt.Errorf("app: restore: %w", err)
	}
	return syncDir(dataDir)
}

// build makes the slots and the store from the backup.
func build(ctx context.Context, c *Config, dir, building string) (err error) {
	if err := copyFile(filepath.Join(dir, slotsFile), filepath.Join(building, slotsFile)); err != nil {
		return err
	}
	in, err := os.Open(filepath.Join(dir, backupStore))
	if err != nil {
		return fmt.Errorf("app: restore: %w", err)
	}
	defer in.Close()
	s, err := pebble.Open(filepath.Join(building, storeDir), pebble.Options{Logger: c.Log, Clock: c.Clock})
	if err != nil {
		return err
	}
	_, err = store.Restore(ctx, in, s)
	if err = errors.Join(err, s.Close()); err != nil {
		return err
	}
	return syncDir(building)
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("app: %w", err)
	}
	defer in.Close()
	return writeNew(to, func(w io.Writer) error {
		_, err := io.Copy(w, in)
		return err
	})
}
