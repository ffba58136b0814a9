package kms

import (
	"context"
	"fmt"
	"sync"
	"time"

	"fastness/internal/api/kmsapi"
	"fastness/internal/audit"
	"fastness/internal/call"
	"fastness/internal/store"
)

// usage remembers the last cryptographic use of each key. It is kept in memory and
// written down every UsageFlushInterval, so that a use costs no write of its own; a
// crash loses the uses since the last flush.
type usage struct {
	mu      sync.Mutex
	pending map[keyName]lastUse
	limit   int
	// full asks for a flush before its time.
	full chan struct{}
}

// UsageFlushInterval is how often the last uses of keys are written down.
const UsageFlushInterval = 30 * time.Second

const (
	// maxPendingUses bounds the keys in memory whose last use is not written down yet.
	// Beyond it, uses of further keys are not tracked until the next flush.
	maxPendingUses = 1 << 16
	// usesPerTxn bounds one transaction of a flush.
	usesPerTxn = 100
)

// lastUse is what GetKeyLastUsage says.
type lastUse struct {
	Operation string    `json:"operation"`
	Time      time.Time `json:"time"`
	EventID   string    `json:"eventId"`
	RequestID string    `json:"requestId"`
}

// useRecord is the last use of a key, as it is stored.
type useRecord struct {
	Account string `json:"account"`
	Region  string `json:"region"`
	KeyID   string `json:"key"`
	lastUse
}

func newUsage() *usage {
	return &usage{pending: make(map[keyName]lastUse), limit: maxPendingUses, full: make(chan struct{}, 1)}
}

// used records a successful cryptographic operation of the call in ctx. The event is the
// one in the history of the key's account, whoever called.
func (s *Service) used(ctx context.Context, k *key) {
	c := call.From(ctx)
	s.usage.note(k.record.name(), lastUse{
		Operation: c.Operation.Name, Time: c.Time, EventID: audit.EventID(c, k.record.Account), RequestID: c.RequestID,
	})
}

func (u *usage) note(name keyName, use lastUse) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.pending) >= u.limit {
		if _, known := u.pending[name]; !known {
			select {
			case u.full <- struct{}{}:
			default:
			}
			return
		}
	}
	u.pending[name] = use
}

// forget drops what is known of a key that is being destroyed.
func (u *usage) forget(name keyName) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.pending, name)
}

// FlushUsage writes down the last uses of keys since the last flush.
func (s *Service) FlushUsage(ctx context.Context) error {
	u := s.usage
	u.mu.Lock()
	names := make([]keyName, 0, len(u.pending))
	for name := range u.pending {
		names = append(names, name)
	}
	u.mu.Unlock()
	for len(names) > 0 {
		n := min(len(names), usesPerTxn)
		if err := s.flushUses(ctx, names[:n]); err != nil {
			return fmt.Errorf("kms: write last uses of keys: %w", err)
		}
		names = names[n:]
	}
	return nil
}

// flushUses writes the pending uses of some keys in one transaction and forgets those
// that have not changed meanwhile.
func (s *Service) flushUses(ctx context.Context, names []keyName) error {
	u := s.usage
	written := make(map[keyName]lastUse, len(names))
	u.mu.Lock()
	for _, name := range names {
		if use, ok := u.pending[name]; ok {
			written[name] = use
		}
	}
	u.mu.Unlock()
	_, err := s.store.Update(ctx, func(tx store.Txn) error {
		for name, use := range written {
			// A key that has been destroyed leaves no trace of its use either.
			if _, err := s.tables.key(tx, name); isNotFound(err) {
				continue
			} else if err != nil {
				return err
			}
			stored, err := s.tables.use(tx, name)
			if err != nil && !isNotFound(err) {
				return err
			}
			if err == nil && stored.Time.After(use.Time) {
				continue
			}
			if err := s.tables.uses.Put(tx, &useRecord{name.account, name.region, name.id, use}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	for name, use := range written {
		if u.pending[name] == use {
			delete(u.pending, name)
		}
	}
	return nil
}

// RunUsage writes last uses down until ctx is done, and once more then.
func (s *Service) RunUsage(ctx context.Context) error {
	for {
		timer, stop := s.clock.After(UsageFlushInterval)
		select {
		case <-timer:
		case <-s.usage.full:
		case <-ctx.Done():
			stop()
			return s.FlushUsage(context.WithoutCancel(ctx))
		}
		stop()
		if err := s.FlushUsage(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("last uses of keys were not written", "error", err)
		}
	}
}

// lastUse returns the last use of a key, written down or not.
func (s *Service) lastUse(ctx context.Context, name keyName) (lastUse, bool, error) {
	s.usage.mu.Lock()
	use, found := s.usage.pending[name]
	s.usage.mu.Unlock()
	if found {
		return use, true, nil
	}
	err := s.store.View(ctx, func(r store.Reader) error {
		stored, err := s.tables.use(r, name)
		if err == nil {
			use, found = stored.lastUse, true
		}
		return absent(err)
	})
	return use, found, err
}

// GetKeyLastUsage implements the operation of that name. Keys are tracked from their
// creation.
func (s *Service) GetKeyLastUsage(ctx context.Context, _ *kmsapi.GetKeyLastUsageRequest) (*kmsapi.GetKeyLastUsageResponse, error) {
	_, k, err := target(ctx)
	if err != nil {
		return nil, err
	}
	out := &kmsapi.GetKeyLastUsageResponse{
		KeyId: new(k.record.ID), KeyCreationDate: new(k.record.Created), TrackingStartDate: new(k.record.Created),
	}
	use, found, err := s.lastUse(ctx, k.record.name())
	if err != nil {
		return nil, err
	}
	if found {
		out.KeyLastUsage = use.data()
	}
	return out, nil
}

// data is the use in the API's terms.
func (u lastUse) data() *kmsapi.KeyLastUsageData {
	return &kmsapi.KeyLastUsageData{
		Operation: new(kmsapi.KeyLastUsageTrackingOperation(u.Operation)), Timestamp: new(u.Time),
		CloudTrailEventId: new(u.EventID), KmsRequestId: new(u.RequestID),
	}
}
