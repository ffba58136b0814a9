package transform

import (
	"math/rand/v2"
	"testing"
)

// TestMarksMissNothing holds the marks to the transformations: what changes a value has a mark
// in it that it needs. Values are made of the bytes that mean something to some transformation.
func TestMarksMissNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const alphabet = "aZ0 %+&;\\\x00\t\n\xa0\"'^,/.*-#<>=u2xA!\xc3\xa4(_:@"
	var dst []byte
	for n := range 200_000 {
		value := make([]byte, rng.IntN(8))
		// Few kinds of bytes at a time, so that most marks are absent.
		few := [3]byte{alphabet[rng.IntN(len(alphabet))], alphabet[rng.IntN(len(alphabet))], byte(rng.IntN(256))}
		for i := range value {
			value[i] = few[rng.IntN(len(few))]
		}
		m := MarksOf(value)
		for k := range kinds {
			if k.Needs()&m != 0 {
				continue
			}
			var changed bool
			if dst, changed = Append(dst[:0], k, value); changed && (len(value) > 0 || len(dst) > 0) && k.Needs() != ^Marks(0) {
				t.Fatalf("case %d: %v changes %q to %q", n, k, value, dst)
			}
		}
	}
}
