package pebble

import (
	"errors"
	"fmt"
	"log/slog"

	lsm "github.com/cockroachdb/pebble/v2"
)

// treeLogger hands the tree's messages to the injected logger.
type treeLogger struct{ s *Store }

func (l treeLogger) Infof(format string, args ...any) {
	// The tree tells of each flush and compaction; format only for those who listen.
	if l.s.log.Enabled(l.s.life, slog.LevelDebug) {
		l.s.log.Debug("store tree", "message", fmt.Sprintf(format, args...))
	}
}

func (l treeLogger) Errorf(format string, args ...any) {
	l.s.log.Warn("store tree", "message", fmt.Sprintf(format, args...))
}

// Fatalf is called when the tree cannot go on, and must not return. Ending the
// process is not for a library to decide, so the engine fails closed and the calling
// goroutine stays here, with whatever locks it holds.
func (l treeLogger) Fatalf(format string, args ...any) {
	l.s.fail(fmt.Errorf(format, args...))
	select {}
}

// backgroundError is told of failed flushes and compactions. The tree tries these
// again by itself, but a disk that refuses to write is no place for an acknowledged
// commit, so the engine stops taking work.
func (s *Store) backgroundError(err error) {
	if errors.Is(err, lsm.ErrCancelledCompaction) {
		return
	}
	s.fail(fmt.Errorf("background work: %w", err))
}
