package challenge

import (
	"crypto/sha256"
	"crypto/subtle"
	"math/rand/v2"
	"strings"

	"fastness/internal/engine/waf/request"
)

const (
	pictureLength = 6 // letters
	soundLength   = 6 // digits
	maxTones      = 6 // the highest digit of a sound
)

// puzzle is what a human has to see or to hear.
type puzzle struct {
	stamp
	picture [pictureLength]byte // of letters
	sound   [soundLength]byte   // '1' to '6'
}

// newPuzzle makes a puzzle, and its sealed form.
func (g *Gate) newPuzzle(r *request.Request, domain string) (sealed string, err error) {
	var p puzzle
	if p.stamp, err = g.stamp(r, domain); err != nil {
		return "", err
	}
	var seed [32]byte
	if err := g.fill(seed[:]); err != nil {
		return "", err
	}
	random := rand.New(rand.NewChaCha8(seed))
	for i := range p.picture {
		p.picture[i] = alphabet[random.IntN(len(alphabet))]
	}
	for i := range p.sound {
		p.sound[i] = byte('1' + random.IntN(maxTones))
	}
	b := p.stamp.append(nil)
	b = append(b, p.picture[:]...)
	b = append(b, p.sound[:]...)
	return g.keys().seal(g.random, forPuzzle, append(b, domain...))
}

// openPuzzle reads a puzzle that is this client's and not too old.
func (g *Gate) openPuzzle(r *request.Request, sealed string) (p puzzle, err error) {
	payload, err := g.keys().open(forPuzzle, sealed)
	if err != nil {
		return p, err
	}
	rest, ok := p.stamp.parse(payload, pictureLength+soundLength)
	if !ok || !g.fresh(&p.stamp, r) {
		return p, errRefused
	}
	copy(p.picture[:], rest)
	copy(p.sound[:], rest[pictureLength:])
	return p, nil
}

// noise is the randomness of the puzzle's picture or sound: always the same, as one could average
// it away otherwise. Who does not have the keys does not know the nonce.
func (p *puzzle) noise(of string) *rand.Rand {
	return rand.New(rand.NewChaCha8(sha256.Sum256(append([]byte(of), p.nonce[:]...))))
}

// verifyPuzzle takes an answer, letters or digits; a puzzle takes one, right or wrong.
func (g *Gate) verifyPuzzle(r *request.Request, sealed, answer string) (domain string, err error) {
	p, err := g.openPuzzle(r, sealed)
	if err != nil {
		return "", err
	}
	if !g.tried.claim(p.nonce) {
		return "", errRefused
	}
	given := []byte(normal(answer))
	if subtle.ConstantTimeCompare(given, p.picture[:])|subtle.ConstantTimeCompare(given, p.sound[:]) != 1 {
		return "", errRefused
	}
	// Attempts cost nothing, so tried forgets at anybody's will; solved ones are kept apart.
	if !g.solved.claim(p.nonce) {
		return "", errRefused
	}
	return p.domain, nil
}

// normal is an answer without spaces, in upper case.
func normal(answer string) string {
	if len(answer) > 64 {
		return ""
	}
	return strings.ToUpper(strings.Join(strings.Fields(answer), ""))
}
