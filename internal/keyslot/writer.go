package keyslot

import (
	"crypto/rand"
	"fmt"
	"sync"
)

// maxBatch bounds how many operations share one round of syncs.
const maxBatch = 1024

// op is a change of one slot in up to four phases: copies A, B, A, B. A sync follows
// each phase. A phase that is nil writes nothing.
type op struct {
	index  uint32
	phases [4][]byte
	done   chan error
}

// last is the number of phases the op needs.
func (o *op) last() int {
	for i := len(o.phases); i > 0; i-- {
		if o.phases[i-1] != nil {
			return i
		}
	}
	return 0
}

func encodeCopy(index uint32, m image) []byte {
	b := make([]byte, copyBytes)
	m.encode(b, index)
	return b
}

// liveOp writes both copies.
func liveOp(index uint32, m image) *op {
	b := encodeCopy(index, m)
	return &op{index: index, phases: [4][]byte{b, b}}
}

// repairOp writes the copies that must be written again.
func repairOp(index uint32, m image, repair [2]bool) *op {
	o := &op{index: index}
	for c, r := range repair {
		if r {
			o.phases[c] = encodeCopy(index, m)
		}
	}
	return o
}

// shredOp overwrites both copies with random bytes, then with zeros. The first say
// "shredding", so that a crash in between is completed and not taken for damage.
func shredOp(index uint32, gen uint64) (*op, error) {
	o := &op{index: index}
	for c := range 2 {
		m := image{state: shredding, gen: gen}
		if _, err := rand.Read(m.sealed[:]); err != nil {
			return nil, fmt.Errorf("keyslot: reading random bytes: %w", err)
		}
		if _, err := rand.Read(m.owner[:]); err != nil {
			return nil, fmt.Errorf("keyslot: reading random bytes: %w", err)
		}
		o.phases[c] = encodeCopy(index, m)
		o.phases[2+c] = make([]byte, copyBytes)
	}
	return o, nil
}

// finishOp completes the shredding that a crash interrupted. The copy that is not yet
// "shredding" is written first, so that one that says so is there until the end.
func finishOp(index uint32, gen uint64, a, b state) (*op, error) {
	o, err := shredOp(index, gen)
	if err != nil {
		return nil, err
	}
	for c, s := range []state{a, b} {
		if s == shredding || s == free {
			o.phases[c] = nil
		}
		if s == free {
			o.phases[2+c] = nil
		}
	}
	return o, nil
}

// runBatch runs the phases of operations on different slots together. An operation is
// answered as soon as its own last phase is durable.
func runBatch(dev Device, ops []*op) error {
	for phase := range 4 {
		wrote := false
		for _, o := range ops {
			if b := o.phases[phase]; b != nil {
				if _, err := dev.WriteAt(b, offset(o.index, phase%2)); err != nil {
					return fmt.Errorf("writing slot %d: %w", o.index, err)
				}
				wrote = true
			}
		}
		if wrote {
			if err := dev.Sync(); err != nil {
				return fmt.Errorf("sync: %w", err)
			}
		}
		for _, o := range ops {
			if o.done != nil && o.last() == phase+1 {
				o.done <- nil
				o.done = nil
			}
		}
	}
	return nil
}

// writer is the one goroutine that writes; it takes what came while it was busy as
// the next batch.
type writer struct {
	dev Device

	mu      sync.Mutex
	wake    sync.Cond
	queue   []*op
	broken  error
	stopped bool
	paused  sync.Mutex // held while a batch runs
	done    chan struct{}
}

func newWriter(dev Device) *writer {
	w := &writer{dev: dev, done: make(chan struct{})}
	w.wake.L = &w.mu
	go w.run()
	return w
}

// do queues an operation and waits until it is durable. There is never more than one
// operation of a slot: the callers see to that.
func (w *writer) do(o *op) error {
	done := make(chan error, 1)
	o.done = done
	w.mu.Lock()
	switch {
	case w.broken != nil:
		w.mu.Unlock()
		return w.brokenErr()
	case w.stopped:
		w.mu.Unlock()
		return ErrClosed
	}
	w.queue = append(w.queue, o)
	w.wake.Signal()
	w.mu.Unlock()
	return <-done
}

func (w *writer) brokenErr() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return fmt.Errorf("%w: %w", ErrBroken, w.broken)
}

func (w *writer) run() {
	defer close(w.done)
	for {
		w.mu.Lock()
		for len(w.queue) == 0 && !w.stopped {
			w.wake.Wait()
		}
		if len(w.queue) == 0 {
			w.mu.Unlock()
			return
		}
		n := min(len(w.queue), maxBatch)
		batch := w.queue[:n:n]
		w.queue = w.queue[n:]
		broken := w.broken
		w.mu.Unlock()
		if broken == nil {
			w.paused.Lock()
			broken = runBatch(w.dev, batch)
			w.paused.Unlock()
		}
		if broken == nil {
			continue
		}
		w.mu.Lock()
		w.broken = broken
		w.mu.Unlock()
		for _, o := range batch {
			if o.done != nil {
				o.done <- fmt.Errorf("%w: %w", ErrBroken, broken)
			}
		}
	}
}

// stop finishes what is queued and ends the goroutine.
func (w *writer) stop() {
	w.mu.Lock()
	w.stopped = true
	w.wake.Signal()
	w.mu.Unlock()
	<-w.done
}
