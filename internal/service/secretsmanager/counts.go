package secretsmanager

import (
	"context"
	"fmt"
	"strconv"

	"fastness/internal/store"
	"fastness/internal/store/table"
)

// counts knows how many secrets each account has in each Region, for the quota.
type counts struct {
	limit int
	table.Tally[table.Scope, int]
}

func newCounts(limit int) *counts { return &counts{limit: limit} }

// checkCount keeps to the quota of secrets. The count is that of the last commit here:
// secrets made at the same moment may go over it by their number.
func (s *Service) checkCount(ctx context.Context, at table.Scope) error {
	n, err := s.countSecrets(ctx, at)
	if err != nil {
		return err
	}
	if n >= s.counts.limit {
		return limitExceeded("You've exceeded the quota of " + strconv.Itoa(s.counts.limit) + " secrets for this account in this Region.")
	}
	return nil
}

// countSecrets is how many secrets a place has.
func (s *Service) countSecrets(ctx context.Context, at table.Scope) (int, error) {
	n, err := s.counts.Sum(at, func() (n int, err error) {
		err = s.store.View(ctx, func(r store.Reader) error {
			for _, err := range s.tables.secrets.Scan(r, at, table.Page{}) {
				if err != nil {
					return err
				}
				n++
			}
			return nil
		})
		return n, err
	})
	if err != nil {
		return 0, fmt.Errorf("secretsmanager: secrets: %w", err)
	}
	return n, nil
}

// counted adds to the number of secrets of a place, if it is known, when the transaction
// has committed.
func (s *Service) counted(tx store.Txn, at table.Scope, change int) {
	s.memory.OnCommit(tx, func(store.Revision) { s.counts.Change(at, func(n int) int { return n + change }) })
}
