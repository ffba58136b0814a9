package attestation

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha512"
	"fmt"
	"math/big"

	"github.com/fxamacker/cbor/v2"
)

// es384 is the COSE algorithm number of ECDSA with SHA-384 (RFC 9053, section 2.1).
const es384 = -35

// es384SignatureBytes is r and s, 48 bytes each (RFC 9053, section 2.1).
const es384SignatureBytes = 96

// sign1Tag is the one-byte encoding of CBOR tag 18, COSE_Sign1_Tagged.
const sign1Tag = 0xd2

// sign1 is a COSE_Sign1 whose headers are already checked.
type sign1 struct {
	protected []byte // as transported: the signature covers these bytes
	payload   []byte
	signature []byte
}

// sign1Wire is the array of four of RFC 9052, section 4.2.
type sign1Wire struct {
	_           struct{} `cbor:",toarray"`
	Protected   cbor.RawMessage
	Unprotected cbor.RawMessage
	Payload     cbor.RawMessage
	Signature   cbor.RawMessage
}

// decoder returns the CBOR decoder for outside bytes: duplicate keys, tags and
// anything deeper or longer than a document needs are errors. It is built for
// each call because the options are cheap to compile and a package has no state.
func decoder() (cbor.DecMode, error) {
	return cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		MaxNestedLevels:   8,
		MaxArrayElements:  32,
		MaxMapPairs:       64,
		TagsMd:            cbor.TagsForbidden,
		UTF8:              cbor.UTF8RejectInvalid,
		FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
	}.DecMode()
}

// parseSign1 reads the outer array. The tag is optional (AWS documents come
// without), the protected header must be exactly {1: -35} and the unprotected
// one must be empty: nothing unsigned is let in.
func parseSign1(dec cbor.DecMode, document []byte) (sign1, error) {
	body := document
	if len(body) > 0 && body[0] == sign1Tag {
		body = body[1:]
	}
	var wire sign1Wire
	if err := dec.Unmarshal(body, &wire); err != nil {
		return sign1{}, malformed("COSE_Sign1: %w", err)
	}
	protected, ok := byteString(dec, wire.Protected)
	if !ok {
		return sign1{}, malformed("protected header is not a byte string")
	}
	var header map[int64]int64
	if err := dec.Unmarshal(protected, &header); err != nil {
		return sign1{}, malformed("protected header: %w", err)
	}
	if len(header) != 1 || header[1] != es384 {
		return sign1{}, malformed("protected header is not exactly the algorithm ES384")
	}
	var unprotected map[int64]cbor.RawMessage
	if err := dec.Unmarshal(wire.Unprotected, &unprotected); err != nil {
		return sign1{}, malformed("unprotected header: %w", err)
	}
	if unprotected == nil || len(unprotected) != 0 {
		return sign1{}, malformed("unprotected header is not an empty map")
	}
	payload, ok := byteString(dec, wire.Payload)
	if !ok || len(payload) == 0 {
		return sign1{}, malformed("payload is not a non-empty byte string")
	}
	if len(payload) > MaxPayloadBytes {
		return sign1{}, fmt.Errorf("%w: payload of %d bytes, at most %d", ErrTooLarge, len(payload), MaxPayloadBytes)
	}
	signature, ok := byteString(dec, wire.Signature)
	if !ok || len(signature) != es384SignatureBytes {
		return sign1{}, malformed("signature is not a byte string of %d bytes", es384SignatureBytes)
	}
	return sign1{protected: protected, payload: payload, signature: signature}, nil
}

// verify checks the signature over the Sig_structure of RFC 9052, section 4.4,
// with no external data.
func (s sign1) verify(key *ecdsa.PublicKey) error {
	toSign, err := cbor.Marshal([]any{"Signature1", s.protected, []byte{}, s.payload})
	if err != nil {
		return fmt.Errorf("%w: encode Sig_structure: %w", ErrSignature, err)
	}
	digest := sha512.Sum384(toSign)
	r := new(big.Int).SetBytes(s.signature[:es384SignatureBytes/2])
	t := new(big.Int).SetBytes(s.signature[es384SignatureBytes/2:])
	if !ecdsa.Verify(key, digest[:], r, t) {
		return ErrSignature
	}
	return nil
}

// CBOR major types (RFC 8949, section 3.1), the top three bits of the first byte.
const (
	majorUint  = 0
	majorBytes = 2
	majorText  = 3
	majorArray = 4
	majorMap   = 5
)

func major(raw cbor.RawMessage) int {
	if len(raw) == 0 {
		return -1
	}
	return int(raw[0] >> 5)
}

// byteString returns the content of raw if it is a CBOR byte string. The major
// type is looked at first because the decoder would also fill a []byte from an
// array of small integers.
func byteString(dec cbor.DecMode, raw cbor.RawMessage) ([]byte, bool) {
	if major(raw) != majorBytes {
		return nil, false
	}
	var b []byte
	if err := dec.Unmarshal(raw, &b); err != nil {
		return nil, false
	}
	return b, true
}

func isNull(raw cbor.RawMessage) bool { return bytes.Equal(raw, []byte{0xf6}) }
