package rotator

import (
	"context"
	"net/netip"
	"sync"
)

// slots bounds how many connections are open to each address at a time. Who has to
// wait, waits in order.
type slots struct {
	limit int
	mu    sync.Mutex
	hosts map[netip.Addr]*hostSlots // only those in use
}

type hostSlots struct {
	used    int
	waiting []*waiter
}

type waiter struct {
	weight int
	ready  chan struct{} // closed when the slots are the waiter's
}

// acquire takes weight slots of an address. It fails only when the context ends.
func (s *slots) acquire(ctx context.Context, addr netip.Addr, weight int) error {
	s.mu.Lock()
	h := s.hosts[addr]
	if h == nil {
		h = &hostSlots{}
		s.hosts[addr] = h
	}
	if len(h.waiting) == 0 && h.used+weight <= s.limit {
		h.used += weight
		s.mu.Unlock()
		return nil
	}
	w := &waiter{weight, make(chan struct{})}
	h.waiting = append(h.waiting, w)
	s.mu.Unlock()

	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-w.ready: // both at once: give back what just came
		s.put(addr, h, weight)
	default:
		for i := range h.waiting {
			if h.waiting[i] == w {
				h.waiting = append(h.waiting[:i], h.waiting[i+1:]...)
				break
			}
		}
		// Whoever stood behind a heavier one may fit now.
		s.put(addr, h, 0)
	}
	return context.Cause(ctx)
}

func (s *slots) release(addr netip.Addr, weight int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(addr, s.hosts[addr], weight)
}

func (s *slots) put(addr netip.Addr, h *hostSlots, weight int) {
	h.used -= weight
	for len(h.waiting) > 0 && h.used+h.waiting[0].weight <= s.limit {
		w := h.waiting[0]
		h.waiting = h.waiting[1:]
		h.used += w.weight
		close(w.ready)
	}
	if h.used == 0 && len(h.waiting) == 0 {
		delete(s.hosts, addr)
	}
}
