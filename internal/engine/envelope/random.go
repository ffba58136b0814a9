package envelope

import (
	"crypto/rand"
	"errors"
)

// MaxRandom is the most bytes Random returns: the limit of NumberOfBytes in the
// AWS KMS API.
const MaxRandom = 1024

// ErrRandomLength: not between 1 and MaxRandom bytes.
var ErrRandomLength = errors.New("number of random bytes out of range")

// Random returns n bytes from the operating system's random source. Nothing is
// buffered or stretched in this process, so a snapshot or clone of the machine
// does not repeat them.
func Random(n int) ([]byte, error) {
	if n < 1 || n > MaxRandom {
		return nil, ErrRandomLength
	}
	b := make([]byte, n)
	rand.Read(b)
	return b, nil
}
