package iam

import (
	"context"

	"fastness/internal/store"
)

// flushUses writes new last uses down every useGrain, and once more at the end.
func (d *Directory) flushUses(ctx context.Context) error {
	for {
		done := d.clock.Sleep(ctx, useGrain)
		// The last round must not end with ctx.
		if err := d.FlushUses(context.WithoutCancel(ctx)); err != nil && done != nil {
			return err
		}
		if done != nil {
			return done
		}
	}
}

// FlushUses writes down the last uses that are only in memory. What fails is tried
// again by the next call.
func (d *Directory) FlushUses(ctx context.Context) error {
	var todo []*useCell
	d.accounts.Range(func(_, v any) bool {
		v.(*accountView).uses.Range(func(_, cell any) bool {
			if c := cell.(*useCell); c.dirty.Swap(false) {
				todo = append(todo, c)
			}
			return true
		})
		return true
	})
	for len(todo) > 0 {
		some := todo[:min(len(todo), store.MaxTxnOps)]
		_, err := d.store.Update(ctx, func(t store.Txn) error {
			d.memory.OnCommit(t, func(store.Revision) {}) // it is where they come from
			for _, u := range some {
				if err := d.tables.uses.Put(t, u.last.Load()); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			for _, u := range todo {
				u.dirty.Store(true)
			}
			return err
		}
		todo = todo[len(some):]
	}
	return nil
}
