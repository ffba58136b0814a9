package ssm

import (
	"context"
	"strings"

	"fastness/internal/store/follow"
)

// Memory is what the room keeps in memory, for the follower of what other processes
// change.
func (s *Service) Memory() *follow.Memory { return s.memory }

// othersChanged forgets the parameters that a commit of another process changed. The
// counts for the quotas are taken anew when it made or deleted one; that it moved one to
// another tier is noticed then.
func (s *Service) othersChanged(_ context.Context, c follow.Commit) error {
	for _, r := range c.Rows {
		switch {
		case r.Kind == kindParameter && r.Index == "":
			names := make([]string, len(r.Parts))
			for i, p := range r.Parts {
				names[i], _ = p.Str()
			}
			s.directory.changed(identity(r.Scope.Account, r.Scope.Region, strings.Join(names, "/")))
		case r.Kind == kindParameter && r.Index == parametersByParent:
			s.counts.Recount(place{r.Scope.Account, r.Scope.Region})
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
