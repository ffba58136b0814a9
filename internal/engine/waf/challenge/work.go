package challenge

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math/bits"

	"fastness/internal/engine/waf/request"
)

// Difficulties are in zero bits; a bit more is twice the work.
const (
	// DefaultDifficulty is about 100 ms on a phone, 4,096 hashes on average.
	DefaultDifficulty = 12
	MaxDifficulty     = 24
)

// maxNumber is the length of a solution in digits: more are never needed, and seed and
// solution fit one block of SHA-256.
const maxNumber = 12

// errRefused is all that a client learns of a challenge that it did not meet.
var errRefused = errors.New("challenge: refused")

// stamp is what challenges and puzzles have in common.
type stamp struct {
	nonce  [16]byte
	client client
	issued int64 // seconds since 1970
	domain string
}

const stampSize = 16 + 16 + 8

func (s *stamp) append(b []byte) []byte {
	b = append(b, s.nonce[:]...)
	b = append(b, s.client[:]...)
	return binary.BigEndian.AppendUint64(b, uint64(s.issued))
}

// parse reads what append wrote, and the domain behind more bytes, which it returns.
func (s *stamp) parse(b []byte, more int) (rest []byte, ok bool) {
	if len(b) <= stampSize+more || len(b) > stampSize+more+maxDomain {
		return nil, false
	}
	copy(s.nonce[:], b)
	copy(s.client[:], b[16:])
	s.issued = int64(binary.BigEndian.Uint64(b[32:]))
	s.domain = string(b[stampSize+more:])
	return b[stampSize : stampSize+more], true
}

// stamp makes the stamp of a new challenge.
func (g *Gate) stamp(r *request.Request, domain string) (s stamp, err error) {
	s = stamp{client: clientOf(r), issued: r.Time.Unix(), domain: domain}
	return s, g.fill(s.nonce[:])
}

// fresh tells whether a challenge is this client's, of this host and not too old.
func (g *Gate) fresh(s *stamp, r *request.Request) bool {
	class, host := clientOf(r), hostOf(r.Host)
	age := r.Time.Unix() - s.issued
	return subtle.ConstantTimeCompare(s.client[:], class[:]) == 1 &&
		age >= -clockSkew && age < int64(g.lifetime.Seconds()) &&
		(s.domain == host || shareable(s.domain) && within(host, s.domain))
}

// work is a proof of work to be done.
type work struct {
	stamp
	difficulty uint8
}

// seed is what the number of a solution is appended to.
func (w *work) seed() string { return hex.EncodeToString(w.nonce[:]) }

// solvedBy tells whether n, a decimal number, is a solution.
func (w *work) solvedBy(n string) bool {
	if n == "" || len(n) > maxNumber {
		return false
	}
	for i := range len(n) {
		if n[i] < '0' || n[i] > '9' {
			return false
		}
	}
	sum := sha256.Sum256([]byte(w.seed() + n))
	return bits.LeadingZeros32(binary.BigEndian.Uint32(sum[:])) >= int(w.difficulty)
}

// newWork makes a challenge for a client, and its sealed form.
func (g *Gate) newWork(r *request.Request, domain string) (w work, sealed string, err error) {
	w.difficulty = uint8(g.difficulty)
	if w.stamp, err = g.stamp(r, domain); err != nil {
		return w, "", err
	}
	b := append(w.stamp.append(nil), w.difficulty)
	sealed, err = g.keys().seal(g.random, forWork, append(b, domain...))
	return w, sealed, err
}

// openWork reads a challenge that is this client's and not too old.
func (g *Gate) openWork(r *request.Request, sealed string) (w work, err error) {
	payload, err := g.keys().open(forWork, sealed)
	if err != nil {
		return w, err
	}
	rest, ok := w.stamp.parse(payload, 1)
	if !ok || rest[0] == 0 || rest[0] > MaxDifficulty {
		return w, errRefused
	}
	w.difficulty = rest[0]
	if !g.fresh(&w.stamp, r) {
		return w, errRefused
	}
	return w, nil
}

// verifyWork takes a solution: once.
func (g *Gate) verifyWork(r *request.Request, sealed, n string) (domain string, err error) {
	w, err := g.openWork(r, sealed)
	if err != nil {
		return "", err
	}
	if !w.solvedBy(n) || !g.worked.claim(w.nonce) {
		return "", errRefused
	}
	return w.domain, nil
}
