package proxy

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"fastness/internal/clock"
)

// MaxConfigBytes bounds a configuration in JSON.
const MaxConfigBytes = 64 << 20

// filePeriod is how often a File looks whether it has changed.
const filePeriod = time.Second

// File is a Source that reads a file of JSON, and reads it again when it has changed. Since
// a configuration may hold private keys, others than the owner must not have access to it.
type File struct {
	path  string
	clock clock.Clock

	n       uint64
	content []byte
}

// NewFile makes a Source of the file at a path. It serves one Proxy.
func NewFile(path string, c clock.Clock) *File { return &File{path: path, clock: c} }

// Watch implements Source.
func (f *File) Watch(ctx context.Context, after uint64) (Config, uint64, error) {
	for {
		content, err := f.read()
		if err != nil {
			return Config{}, 0, err
		}
		if f.n == 0 || !bytes.Equal(content, f.content) {
			f.content = content
			f.n++
		}
		if f.n != after {
			c, err := Decode(f.content)
			if err != nil {
				return Config{}, 0, fmt.Errorf("%s: %w", f.path, err)
			}
			return c, f.n, nil
		}
		if err := f.clock.Sleep(ctx, filePeriod); err != nil {
			return Config{}, 0, err
		}
	}
}

func (f *File) read() ([]byte, error) {
	file, err := os.Open(f.path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s: mode %04o lets others read private keys; make it 0600", f.path, info.Mode().Perm())
	}
	content, err := io.ReadAll(io.LimitReader(file, MaxConfigBytes+1))
	if err == nil && len(content) > MaxConfigBytes {
		err = fmt.Errorf("%s: longer than %d bytes", f.path, MaxConfigBytes)
	}
	return content, err
}

// Decode reads a configuration in JSON. Names that are not known are an error: a setting
// that is misspelt would silently not be made.
func Decode(text []byte) (Config, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	var c Config
	if err := d.Decode(&c); err != nil {
		return Config{}, fmt.Errorf("configuration: %w", err)
	}
	if _, err := d.Token(); err != io.EOF { //nolint:errorlint // as a decoder returns it
		return Config{}, fmt.Errorf("configuration: something behind its end")
	}
	return c, nil
}

var _ Source = (*File)(nil)
