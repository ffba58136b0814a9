package xksproxy

import (
	"context"
	"errors"

	"fastness/internal/store"
)

// follow reads the configuration again whenever somebody, in whatever process, has
// changed it. It returns the error that ended it.
func (s *Service) follow(ctx context.Context) error {
	for {
		w, err := s.watch(ctx)
		for err == nil {
			err = s.followOne(ctx, w)
		}
		if w != nil {
			w.Close()
		}
		if !errors.Is(err, store.ErrCompacted) {
			return err
		}
		if err := s.refresh(ctx); err != nil {
			return err
		}
	}
}

// watch watches the configuration from what is in memory on.
func (s *Service) watch(ctx context.Context) (store.Watcher, error) {
	s.refreshing.Lock()
	from := s.read
	s.refreshing.Unlock()
	return s.store.Watch(ctx, watchPrefix(), from)
}

// followOne waits for a change and reads the configuration again, unless that has been
// done since: by the call that made the change, or for a later one.
func (s *Service) followOne(ctx context.Context, w store.Watcher) error {
	commit, err := w.Next(ctx)
	if err != nil {
		return err
	}
	s.refreshing.Lock()
	known := commit.Revision <= s.read
	s.refreshing.Unlock()
	if known {
		return nil
	}
	return s.refresh(ctx)
}
