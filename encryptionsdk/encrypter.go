package encryptionsdk

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"math"
)

// Encrypter encrypts what is written to it. It is for one goroutine.
type Encrypter struct {
	ctx      context.Context
	dst      io.Writer
	header   *Header
	signer   *ecdsa.PrivateKey
	line     line
	pending  *batch // collects plaintext until more of it comes: the last frame is another
	frameLen int
	room     int    // bytes of plaintext in a full batch
	next     uint64 // sequence number
	total    int64
	bound    int64 // of total
	err      error // what ended the message; fs.ErrClosed after Close
}

var (
	_ io.WriteCloser = (*Encrypter)(nil)
	_ io.ReaderFrom  = (*Encrypter)(nil)
)

// NewEncrypter begins a message on dst and writes its header. Close must be called: it
// writes the last frame and the signature. The message is complete only if Close returns nil.
//
// dst is written to from the goroutine that calls the Encrypter's methods, in pieces of
// about 64 KiB or a frame. ctx bounds the work of keyrings, and ends the message early when
// it is done: then Write and Close fail with its error. To give a message up, end ctx and
// call Close; not calling Close loses no goroutine but leaves plaintext in memory.
//
// It fails with ErrOptions, ErrCommitmentPolicy, ErrEncryptionContext, ErrMaterials,
// ErrTooManyDataKeys, or the error of the keyring, manager or dst.
func NewEncrypter(ctx context.Context, dst io.Writer, o EncryptOptions) (*Encrypter, error) {
	depth, err := concurrency(o.Concurrency)
	if err != nil {
		return nil, err
	}
	length := int64(-1)
	if o.PlaintextLengthBound > 0 {
		length = o.PlaintextLengthBound
	}
	m, err := beginMessage(ctx, &o, length)
	if err != nil {
		return nil, err
	}
	depth = streamWorkers(o.Concurrency, depth, m.header)
	frameLen := int(m.header.FrameLength)
	e := &Encrypter{
		ctx: ctx, dst: dst, header: m.header, signer: m.signer, next: 1,
		frameLen: frameLen, room: framesPerBatch(frameLen) * frameLen, bound: o.PlaintextLengthBound,
	}
	e.line = line{aead: m.key.aead, id: m.header.MessageID, depth: lineDepth(depth, m.header), work: e.seal, text: (*batch).sealed}
	if m.signer != nil {
		e.line.digest = newHash(m.header.Suite.SignatureHash)()
		e.line.digest.Write(m.raw)
	}
	e.pending = e.line.get()
	if err := e.emit(m.raw); err != nil {
		return nil, e.fail(err)
	}
	return e, nil
}

// message is a message whose header is made.
type message struct {
	header *Header
	raw    []byte // the header on the wire
	key    *messageKey
	signer *ecdsa.PrivateKey
}

// beginMessage asks for materials and makes the header. length is -1 or bounds the plaintext.
func beginMessage(ctx context.Context, o *EncryptOptions, length int64) (*message, error) {
	mgr, err := manager(o.Keyring, o.Manager)
	if err != nil {
		return nil, err
	}
	maxKeys, err := dataKeyLimit(o.MaxEncryptedDataKeys)
	if err != nil {
		return nil, err
	}
	r := &EncryptionRequest{
		CommitmentPolicy: o.CommitmentPolicy, EncryptionContext: o.EncryptionContext,
		PlaintextLength: length, MaxEncryptedDataKeys: maxKeys,
	}
	if o.Suite != 0 {
		if r.Suite = o.Suite.Suite(); r.Suite == nil {
			return nil, fmt.Errorf("%w: %w %s", ErrOptions, ErrUnknownSuite, o.Suite)
		}
		if err := o.CommitmentPolicy.writes(r.Suite); err != nil {
			return nil, err
		}
	}
	frameLen := o.FrameLength
	if frameLen == 0 {
		frameLen = DefaultFrameLength
	}
	if uint64(frameLen) > math.MaxInt-finalOverhead {
		return nil, fmt.Errorf("%w: frames of %d bytes do not fit this machine's memory", ErrOptions, frameLen)
	}
	if o.PlaintextLengthBound < 0 {
		return nil, fmt.Errorf("%w: a negative bound of the plaintext", ErrOptions)
	}
	if err := o.EncryptionContext.checkReserved(); err != nil {
		return nil, err
	}
	m, err := mgr.EncryptionMaterials(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("encryption materials: %w", err)
	}
	if m != nil {
		defer clear(m.PlaintextDataKey)
	}
	if err := m.check(r); err != nil {
		return nil, err
	}
	h := &Header{
		Version: m.Suite.MessageVersion, Suite: m.Suite,
		EncryptionContext: m.EncryptionContext.without(m.RequiredContextKeys),
		RequiredContext:   m.EncryptionContext.subset(m.RequiredContextKeys),
		EncryptedDataKeys: m.EncryptedDataKeys, Framed: true, FrameLength: frameLen,
	}
	h.MessageID = make([]byte, 32)
	if h.Version == 1 {
		h.MessageID = h.MessageID[:16]
	}
	rand.Read(h.MessageID) // never fails (crypto/rand)
	msg := &message{header: h, signer: m.SigningKey}
	if msg.key, err = deriveMessageKey(h.Suite, m.PlaintextDataKey, h.MessageID, false); err != nil {
		return nil, err
	}
	h.Commitment = msg.key.commitment
	required, err := h.RequiredContext.AppendBinary(nil)
	if err != nil {
		return nil, err
	}
	if msg.raw, err = h.appendBody(make([]byte, 0, 1024)); err != nil {
		return nil, err
	}
	msg.key.seal(h, msg.raw, required)
	msg.raw = append(append(msg.raw, h.AuthIV...), h.AuthTag...)
	h.Length = len(msg.raw)
	return msg, nil
}

// Header returns the header of the message.
func (e *Encrypter) Header() *Header { return e.header }

// seal is the work of a batch.
func (e *Encrypter) seal(b *batch) {
	b.out = b.coder.seal(b.out, b.in, e.frameLen, b.seq, b.final)
}

func (b *batch) sealed() []byte { return b.out }

// Write encrypts p. It keeps up to a batch back (64 KiB or a frame), because the last frame
// of a message is encrypted differently. p is not kept.
func (e *Encrypter) Write(p []byte) (int, error) {
	if err := e.begin(int64(len(p))); err != nil {
		return 0, err
	}
	n := len(p)
	direct := false
	for len(p) > 0 {
		switch {
		case len(e.pending.in) == 0 && len(p) > e.room:
			// Whole batches are encrypted from where they are.
			b := e.line.get()
			b.in = p[:e.room]
			if err := e.send(b, false); err != nil {
				return 0, err
			}
			p, direct = p[e.room:], true
		case len(e.pending.in) == e.room:
			if err := e.flush(); err != nil {
				return 0, err
			}
		default:
			m := min(len(p), e.room-len(e.pending.in))
			e.collect(m)
			e.pending.in = append(e.pending.in, p[:m]...)
			p = p[m:]
		}
	}
	if direct {
		if err := e.emitAll(); err != nil {
			return 0, err
		}
	}
	e.total += int64(n)
	return n, nil
}

// begin checks that n bytes may follow.
func (e *Encrypter) begin(n int64) error {
	if e.err != nil {
		return e.err
	}
	if e.bound > 0 && n > e.bound-e.total {
		return e.fail(fmt.Errorf("%w: above the bound of %d bytes", ErrMessageTooLong, e.bound))
	}
	return nil
}

// collect makes room for n more bytes of pending plaintext, which never exceed e.room. A
// large frame gets memory as it fills.
func (e *Encrypter) collect(n int) {
	b := e.pending
	have := len(b.in)
	if b.in != nil && have+n <= cap(b.in) {
		return
	}
	size := bufferLen
	if e.room > bufferLen {
		size = max(bufferLen, min(e.room, 2*(have+n)))
	}
	b.grow(size)
}

// ReadFrom encrypts all that src gives until io.EOF. When src gives less than it was asked
// for, complete frames but the last go out before it is asked for more.
func (e *Encrypter) ReadFrom(src io.Reader) (int64, error) {
	var n int64
	idle := 0
	for {
		if e.err != nil {
			return n, e.err
		}
		if len(e.pending.in) == e.room {
			if err := e.flush(); err != nil {
				return n, err
			}
		}
		e.collect(1)
		have := len(e.pending.in)
		window := e.pending.in[have:min(cap(e.pending.in), e.room, have+readLen)]
		m, err := src.Read(window)
		if m < 0 || m > len(window) {
			return n, e.fail(fmt.Errorf("read the plaintext: impossible count %d", m))
		}
		e.pending.in = e.pending.in[:have+m]
		n += int64(m)
		if m > 0 {
			idle = 0
			if err := e.begin(int64(m)); err != nil {
				return n, err
			}
			e.total += int64(m)
		}
		switch {
		case err == io.EOF:
			return n, nil
		case err != nil:
			return n, e.fail(fmt.Errorf("read the plaintext: %w", err))
		case m == 0:
			if idle++; idle == 100 {
				return n, e.fail(io.ErrNoProgress)
			}
		case m < len(window):
			if err := e.flushSlow(); err != nil {
				return n, err
			}
		}
	}
}

// readLen is how much a source is asked for at once: half of what a pipe holds, so that a
// pipe whose writer keeps up fills it. A source that does not fill it is taken to have no
// more just now, and what it gave is not kept waiting.
const readLen = 32 << 10

// flush sends the pending plaintext off, which is whole frames.
func (e *Encrypter) flush() error {
	b := e.pending
	e.pending = e.line.get()
	return e.send(b, false)
}

// flushSlow sends off all whole frames but the last and writes out what is finished.
func (e *Encrypter) flushSlow() error {
	if whole := (len(e.pending.in) - 1) / e.frameLen * e.frameLen; whole > 0 {
		rest := e.pending.in[whole:]
		b := e.pending
		e.pending = e.line.get()
		e.collect(len(rest))
		e.pending.in = append(e.pending.in, rest...)
		b.in = b.in[:whole]
		if err := e.send(b, true); err != nil {
			return err
		}
	}
	return e.emitAll()
}

// send numbers the frames of b and sends it off.
func (e *Encrypter) send(b *batch, inline bool) error {
	frames := (len(b.in) + e.frameLen - 1) / e.frameLen
	if b.final {
		frames = max(1, frames)
	}
	last := e.next + uint64(frames) - 1
	if last > maxSequence || last == maxSequence && !b.final {
		e.line.put(b)
		return e.fail(at(0, "body", ErrSequenceEnd))
	}
	if err := e.ctx.Err(); err != nil {
		e.line.put(b)
		return e.fail(err)
	}
	if e.line.full() {
		e.line.settle()
		for range max(1, e.line.finished()) {
			if err := e.emitFirst(); err != nil {
				b.free() // the line is closed
				return err
			}
		}
	}
	b.seq = uint32(e.next)
	e.next += uint64(frames)
	b.output(len(b.in) + frames*regularOverhead + finalOverhead - regularOverhead)
	e.line.send(b, inline)
	return nil
}

// emitFirst writes out the first batch of the line.
func (e *Encrypter) emitFirst() error {
	b := e.line.take()
	err := e.emit(b.out)
	e.line.put(b)
	if err != nil {
		return e.fail(err)
	}
	return nil
}

// emitAll writes out all batches of the line.
func (e *Encrypter) emitAll() error {
	for len(e.line.queue) > 0 {
		if err := e.emitFirst(); err != nil {
			return err
		}
	}
	return nil
}

// emit writes to dst.
func (e *Encrypter) emit(p []byte) error {
	n, err := e.dst.Write(p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return fmt.Errorf("write the message: %w", err)
	}
	return nil
}

// fail ends the message: everything is wiped, and err is what all calls return from now on.
func (e *Encrypter) fail(err error) error {
	e.err = err
	e.release()
	return err
}

func (e *Encrypter) release() {
	if e.pending != nil {
		e.pending.free()
		e.pending = nil
	}
	e.line.close()
	e.signer = nil
}

// Close writes the last frame and the signature, and wipes the Encrypter. It does not close
// dst. After an error it returns that error again; a second Close returns nil.
func (e *Encrypter) Close() error {
	if e.err != nil {
		if e.err == errClosed {
			return nil
		}
		return e.err
	}
	b := e.pending
	e.pending = nil
	b.final = true
	if err := e.send(b, len(e.line.queue) == 0); err != nil {
		return err
	}
	if err := e.emitAll(); err != nil {
		return err
	}
	if e.signer != nil {
		footer, err := appendFooter(nil, e.signer, e.line.digest.Sum(nil))
		if err != nil {
			return e.fail(err)
		}
		if err := e.emit(footer); err != nil {
			return e.fail(err)
		}
	}
	e.release()
	e.err = errClosed
	return nil
}

var errClosed = fmt.Errorf("encryptionsdk: %w", fs.ErrClosed)

// appendFooter appends the signature of a digest behind its length.
func appendFooter(b []byte, key *ecdsa.PrivateKey, digest []byte) ([]byte, error) {
	sig, err := sign(key, digest)
	if err != nil {
		return nil, err
	}
	b = binary.BigEndian.AppendUint16(b, uint16(len(sig)))
	return append(b, sig...), nil
}
