package eventlog

import (
	"context"
	"fmt"

	"fastness/internal/store"
	"fastness/internal/store/table"
)

// Trim removes what is too old or too much, and returns how many events that were.
func (l *Log) Trim(ctx context.Context) (removed int, err error) {
	list, err := l.Extents(ctx, Filter{})
	if err != nil {
		return 0, err
	}
	for _, e := range list {
		for {
			n, more, err := l.trimSome(ctx, e.Place)
			if err != nil {
				return removed, fmt.Errorf("eventlog: trim: %w", err)
			}
			removed += n
			if !more {
				break
			}
		}
	}
	return removed, nil
}

// trimSome removes as many events of a place as one transaction bears; more tells
// whether there are others.
func (l *Log) trimSome(ctx context.Context, p Place) (removed int, more bool, err error) {
	oldest := l.opts.Clock.Now().Add(-l.opts.MaxAge)
	_, err = l.store.Update(ctx, func(tx store.Txn) error {
		removed, more = 0, false
		h, err := l.headOf(tx, p)
		if err != nil {
			return err
		}
		ops := 1
		for ; h.First < h.Next; h.First++ {
			r, err := l.events.Get(tx, table.Scope{}, eventID(p, h.First)...)
			if err != nil {
				return err
			}
			if h.Next-h.First <= uint64(l.opts.MaxEvents) && !r.Recorded.Before(oldest) {
				break
			}
			if ops += 1 + r.Parts; ops > batchOps {
				more = true
				break
			}
			for n := range r.Parts {
				if err := l.parts.Delete(tx, table.Scope{}, append(inboxID(r.Order, r.Name), table.Uint(uint64(n)))...); err != nil {
					return err
				}
			}
			if err := l.events.Delete(tx, table.Scope{}, eventID(p, h.First)...); err != nil {
				return err
			}
			removed++
		}
		if removed == 0 {
			return nil
		}
		return l.heads.Replace(tx, h)
	})
	return removed, more, err
}
