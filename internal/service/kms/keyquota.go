package kms

import (
	"context"
	"fmt"
	"sync"

	"fastness/internal/api/kmsapi"
	"fastness/internal/store"
)

// place is an account in a Region.
type place struct{ account, region string }

// keyCounts knows how many keys there are. A place is counted once; from then on commits
// keep the number current.
type keyCounts struct {
	mu         sync.Mutex
	known      map[place]int
	generation uint64
}

// countPage is how many keys are read at a time to count them.
const countPage = 1000

// checkKeyCount keeps to the quota of keys. The count is that of the last commit here:
// keys made at the same moment may go over it by their number.
func (s *Service) checkKeyCount(ctx context.Context, account, region string) error {
	n, err := s.countKeys(ctx, place{account, region})
	if err != nil {
		return err
	}
	if n >= s.quotas.keys {
		return &kmsapi.LimitExceededException{Message: new("Key quota for this account in this region is " + itoa(s.quotas.keys) + " but the current usage is " + itoa(n) + ".")}
	}
	return nil
}

func (s *Service) countKeys(ctx context.Context, p place) (int, error) {
	c := &s.keyCounts
	c.mu.Lock()
	n, ok := c.known[p]
	generation := c.generation
	c.mu.Unlock()
	if ok {
		return n, nil
	}
	for at := (position{limit: countPage}); ; {
		keys, next, err := s.tables.listKeys(ctx, s.store, p.account, p.region, at)
		if err != nil {
			return 0, fmt.Errorf("kms: count keys: %w", err)
		}
		for i := range keys {
			if !keys[i].Managed { // AWS managed keys do not count against the quota
				n++
			}
		}
		if at.after = next; next == "" {
			break
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.generation == generation {
		c.known[p] = n
	}
	return n, nil
}

// keyCounted adds to the number of keys of a place, if it is known, when the transaction
// has committed.
func (s *Service) keyCounted(tx store.Txn, k *keyRecord, change int) {
	p := place{k.Account, k.Region}
	tx.OnCommit(func(store.Revision) {
		c := &s.keyCounts
		c.mu.Lock()
		defer c.mu.Unlock()
		c.generation++
		if n, ok := c.known[p]; ok {
			c.known[p] = n + change
		}
	})
}
