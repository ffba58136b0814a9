package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"fastness/internal/seal"
	"fastness/internal/securemem"
	"fastness/internal/store/pebble"
)

const (
	// storeDir is the store in the data directory.
	storeDir = "store"
	// restoringDir is what a restore builds; it is gone when the restore has ended well.
	restoringDir = ".restoring"
)

// ErrNoData: a command on existing data was given a directory that has none.
var ErrNoData = errors.New("app: there is no Fastness store in the data directory")

// stopped is the data of a server that does not run: as long as it is open, none can.
type stopped struct {
	config   *Config
	inner    *pebble.Store
	arena    *securemem.Arena
	unsealer *seal.Unsealer
}

// openStopped opens the store, sealed as it is. Without create it must be there.
func openStopped(c *Config, create bool) (*stopped, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	if err := checkDataDir(c.DataDir); err != nil {
		return nil, err
	}
	path := filepath.Join(c.DataDir, storeDir)
	if _, err := os.Stat(path); err != nil && !create {
		return nil, fmt.Errorf("%w: %s", ErrNoData, c.DataDir)
	}
	inner, err := pebble.Open(path, pebble.Options{Logger: c.Log, Clock: c.Clock})
	if err != nil {
		return nil, err
	}
	s := &stopped{config: c, inner: inner, arena: securemem.NewArena(securemem.Options{})}
	if s.unsealer, err = seal.NewUnsealer(inner, seal.Options{Clock: c.Clock, Arena: s.arena}); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// checkDataDir refuses a directory whose restore did not end.
func checkDataDir(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, restoringDir)); err == nil {
		return fmt.Errorf("app: a restore into %s did not end: repeat it", dir)
	}
	return nil
}

// unseal opens the keyring with the configured seal.
func (s *stopped) unseal(ctx context.Context) (*seal.Keyring, error) {
	status, err := s.unsealer.Status(ctx)
	if err != nil {
		return nil, err
	}
	if status.State == seal.Uninitialized {
		return nil, seal.ErrUninitialized
	}
	if s.config.Seal.Kind == SealShamir {
		err = s.collect(ctx)
	} else {
		var p seal.Provider
		if p, err = newProvider(s.config, s.arena); err == nil {
			err = s.unsealer.Unseal(ctx, p)
		}
	}
	if err != nil {
		return nil, err
	}
	return s.unsealer.Keyring()
}

// collect asks for shares until there are enough.
func (s *stopped) collect(ctx context.Context) error {
	if s.config.Seal.Share == nil {
		return errors.New("app: no source of shares")
	}
	for {
		text, err := s.config.Seal.Share(ctx)
		if err != nil {
			return fmt.Errorf("app: share: %w", err)
		}
		status, err := s.unsealer.SubmitShare(ctx, text)
		clear(text)
		if err != nil {
			return err
		}
		if status.State == seal.Unsealed {
			return nil
		}
	}
}

func (s *stopped) close() error {
	if s.unsealer != nil {
		s.unsealer.Seal()
	}
	err := s.inner.Close()
	s.arena.Close()
	return err
}
