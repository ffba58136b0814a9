package kms

import (
	"context"
	"errors"

	"fastness/internal/call"
	"fastness/internal/store"
	"fastness/internal/wire"
)

// afterCommit lets calls see a changed key as soon as the transaction of c is durable.
func (s *Service) afterCommit(c *call.Call, name keyName) {
	s.changedIn(c.Txn(), name)
}

// aliasAfterCommit does the same for an alias and a key that it stood or stands for.
func (s *Service) aliasAfterCommit(c *call.Call, alias, keyID string) {
	account, region := c.Account, c.Region
	s.memory.OnCommit(c.Txn(), func(store.Revision) {
		s.directory.aliasChanged(account, region, alias)
		s.directory.changed(keyName{account, region, keyID})
	})
}

// resolvedCall is what Resolve left for the call in ctx, also for operations without a
// key.
func resolvedCall(ctx context.Context) (*resolved, error) {
	r, ok := call.From(ctx).Resolved.(*resolved)
	if !ok {
		return nil, &wire.CommonError{Kind: wire.InternalFailure, Cause: errors.New("kms: the call was not resolved")}
	}
	return r, nil
}
