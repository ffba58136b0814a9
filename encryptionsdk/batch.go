package encryptionsdk

import (
	"crypto/cipher"
	"hash"
	"sync"
	"sync/atomic"
)

// batchLen is about how many bytes on the wire are worth a goroutine of their own: some
// 15 µs of AES-GCM. It is also what a pipe holds, so that reads fill a batch.
const batchLen = 64 << 10

// bufferLen is the capacity of pooled buffers: a batch with an incomplete final frame.
const bufferLen = batchLen + finalOverhead

// hashAhead is about how many bytes on the wire wait for the hash of a signature. With half
// as many the hash has to wait for its caller to wake (BENCHMARKS.md).
const hashAhead = 8 * batchLen

// lineDepth is how many batches are on their way at once in a stream with so many workers.
func lineDepth(workers int, h *Header) int {
	if workers == 1 || !h.Suite.Signs() {
		return workers
	}
	return max(3, hashAhead/(framesPerBatch(int(h.FrameLength))*(int(h.FrameLength)+regularOverhead)))
}

// framesPerBatch is how many frames go to one goroutine: several small ones or one large.
func framesPerBatch(frameLen int) int {
	return max(1, batchLen/(frameLen+regularOverhead))
}

// batch is consecutive frames on their way through one goroutine.
type batch struct {
	coder         frameCoder
	in            []byte // what goes in: a window of buf, or the caller's bytes
	out           []byte // what came out
	buf           []byte // our buffer for in
	wetIn, wetOut int    // bytes of buf and out that were used since the batch was last wiped
	plain         int    // bytes of plaintext in the frames
	// offset of the frames in the message, when decrypting.
	offset int64
	seq    uint32
	final  bool
	err    error

	done atomic.Bool   // out, err and the hash are ready
	wake chan struct{} // holds a token after done was set; a message's own
}

// Buffers stay between messages: a message of a mebibyte would otherwise allocate half of
// one. What was in them is wiped before they come here. A stream's worth is kept for good,
// some 1.3 MiB at most; the collector takes what is more.
var (
	kept    = make(chan *batch, hashAhead/batchLen+2)
	batches = sync.Pool{New: func() any { return new(batch) }}
)

// emptyBatch returns a batch that belongs to no message.
func emptyBatch() *batch {
	select {
	case b := <-kept:
		return b
	default:
		return batches.Get().(*batch)
	}
}

// newBatch returns a batch for the frames of one message.
func newBatch(aead cipher.AEAD, messageID []byte) *batch {
	b := emptyBatch()
	b.begin(aead, messageID)
	return b
}

// begin makes b a batch of a message. The channel is new: one that stayed with the buffers
// could come out of a test's bubble of package synctest.
func (b *batch) begin(aead cipher.AEAD, messageID []byte) {
	b.coder.init(aead, messageID)
	b.wake = make(chan struct{}, 1)
}

// finish says that b is ready. From then on b is its owner's, who may free it.
func (b *batch) finish() {
	wake := b.wake
	b.done.Store(true)
	select {
	case wake <- struct{}{}:
	default:
	}
}

// wait waits until b is ready.
func (b *batch) wait() {
	for !b.done.Load() {
		<-b.wake
	}
}

// input makes in an empty window of a buffer of at least n bytes, or of a pooled one when
// that is enough.
func (b *batch) input(n int) {
	if cap(b.buf) < n {
		clear(b.buf[:min(b.wetIn, cap(b.buf))])
		b.buf = make([]byte, 0, max(n, min(bufferLen, 2*n)))
	}
	b.in = b.buf[:0]
}

// grow moves in to the start of a buffer of at least n bytes.
func (b *batch) grow(n int) {
	if cap(b.buf) >= n {
		b.in = append(b.buf[:0], b.in...)
		return
	}
	old, used := b.buf, max(b.wetIn, len(b.in))
	b.buf = make([]byte, 0, n)
	b.in = append(b.buf, b.in...)
	clear(old[:min(used, cap(old))])
}

// output empties out and makes room for n bytes.
func (b *batch) output(n int) {
	if cap(b.out) < n {
		clear(b.out[:min(b.wetOut, cap(b.out))])
		b.out = make([]byte, 0, max(n, min(bufferLen, 2*n)))
	}
	b.out = b.out[:0]
}

// reset empties the batch for other frames of the same message.
func (b *batch) reset() {
	b.wetIn = max(b.wetIn, len(b.in))
	b.wetOut = max(b.wetOut, len(b.out))
	b.in, b.out = nil, b.out[:0]
	b.plain, b.offset, b.seq, b.final, b.err = 0, 0, 0, false, nil
	b.done.Store(false)
}

// free wipes the batch and gives it back.
func (b *batch) free() {
	b.reset()
	clear(b.buf[:min(b.wetIn, cap(b.buf))])
	clear(b.out[:min(b.wetOut, cap(b.out))])
	b.wetIn, b.wetOut = 0, 0
	b.coder, b.wake = frameCoder{}, nil
	if cap(b.buf) > bufferLen {
		b.buf = nil
	}
	if cap(b.out) > bufferLen {
		b.out = nil
	}
	select {
	case kept <- b:
	default:
		batches.Put(b)
	}
}

// line is the batches of one message in their order: at work, or finished and waiting
// for the ones in front of them. Batches run in goroutines that end by themselves.
type line struct {
	queue  []*batch
	spare  []*batch
	aead   cipher.AEAD
	id     []byte
	digest hash.Hash // of the ciphertext; nil for suites that do not sign
	work   func(*batch)
	text   func(*batch) []byte
	depth  int // batches at once

	mu      sync.Mutex
	unadded []*batch // batches, in order, that the digest has not got
	adding  bool     // somebody is adding to the digest, or about to
}

// get returns an empty batch.
func (l *line) get() *batch {
	if n := len(l.spare); n > 0 {
		b := l.spare[n-1]
		l.spare = l.spare[:n-1]
		return b
	}
	return newBatch(l.aead, l.id)
}

// put takes back a batch that nobody uses.
func (l *line) put(b *batch) {
	b.reset()
	l.spare = append(l.spare, b)
}

// send sends b off, or does its work at once when inline. The line must not be full.
//
// Without a digest every batch gets a goroutine. With one, hashing takes several times as
// long as AES-GCM: so the caller encrypts, and one goroutine does nothing but hash.
func (l *line) send(b *batch, inline bool) {
	l.queue = append(l.queue, b)
	if l.digest == nil {
		if inline || l.depth == 1 {
			l.run(b)
		} else {
			go l.run(b)
		}
		return
	}
	l.work(b)
	l.mu.Lock()
	l.unadded = append(l.unadded, b)
	idle := !l.adding
	l.adding = true
	l.mu.Unlock()
	switch {
	case !idle:
	case inline || l.depth == 1:
		l.add()
	default:
		go l.add()
	}
}

// run does the work of b.
func (l *line) run(b *batch) {
	l.work(b)
	b.finish()
}

// add adds to the digest until nothing is left to be added. Who calls it has set adding.
func (l *line) add() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.unadded) > 0 {
		next := l.unadded[0]
		l.unadded = append(l.unadded[:0], l.unadded[1:]...)
		l.mu.Unlock()
		l.digest.Write(l.text(next))
		next.finish()
		l.mu.Lock()
	}
	l.adding = false
}

// full says whether one has to be taken before another is sent.
func (l *line) full() bool { return len(l.queue) >= l.depth }

// settle waits until some batches at the front are finished, if the line is full: with a
// digest half of them, so that the caller sleeps once for several batches, while the other
// half keeps the hash going. Waking a goroutine for each of them costs as much as AES-GCM.
func (l *line) settle() {
	if l.digest != nil && l.full() {
		l.queue[(len(l.queue)-1)/2].wait()
	}
}

// finished is how many batches at the front are finished.
func (l *line) finished() int {
	for i, b := range l.queue {
		if !b.done.Load() {
			return i
		}
	}
	return len(l.queue)
}

// take waits for the first batch and removes it; nil if there is none.
func (l *line) take() *batch {
	if len(l.queue) == 0 {
		return nil
	}
	b := l.queue[0]
	b.wait()
	l.queue = append(l.queue[:0], l.queue[1:]...)
	return b
}

// close waits for all batches and wipes everything.
func (l *line) close() {
	for b := l.take(); b != nil; b = l.take() {
		b.free()
	}
	for _, b := range l.spare {
		b.free()
	}
	l.spare, l.aead = nil, nil
}
