package seal

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"fastness/internal/securemem"
)

// KindFile is the kind of the File provider.
const KindFile = "file"

// The errors of a key file; match them with errors.Is.
var (
	// ErrKeyFileMissing: there is no key file. It is created at the first start only.
	ErrKeyFileMissing = errors.New("seal: key file missing")
	// ErrKeyFileExposed: others than the owner can read or write the key file, or it
	// belongs to another user.
	ErrKeyFileExposed = errors.New("seal: key file is not private")
	// ErrKeyFileMalformed: the file is not a key file.
	ErrKeyFileMalformed = errors.New("seal: malformed key file")
)

const keyFilePrefix = "fastness-key-1:"

// File protects the root with a key in a file of its own: one line,
// "fastness-key-1:" and 64 hex digits. The file must belong to the user of the
// process and be closed to group and others (mode 0600 or 0400). A symbolic link is
// followed, because credential managers use them; what counts is the file itself.
type File struct {
	arena *securemem.Arena
	path  string
}

var _ Provider = (*File)(nil)

// NewFile returns the provider for the key file at path, which need not exist yet.
func NewFile(a *securemem.Arena, path string) *File { return &File{arena: a, path: path} }

// Kind is KindFile.
func (f *File) Kind() string { return KindFile }

// Wrap implements Provider. A missing file is created, with a random key, mode 0600,
// never over an existing one, and is durable before Wrap returns.
func (f *File) Wrap(_ context.Context, installation string, root []byte) (Wrapped, error) {
	key, err := f.load()
	if errors.Is(err, ErrKeyFileMissing) {
		if err = f.create(); err == nil {
			key, err = f.load()
		}
	}
	if err != nil {
		return Wrapped{}, err
	}
	defer key.Destroy()
	return wrapWithKey(f.arena, key, KindFile, installation, nil, root)
}

// Unwrap implements Provider. It never creates the file.
func (f *File) Unwrap(_ context.Context, installation string, w Wrapped, root []byte) error {
	key, err := f.load()
	if err != nil {
		return err
	}
	defer key.Destroy()
	return unwrapWithKey(f.arena, key, KindFile, installation, w, root)
}

// load reads the key.
func (f *File) load() (*securemem.Secret, error) {
	file, err := os.Open(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", ErrKeyFileMissing, f.path)
	}
	if err != nil {
		return nil, fmt.Errorf("seal: opening the key file: %w", err)
	}
	defer file.Close()
	st, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("seal: key file: %w", err)
	}
	if err := private(st); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrKeyFileExposed, f.path, err)
	}
	buf := make([]byte, len(keyFilePrefix)+64+2+1)
	defer clear(buf)
	n, err := io.ReadFull(file, buf)
	if err == nil {
		return nil, fmt.Errorf("%w: %s: too long", ErrKeyFileMalformed, f.path)
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("seal: reading the key file: %w", err)
	}
	digits, ok := bytes.CutPrefix(bytes.TrimRight(buf[:n], "\r\n"), []byte(keyFilePrefix))
	if !ok || len(digits) != 64 {
		return nil, fmt.Errorf("%w: %s", ErrKeyFileMalformed, f.path)
	}
	s, err := f.arena.New(32)
	if err != nil {
		return nil, err
	}
	_ = s.With(func(b []byte) { _, err = hex.Decode(b, digits) })
	if err != nil {
		s.Destroy()
		return nil, fmt.Errorf("%w: %s", ErrKeyFileMalformed, f.path) // err would quote a digit
	}
	return s, nil
}

// create writes a new key file: complete and durable under another name first, then
// linked to its name, which fails if that exists.
func (f *File) create() (err error) {
	dir := filepath.Dir(f.path)
	suffix, err := randomHex(8)
	if err != nil {
		return err
	}
	temp := filepath.Join(dir, ".fastness-key-"+suffix)
	file, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("seal: creating the key file: %w", err)
	}
	defer func() { err = errors.Join(err, os.Remove(temp)) }()
	key, err := f.arena.Random(32)
	if err != nil {
		return errors.Join(err, file.Close())
	}
	defer key.Destroy()
	line := make([]byte, 0, len(keyFilePrefix)+64+1)
	line = append(line, keyFilePrefix...)
	_ = key.With(func(b []byte) { line = hex.AppendEncode(line, b) })
	line = append(line, '\n')
	_, err = file.Write(line)
	clear(line)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("seal: writing the key file: %w", err)
	}
	if err := os.Link(temp, f.path); err != nil {
		return fmt.Errorf("seal: creating the key file: %w", err)
	}
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("seal: key file directory: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("seal: making the key file durable: %w", err)
	}
	return nil
}
