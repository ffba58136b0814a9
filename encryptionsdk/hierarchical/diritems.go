package hierarchical

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"fastness/encryptionsdk"
)

// maxItemSize bounds what is read as an item, in bytes: DynamoDB's bound for one.
const maxItemSize = 400 << 10

// DirItems keeps items as files: a directory for each branch key, in it a file for each
// version, which never changes, and one for the active item, which is replaced in one step.
// A crash leaves the old active item or the new one. Several processes may use a directory:
// if two of them rotate a branch key at the same time, both versions stay readable.
type DirItems struct {
	dir string
	mu  sync.Mutex // one Add at a time in this process
}

var _ Items = (*DirItems)(nil)

// NewDirItems returns items in dir, which is made with access for its owner only if it does
// not exist.
func NewDirItems(dir string) (*DirItems, error) {
	if dir == "" {
		return nil, fmt.Errorf("%w: no directory for branch keys", encryptionsdk.ErrOptions)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("directory for branch keys: %w", err)
	}
	return &DirItems{dir: dir}, nil
}

// branchDir is the directory of a branch key. Identifiers may hold anything, so that they
// are hashed.
func (d *DirItems) branchDir(id string) string {
	h := sha256.Sum256([]byte(id))
	return filepath.Join(d.dir, hex.EncodeToString(h[:]))
}

// path is where the item of a type lies.
func (d *DirItems) path(id, kind string) (string, error) {
	name := "active.json"
	if kind != typeActive {
		version, ok := strings.CutPrefix(kind, versionPrefix)
		if _, wellFormed := parseVersion(version); !ok || !wellFormed {
			return "", fmt.Errorf("%w: type %q", ErrNoBranchKey, kind)
		}
		name = version + ".json"
	}
	return filepath.Join(d.branchDir(id), name), nil
}

// Item implements Items.
func (d *DirItems) Item(_ context.Context, id, kind string) (*Item, error) {
	path, err := d.path(id, kind)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %q %s", ErrNoBranchKey, id, kind)
	}
	if err != nil {
		return nil, fmt.Errorf("branch key %q: %w", id, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxItemSize+1))
	if err != nil {
		return nil, fmt.Errorf("branch key %q: %w", id, err)
	}
	if len(data) > maxItemSize {
		return nil, fmt.Errorf("branch key %q: file is longer than %d bytes", id, maxItemSize)
	}
	var item Item
	if err := json.Unmarshal(data, &item); err != nil {
		return nil, fmt.Errorf("branch key %q: %w", id, err)
	}
	return &item, nil
}

// Add implements Items.
func (d *DirItems) Add(ctx context.Context, version, active *Item, replaces string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	id := version.ID()
	current, err := d.Item(ctx, id, typeActive)
	switch {
	case errors.Is(err, ErrNoBranchKey):
		if replaces != "" {
			return err
		}
	case err != nil:
		return err
	case current.Version() != replaces:
		return fmt.Errorf("branch key %q has been changed meanwhile", id)
	}
	if err := os.MkdirAll(d.branchDir(id), 0o700); err != nil {
		return fmt.Errorf("branch key %q: %w", id, err)
	}
	if err := d.write(version, os.Link); err != nil {
		return fmt.Errorf("branch key %q: %w", id, err)
	}
	publish := os.Rename
	if replaces == "" {
		publish = os.Link // fails if another process was faster
	}
	if err := d.write(active, publish); err != nil {
		return fmt.Errorf("branch key %q: %w", id, err)
	}
	return nil
}

// write stores an item durably under a temporary name and lets publish give it its own.
func (d *DirItems) write(item *Item, publish func(from, to string) error) (err error) {
	path, err := d.path(item.ID(), item.Type())
	if err != nil {
		return err
	}
	data, err := json.Marshal(item)
	if err != nil {
		return err
	}
	if len(data) > maxItemSize {
		return fmt.Errorf("%w: an item of %d bytes", encryptionsdk.ErrOptions, len(data))
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := publish(f.Name(), path); err != nil {
		return err
	}
	return errors.Join(syncDir(filepath.Dir(path)), syncDir(d.dir))
}

// syncDir makes names in a directory durable.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
