package encryptionsdk

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
)

// Decrypter decrypts a message that it reads from a source. It is for one goroutine.
type Decrypter struct {
	ctx      context.Context
	src      io.Reader
	header   *Header
	opts     DecryptOptions
	verifier *ecdsa.PublicKey
	line     line
	frameLen int

	arriving *batch // what has been read and not yet been sent off, at offset
	offset   int64
	next     uint64 // sequence number
	total    int64  // bytes of plaintext that were sent off
	lent     *loan  // src, when it has lent its memory
	srcErr   error  // what src ended with, io.EOF included
	slow     bool   // src had no more just now
	final    bool   // the last frame has been found; arriving holds what follows it
	bodyErr  error  // what is wrong behind the frames that were sent off

	current  *batch // whose plaintext is being read
	plain    []byte // the rest of it
	verified bool   // the footer has been read
	err      error  // what Read returns behind plain; io.EOF at the end
}

var (
	_ io.ReadCloser = (*Decrypter)(nil)
	_ io.WriterTo   = (*Decrypter)(nil)
)

// NewDecrypter reads the header of a message from src, obtains its data key and
// authenticates the header. Reading from the Decrypter gives the plaintext, frame by
// authenticated frame. What was read is a prefix of the message until Read returns
// io.EOF: any other error means that the message is not what was encrypted, and what was
// read has to be thrown away.
//
// Of messages of a suite that signs, the last frames (up to 64 KiB or one frame) are given
// out only when the signature has been verified, unless ReleaseBeforeVerification is set.
//
// src is read to its end, in pieces of about 64 KiB; bytes behind the message are an error.
// An unframed body is read whole before any of it is given out. ctx bounds the work of
// keyrings, and ends the message early when it is done. Close frees and wipes memory early;
// it is optional after an error or io.EOF.
//
// It fails with the errors of the format, each in a PositionError, or with
// ErrCommitmentPolicy, ErrUnsignedOnly, ErrTooManyDataKeys, ErrEncryptionContext,
// ErrNoDataKey, ErrKeyCommitment, ErrHeaderAuthentication, ErrOptions, ErrMaterials, or the
// error of the keyring, manager or src.
func NewDecrypter(ctx context.Context, src io.Reader, o DecryptOptions) (*Decrypter, error) {
	depth, err := concurrency(o.Concurrency)
	if err != nil {
		return nil, err
	}
	first := emptyBatch()
	first.input(bufferLen)
	scanner := &headerScanner{raw: first.in, src: src}
	m, err := openHeader(ctx, scanner, &o)
	if err != nil {
		first.free()
		return nil, err
	}
	depth = streamWorkers(o.Concurrency, depth, m.header)
	d := &Decrypter{
		ctx: ctx, src: src, header: m.header, opts: o, verifier: m.verifier, next: 1,
		frameLen: int(m.header.FrameLength), arriving: first, offset: int64(m.header.Length),
	}
	first.begin(m.key.aead, m.header.MessageID)
	d.line = line{aead: m.key.aead, id: m.header.MessageID, depth: lineDepth(depth, m.header), work: d.open, text: (*batch).received}
	if m.verifier != nil {
		d.line.digest = newHash(m.header.Suite.SignatureHash)()
		d.line.digest.Write(scanner.raw[:m.header.Length])
	}
	first.in = scanner.raw[m.header.Length:]
	return d, nil
}

// opened is a message whose header is authenticated.
type opened struct {
	header   *Header
	key      *messageKey
	verifier *ecdsa.PublicKey
}

// openHeader reads and authenticates a header.
func openHeader(ctx context.Context, s *headerScanner, o *DecryptOptions) (*opened, error) {
	mgr, err := manager(o.Keyring, o.Manager)
	if err != nil {
		return nil, err
	}
	maxKeys, err := dataKeyLimit(o.MaxEncryptedDataKeys)
	if err != nil {
		return nil, err
	}
	if o.MaxLength < 0 {
		return nil, fmt.Errorf("%w: a negative length limit", ErrOptions)
	}
	h, bodyLen, err := scanHeader(s, maxKeys)
	if err != nil {
		return nil, fmt.Errorf("message header: %w", err)
	}
	if err := o.CommitmentPolicy.reads(h.Suite); err != nil {
		return nil, err
	}
	if o.UnsignedOnly && h.Suite.Signs() {
		return nil, fmt.Errorf("%w: %s", ErrUnsignedOnly, h.Suite.Name)
	}
	if limit := o.MaxFrameLength; limit > 0 && h.FrameLength > limit {
		return nil, fmt.Errorf("message header: %w: %d, the limit is %d", ErrFrameLength, h.FrameLength, limit)
	}
	if uint64(h.FrameLength) > math.MaxInt-finalOverhead {
		return nil, fmt.Errorf("message header: %w: %d does not fit this machine's memory", ErrFrameLength, h.FrameLength)
	}
	r := &DecryptionRequest{
		Suite: h.Suite, CommitmentPolicy: o.CommitmentPolicy, EncryptedDataKeys: h.EncryptedDataKeys,
		EncryptionContext: h.EncryptionContext, ReproducedContext: o.EncryptionContext,
	}
	m, err := mgr.DecryptionMaterials(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("decryption materials: %w", h.suspectContext(err, o.EncryptionContext))
	}
	if m != nil {
		defer clear(m.PlaintextDataKey)
	}
	if err := m.check(r); err != nil {
		return nil, err
	}
	h.RequiredContext = m.EncryptionContext.subset(m.RequiredContextKeys)
	required, err := h.RequiredContext.AppendBinary(nil)
	if err != nil {
		return nil, err
	}
	key, err := authenticate(h, s.raw[:bodyLen], required, m.PlaintextDataKey, o.NetV400Retry)
	if err != nil {
		return nil, at(0, "message header", h.suspectContext(err, o.EncryptionContext))
	}
	return &opened{header: h, key: key, verifier: m.VerificationKey}, nil
}

// suspectContext is err with ErrEncryptionContext when nothing fits the message and the
// caller expects pairs that it does not store: they were authenticated as if it had been
// encrypted with them, and usually it was not.
func (h *Header) suspectContext(err error, expected EncryptionContext) error {
	if !errors.Is(err, ErrNoDataKey) && !errors.Is(err, ErrHeaderAuthentication) {
		return err
	}
	var absent []string
	for k := range expected {
		if _, stored := h.EncryptionContext[k]; !stored {
			absent = append(absent, k)
		}
	}
	if len(absent) == 0 {
		return err
	}
	slices.Sort(absent)
	return fmt.Errorf("%w or the key is wrong: the message does not store %q: %w", ErrEncryptionContext, absent, err)
}

// Header returns the header of the message, which is authenticated.
func (d *Decrypter) Header() *Header { return d.header }

// open is the work of a batch.
func (d *Decrypter) open(b *batch) {
	if !d.header.Framed {
		b.out, b.err = b.coder.openUnframed(b.out, b.in, b.offset)
		return
	}
	b.out, b.err = b.coder.open(b.out, b.in, d.frameLen, b.offset)
}

func (b *batch) received() []byte { return b.in }

// openUnframed appends the plaintext of an unframed body, which is complete, to dst.
func (c *frameCoder) openUnframed(dst, body []byte, offset int64) ([]byte, error) {
	length := binary.BigEndian.Uint64(body[IVLen:])
	out, err := c.aead.Open(dst, body[:IVLen], body[IVLen+8:], c.last(unframedContent, 1, length))
	if err != nil {
		return dst, at(offset, "unframed body", ErrFrameAuthentication)
	}
	return out, nil
}

// Read gives the next bytes of plaintext.
func (d *Decrypter) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(d.plain) == 0 {
		if !d.advance() {
			return 0, d.err
		}
	}
	n := copy(p, d.plain)
	d.plain = d.plain[n:]
	return n, nil
}

// WriteTo writes all plaintext to w, without copying it again; out of a bytes.Reader or a
// bytes.Buffer it does not copy the message either. When src gives less than it was asked
// for, complete frames go out before it is asked for more; so they do in Read. An error of w
// ends the message.
func (d *Decrypter) WriteTo(w io.Writer) (int64, error) {
	switch src := d.src.(type) {
	case *bytes.Reader:
		return d.writeLent(w, src)
	case *bytes.Buffer:
		return d.writeLent(w, src)
	}
	return d.writeAll(w)
}

// loan is the memory of a source that hands out all of it at once.
type loan struct{ rest []byte }

func (l *loan) Read(p []byte) (int, error) {
	if len(l.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}

// writeLent is writeAll for a source that writes all it has at once, from its own memory:
// frames are decrypted from where they are. Nothing of them is kept when it returns.
func (d *Decrypter) writeLent(w io.Writer, src io.WriterTo) (total int64, err error) {
	_, _ = src.WriteTo(writerFunc(func(p []byte) (int, error) {
		d.lent, d.slow = &loan{p}, false
		d.src = d.lent
		total, err = d.writeAll(w)
		return len(p), nil
	}))
	if d.lent == nil { // it had nothing more
		return d.writeAll(w)
	}
	return total, err
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func (d *Decrypter) writeAll(w io.Writer) (int64, error) {
	var total int64
	for {
		if len(d.plain) > 0 {
			n, err := w.Write(d.plain)
			if err == nil && n < len(d.plain) {
				err = io.ErrShortWrite
			}
			total += int64(n)
			d.plain = d.plain[n:]
			if err != nil {
				d.fail(err)
				return total, err
			}
		}
		if !d.advance() {
			if d.err == io.EOF {
				return total, nil
			}
			return total, d.err
		}
	}
}

// Close wipes the Decrypter. It does not close the source, and returns nil.
func (d *Decrypter) Close() error {
	if d.err == nil {
		d.fail(errClosed)
	}
	return nil
}

// fail ends the message: nothing more is given out.
func (d *Decrypter) fail(err error) bool {
	d.err, d.plain = err, nil
	for _, b := range []*batch{d.current, d.arriving} {
		if b != nil {
			b.free()
		}
	}
	d.current, d.arriving = nil, nil
	if d.lent != nil {
		d.lent.rest = nil
	}
	d.line.close()
	return false
}

// advance makes the next batch of plaintext current; false when there is none, with err set.
func (d *Decrypter) advance() bool {
	if d.err != nil {
		return false
	}
	if b := d.current; b != nil {
		final := b.final
		d.current = nil
		d.line.put(b)
		if final {
			return d.finish()
		}
	}
	if err := d.ctx.Err(); err != nil {
		return d.fail(err)
	}
	if d.line.digest == nil || d.line.finished() == 0 {
		for !d.final && d.bodyErr == nil && !d.line.full() && !(d.slow && len(d.line.queue) > 0) {
			d.bodyErr = d.receive()
		}
		d.line.settle()
	}
	b := d.line.take()
	if b == nil {
		return d.fail(d.bodyErr)
	}
	if b.err != nil {
		err := b.err
		d.line.put(b)
		return d.fail(err)
	}
	d.current = b
	if b.final && d.verifier != nil && !d.opts.ReleaseBeforeVerification {
		if err := d.verify(); err != nil {
			return d.fail(err)
		}
	}
	d.plain = b.out
	return true
}

// finish checks what follows the last frame.
func (d *Decrypter) finish() bool {
	if err := d.verify(); err != nil {
		return d.fail(err)
	}
	if err := d.checkEnd(); err != nil {
		return d.fail(err)
	}
	return d.fail(io.EOF)
}

// receive reads until a good part of a batch is there, and sends its frames off.
func (d *Decrypter) receive() error {
	b := d.arriving
	b.offset = d.offset
	if d.lent != nil && d.header.Framed && len(b.in) == 0 {
		if sent, err := d.receiveLent(b); sent || err != nil {
			return err
		}
	}
	if b.in == nil {
		b.input(min(bufferLen, d.bodyOverhead()*framesPerBatch(d.frameLen)+finalOverhead))
	}
	if !d.header.Framed {
		return d.receiveUnframed(b)
	}
	var whole frameScan
	for {
		s, err := scanFrames(b.in[whole.length:], d.frameLen, d.next+uint64(whole.frames), d.offset+int64(whole.length))
		whole.frames += s.frames
		whole.length += s.length
		whole.plain += s.plain
		whole.final, whole.need = s.final, s.need
		if err != nil {
			d.dispatch(b, whole)
			return err
		}
		if whole.final || whole.frames > 0 && (d.srcErr != nil || d.slow || d.lent != nil || len(b.in) >= batchLen/2 || whole.length+whole.need > cap(b.in)) {
			return d.dispatch(b, whole)
		}
		if err := d.more(b, whole.length+whole.need, fmt.Sprintf("frame %d", d.next+uint64(whole.frames)), d.offset+int64(whole.length)); err != nil {
			return err
		}
	}
}

// receiveLent sends off as many whole frames of the loan as make a batch, if there are any.
func (d *Decrypter) receiveLent(b *batch) (sent bool, err error) {
	rest := d.lent.rest
	window := rest[:min(len(rest), d.bodyOverhead()*framesPerBatch(d.frameLen)+finalOverhead-regularOverhead)]
	whole, err := scanFrames(window, d.frameLen, d.next, d.offset)
	if whole.frames == 0 {
		return false, err
	}
	b.in = window[:whole.length:whole.length]
	d.lent.rest = rest[whole.length:]
	if long := d.dispatch(b, whole); long != nil {
		return false, long
	}
	return true, err
}

func (d *Decrypter) bodyOverhead() int { return d.frameLen + regularOverhead }

// dispatch sends the whole frames at the start of b off and keeps what follows them.
func (d *Decrypter) dispatch(b *batch, whole frameScan) error {
	if whole.frames == 0 {
		return nil
	}
	if limit := d.opts.MaxLength; limit > 0 && d.total+int64(whole.plain) > limit {
		return at(d.offset, "body", fmt.Errorf("%w: more than %d bytes of plaintext", ErrMessageTooLong, limit))
	}
	rest := b.in[whole.length:]
	follow := d.line.get()
	if len(rest) > 0 {
		follow.input(max(len(rest), min(bufferLen, d.bodyOverhead()*framesPerBatch(d.frameLen)+finalOverhead)))
		follow.in = append(follow.in, rest...)
	}
	d.arriving = follow
	b.in, b.plain, b.final = b.in[:whole.length], whole.plain, whole.final
	b.output(whole.plain)
	d.offset += int64(whole.length)
	d.next += uint64(whole.frames)
	d.total += int64(whole.plain)
	d.final = whole.final
	d.line.send(b, len(d.line.queue) == 0 && (d.slow || d.srcErr != nil && whole.final))
	return nil
}

// receiveUnframed reads the whole body, which is one piece.
func (d *Decrypter) receiveUnframed(b *batch) error {
	const part = "unframed body"
	for len(b.in) < IVLen+8 {
		if err := d.more(b, IVLen+8, part, d.offset); err != nil {
			return err
		}
	}
	length := binary.BigEndian.Uint64(b.in[IVLen:])
	if length > maxUnframed || length > math.MaxInt-unframedOverhead {
		return at(d.offset, part, fmt.Errorf("%w: %d bytes are more than fit", ErrMalformedFrame, length))
	}
	if limit := d.opts.MaxFrameLength; limit > 0 && length > uint64(limit) {
		return at(d.offset, part, fmt.Errorf("%w: an unframed body of %d bytes, the limit is %d", ErrFrameLength, length, limit))
	}
	need := unframedOverhead + int(length)
	for len(b.in) < need {
		if err := d.more(b, need, part, d.offset); err != nil {
			return err
		}
	}
	return d.dispatch(b, frameScan{frames: 1, length: need, plain: int(length), final: true})
}

// more reads at least a byte into b, which is to hold need bytes.
func (d *Decrypter) more(b *batch, need int, part string, offset int64) error {
	if d.srcErr == io.EOF {
		return at(offset, part, ErrTruncated)
	}
	if d.srcErr != nil {
		return fmt.Errorf("read the message: %w", d.srcErr)
	}
	if need > cap(b.in) {
		if err := d.grow(b, need); err != nil {
			return err
		}
		if len(b.in) >= need || d.srcErr != nil {
			return nil
		}
	}
	for range 100 {
		have := len(b.in)
		window := b.in[have:min(cap(b.in), have+readLen)]
		if d.lent != nil {
			window = window[:min(len(window), need-have)] // the frames behind stay where they are
		}
		n, err := d.src.Read(window)
		if n < 0 || n > len(window) {
			return fmt.Errorf("read the message: impossible count %d", n)
		}
		d.slow = n < len(window)
		b.in = b.in[:have+n]
		d.srcErr = err
		if n > 0 || err != nil {
			return nil
		}
	}
	d.srcErr = io.ErrNoProgress
	return nil
}

// ahead is how much is allocated for bytes that have not arrived yet.
const ahead = 1 << 19

// grow gives b a buffer of need bytes. When that is much more than what has arrived so far, which
// an attacker may have announced, the bytes are awaited in pieces first.
func (d *Decrypter) grow(b *batch, need int) error {
	arrived := d.offset + int64(len(b.in))
	if int64(need) <= max(arrived+ahead, bufferLen) {
		b.grow(need)
		return nil
	}
	pieces := [][]byte{b.in}
	have := len(b.in)
	for have < need && d.srcErr == nil {
		piece := make([]byte, int(min(int64(need-have), arrived+ahead)))
		n, err := io.ReadFull(d.src, piece)
		if err == io.ErrUnexpectedEOF {
			err = io.EOF
		}
		d.srcErr = err
		pieces = append(pieces, piece[:n])
		have += n
		arrived += int64(n)
	}
	if have < need {
		return nil // the next call says why
	}
	whole := make([]byte, 0, need)
	for _, p := range pieces {
		whole = append(whole, p...)
	}
	b.buf, b.in = whole[:0], whole
	return nil
}

// verify reads the footer and verifies the signature, once.
func (d *Decrypter) verify() error {
	if d.verifier == nil || d.verified {
		return nil
	}
	d.verified = true
	b := d.arriving
	if b.in == nil {
		b.input(1024)
	}
	need := 2
	for len(b.in) < need {
		if err := d.more(b, need, "signature", d.offset); err != nil {
			return err
		}
		if len(b.in) >= 2 {
			need = 2 + int(binary.BigEndian.Uint16(b.in))
		}
	}
	need = 2 + int(binary.BigEndian.Uint16(b.in))
	for len(b.in) < need {
		if err := d.more(b, need, "signature", d.offset); err != nil {
			return err
		}
	}
	if !ecdsa.VerifyASN1(d.verifier, d.line.digest.Sum(nil), b.in[2:need]) {
		return at(d.offset, "signature", ErrSignature)
	}
	b.in = b.in[need:]
	d.offset += int64(need)
	return nil
}

// checkEnd makes sure that nothing follows the message.
func (d *Decrypter) checkEnd() error {
	b := d.arriving
	if b.in == nil {
		b.input(1)
	}
	for len(b.in) == 0 {
		err := d.more(b, 1, "message", d.offset)
		if errors.Is(err, ErrTruncated) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return at(d.offset, "message", ErrTrailingData)
}
