package rate

import "math"

// Delta is how many events of a key were counted since they were last taken.
type Delta struct {
	Key Key
	N   uint32
}

const (
	// heavyPart is which part of the limit a key has reached whose events are taken first.
	heavyPart = 16
	// maxGone bounds what is kept in a shard of keys that had to make room.
	maxGone = 4096
)

// keep remembers an event of key for others. The key has an entry.
func (s *shard) keep(h uint64, key Key) {
	slot, _ := s.find(h, key)
	i := s.index[slot] - 1
	e := s.entry(i)
	if e.unsent == math.MaxUint16 {
		s.spill(e)
	}
	e.unsent++
	switch {
	case e.sum*heavyPart >= uint64(s.limit):
		if !e.is(first) {
			e.flags |= first
			s.heavy = append(s.heavy, i)
		}
	case !e.is(queued):
		e.flags |= queued
		s.light = append(s.light, i)
	}
}

// spill puts aside the events of an entry that is about to lose them. Where there is too much, what is lost
// are events of keys far from the limit: those are the ones that make room.
func (s *shard) spill(e *entry) {
	if e.unsent > 0 && len(s.gone) < maxGone {
		s.gone = append(s.gone, Delta{e.key, uint32(e.unsent)})
	}
	e.unsent = 0
}

// Take appends the events that were counted since they were last taken, of at most most keys or a few more:
// those that are on their way to the limit first. What is left is there the next time. Only a limiter that
// shares has any.
func (l *Limiter) Take(into []Delta, most int) []Delta {
	each := (most + shards - 1) / shards
	for i := range l.shard {
		s := &l.shard[i]
		s.mu.Lock()
		into = s.takeUnsent(into, each)
		s.mu.Unlock()
	}
	return into
}

func (s *shard) takeUnsent(into []Delta, most int) []Delta {
	n := min(len(s.gone), most)
	into = append(into, s.gone[:n]...)
	s.gone = append(s.gone[:0], s.gone[n:]...)
	left := most - n
	into, left = s.drain(into, &s.heavy, first, left)
	into, _ = s.drain(into, &s.light, queued, left)
	return into
}

// drain takes from a queue.
func (s *shard) drain(into []Delta, queue *[]uint32, flag uint8, left int) ([]Delta, int) {
	done := 0
	for _, i := range *queue {
		if left == 0 {
			break
		}
		done++
		e := s.entry(i)
		e.flags &^= flag
		if e.unsent > 0 {
			into = append(into, Delta{e.key, uint32(e.unsent)})
			e.unsent = 0
			left--
		}
	}
	*queue = append((*queue)[:0], (*queue)[done:]...)
	return into, left
}
