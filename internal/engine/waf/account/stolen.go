package account

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
)

// MaxStolen is how many entries a list of stolen credentials may have: 8 bytes of memory each.
const MaxStolen = 20_000_000

// Stolen are lists of credentials that are known to be stolen. Of each entry 64 bits of a hash are kept.
// It is immutable.
type Stolen struct {
	pairs     []uint64 // sorted
	passwords []uint64
}

// ReadStolen reads the lists; either may be nil. A line of pairs is the SHA-256 in hexadecimal of the
// user name in lower case, a colon and the password. A line of passwords is the SHA-1 in hexadecimal of a
// password, perhaps with a colon and a count behind it, as the files of Pwned Passwords have it. Empty lines
// and what follows a number sign do not count.
func ReadStolen(pairs, passwords io.Reader) (*Stolen, error) {
	s := new(Stolen)
	var err error
	if pairs != nil {
		if s.pairs, err = readHashes(pairs, sha256.Size); err != nil {
			return nil, fmt.Errorf("account: stolen credentials: %w", err)
		}
	}
	if passwords != nil {
		if s.passwords, err = readHashes(passwords, sha1.Size); err != nil {
			return nil, fmt.Errorf("account: stolen passwords: %w", err)
		}
	}
	return s, nil
}

func readHashes(r io.Reader, size int) (list []uint64, err error) {
	sc := bufio.NewScanner(r)
	hash := make([]byte, size)
	for n := 1; sc.Scan(); n++ {
		line, _, _ := bytes.Cut(sc.Bytes(), []byte("#"))
		line, _, _ = bytes.Cut(line, []byte(":"))
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		if len(line) != 2*size {
			return nil, fmt.Errorf("line %d: not %d hexadecimal digits", n, 2*size)
		}
		if _, err := hex.Decode(hash, line); err != nil {
			return nil, fmt.Errorf("line %d: not %d hexadecimal digits", n, 2*size)
		}
		if len(list) == MaxStolen {
			return nil, fmt.Errorf("more than %d lines", MaxStolen)
		}
		list = append(list, binary.BigEndian.Uint64(hash))
	}
	if err := sc.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			return nil, errors.New("a line is too long")
		}
		return nil, err
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}

// Pair tells whether a user name, in lower case, and a password are known together.
func (s *Stolen) Pair(user, password []byte) bool {
	if s == nil || len(s.pairs) == 0 {
		return false
	}
	h := sha256.New()
	h.Write(user)
	h.Write([]byte(":"))
	h.Write(password)
	var sum [sha256.Size]byte
	return has(s.pairs, h.Sum(sum[:0]))
}

// Password tells whether a password is known.
func (s *Stolen) Password(password []byte) bool {
	if s == nil || len(s.passwords) == 0 {
		return false
	}
	sum := sha1.Sum(password)
	return has(s.passwords, sum[:])
}

func has(list []uint64, sum []byte) bool {
	_, found := slices.BinarySearch(list, binary.BigEndian.Uint64(sum))
	return found
}
