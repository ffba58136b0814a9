package kms

import (
	"context"
	"fmt"

	"fastness/internal/api/kmsapi"
	"fastness/internal/store"
)

// place is an account in a Region.
type place struct{ account, region string }

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

// countKeys is how many keys a place has that count against its quota.
func (s *Service) countKeys(ctx context.Context, p place) (int, error) {
	n, err := s.keyCounts.Sum(p, func() (n int, err error) {
		for at := (position{limit: countPage}); ; {
			keys, next, err := s.tables.listKeys(ctx, s.store, p.account, p.region, at)
			if err != nil {
				return 0, err
			}
			for i := range keys {
				if !keys[i].Managed { // AWS managed keys do not count against the quota
					n++
				}
			}
			if at.after = next; next == "" {
				return n, nil
			}
		}
	})
	if err != nil {
		return 0, fmt.Errorf("kms: keys: %w", err)
	}
	return n, nil
}

// keyCounted adds to the number of keys of a place, if it is known, when the transaction
// has committed.
func (s *Service) keyCounted(tx store.Txn, k *keyRecord, change int) {
	at := place{k.Account, k.Region}
	s.memory.OnCommit(tx, func(store.Revision) { s.keyCounts.Change(at, func(n int) int { return n + change }) })
}
