package rotator

import (
	"crypto/rand"
	"strings"
)

// The characters of Secrets Manager's GetRandomPassword.
const (
	lowercase   = "abcdefghijklmnopqrstuvwxyz"
	uppercase   = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	numbers     = "0123456789"
	punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
)

// maxPasswordLength is GetRandomPassword's bound.
const maxPasswordLength = 4096

// Password says what a new password is made of. It is what GetRandomPassword takes.
type Password struct {
	Length             int    // 1 to 4096
	ExcludeCharacters  string // none of these
	ExcludeNumbers     bool
	ExcludePunctuation bool
	ExcludeUppercase   bool
	ExcludeLowercase   bool
	// RequireEachIncludedType wants at least one character of each type.
	RequireEachIncludedType bool
}

// Generate makes a password: every one that fits is as likely as any other. The caller
// erases it after use. It fails if none fits.
func (p Password) Generate() ([]byte, error) {
	if p.Length < 1 || p.Length > maxPasswordLength {
		return nil, fail(Misconfigured, "the password length must be from 1 to %d", maxPasswordLength)
	}
	var alphabet []byte
	var typeOf [128]byte // a bit for each type
	types := byte(0)
	required := 0
	for i, set := range []struct {
		characters string
		excluded   bool
	}{{lowercase, p.ExcludeLowercase}, {uppercase, p.ExcludeUppercase}, {numbers, p.ExcludeNumbers}, {punctuation, p.ExcludePunctuation}} {
		if set.excluded {
			continue
		}
		before := len(alphabet)
		for _, c := range []byte(set.characters) {
			if strings.IndexByte(p.ExcludeCharacters, c) < 0 {
				alphabet = append(alphabet, c)
				typeOf[c] = 1 << i
			}
		}
		if len(alphabet) == before && p.RequireEachIncludedType {
			return nil, fail(Misconfigured, "the excluded characters leave none of a type that the password must have")
		}
		types |= 1 << i
		required++
	}
	if len(alphabet) == 0 {
		return nil, fail(Misconfigured, "the exclusions leave no character for a password")
	}
	if p.RequireEachIncludedType && p.Length < required {
		return nil, fail(Misconfigured, "a password of %d characters cannot have one of each of %d types", p.Length, required)
	}

	password := make([]byte, p.Length)
	source := randomBytes{}
	defer source.wipe()
	for {
		seen := byte(0)
		for i := range password {
			c := alphabet[source.below(len(alphabet))]
			password[i] = c
			seen |= typeOf[c]
		}
		// Drawing again as a whole keeps what is accepted uniform; putting missing
		// types into their places would not.
		if !p.RequireEachIncludedType || seen == types {
			return password, nil
		}
	}
}

// randomBytes draws from crypto/rand in blocks.
type randomBytes struct {
	block [256]byte
	left  int
}

// below draws a number under n (1 to 256), each as likely: bytes past the largest
// multiple of n are thrown away.
func (r *randomBytes) below(n int) int {
	limit := 256 - 256%n
	for {
		if r.left == 0 {
			rand.Read(r.block[:]) // never fails: crypto/rand
			r.left = len(r.block)
		}
		r.left--
		if b := int(r.block[r.left]); b < limit {
			return b % n
		}
	}
}

func (r *randomBytes) wipe() { clear(r.block[:]) }
