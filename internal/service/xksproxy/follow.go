package xksproxy

import (
	"context"

	"fastness/internal/store/follow"
)

// Memory is the configuration in memory, for the follower of what other processes change.
func (s *Service) Memory() *follow.Memory {
	return follow.NewMemory(roomName, s.othersChanged, s.refresh)
}

// othersChanged reads the configuration again, unless that has been done since: by the
// call that made the change, or for a later one.
func (s *Service) othersChanged(ctx context.Context, c follow.Commit) error {
	s.refreshing.Lock()
	known := c.Revision <= s.read
	s.refreshing.Unlock()
	if known {
		return nil
	}
	return s.refresh(ctx)
}
