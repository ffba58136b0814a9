package secretsmanager

import (
	"context"
	"fmt"
	"strconv"
	"sync"

	"fastness/internal/store"
	"fastness/internal/store/table"
)

// counts knows how many secrets each account has in each Region, for the quota. A place
// is counted once; from then on commits keep its number current.
type counts struct {
	limit int

	mu         sync.Mutex
	known      map[table.Scope]int
	generation uint64
}

func newCounts(limit int) *counts {
	return &counts{limit: limit, known: make(map[table.Scope]int)}
}

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

func (s *Service) countSecrets(ctx context.Context, at table.Scope) (n int, err error) {
	c := s.counts
	c.mu.Lock()
	n, ok := c.known[at]
	generation := c.generation
	c.mu.Unlock()
	if ok {
		return n, nil
	}
	err = s.store.View(ctx, func(r store.Reader) error {
		for _, err := range s.tables.secrets.Scan(r, at, table.Page{}) {
			if err != nil {
				return err
			}
			n++
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("secretsmanager: count secrets: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.generation == generation {
		c.known[at] = n
	}
	return n, nil
}

// counted adds to the number of secrets of a place, if it is known, when the transaction
// has committed.
func (s *Service) counted(tx store.Txn, at table.Scope, change int) {
	tx.OnCommit(func(store.Revision) {
		c := s.counts
		c.mu.Lock()
		defer c.mu.Unlock()
		c.generation++
		if n, ok := c.known[at]; ok {
			c.known[at] = n + change
		}
	})
}
