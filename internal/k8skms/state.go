package k8skms

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// state is the last known key, kept fresh in the background.
type state struct {
	mu      sync.Mutex
	key     Key
	seen    time.Time // of the last success; zero before the first
	failure error     // of the last refresh, nil after a success
}

// observe takes the key from a successful answer of the key service. An Encrypt
// that does not tell the material proves the key alive and nothing more. A key
// learnt while a refresh was under way may be overwritten by that refresh's older
// answer; the next one puts it right, and in between the apiserver only wraps anew.
func (s *state) observe(key Key, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.key, s.seen, s.failure = key, now, nil
}

func (s *state) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failure = err
}

var errNotYet = errors.New("the key has not been described yet")

// current is the key if it was seen at most maxStale ago.
func (s *state) current(now time.Time, maxStale time.Duration) (Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen.IsZero() {
		if s.failure != nil {
			return Key{}, s.failure
		}
		return Key{}, errNotYet
	}
	if age := now.Sub(s.seen); age > maxStale {
		err := s.failure
		if err == nil {
			err = errors.New("no answer")
		}
		return Key{}, fmt.Errorf("key last seen %s ago: %w", age.Round(time.Second), err)
	}
	return s.key, nil
}

// refreshLoop describes the key until ctx ends: every Refresh, every retryPause
// after a failure, and at once when kicked.
func (p *Plugin) refreshLoop(ctx context.Context) {
	for {
		pause := p.config.Refresh
		if err := p.refresh(ctx); err != nil {
			pause = min(pause, retryPause)
		}
		timer, stop := p.config.Clock.After(pause)
		select {
		case <-ctx.Done():
			stop()
			return
		case <-p.kick:
			stop()
		case <-timer:
		}
	}
}

// refresh describes the key once.
func (p *Plugin) refresh(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, p.config.CallTimeout)
	defer cancel()
	key, err := p.config.KMS.Describe(ctx)
	if err == nil && (key.ARN == "" || key.MaterialID == "") {
		err = errors.New("the key service names no key material")
	}
	if err != nil {
		p.state.fail(err)
		p.config.Log.WarnContext(ctx, "cannot describe the key", "error", err)
		return err
	}
	p.state.observe(key, p.config.Clock.Now())
	return nil
}

// hurry asks the loop for a refresh without waiting for it.
func (p *Plugin) hurry() {
	select {
	case p.kick <- struct{}{}:
	default:
	}
}
