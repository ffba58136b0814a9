package audit

import (
	"encoding/binary"
	"errors"
	"fmt"

	"fastness/internal/store"
)

// Follower hears of records in the transactions that write them: of calls that changed
// something or were to, refused ones too, and of what services did on their own. It does not
// hear of reading, whose records are far more, and is not asked for them.
type Follower interface {
	// Recorded is called within the transaction; it may be called again when that is retried.
	// An error makes the log fail closed.
	Recorded(tx store.Txn, r Recorded) error
}

// Recorded is a record that a Follower hears of.
type Recorded struct {
	// Account and Region are those of the history that the record is in.
	Account, Region string
	// Service says that a service did it on its own.
	Service bool
	// Ref finds the record again.
	Ref Ref
	// JSON is the record. It is valid until Recorded returns.
	JSON []byte
}

// Ref is the place of one record in the history, from a Follower's Recorded. It is good for
// Retention.
type Ref []byte

// A Ref is the record's number in its batch, from 0, and the key of the batch.
func newRef(key []byte, index int) Ref {
	return append(binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(key)), uint32(index)), key...)
}

// Held tells whether the batch of the record is kept.
func (ref Ref) Held(r store.Reader) (bool, error) {
	key, _, err := splitPosition(Position(ref))
	if err != nil || key == nil {
		return false, err
	}
	_, err = r.Get(key)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// followed tells whether a Follower hears of a record. The records of callers without an
// account are in nobody's history.
func (e *Event) followed() bool { return !e.ReadOnly && !e.Quiet && e.Account != "" }

// followed is a record in a batch that the follower hears of.
type followed struct {
	account, region string
	service         bool
	index           int // among the batch's events
	at              int // where it begins in the batch's data
}

// maxFollowed bounds the followed records of a batch by which further ones are added: each
// takes one operation of the transaction.
const maxFollowed = 32

// tell tells the follower of the records of a batch that is being written.
func (l *Log) tell(tx store.Txn, key []byte, b *batch) error {
	for _, f := range b.followed {
		data := (*b.data)[f.at:]
		e, err := decodeEvent(data[4 : 4+binary.BigEndian.Uint32(data)])
		if err != nil {
			return err
		}
		r := Recorded{Account: f.account, Region: f.region, Service: f.service, Ref: newRef(key, f.index), JSON: e.JSON}
		if err := l.follower.Recorded(tx, r); err != nil {
			return err
		}
	}
	return nil
}

// Finder reads records by their Refs. It keeps the last batch, for the next record may be in it.
type Finder struct {
	r      store.Reader
	key    string
	events []Event
}

// NewFinder returns a Finder that reads from r, as long as r is valid.
func NewFinder(r store.Reader) *Finder { return &Finder{r: r} }

// Find returns the record at ref. The error of one that is no longer kept is
// store.ErrNotFound. The events that it returns share memory: they are not to be changed.
func (f *Finder) Find(ref Ref) (Event, error) {
	key, index, err := splitPosition(Position(ref))
	if err != nil {
		return Event{}, err
	}
	if key == nil {
		return Event{}, errBatch
	}
	if f.events == nil || f.key != string(key) {
		item, err := f.r.Get(key)
		if err != nil {
			return Event{}, err
		}
		if f.events, err = decodeBatch(item.Value); err != nil {
			return Event{}, fmt.Errorf("audit: batch %x: %w", key, err)
		}
		f.key = string(key)
	}
	if index >= len(f.events) {
		return Event{}, errBatch
	}
	return f.events[index], nil
}
