package ssm

import (
	"context"
	"fmt"
	"sync"

	"fastness/internal/api/ssmapi"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

// place is an account in a Region.
type place struct{ account, region string }

// tierCount is a number of parameters of each tier.
type tierCount struct{ standard, advanced int }

func (n *tierCount) add(tier ssmapi.ParameterTier, by int) {
	switch tier {
	case ssmapi.ParameterTierStandard:
		n.standard += by
	case ssmapi.ParameterTierAdvanced:
		n.advanced += by
	}
}

// counts knows how many parameters there are. A place is counted once; from then on
// commits keep the numbers current. The quotas are those of the last commit: parameters
// created at the same moment may go over them by their number.
type counts struct {
	mu         sync.Mutex
	known      map[place]tierCount
	generation uint64
}

// countPage is how many parameters are read at a time to count them.
const countPage = 1000

func (s *Service) count(ctx context.Context, p place) (tierCount, error) {
	c := &s.counts
	c.mu.Lock()
	n, ok := c.known[p]
	generation := c.generation
	c.mu.Unlock()
	if ok {
		return n, nil
	}
	for at := (table.Page{Limit: countPage}); ; {
		rows := 0
		err := s.store.View(ctx, func(r store.Reader) error {
			for row, err := range s.tables.parameters.Scan(r, scope(p.account, p.region), at) {
				if err != nil {
					return err
				}
				n.add(row.Record.Latest.Tier, 1)
				at.After = row.Cursor
				rows++
			}
			return nil
		})
		if err != nil {
			return n, fmt.Errorf("ssm: count parameters: %w", err)
		}
		if rows < countPage {
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

// counted moves a parameter from one tier to another when the transaction has committed;
// "" is none.
func (s *Service) counted(tx store.Txn, p place, from, to ssmapi.ParameterTier) {
	if from == to {
		return
	}
	tx.OnCommit(func(store.Revision) {
		c := &s.counts
		c.mu.Lock()
		defer c.mu.Unlock()
		c.generation++
		if n, ok := c.known[p]; ok {
			n.add(from, -1)
			n.add(to, 1)
			c.known[p] = n
		}
	})
}
