package sigv4

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/fips140"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"sync"
)

// signingKey is what a secret gives for one scope: a MAC key for HMAC, a public key
// for ECDSA. It is safe for concurrent use.
type signingKey struct {
	id     [sha256.Size]byte // of the secret it came from; see Verifier.identify
	mac    [sha256.Size]byte // HMAC only
	states sync.Pool         // of hash.Hash keyed with mac
	public *ecdsa.PublicKey  // ECDSA only
}

// sum writes the MAC of msg to out.
func (k *signingKey) sum(out *[sha256.Size]byte, msg []byte) {
	h, ok := k.states.Get().(hash.Hash)
	if !ok {
		h = hmac.New(sha256.New, k.mac[:])
	}
	h.Reset()
	h.Write(msg)
	h.Sum(out[:0])
	k.states.Put(h)
}

// verify tells whether signature is right for the string to sign. The MAC is
// compared in constant time.
func (k *signingKey) verify(sc *scratch, stringToSign, signature []byte) bool {
	if k.public != nil {
		sc.sum = sha256.Sum256(stringToSign)
		return ecdsa.VerifyASN1(k.public, sc.sum[:], signature)
	}
	k.sum(&sc.mac, stringToSign)
	return subtle.ConstantTimeCompare(sc.mac[:], signature) == 1
}

// minFIPSSecret is the least secret, in bytes, whose HMAC key ("AWS4" and the secret)
// has the 112 bits that FIPS 140-3 (SP 800-131A) demands.
const minFIPSSecret = 10

// checkSecret refuses an empty secret, under which anybody could sign, and, where
// FIPS 140-3 is enforced, one too short to be a key.
func checkSecret(secret []byte) error {
	if len(secret) == 0 {
		return errors.New("sigv4: the secret access key is empty")
	}
	if len(secret) < minFIPSSecret && fips140.Enforced() {
		return fmt.Errorf("sigv4: a secret access key of %d bytes is too short for FIPS 140-3", len(secret))
	}
	return nil
}

// deriveHMAC derives the signing key: HMAC chained over date, Region, service and
// terminator, starting from "AWS4" and the secret.
func deriveHMAC(secret []byte, date, region, service string) ([sha256.Size]byte, error) {
	if err := checkSecret(secret); err != nil {
		return [sha256.Size]byte{}, err
	}
	key := make([]byte, 0, 4+len(secret)+sha256.Size)
	key = append(append(key, "AWS4"...), secret...)
	defer clear(key[:cap(key)])
	var out [sha256.Size]byte
	data := make([]byte, 0, 2*maxScopePart)
	for i, part := range [...]string{date, region, service, "aws4_request"} {
		h := hmac.New(sha256.New, key)
		data = append(data[:0], part...)
		h.Write(data)
		h.Sum(out[:0])
		if i < 3 {
			key = append(key[:0], out[:]...)
		}
	}
	return out, nil
}

// deriveECDSA derives the P-256 private key of an access key for SigV4A: candidates
// from the counter-mode KDF of SP 800-108 (PRF HMAC-SHA-256, key "AWS4A" and the
// secret, label the algorithm, context the access key id and a one-byte counter),
// the first one of at most n-2, plus one (FIPS 186-5, A.2.2).
func deriveECDSA(accessKeyID string, secret []byte) (*ecdh.PrivateKey, error) {
	if err := checkSecret(secret); err != nil {
		return nil, err
	}
	key := make([]byte, 0, 5+len(secret))
	key = append(append(key, "AWS4A"...), secret...)
	defer clear(key[:cap(key)])
	var limit [sha256.Size]byte // n-2
	elliptic.P256().Params().N.FillBytes(limit[:])
	limit[len(limit)-1] -= 2 // n ends in 0x51
	h := hmac.New(sha256.New, key)
	var candidate [sha256.Size]byte
	defer clear(candidate[:])
	for counter := 1; counter <= 254; counter++ {
		input := binary.BigEndian.AppendUint32(nil, 1)
		input = append(input, nameECDSA...)
		input = append(input, 0)
		input = append(input, accessKeyID...)
		input = append(input, byte(counter))
		input = binary.BigEndian.AppendUint32(input, 256)
		h.Reset()
		h.Write(input)
		h.Sum(candidate[:0])
		if !atMost(candidate[:], limit[:]) {
			continue
		}
		for i := len(candidate) - 1; i >= 0; i-- { // plus one
			candidate[i]++
			if candidate[i] != 0 {
				break
			}
		}
		private, err := ecdh.P256().NewPrivateKey(candidate[:])
		if err != nil {
			return nil, fmt.Errorf("sigv4: derive the P-256 key: %w", err)
		}
		return private, nil
	}
	return nil, errors.New("sigv4: no P-256 key in 254 candidates")
}

// atMost tells, in constant time, whether a <= b (big-endian, of equal length).
func atMost(a, b []byte) bool {
	borrow := 0
	for i := len(a) - 1; i >= 0; i-- {
		borrow = (int(b[i]) - int(a[i]) - borrow) >> 8 & 1
	}
	return borrow == 0
}

// publicECDSA is the public key of a derived private key.
func publicECDSA(accessKeyID string, secret []byte) (*ecdsa.PublicKey, error) {
	private, err := deriveECDSA(accessKeyID, secret)
	if err != nil {
		return nil, err
	}
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), private.PublicKey().Bytes())
	if err != nil {
		return nil, fmt.Errorf("sigv4: public key: %w", err)
	}
	return public, nil
}
