package encryptionsdk

import (
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"math"
)

// Sizes of frames on the wire, in bytes, without the ciphertext.
const (
	regularOverhead  = 4 + IVLen + TagLen         // sequence number, IV; tag
	finalOverhead    = 4 + 4 + IVLen + 4 + TagLen // mark, sequence number, IV, length; tag
	unframedOverhead = IVLen + 8 + TagLen         // IV, length; tag
)

// finalMark stands in front of the last frame where others have their sequence number.
const finalMark = math.MaxUint32

// maxSequence is the highest sequence number: a final frame may have it, a regular one
// would look like a final frame.
const maxSequence = math.MaxUint32

// maxUnframed is the length of the longest unframed body, which is also what AES-GCM
// encrypts at most, in bytes.
const maxUnframed = 1<<36 - 32

// What the additional data of frames says about their place (specification,
// data-format/message-body-aad.md).
const (
	regularContent  = "AWSKMSEncryptionClient Frame"
	finalContent    = "AWSKMSEncryptionClient Final Frame"
	unframedContent = "AWSKMSEncryptionClient Single Block"
)

// frameCoder encrypts and decrypts frames of one message. Each goroutine has its own.
type frameCoder struct {
	aead   cipher.AEAD
	idLen  int
	nonce  [IVLen]byte
	regAAD [32 + len(regularContent) + 12]byte
	endAAD [32 + len(unframedContent) + 12]byte
}

func (c *frameCoder) init(aead cipher.AEAD, messageID []byte) {
	c.aead = aead
	c.idLen = copy(c.regAAD[:], messageID)
	copy(c.regAAD[c.idLen:], regularContent)
	copy(c.endAAD[:], messageID)
}

// regular is the additional data of a frame that is not the last.
func (c *frameCoder) regular(seq, length uint32) []byte {
	n := c.idLen + len(regularContent)
	binary.BigEndian.PutUint32(c.regAAD[n:], seq)
	binary.BigEndian.PutUint64(c.regAAD[n+4:], uint64(length))
	return c.regAAD[:n+12]
}

// last is the additional data of the last frame, or of an unframed body.
func (c *frameCoder) last(content string, seq uint32, length uint64) []byte {
	n := c.idLen + copy(c.endAAD[c.idLen:], content)
	binary.BigEndian.PutUint32(c.endAAD[n:], seq)
	binary.BigEndian.PutUint64(c.endAAD[n+4:], length)
	return c.endAAD[:n+12]
}

// seal appends the frames of plaintext to dst, the first of them with number seq. final
// makes the last one the message's last; otherwise plaintext is whole frames.
func (c *frameCoder) seal(dst, plaintext []byte, frameLen int, seq uint32, final bool) []byte {
	regular := len(plaintext) / frameLen
	if final && regular > 0 && regular*frameLen == len(plaintext) {
		regular--
	}
	for range regular {
		binary.BigEndian.PutUint32(c.nonce[8:], seq)
		dst = binary.BigEndian.AppendUint32(dst, seq)
		dst = append(dst, c.nonce[:]...)
		dst = c.aead.Seal(dst, c.nonce[:], plaintext[:frameLen], c.regular(seq, uint32(frameLen)))
		plaintext = plaintext[frameLen:]
		seq++
	}
	if final {
		binary.BigEndian.PutUint32(c.nonce[8:], seq)
		dst = binary.BigEndian.AppendUint32(dst, finalMark)
		dst = binary.BigEndian.AppendUint32(dst, seq)
		dst = append(dst, c.nonce[:]...)
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(plaintext)))
		dst = c.aead.Seal(dst, c.nonce[:], plaintext, c.last(finalContent, seq, uint64(len(plaintext))))
	}
	return dst
}

// open appends the plaintext of frames, which scanFrames has checked, to dst. offset is
// where frames begin in the message. On error the plaintext of the frames before the wrong
// one is returned, and nothing of that one.
func (c *frameCoder) open(dst, frames []byte, frameLen int, offset int64) ([]byte, error) {
	whole := len(frames)
	for len(frames) > 0 {
		here := offset + int64(whole-len(frames))
		seq := binary.BigEndian.Uint32(frames)
		if seq != finalMark {
			end := regularOverhead + frameLen
			out, err := c.aead.Open(dst, frames[4:4+IVLen], frames[4+IVLen:end], c.regular(seq, uint32(frameLen)))
			if err != nil {
				return dst, at(here, fmt.Sprintf("frame %d", seq), ErrFrameAuthentication)
			}
			dst, frames = out, frames[end:]
			continue
		}
		seq = binary.BigEndian.Uint32(frames[4:])
		length := binary.BigEndian.Uint32(frames[8+IVLen:])
		out, err := c.aead.Open(dst, frames[8:8+IVLen], frames[12+IVLen:], c.last(finalContent, seq, uint64(length)))
		if err != nil {
			return dst, at(here, fmt.Sprintf("final frame %d", seq), ErrFrameAuthentication)
		}
		return out, nil
	}
	return dst, nil
}

// frameScan is how far scanFrames came.
type frameScan struct {
	frames int  // complete frames
	length int  // their bytes on the wire
	plain  int  // their bytes of plaintext
	final  bool // the last of them is the message's last
	need   int  // bytes that the frame after them has at least, from its start
}

// scanFrames finds the complete frames at the start of b and checks their form and order;
// seq is the number that the first must have, offset its place in the message. The frames
// in front of an error are in the result.
func scanFrames(b []byte, frameLen int, seq uint64, offset int64) (frameScan, error) {
	var s frameScan
	for {
		rest := b[s.length:]
		here := offset + int64(s.length)
		if s.need = 4; len(rest) < s.need {
			return s, nil
		}
		got := binary.BigEndian.Uint32(rest)
		if got != finalMark {
			if err := checkSequence(got, seq, here, "frame"); err != nil {
				return s, err
			}
			if s.need = regularOverhead + frameLen; len(rest) < s.need {
				return s, nil
			}
			s.length += s.need
			s.plain += frameLen
			s.frames++
			seq++
			continue
		}
		if s.need = finalOverhead; len(rest) < 8 {
			return s, nil
		}
		if err := checkSequence(binary.BigEndian.Uint32(rest[4:]), seq, here, "final frame"); err != nil {
			return s, err
		}
		if len(rest) < 12+IVLen {
			return s, nil
		}
		length := int64(binary.BigEndian.Uint32(rest[8+IVLen:]))
		if length > int64(frameLen) {
			return s, at(here, "final frame", fmt.Errorf("%w: %d bytes of at most %d", ErrFinalFrameLength, length, frameLen))
		}
		if s.need = finalOverhead + int(length); len(rest) < s.need {
			return s, nil
		}
		s.length += s.need
		s.plain += int(length)
		s.frames++
		s.final, s.need = true, 0
		return s, nil
	}
}

func checkSequence(got uint32, want uint64, offset int64, part string) error {
	switch g := uint64(got); {
	case g == 0:
		return at(offset, part, fmt.Errorf("%w: sequence number 0", ErrMalformedFrame))
	case g < want:
		return at(offset, part, fmt.Errorf("%w: number %d where %d belongs", ErrFrameRepeated, got, want))
	case g > want:
		return at(offset, part, fmt.Errorf("%w: number %d where %d belongs", ErrFrameMissing, got, want))
	}
	return nil
}
