package shamir

import (
	"crypto/rand"
	"errors"
	"fmt"
)

// Bounds of Split.
const (
	MaxShares      = 255
	MinThreshold   = 2
	MaxSecretBytes = 1024
)

// The errors of this package; match them with errors.Is.
var (
	// ErrParameters: the counts or the size of the secret are out of bounds.
	ErrParameters = errors.New("shamir: parameters out of bounds")
	// ErrDuplicate: two shares have the same number.
	ErrDuplicate = errors.New("shamir: duplicate share")
	// ErrCount: the number of shares is not the threshold.
	ErrCount = errors.New("shamir: wrong number of shares")
	// ErrCorrupt: a share's text is damaged.
	ErrCorrupt = errors.New("shamir: corrupt share")
)

// Share is the value of the polynomials at X.
type Share struct {
	X byte   // 1 to 255
	Y []byte // as long as the secret
}

// Split makes shares (2 to MaxShares) shares of secret (1 to MaxSecretBytes bytes),
// of which threshold (MinThreshold to shares) restore it. The shares are secrets: the
// caller overwrites them after use.
func Split(secret []byte, shares, threshold int) ([]Share, error) {
	if shares > MaxShares || threshold < MinThreshold || threshold > shares {
		return nil, fmt.Errorf("%w: %d of %d shares", ErrParameters, threshold, shares)
	}
	if len(secret) < 1 || len(secret) > MaxSecretBytes {
		return nil, fmt.Errorf("%w: secret of %d bytes", ErrParameters, len(secret))
	}
	out := make([]Share, shares)
	for i := range out {
		out[i] = Share{X: byte(i + 1), Y: make([]byte, len(secret))}
	}
	coeff := make([]byte, threshold-1) // of x^1 … x^(threshold-1)
	defer clear(coeff)
	for pos, s := range secret {
		if _, err := rand.Read(coeff); err != nil {
			return nil, fmt.Errorf("shamir: reading random bytes: %w", err)
		}
		for i := range out {
			var y byte
			for j := len(coeff) - 1; j >= 0; j-- { // Horner's rule
				y = mul(y^coeff[j], out[i].X)
			}
			out[i].Y[pos] = y ^ s
		}
	}
	return out, nil
}

// Combine restores the secret from exactly the threshold number of shares, by
// Lagrange interpolation at 0. Shares that do not belong together give a wrong
// secret, not an error: the caller authenticates the result.
func Combine(shares []Share) ([]byte, error) {
	if len(shares) < MinThreshold || len(shares) > MaxShares {
		return nil, fmt.Errorf("%w: %d", ErrCount, len(shares))
	}
	size := len(shares[0].Y)
	if size < 1 || size > MaxSecretBytes {
		return nil, fmt.Errorf("%w: share of %d bytes", ErrCorrupt, size)
	}
	var seen [256]bool
	for _, s := range shares {
		switch {
		case s.X == 0:
			return nil, fmt.Errorf("%w: share number 0", ErrCorrupt)
		case len(s.Y) != size:
			return nil, fmt.Errorf("%w: shares of different sizes", ErrCorrupt)
		case seen[s.X]:
			return nil, fmt.Errorf("%w: number %d", ErrDuplicate, s.X)
		}
		seen[s.X] = true
	}
	secret := make([]byte, size)
	for i, s := range shares {
		// The Lagrange basis polynomial of share i at 0. Share numbers are public.
		basis := byte(1)
		for j, o := range shares {
			if j != i {
				basis = mul(basis, mul(o.X, inv(o.X^s.X)))
			}
		}
		for pos, y := range s.Y {
			secret[pos] ^= mul(y, basis)
		}
	}
	return secret, nil
}
