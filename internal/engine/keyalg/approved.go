package keyalg

import (
	"crypto/fips140"
	"fmt"
	"slices"
)

// Approved reports whether algorithm a under spec s is a service of the Go
// Cryptographic Module (FIPS 140-3). An empty algorithm asks about the spec
// alone: whether a key of it may be made.
//
// ML-DSA is not approved: the Go 1.26 module contains it, but offers it to no
// one, so it comes from another module here.
func Approved(s Spec, a Algorithm) bool {
	row := lookup(s)
	if row == nil || !row.approved {
		return false
	}
	if a == "" {
		return true
	}
	alg := lookupAlgorithm(a)
	return alg != nil && alg.approved && row.has(a)
}

func (row *specInfo) has(a Algorithm) bool {
	return slices.Contains(row.sign, a) || slices.Contains(row.encrypt, a) ||
		slices.Contains(row.mac, a) || slices.Contains(row.agree, a)
}

// FIPSEnforced reports whether this process refuses what is not approved, that
// is, runs with GODEBUG=fips140=only.
func FIPSEnforced() bool { return fips140.Enforced() }

// checkSpecApproved guards every place that makes or reads a key.
func checkSpecApproved(row *specInfo) error {
	if !row.approved && fips140.Enforced() {
		return fmt.Errorf("key spec %s: %w", row.spec, ErrNotApproved)
	}
	return nil
}

// checkAlgorithmApproved guards every operation: OAEP with SHA-1 is refused
// although RSA keys are approved.
func checkAlgorithmApproved(a *algorithmInfo) error {
	if !a.approved && fips140.Enforced() {
		return fmt.Errorf("%s: %w", a.name, ErrNotApproved)
	}
	return nil
}
