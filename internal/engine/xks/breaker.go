package xks

import (
	"sync"
	"time"
)

// A circuit opens after breakerThreshold calls in a row that got no answer, and
// stays open for breakerPause; then one call at a time probes. While open, calls
// fail at once with the last failure instead of waiting out their time.
const (
	breakerThreshold = 3
	breakerPause     = time.Second
)

// breaker is a circuit breaker around one proxy.
type breaker struct {
	now func() time.Time

	mu        sync.Mutex
	failures  int
	openUntil time.Time
	probing   bool
	last      *CallError
}

// admit reports whether a call may go ahead; if not, the failure to return.
func (b *breaker) admit() (probe bool, refused *CallError) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures < breakerThreshold {
		return false, nil
	}
	if b.probing || b.now().Before(b.openUntil) {
		return false, b.last
	}
	b.probing = true
	return true, nil
}

// record takes the outcome of an admitted call. Any answer of the proxy, an error
// answer too, closes the circuit; failure is nil then. abandoned calls, given up
// by their caller, say nothing about the proxy.
func (b *breaker) record(probe bool, failure *CallError, abandoned bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if probe {
		b.probing = false
	}
	switch {
	case abandoned:
	case failure == nil:
		b.failures, b.last = 0, nil
	default:
		b.failures++
		b.last = failure
		b.openUntil = b.now().Add(breakerPause)
	}
}
