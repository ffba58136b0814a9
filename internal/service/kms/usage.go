package kms

import (
	"context"
	"sync"
	"time"

	"fastness/internal/api/kmsapi"
	"fastness/internal/call"
)

// usage remembers the last cryptographic use of each key. It is kept in memory and
// written down once in a while (Flush), so that a use costs no write of its own.
type usage struct {
	mu      sync.Mutex
	pending map[keyName]lastUse
}

// lastUse is what GetKeyLastUsage says.
type lastUse struct {
	Operation string    `json:"operation"`
	Time      time.Time `json:"time"`
	EventID   string    `json:"eventId"`
	RequestID string    `json:"requestId"`
}

func newUsage() *usage { return &usage{pending: make(map[keyName]lastUse)} }

// used records a successful cryptographic operation of the call in ctx.
func (s *Service) used(ctx context.Context, k *key) {
	c := call.From(ctx)
	name := keyName{k.record.Account, k.record.Region, k.record.ID}
	use := lastUse{Operation: c.Operation.Name, Time: c.Time, EventID: c.EventID, RequestID: c.RequestID}
	s.usage.mu.Lock()
	s.usage.pending[name] = use
	s.usage.mu.Unlock()
}

// trackedOperation is the operation as GetKeyLastUsage names it.
func (u lastUse) data() *kmsapi.KeyLastUsageData {
	return &kmsapi.KeyLastUsageData{
		Operation: new(kmsapi.KeyLastUsageTrackingOperation(u.Operation)), Timestamp: new(u.Time),
		CloudTrailEventId: new(u.EventID), KmsRequestId: new(u.RequestID),
	}
}
