package encryptionsdk

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// maxHeaderLen bounds a header, in bytes. The format would allow 12 GiB of encrypted data
// keys; no keyring makes a thousandth of this bound.
const maxHeaderLen = 64 << 20

// Content types of the header.
const (
	contentUnframed = 1
	contentFramed   = 2
)

// dataKeySize is at least the bytes of an EncryptedDataKey in memory without its members' own.
const dataKeySize = 64

const typeCustomerAuthenticated = 0x80 // the one message type of version 1

// Header is what stands in front of a message's body. It is authenticated when it comes
// from an Encrypter, a Decrypter, Encrypt or Decrypt, and only well-formed when it comes
// from ReadHeader. Its members belong to it: they must not be changed.
type Header struct {
	Version   int // 1 or 2
	Suite     *Suite
	MessageID []byte // 16 bytes in version 1, 32 in version 2
	// EncryptionContext is the context as stored. What a message authenticates without
	// storing it is in RequiredContext.
	EncryptionContext EncryptionContext
	// RequiredContext holds the authenticated pairs that the message does not store; always
	// empty from ReadHeader.
	RequiredContext   EncryptionContext
	EncryptedDataKeys []EncryptedDataKey
	Framed            bool
	FrameLength       uint32 // bytes of plaintext in a frame; 0 in an unframed message
	Commitment        []byte // CommitKeyLen bytes for suites that commit, else nil
	AuthIV            []byte // IVLen bytes in version 1; nil in version 2, where it is zero
	AuthTag           []byte // TagLen bytes
	// Length is how many bytes the header has, authentication included.
	Length int

	contextOrder []string // keys in their order in the message; nil: sorted
	emptyCount   bool     // an empty context is written as a zero count, not as nothing
}

// ReadHeader reads a header from r and no byte beyond it. It checks the form but verifies
// nothing: anybody can have written it. Allocations stay within the bytes read and 1 MiB.
// Errors are those of the format, with a PositionError; ErrTruncated when r ends early;
// otherwise r's own.
func ReadHeader(r io.Reader) (*Header, error) {
	h, _, err := scanHeader(&headerScanner{src: r, exact: true}, maxDataKeys)
	return h, err
}

// headerScanner hands out the fields of a header one after the other, from a message in
// memory or from a reader.
type headerScanner struct {
	raw   []byte // what is there, from the start of the message
	pos   int    // the next field
	src   io.Reader
	exact bool // read not a byte too many
}

// take returns the next n bytes. They are valid until the next take.
func (s *headerScanner) take(n int, part string) ([]byte, error) {
	if len(s.raw)-s.pos < n {
		if err := s.fill(n, part); err != nil {
			return nil, err
		}
	}
	b := s.raw[s.pos : s.pos+n : s.pos+n]
	s.pos += n
	return b, nil
}

// fill reads until n bytes from pos on are there.
func (s *headerScanner) fill(n int, part string) error {
	if s.src == nil {
		return at(int64(s.pos), part, ErrTruncated)
	}
	need := s.pos + n
	if need > maxHeaderLen {
		return at(int64(s.pos), part, fmt.Errorf("%w: longer than %d bytes", ErrMalformedHeader, maxHeaderLen))
	}
	if cap(s.raw) < need {
		// At most 1 MiB is allocated ahead of what has arrived.
		size := max(need, min(2*cap(s.raw), cap(s.raw)+1<<19), 512)
		s.raw = append(make([]byte, 0, size), s.raw...)
	}
	limit := cap(s.raw)
	if s.exact {
		limit = need
	}
	got, err := io.ReadAtLeast(s.src, s.raw[len(s.raw):limit], need-len(s.raw))
	s.raw = s.raw[:len(s.raw)+got]
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return s.atBase64(at(int64(s.pos), part, ErrTruncated))
	}
	return err
}

// atBase64 prefers the explanation that the input is text to a complaint about its end.
func (s *headerScanner) atBase64(err error) error {
	if looksBase64(s.raw) {
		return at(0, "message", ErrBase64Input)
	}
	return err
}

// looksBase64 recognizes the base64 text of a message: the first byte of version 1 and its
// type make "AY", the first byte of version 2 and a suite make "Ag".
func looksBase64(b []byte) bool {
	return len(b) >= 2 && b[0] == 'A' && (b[1] == 'Y' || b[1] == 'g')
}

func (s *headerScanner) uint16(part string) (int, error) {
	b, err := s.take(2, part)
	if err != nil {
		return 0, err
	}
	return int(binary.BigEndian.Uint16(b)), nil
}

// scanHeader reads one header. It returns the length of the header's body as well: the part
// in front of the authentication.
func scanHeader(s *headerScanner, maxKeys int) (*Header, int, error) {
	h := &Header{}
	if err := s.scanStart(h); err != nil {
		return nil, 0, err
	}
	if err := s.scanContext(h); err != nil {
		return nil, 0, err
	}
	keysAt, err := s.skipDataKeys(maxKeys)
	if err != nil {
		return nil, 0, err
	}
	if err := s.scanContent(h); err != nil {
		return nil, 0, err
	}
	bodyLen := s.pos
	if h.Version == 1 {
		iv, err := s.take(IVLen, "header IV")
		if err != nil {
			return nil, 0, err
		}
		h.AuthIV = append(h.AuthIV, iv...)
	}
	tag, err := s.take(TagLen, "header authentication tag")
	if err != nil {
		return nil, 0, err
	}
	h.AuthTag = append(h.AuthTag, tag...)
	h.Length = s.pos
	h.EncryptedDataKeys = dataKeys(bytes.Clone(s.raw[keysAt:bodyLen]))
	return h, bodyLen, nil
}

// scanStart reads version, type, suite and message id.
func (s *headerScanner) scanStart(h *Header) error {
	b, err := s.take(1, "version")
	if err != nil {
		return err
	}
	version := b[0]
	if version != 1 && version != 2 {
		if version == 'A' {
			// Base64 shows in the second byte.
			if _, err := s.take(1, "version"); err == nil && looksBase64(s.raw) {
				return at(0, "message", ErrBase64Input)
			}
		}
		return at(0, "version", fmt.Errorf("%w: version %d", ErrNotAMessage, version))
	}
	h.Version = int(version)
	idLen := 32
	if h.Version == 1 {
		idLen = 16
		b, err := s.take(1, "type")
		if err != nil {
			return err
		}
		if b[0] != typeCustomerAuthenticated {
			return at(1, "type", fmt.Errorf("%w: type 0x%02x", ErrNotAMessage, b[0]))
		}
	}
	suiteAt := int64(s.pos)
	id, err := s.uint16("algorithm suite")
	if err != nil {
		return err
	}
	h.Suite = SuiteID(id).Suite()
	switch {
	case h.Suite == nil:
		return at(suiteAt, "algorithm suite", fmt.Errorf("%w 0x%04x", ErrUnknownSuite, id))
	case h.Suite.MessageVersion != h.Version:
		return at(suiteAt, "algorithm suite", fmt.Errorf("%w: %s in a message of version %d", ErrMalformedHeader, h.Suite.Name, h.Version))
	}
	b, err = s.take(idLen, "message id")
	if err != nil {
		return err
	}
	h.MessageID = append(h.MessageID, b...)
	return nil
}

// scanContext reads the encryption context behind its length.
func (s *headerScanner) scanContext(h *Header) error {
	n, err := s.uint16("encryption context")
	if err != nil {
		return err
	}
	start := int64(s.pos)
	b, err := s.take(n, "encryption context")
	if err != nil {
		return err
	}
	h.EncryptionContext, h.contextOrder, err = parseContext(b, start)
	h.emptyCount = len(b) > 0 && len(h.contextOrder) == 0
	return err
}

// skipDataKeys checks the form of the encrypted data keys and returns where they start,
// number included.
func (s *headerScanner) skipDataKeys(maxKeys int) (int, error) {
	start := s.pos
	count, err := s.uint16("number of encrypted data keys")
	if err != nil {
		return 0, err
	}
	if count == 0 {
		return 0, at(int64(start), "number of encrypted data keys", ErrNoEncryptedDataKeys)
	}
	if count > maxKeys {
		return 0, at(int64(start), "number of encrypted data keys", fmt.Errorf("%w: %d of at most %d", ErrTooManyDataKeys, count, maxKeys))
	}
	for i := range count {
		if err := s.skipDataKey(); err != nil {
			if p, ok := err.(*PositionError); ok { // named only now: there may be 65,535
				p.Part = fmt.Sprintf("encrypted data key %d", i+1)
			}
			return 0, err
		}
	}
	// A key in memory is larger than the smallest on the wire. Real ones are never this
	// small; this keeps memory within the length of the input and a mebibyte.
	if count*dataKeySize > (s.pos-start)+1<<20 {
		return 0, at(int64(start), "number of encrypted data keys", fmt.Errorf("%w: %d in %d bytes", ErrTooManyDataKeys, count, s.pos-start))
	}
	return start, nil
}

// skipDataKey passes provider id, provider info and ciphertext of one key.
func (s *headerScanner) skipDataKey() error {
	const part = "encrypted data key"
	for range 3 {
		n, err := s.uint16(part)
		if err != nil {
			return err
		}
		if _, err := s.take(n, part); err != nil {
			return err
		}
	}
	return nil
}

// dataKeys reads what skipDataKeys has checked. The keys refer to b.
func dataKeys(b []byte) []EncryptedDataKey {
	keys := make([]EncryptedDataKey, binary.BigEndian.Uint16(b))
	pos := 2
	next := func() []byte {
		n := int(binary.BigEndian.Uint16(b[pos:]))
		field := b[pos+2 : pos+2+n : pos+2+n]
		pos += 2 + n
		return field
	}
	for i := range keys {
		keys[i] = EncryptedDataKey{ProviderID: string(next()), ProviderInfo: next(), Ciphertext: next()}
	}
	return keys
}

// scanContent reads what lies between the data keys and the authentication.
func (s *headerScanner) scanContent(h *Header) error {
	typeAt := int64(s.pos)
	b, err := s.take(1, "content type")
	if err != nil {
		return err
	}
	switch b[0] {
	case contentFramed:
		h.Framed = true
	case contentUnframed:
	default:
		return at(typeAt, "content type", fmt.Errorf("%w 0x%02x", ErrContentType, b[0]))
	}
	if h.Version == 1 {
		here := int64(s.pos)
		b, err := s.take(4, "reserved bytes")
		if err != nil {
			return err
		}
		if binary.BigEndian.Uint32(b) != 0 {
			return at(here, "reserved bytes", ErrReservedBytes)
		}
		b, err = s.take(1, "IV length")
		if err != nil {
			return err
		}
		if b[0] != IVLen {
			return at(here+4, "IV length", fmt.Errorf("%w but %d", ErrIVLength, b[0]))
		}
	}
	lengthAt := int64(s.pos)
	b, err = s.take(4, "frame length")
	if err != nil {
		return err
	}
	h.FrameLength = binary.BigEndian.Uint32(b)
	if h.Framed != (h.FrameLength != 0) {
		return at(lengthAt, "frame length", fmt.Errorf("%w: %d, content type %s", ErrFrameLength, h.FrameLength, h.contentType()))
	}
	if h.Suite.Commits {
		b, err := s.take(CommitKeyLen, "key commitment")
		if err != nil {
			return err
		}
		h.Commitment = append(h.Commitment, b...)
	}
	return nil
}

func (h *Header) contentType() string {
	if h.Framed {
		return "framed"
	}
	return "unframed"
}

// AppendBinary appends the header in the message format to b. A header that was read is
// written byte for byte as it was. It fails with ErrMalformedHeader or ErrEncryptionContext
// when the members do not make a header.
func (h *Header) AppendBinary(b []byte) ([]byte, error) {
	b, err := h.appendBody(b)
	if err != nil {
		return nil, err
	}
	b = append(b, h.AuthIV...)
	return append(b, h.AuthTag...), nil
}

// appendBody appends the header without its authentication.
func (h *Header) appendBody(b []byte) ([]byte, error) {
	b = append(b, byte(h.Version))
	if h.Version == 1 {
		b = append(b, typeCustomerAuthenticated)
	}
	b = binary.BigEndian.AppendUint16(b, uint16(h.Suite.ID))
	b = append(b, h.MessageID...)
	b, err := h.appendContext(b)
	if err != nil {
		return nil, err
	}
	if n := len(h.EncryptedDataKeys); n == 0 || n > maxDataKeys {
		return nil, fmt.Errorf("%w: %d encrypted data keys", ErrMalformedHeader, n)
	}
	b = binary.BigEndian.AppendUint16(b, uint16(len(h.EncryptedDataKeys)))
	for i := range h.EncryptedDataKeys {
		k := &h.EncryptedDataKeys[i]
		if len(k.ProviderID) > math.MaxUint16 || len(k.ProviderInfo) > math.MaxUint16 || len(k.Ciphertext) > math.MaxUint16 {
			return nil, fmt.Errorf("%w: encrypted data key %d has a member longer than %d bytes", ErrMalformedHeader, i+1, math.MaxUint16)
		}
		b = binary.BigEndian.AppendUint16(b, uint16(len(k.ProviderID)))
		b = append(b, k.ProviderID...)
		b = binary.BigEndian.AppendUint16(b, uint16(len(k.ProviderInfo)))
		b = append(b, k.ProviderInfo...)
		b = binary.BigEndian.AppendUint16(b, uint16(len(k.Ciphertext)))
		b = append(b, k.Ciphertext...)
	}
	if h.Framed {
		b = append(b, contentFramed)
	} else {
		b = append(b, contentUnframed)
	}
	if h.Version == 1 {
		b = append(b, 0, 0, 0, 0, IVLen)
	}
	b = binary.BigEndian.AppendUint32(b, h.FrameLength)
	return append(b, h.Commitment...), nil
}

// appendContext appends the stored context behind its length, in the order it was read in.
func (h *Header) appendContext(b []byte) ([]byte, error) {
	start := len(b)
	b = append(b, 0, 0)
	if h.emptyCount && len(h.EncryptionContext) == 0 {
		b = append(b, 0, 0)
	}
	var err error
	if h.contextOrder == nil {
		if b, err = h.EncryptionContext.AppendBinary(b); err != nil {
			return nil, err
		}
	} else {
		b = binary.BigEndian.AppendUint16(b, uint16(len(h.contextOrder)))
		for _, k := range h.contextOrder {
			v := h.EncryptionContext[k]
			b = binary.BigEndian.AppendUint16(b, uint16(len(k)))
			b = append(b, k...)
			b = binary.BigEndian.AppendUint16(b, uint16(len(v)))
			b = append(b, v...)
		}
	}
	n := len(b) - start - 2
	if n > math.MaxUint16 {
		return nil, fmt.Errorf("%w: more than %d bytes serialized", ErrEncryptionContext, math.MaxUint16)
	}
	binary.BigEndian.PutUint16(b[start:], uint16(n))
	return b, nil
}
