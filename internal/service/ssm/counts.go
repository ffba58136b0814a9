package ssm

import (
	"context"
	"fmt"

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

// countPage is how many parameters are read at a time to count them.
const countPage = 1000

// count is how many parameters of each tier a place has.
func (s *Service) count(ctx context.Context, p place) (tierCount, error) {
	n, err := s.counts.Sum(p, func() (n tierCount, err error) {
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
			if err != nil || rows < countPage {
				return n, err
			}
		}
	})
	if err != nil {
		return n, fmt.Errorf("ssm: parameters: %w", err)
	}
	return n, nil
}

// counted moves a parameter from one tier to another when the transaction has committed;
// "" is none.
func (s *Service) counted(tx store.Txn, p place, from, to ssmapi.ParameterTier) {
	if from == to {
		return
	}
	s.memory.OnCommit(tx, func(store.Revision) {
		s.counts.Change(p, func(n tierCount) tierCount {
			n.add(from, -1)
			n.add(to, 1)
			return n
		})
	})
}
