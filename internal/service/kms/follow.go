package kms

import (
	"context"

	"fastness/internal/store/follow"
	"fastness/internal/store/table"
)

// Memory is what the room keeps in memory, for the follower of what other processes
// change.
func (s *Service) Memory() *follow.Memory { return s.memory }

// othersChanged forgets what a commit of another process changed.
func (s *Service) othersChanged(_ context.Context, c follow.Commit) error {
	var keys []keyName
	counted := false
	for _, r := range c.Rows {
		switch {
		case r.Kind == kindKey && r.Index == "":
			name := keyName{part(r.Parts, 0), r.Scope.Region, part(r.Parts, 1)}
			s.directory.changed(name)
			keys = append(keys, name)
		case r.Kind == kindKey && r.Index == keysByReference: // a key that came or went
			counted = true
		case r.Kind == kindMaterial:
			s.directory.changed(keyName{r.Scope.Account, r.Scope.Region, part(r.Parts, 0)})
		case r.Kind == kindAlias && r.Index == "":
			s.directory.aliasChanged(r.Scope.Account, r.Scope.Region, part(r.Parts, 0))
		case r.Kind == kindAlias: // by key
			s.directory.changed(keyName{r.Scope.Account, r.Scope.Region, part(r.Parts, 0)})
		case r.Kind == kindGrant && r.Index == grantsByGrantee:
			name := keyName{part(r.Parts, 1), r.Scope.Region, part(r.Parts, 2)}
			s.directory.forgetGrantCount(name)
			s.directory.grantChanged(name, part(r.Parts, 0))
		case r.Kind == kindKeyStore:
			s.keyStores.changed(keyStoreName{part(r.Parts, 0), part(r.Parts, 1), part(r.Parts, 2)})
		}
	}
	if counted {
		for _, k := range keys {
			s.keyCounts.Recount(place{k.account, k.region})
		}
	}
	return nil
}

// forget drops everything that is read from the store.
func (s *Service) forget(context.Context) error {
	s.directory.forget()
	s.keyCounts.Forget()
	s.keyStores.forget()
	return nil
}

// part is the string at a place of an id, "" if there is none: it names nothing then.
func part(parts []table.Part, at int) string {
	if at >= len(parts) {
		return ""
	}
	s, _ := parts[at].Str()
	return s
}
