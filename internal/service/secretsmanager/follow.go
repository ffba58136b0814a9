package secretsmanager

import (
	"context"

	"fastness/internal/store/follow"
)

// Memory is what the room keeps in memory, for the follower of what other processes
// change.
func (s *Service) Memory() *follow.Memory { return s.memory }

// othersChanged forgets the secrets that a commit of another process changed, and counts
// those of a place anew when it made or deleted one.
func (s *Service) othersChanged(_ context.Context, c follow.Commit) error {
	for _, r := range c.Rows {
		if r.Kind != kindSecret {
			continue
		}
		if r.Index == secretsByCreated {
			s.counts.Recount(r.Scope)
			continue
		}
		if len(r.Parts) > 0 {
			name, _ := r.Parts[0].Str()
			s.directory.changed(secretName{r.Scope.Account, r.Scope.Region, name})
		}
	}
	return nil
}

// forget drops everything that is read from the store.
func (s *Service) forget(context.Context) error {
	s.directory.forget()
	s.counts.Forget()
	return nil
}
