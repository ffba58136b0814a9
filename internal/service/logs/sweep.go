package logs

import (
	"context"
	"encoding/json"
	"fmt"

	"fastness/internal/due"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

// The kinds of jobs.
const (
	jobRetention = "logs.retention" // id: a group; delete what is too old
	jobSweep     = "logs.sweep"     // id: a group or a stream that is gone; delete what it had
)

// JobHandlers are the service's jobs by kind, for the runner (due.NewRunner).
func (s *Service) JobHandlers() map[string]due.Handler {
	return map[string]due.Handler{
		jobRetention: {RunInTxn: s.retain},
		jobSweep:     {RunInTxn: s.sweep},
	}
}

// maxDeleted is how many keys a transaction deletes at most (store.MaxTxnOps, less those of the job).
const maxDeleted = 100

// deletion deletes keys until it is full.
type deletion struct {
	tx store.Txn
	n  int
}

func (d *deletion) full() bool { return d.n >= maxDeleted }

// key deletes a key if there is room.
func (d *deletion) key(k []byte) error {
	if d.full() {
		return nil
	}
	d.n++
	return d.tx.Delete(k)
}

// blocks deletes blocks with their parts.
func (d *deletion) blocks(sc table.Scope, group, stream string, rg store.Range) error {
	if d.full() {
		return nil
	}
	space := blockSpace(sc, group, stream)
	rg.Limit = maxDeleted - d.n
	for it, err := range d.tx.Scan(rg) {
		if err != nil {
			return err
		}
		h, err := decodeHead(it.Value)
		if err != nil {
			return err
		}
		if d.n > 0 && d.n+h.parts > maxDeleted {
			d.n = maxDeleted // the rest is for the next time
			return nil
		}
		first, id, err := parseBlockKey(it.Key, len(space))
		if err != nil {
			return err
		}
		for part := 1; part < h.parts; part++ {
			if err := d.key(partKey(sc, group, stream, first, id, part)); err != nil {
				return err
			}
		}
		if err := d.key(it.Key); err != nil {
			return err
		}
	}
	return nil
}

// sweep says what is to be deleted: a stream's events, or all that is left of a group.
type sweep struct {
	Account string `json:"account"`
	Region  string `json:"region"`
	Group   string `json:"group"`
	Stream  string `json:"stream,omitempty"`
}

func (s *Service) sweepLater(tx store.Txn, what sweep) error {
	payload, err := json.Marshal(what)
	if err != nil {
		return fmt.Errorf("logs: job: %w", err)
	}
	return s.jobs.Schedule(tx, due.Job{Kind: jobSweep, ID: what.Group + "/" + what.Stream, At: s.clock.Now(), Payload: payload})
}

func (s *Service) sweep(_ context.Context, tx store.Txn, j due.Job) error {
	var what sweep
	if err := json.Unmarshal(j.Payload, &what); err != nil {
		return fmt.Errorf("logs: job %s: %w", j.ID, err)
	}
	d := &deletion{tx: tx}
	sc := table.Scope{Account: what.Account, Region: what.Region}
	var err error
	if what.Stream != "" {
		err = s.sweepStream(d, sc, what.Group, what.Stream)
	} else {
		err = s.sweepGroup(d, sc, what.Group)
	}
	if err != nil || !d.full() {
		return err
	}
	return s.sweepLater(tx, what)
}

// sweepStream deletes the blocks of a stream, the hours with their last block. An hour that is forgotten
// later than its blocks only makes readers look where there is nothing.
func (s *Service) sweepStream(d *deletion, sc table.Scope, group, stream string) error {
	space := blockSpace(sc, group, stream)
	for !d.full() {
		rg := store.Prefix(space)
		rg.Limit = 1
		hour := int64(-1)
		for it, err := range d.tx.Scan(rg) {
			if err != nil {
				return err
			}
			first, _, err := parseBlockKey(it.Key, len(space))
			if err != nil {
				return err
			}
			hour = hourOf(first)
		}
		if hour < 0 {
			return nil
		}
		if err := d.blocks(sc, group, stream, store.Range{Start: blocksFrom(space, hour*hourMillis), End: blocksFrom(space, (hour+1)*hourMillis)}); err != nil {
			return err
		}
		// With room for it, all blocks of the hour are gone.
		if !d.full() {
			if err := d.key(hourKey(sc, group, hour, stream)); err != nil {
				return err
			}
		}
	}
	return nil
}

// sweepGroup deletes the streams of a group with all they have.
func (s *Service) sweepGroup(d *deletion, sc table.Scope, group string) error {
	for row, err := range s.tables.streams.Scan(d.tx, sc, table.Page{Prefix: parts(group), Limit: maxDeleted}) {
		if err != nil {
			return err
		}
		if err := s.sweepStream(d, sc, group, row.Record.ID); err != nil {
			return err
		}
		if d.full() {
			return nil
		}
		if err := d.key(s.tables.streams.Key(sc, parts(group, row.Record.Name)...)); err != nil {
			return err
		}
	}
	return nil
}
