package logs

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"fastness/internal/api/logsapi"
	"fastness/internal/call"
	"fastness/internal/due"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

// retentions are the days that a retention can have (API reference, PutRetentionPolicy).
var retentions = []int32{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

// PutRetentionPolicy implements the operation of that name.
func (s *Service) PutRetentionPolicy(ctx context.Context, in *logsapi.PutRetentionPolicyRequest) (*logsapi.PutRetentionPolicyOutput, error) {
	days := value(in.RetentionInDays)
	if !slices.Contains(retentions, days) {
		return nil, invalid("Value '%d' is not valid for retentionInDays. Valid values are: %v", days, retentions)
	}
	return &logsapi.PutRetentionPolicyOutput{}, s.setRetention(call.From(ctx), value(in.LogGroupName), days)
}

// DeleteRetentionPolicy implements the operation of that name.
func (s *Service) DeleteRetentionPolicy(ctx context.Context, in *logsapi.DeleteRetentionPolicyRequest) (*logsapi.DeleteRetentionPolicyOutput, error) {
	return &logsapi.DeleteRetentionPolicyOutput{}, s.setRetention(call.From(ctx), value(in.LogGroupName), 0)
}

func (s *Service) setRetention(c *call.Call, name string, days int32) error {
	tx := c.Txn()
	g, err := s.tables.group(tx, c.Account, c.Region, name)
	if err != nil {
		return err
	}
	g.Retention = days
	if err := s.tables.groups.Put(tx, g); err != nil {
		return err
	}
	if days == 0 {
		_, err := s.jobs.Cancel(tx, jobRetention, g.ID)
		return err
	}
	return s.retainLater(tx, g, s.clock.Now())
}

func (s *Service) retainLater(tx store.Txn, g *groupRecord, at time.Time) error {
	payload, err := json.Marshal(retained{g.Account, g.Region, g.Name})
	if err != nil {
		return fmt.Errorf("logs: job: %w", err)
	}
	return s.jobs.Schedule(tx, due.Job{Kind: jobRetention, ID: g.ID, At: at, Payload: payload})
}

// retained says which group a job of retention is about.
type retained struct {
	Account string `json:"account"`
	Region  string `json:"region"`
	Name    string `json:"name"`
}

// oldest is the time from which on a group shows events.
func (s *Service) oldest(g *groupRecord) int64 {
	if g.Retention == 0 {
		return 0
	}
	return s.now() - int64(g.Retention)*dayMillis
}

// retain deletes the hours of a group that are wholly older than its retention, some at a time, and
// comes again an hour later.
func (s *Service) retain(_ context.Context, tx store.Txn, j due.Job) error {
	var of retained
	if err := json.Unmarshal(j.Payload, &of); err != nil {
		return fmt.Errorf("logs: job %s: %w", j.ID, err)
	}
	g, err := s.tables.groups.Get(tx, table.Scope{Account: of.Account, Region: of.Region}, parts(of.Name)...)
	if isNotFound(err) || err == nil && (g.ID != j.ID || g.Retention == 0) {
		return nil
	}
	if err != nil {
		return err
	}
	limit := hourOf(s.oldest(g))
	space := space(g.scope(), kindHour, g.ID)
	d := &deletion{tx: tx}
	for it, err := range tx.Scan(store.Range{Start: space, End: hoursFrom(space, limit), Limit: maxDeleted}) {
		if err != nil {
			return err
		}
		hour, stream, err := parseHourKey(it.Key, len(space))
		if err != nil {
			return err
		}
		b := blockSpace(g.scope(), g.ID, stream)
		if err := d.blocks(g.scope(), g.ID, stream, store.Range{Start: blocksFrom(b, hour*hourMillis), End: blocksFrom(b, (hour+1)*hourMillis)}); err != nil {
			return err
		}
		if err := d.key(it.Key); err != nil {
			return err
		}
		if d.full() {
			break
		}
	}
	next := s.clock.Now()
	if !d.full() {
		next = next.Add(time.Hour)
	}
	return s.retainLater(tx, g, next)
}
