package cloudwatch

import (
	"bytes"
	"context"
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
)

// journalRow is how many entries make a row.
func journalRow(entries []entry) (n int) {
	hours, size := 0, 0
	for n < len(entries) && n < rowSeries {
		e := &entries[n]
		h, bytes := 0, 0
		last := int64(-1)
		for i := range e.Data {
			if hour := e.Data[i].Minute / 60; hour != last {
				last = hour
				h++
			}
			bytes += 100 + bytesPerSize*len(e.Data[i].Sizes)
		}
		if n > 0 && (hours+h > rowHours || size+bytes > rowBytes) {
			break
		}
		hours, size = hours+h, size+bytes
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

// work works the journal of an account and Region in, a row in a transaction. Two who do it at once do each
// row once.
func (s *Service) work(ctx context.Context, sc table.Scope) error {
	prefix := space(sc, kindJournal)
	for range maxWorkedIn {
		rg := store.Prefix(prefix)
		rg.Limit = 1
		var key []byte
		if err := s.store.View(ctx, func(r store.Reader) error {
			for it, err := range r.Scan(rg) {
				if err != nil {
					return err
				}
				key = bytes.Clone(it.Key)
			}
			return nil
		}); err != nil || key == nil {
			return err
		}
		if _, err := s.store.Update(ctx, func(tx store.Txn) error { return s.workRow(tx, sc, key) }); err != nil {
			return err
		}
	}
	return nil
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
