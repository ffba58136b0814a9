package cloudwatch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"fastness/internal/due"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

// The bounds of a row of the journal: it is worked in within one transaction (store.MaxTxnOps), which
// writes two keys for each series and hour.
const (
	rowSeries    = 40
	rowHours     = 50
	rowBytes     = 200 << 10
	maxWorkedIn  = 500 // rows at a time, before something is read
	bytesPerSize = 24
	// Of small rows a transaction works in so many, or as many as write so much.
	maxRows      = 16
	maxRowWrites = 100
)

// journalRow is how many entries make a row.
func journalRow(entries []entry) (n int) {
	all, size := 0, 0
	for n < len(entries) && n < rowSeries {
		e := &entries[n]
		h, bytes := hours(e.Data), 0
		for i := range e.Data {
			bytes += 100 + bytesPerSize*len(e.Data[i].Sizes)
		}
		if n > 0 && (all+h > rowHours || size+bytes > rowBytes) {
			break
		}
		all, size = all+h, size+bytes
		n++
	}
	return n
}

// settle notes that an account and Region has metrics, so that the journal is looked at and hours age.
func (s *Service) settle(tx store.Txn, sc table.Scope) error {
	has, err := s.tables.places.Has(tx, sc, table.String("only"))
	if err != nil || has {
		return err
	}
	now := s.clock.Now()
	hour := now.Unix() / 3600
	if err := s.tables.places.Insert(tx, &placeRecord{Account: sc.Account, Region: sc.Region, Fives: hour - fivesAfter, Whole: hour - wholeAfter}); err != nil {
		return err
	}
	return s.ageLater(tx, sc, now.Add(time.Hour))
}

// workAll works in the journals of all accounts and Regions.
func (s *Service) workAll(ctx context.Context) error {
	var places []table.Scope
	if err := s.store.View(ctx, func(r store.Reader) error {
		for row, err := range s.tables.places.ScanAll(r) {
			if err != nil {
				return err
			}
			places = append(places, table.Scope{Account: row.Record.Account, Region: row.Record.Region})
		}
		return nil
	}); err != nil {
		return err
	}
	for _, sc := range places {
		if err := s.work(ctx, sc); err != nil {
			return err
		}
	}
	return nil
}

// work works the journal of an account and Region in, as far as it goes back now and not further than maxWorkedIn rows.
// What another process works in meanwhile is not done again.
func (s *Service) work(ctx context.Context, sc table.Scope) error {
	select {
	case s.working <- struct{}{}:
		defer func() { <-s.working }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for done := 0; done < maxWorkedIn; {
		rows, err := s.nextRows(ctx, sc)
		if err != nil || len(rows) == 0 {
			return err
		}
		err = s.workRows(ctx, sc, rows)
		if errors.Is(err, store.ErrTxnTooLarge) && len(rows) > 1 {
			rows = rows[:1]
			err = s.workRows(ctx, sc, rows)
		}
		if err != nil {
			return err
		}
		done += len(rows)
	}
	return nil
}

// nextRows are the keys of the first rows of the journal, as many as one transaction should work in.
func (s *Service) nextRows(ctx context.Context, sc table.Scope) (keys [][]byte, err error) {
	err = s.store.View(ctx, func(r store.Reader) error {
		rg := store.Prefix(space(sc, kindJournal))
		rg.Limit = maxRows
		writes := 0
		for it, err := range r.Scan(rg) {
			if err != nil {
				return err
			}
			var entries []entry
			if err := unpack(it.Value, &entries); err != nil {
				return err
			}
			writes++
			for i := range entries {
				writes += 1 + hours(entries[i].Data)
			}
			if len(keys) > 0 && writes > maxRowWrites {
				return nil
			}
			keys = append(keys, bytes.Clone(it.Key))
		}
		return nil
	})
	return keys, err
}

// hours is how many hours data are in.
func hours(data []aggregate) (n int) {
	last := int64(-1)
	for i := range data {
		if hour := data[i].Minute / 60; hour != last {
			last = hour
			n++
		}
	}
	return n
}

func (s *Service) workRows(ctx context.Context, sc table.Scope, keys [][]byte) error {
	_, err := s.store.Update(ctx, func(tx store.Txn) error {
		for _, key := range keys {
			if err := s.workRow(tx, sc, key); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

func (s *Service) workRow(tx store.Txn, sc table.Scope, key []byte) error {
	it, err := tx.Get(key)
	if isNotFound(err) {
		return nil // another one did it
	}
	if err != nil {
		return fmt.Errorf("cloudwatch: %w", err)
	}
	var entries []entry
	if err := unpack(it.Value, &entries); err != nil {
		return err
	}
	for i := range entries {
		if err := s.workEntry(tx, sc, &entries[i]); err != nil {
			return err
		}
	}
	return tx.Delete(key)
}

func (s *Service) workEntry(tx store.Txn, sc table.Scope, e *entry) error {
	if len(e.Data) == 0 {
		return nil
	}
	m := &metricRecord{Account: sc.Account, Region: sc.Region, Namespace: e.Namespace, Name: e.Name, Dimensions: e.Dimensions}
	id := m.series()
	m.First, m.Last = e.Data[0].Minute/60, e.Data[len(e.Data)-1].Minute/60
	old, err := s.tables.metrics.Get(tx, sc, table.String(m.Namespace), table.String(m.Name), table.String(id))
	switch {
	case err == nil:
		first, last := min(old.First, m.First), max(old.Last, m.Last)
		if first != old.First || last != old.Last {
			old.First, old.Last = first, last
			err = s.tables.metrics.Put(tx, old)
		}
	case isNotFound(err):
		err = s.tables.metrics.Put(tx, m)
	}
	if err != nil {
		return err
	}
	for from := 0; from < len(e.Data); {
		hour := e.Data[from].Minute / 60
		to := from
		for to < len(e.Data) && e.Data[to].Minute/60 == hour {
			to++
		}
		list, err := readHour(tx, sc, hour, id)
		if err != nil {
			return err
		}
		for i := from; i < to; i++ {
			list = put(list, &e.Data[i], e.Data[i].Minute)
		}
		if err := writeHour(tx, sc, hour, id, list); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// readHour reads an hour of a series; none is empty.
func readHour(r store.Reader, sc table.Scope, hour int64, series string) (list []aggregate, err error) {
	it, err := r.Get(hourKey(sc, hour, series))
	if isNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cloudwatch: %w", err)
	}
	return list, unpack(it.Value, &list)
}

func writeHour(tx store.Txn, sc table.Scope, hour int64, series string, list []aggregate) error {
	b, err := pack(list)
	if err != nil {
		return err
	}
	return tx.Put(hourKey(sc, hour, series), b)
}

// JobHandlers are the service's jobs by kind, for the runner (due.NewRunner).
func (s *Service) JobHandlers() map[string]due.Handler {
	return map[string]due.Handler{jobAge: {RunInTxn: s.age}}
}
