package encryptionsdk

import (
	"context"
	"crypto/ecdsa"
	"encoding/binary"
	"fmt"
	"hash"
	"math"
	"slices"
	"sync"
)

// Encrypt returns the message of plaintext, and its header. It fails as NewEncrypter and
// Encrypter.Close do.
func Encrypt(ctx context.Context, plaintext []byte, o EncryptOptions) ([]byte, *Header, error) {
	return AppendEncrypt(ctx, nil, plaintext, o)
}

// AppendEncrypt is Encrypt that appends the message to dst, which saves an allocation when
// dst has room: EncryptedLen says how much. dst and plaintext must not overlap. On error
// the result is nil.
func AppendEncrypt(ctx context.Context, dst, plaintext []byte, o EncryptOptions) ([]byte, *Header, error) {
	workers, err := concurrency(o.Concurrency)
	if err != nil {
		return nil, nil, err
	}
	if o.PlaintextLengthBound > 0 && int64(len(plaintext)) > o.PlaintextLengthBound {
		return nil, nil, fmt.Errorf("%w: above the bound of %d bytes", ErrMessageTooLong, o.PlaintextLengthBound)
	}
	m, err := beginMessage(ctx, &o, int64(len(plaintext)))
	if err != nil {
		return nil, nil, err
	}
	h := m.header
	frameLen := int(h.FrameLength)
	frames := max(1, (len(plaintext)+frameLen-1)/frameLen)
	if uint64(frames) > maxSequence {
		return nil, nil, ErrSequenceEnd
	}
	body := len(plaintext) + (frames-1)*regularOverhead + finalOverhead
	size := len(m.raw) + body
	if m.signer != nil {
		size += 2 + signatureLen(m.signer.Curve)
	}
	dst = append(slices.Grow(dst, size), m.raw...)
	var digest hash.Hash
	if m.signer != nil {
		digest = newHash(h.Suite.SignatureHash)()
		digest.Write(m.raw)
	}
	start := len(dst)
	dst = dst[:start+body]
	perChunk := framesPerBatch(frameLen)
	chunks := (frames-1)/perChunk + 1
	chunkWire := perChunk * (frameLen + regularOverhead)
	err = inOrder(ctx, workers, chunks, func() func(int) error {
		c := new(frameCoder)
		c.init(m.key.aead, h.MessageID)
		return func(i int) error {
			lo, hi := i*perChunk*frameLen, len(plaintext)
			if i < chunks-1 {
				hi = lo + perChunk*frameLen
			}
			out := start + i*chunkWire
			c.seal(dst[out:out:start+body], plaintext[lo:hi], frameLen, uint32(1+i*perChunk), i == chunks-1)
			return nil
		}
	}, hashChunks(digest, dst[start:], chunkWire, chunks))
	if err != nil {
		return nil, nil, err
	}
	if m.signer != nil {
		if dst, err = appendFooter(dst, m.signer, digest.Sum(nil)); err != nil {
			return nil, nil, err
		}
	}
	return dst, h, nil
}

// EncryptedLen is the length of the message of plaintextLen bytes in frames of frameLen
// bytes (0: DefaultFrameLength) behind a header of headerLen bytes. It is what AppendEncrypt
// needs; -1 when there is no such message.
func EncryptedLen(s *Suite, headerLen, plaintextLen int, frameLen uint32) int {
	f := uint64(frameLen)
	if f == 0 {
		f = DefaultFrameLength
	}
	n := uint64(plaintextLen)
	frames := max(1, (n+f-1)/f)
	if plaintextLen < 0 || headerLen < 0 || frames > maxSequence {
		return -1
	}
	total := uint64(headerLen) + n + (frames-1)*regularOverhead + finalOverhead
	if s.Signs() {
		total += 2 + uint64(signatureLen(s.Curve()))
	}
	if total > math.MaxInt {
		return -1
	}
	return int(total)
}

// hashChunks returns what adds chunk after chunk of b to digest, nil for no digest. The
// last of the chunks may be longer.
func hashChunks(digest hash.Hash, b []byte, chunk, chunks int) func(int) {
	if digest == nil {
		return nil
	}
	return func(i int) {
		end := len(b)
		if i < chunks-1 {
			end = (i + 1) * chunk
		}
		digest.Write(b[i*chunk : end])
	}
}

// Decrypt returns the plaintext of a message, and its authenticated header. Nothing is
// returned unless all of the message verifies. It fails as NewDecrypter and Decrypter.Read
// do.
func Decrypt(ctx context.Context, message []byte, o DecryptOptions) ([]byte, *Header, error) {
	return AppendDecrypt(ctx, nil, message, o)
}

// AppendDecrypt is Decrypt that appends the plaintext to dst, which saves an allocation
// when dst has room: the length of the message is always enough. dst and message must not
// overlap. On error the result is nil, and what was written behind dst is wiped.
func AppendDecrypt(ctx context.Context, dst, message []byte, o DecryptOptions) ([]byte, *Header, error) {
	workers, err := concurrency(o.Concurrency)
	if err != nil {
		return nil, nil, err
	}
	m, err := openHeader(ctx, &headerScanner{raw: message}, &o)
	if err != nil {
		return nil, nil, err
	}
	b := &wholeBody{opened: m, message: message, limits: &o}
	if err := b.scan(); err != nil {
		return nil, nil, err
	}
	start := len(dst)
	dst = slices.Grow(dst, b.plain)[:start+b.plain]
	if err := b.open(ctx, workers, dst[start:]); err != nil {
		clear(dst[start:])
		return nil, nil, err
	}
	return dst, m.header, nil
}

// wholeBody is a message in memory, from the end of its header on.
type wholeBody struct {
	*opened
	message []byte
	limits  *DecryptOptions
	plain   int // bytes of plaintext
	end     int // of the body in the message
	frames  int
}

// scan finds the end of the body and the length of the plaintext.
func (b *wholeBody) scan() error {
	start := b.header.Length
	body := b.message[start:]
	if !b.header.Framed {
		const part = "unframed body"
		if len(body) < IVLen+8 {
			return at(int64(start), part, ErrTruncated)
		}
		length := binary.BigEndian.Uint64(body[IVLen:])
		if length > maxUnframed {
			return at(int64(start), part, fmt.Errorf("%w: %d bytes are more than fit", ErrMalformedFrame, length))
		}
		if limit := b.limits.MaxFrameLength; limit > 0 && length > uint64(limit) {
			return at(int64(start), part, fmt.Errorf("%w: an unframed body of %d bytes, the limit is %d", ErrFrameLength, length, limit))
		}
		if uint64(len(body)) < unframedOverhead+length {
			return at(int64(start), part, ErrTruncated)
		}
		b.plain, b.end = int(length), start+unframedOverhead+int(length)
	} else {
		s, err := scanFrames(body, int(b.header.FrameLength), 1, int64(start))
		if err != nil {
			return err
		}
		if !s.final {
			return at(int64(start+s.length), fmt.Sprintf("frame %d", s.frames+1), ErrTruncated)
		}
		b.plain, b.end, b.frames = s.plain, start+s.length, s.frames
	}
	if limit := b.limits.MaxLength; limit > 0 && int64(b.plain) > limit {
		return at(int64(start), "body", fmt.Errorf("%w: more than %d bytes of plaintext", ErrMessageTooLong, limit))
	}
	return nil
}

// open decrypts into dst, which has the length of the plaintext, and verifies everything.
func (b *wholeBody) open(ctx context.Context, workers int, dst []byte) error {
	start := b.header.Length
	body := b.message[start:b.end]
	var digest hash.Hash
	if b.verifier != nil {
		digest = newHash(b.header.Suite.SignatureHash)()
		digest.Write(b.message[:start])
	}
	// An unframed body is one chunk.
	frameLen, perChunk, chunks, chunkWire := 0, 1, 1, len(body)
	if b.header.Framed {
		frameLen = int(b.header.FrameLength)
		perChunk = framesPerBatch(frameLen)
		chunks = (b.frames-1)/perChunk + 1
		chunkWire = perChunk * (frameLen + regularOverhead)
	}
	err := inOrder(ctx, workers, chunks, func() func(int) error {
		c := new(frameCoder)
		c.init(b.key.aead, b.header.MessageID)
		return func(i int) error {
			lo, hi := i*chunkWire, len(body)
			if i < chunks-1 {
				hi = lo + chunkWire
			}
			out := i * perChunk * frameLen
			var err error
			if b.header.Framed {
				_, err = c.open(dst[out:out], body[lo:hi], frameLen, int64(start+lo))
			} else {
				_, err = c.openUnframed(dst[:0], body, int64(start))
			}
			return err
		}
	}, hashChunks(digest, body, chunkWire, chunks))
	if err != nil {
		return err
	}
	end, err := verifyFooter(b.message, b.end, b.verifier, digest)
	if err != nil {
		return err
	}
	if end != len(b.message) {
		return at(int64(end), "message", ErrTrailingData)
	}
	return nil
}

// verifyFooter verifies the signature at end of the message and returns where it ends.
func verifyFooter(message []byte, end int, key *ecdsa.PublicKey, digest hash.Hash) (int, error) {
	if key == nil {
		return end, nil
	}
	rest := message[end:]
	if len(rest) < 2 || len(rest)-2 < int(binary.BigEndian.Uint16(rest)) {
		return 0, at(int64(end), "signature", ErrTruncated)
	}
	sig := rest[2 : 2+int(binary.BigEndian.Uint16(rest))]
	if !ecdsa.VerifyASN1(key, digest.Sum(nil), sig) {
		return 0, at(int64(end), "signature", ErrSignature)
	}
	return end + 2 + len(sig), nil
}

// inOrder calls work for 0 … n−1, from up to workers goroutines, each of which makes its
// own work with prepare; and then(i) in ascending order, from the caller's goroutine, once
// work(i) is done. It returns the error of the lowest work that failed, or ctx's. All
// goroutines have ended when it returns.
func inOrder(ctx context.Context, workers, n int, prepare func() func(int) error, then func(int)) error {
	workers = min(workers, n)
	if workers <= 1 {
		work := prepare()
		for i := range n {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := work(i); err != nil {
				return err
			}
			if then != nil {
				then(i)
			}
		}
		return nil
	}
	s := &shared{n: n, done: make([]bool, n), failed: n}
	s.cond.L = &s.mu
	var wg sync.WaitGroup
	for range workers - 1 {
		wg.Go(func() {
			work := prepare()
			for s.step(ctx, work) {
			}
		})
	}
	work := prepare()
	for i := range n {
		for !s.isDone(i) && s.step(ctx, work) {
		}
		if !s.await(i) {
			break
		}
		if then != nil {
			then(i)
		}
	}
	wg.Wait()
	return s.err
}

// shared is what the goroutines of inOrder share.
type shared struct {
	mu     sync.Mutex
	cond   sync.Cond
	n      int
	next   int    // nobody has begun this one
	done   []bool // which are done, and well
	failed int    // the lowest that failed
	err    error  // its error
}

// step does one piece of work; false when there is none left to begin.
func (s *shared) step(ctx context.Context, work func(int) error) bool {
	s.mu.Lock()
	i := s.next
	if i >= s.n || s.err != nil {
		s.mu.Unlock()
		return false
	}
	s.next++
	s.mu.Unlock()
	err := ctx.Err()
	if err == nil {
		err = work(i)
	}
	s.mu.Lock()
	if err == nil {
		s.done[i] = true
	} else if i < s.failed {
		s.failed, s.err = i, err
	}
	s.cond.Signal()
	s.mu.Unlock()
	return true
}

func (s *shared) isDone(i int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.done[i]
}

// await waits until i is done; false when something failed.
func (s *shared) await(i int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.done[i] && s.err == nil {
		s.cond.Wait()
	}
	return s.err == nil
}
