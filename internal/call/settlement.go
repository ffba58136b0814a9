package call

import (
	"context"
	"sync"
)

// Settlement collects what must be durable before a call is answered. The zero value is
// ready; it is safe for concurrent use, because services may make calls concurrently.
type Settlement struct {
	mu    sync.Mutex
	waits []Waiter
}

// Waiter waits until something is durable.
type Waiter interface {
	Wait(ctx context.Context) error
}

// Add has Wait wait for w.
func (s *Settlement) Add(w Waiter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waits = append(s.waits, w)
}

// Wait waits for everything that was added. Its error is the first one.
func (s *Settlement) Wait(ctx context.Context) error {
	s.mu.Lock()
	waits := s.waits
	s.waits = nil
	s.mu.Unlock()
	for _, w := range waits {
		if err := w.Wait(ctx); err != nil {
			return err
		}
	}
	return nil
}
