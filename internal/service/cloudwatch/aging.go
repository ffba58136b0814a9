package cloudwatch

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"fastness/internal/due"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

// jobAge makes the hours of an account and Region coarser. Its id is that of the place.
const jobAge = "cloudwatch.age"

// How many hours data are kept by the minute, by five minutes and by the hour (Amazon CloudWatch User
// Guide, "Metrics retention": 15, 63 and 455 days).
const (
	fivesAfter  = 15 * 24
	wholeAfter  = 63 * 24
	deleteAfter = 455 * 24
)

// maxAged is how many hours of series a transaction changes.
const maxAged = 60

func (s *Service) ageLater(tx store.Txn, sc table.Scope, at time.Time) error {
	payload, err := json.Marshal(sc)
	if err != nil {
		return fmt.Errorf("cloudwatch: job: %w", err)
	}
	return s.jobs.Schedule(tx, due.Job{Kind: jobAge, ID: sc.Account + "/" + sc.Region, At: at, Payload: payload})
}

func (s *Service) age(_ context.Context, tx store.Txn, j due.Job) error {
	var sc table.Scope
	if err := json.Unmarshal(j.Payload, &sc); err != nil {
		return fmt.Errorf("cloudwatch: job %s: %w", j.ID, err)
	}
	p, err := s.tables.places.Get(tx, sc, table.String("only"))
	if isNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	now := s.clock.Now().Unix() / 3600
	left := maxAged
	if err := s.forget(tx, sc, now-deleteAfter, &left); err != nil {
		return err
	}
	if p.Whole, err = s.coarser(tx, sc, p.Whole, now-wholeAfter, 60, &left); err != nil {
		return err
	}
	if p.Fives, err = s.coarser(tx, sc, p.Fives, now-fivesAfter, 5, &left); err != nil {
		return err
	}
	if err := s.tables.places.Put(tx, p); err != nil {
		return err
	}
	next := s.clock.Now()
	if left > 0 {
		next = next.Add(time.Hour)
	}
	return s.ageLater(tx, sc, next)
}

// forget deletes hours before one.
func (s *Service) forget(tx store.Txn, sc table.Scope, before int64, left *int) error {
	for it, err := range tx.Scan(store.Range{Start: space(sc, kindHour), End: hoursFrom(sc, before), Limit: *left}) {
		if err != nil {
			return err
		}
		if err := tx.Delete(it.Key); err != nil {
			return err
		}
		*left--
	}
	return nil
}

// coarser merges the hours from one to another into steps of some minutes. It returns the hour at
// which to go on: one that was done in part is done again, which changes nothing.
func (s *Service) coarser(tx store.Txn, sc table.Scope, from, to, step int64, left *int) (int64, error) {
	for hour := from; hour < to; hour++ {
		if *left <= 0 {
			return hour, nil
		}
		rg := store.Range{Start: hoursFrom(sc, hour), End: hoursFrom(sc, to)}
		rg.Limit = 1
		next := to
		for it, err := range tx.Scan(rg) {
			if err != nil {
				return 0, err
			}
			if next, _, err = parseHourKey(it.Key, len(space(sc, kindHour))); err != nil {
				return 0, err
			}
		}
		if hour = next; hour >= to {
			break
		}
		done, err := s.coarserHour(tx, sc, hour, step, left)
		if err != nil || !done {
			return hour, err
		}
	}
	return max(from, to), nil
}

func (s *Service) coarserHour(tx store.Txn, sc table.Scope, hour, step int64, left *int) (done bool, err error) {
	for it, err := range tx.Scan(store.Range{Start: hoursFrom(sc, hour), End: hoursFrom(sc, hour+1)}) {
		if err != nil {
			return false, err
		}
		var list []aggregate
		if err := unpack(it.Value, &list); err != nil {
			return false, err
		}
		merged := coarsen(list, step)
		if len(merged) == len(list) {
			continue
		}
		if *left <= 0 {
			return false, nil
		}
		*left--
		b, err := pack(merged)
		if err != nil {
			return false, err
		}
		if err := tx.Put(it.Key, b); err != nil {
			return false, err
		}
	}
	return true, nil
}

// parseHourKey reads the key of an hour.
func parseHourKey(key []byte, space int) (hour int64, series string, err error) {
	if len(key) < space {
		return 0, "", table.ErrKey
	}
	all, err := table.ParseKey(key[space:])
	if err != nil || len(all) != 2 {
		return 0, "", fmt.Errorf("cloudwatch: the key of an hour: %w", table.ErrKey)
	}
	n, ok := all[0].Num()
	series, ok2 := all[1].Str()
	if !ok || !ok2 {
		return 0, "", table.ErrKey
	}
	return int64(n), series, nil
}
