package attack

import (
	"encoding/base64"
	"math/rand/v2"
	"testing"
)

// TestDataIsKnownByItsBeginning holds what is said of runs of base64 part by part to what is said of them as a whole.
func TestDataIsKnownByItsBeginning(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	letters := []rune("abc xyz,.é\u4e2d\U0001F600\n")
	const cases = 3000
	texts := 0
	for range cases {
		var text []byte
		for n := rng.IntN(20_000); len(text) < n; {
			text = append(text, string(letters[rng.IntN(len(letters))])...)
		}
		for range rng.IntN(3) * len(text) / 19 { // about as many odd bytes as text may have
			text[rng.IntN(len(text))] = byte(rng.IntN(256))
		}
		coded := []byte(base64.RawStdEncoding.EncodeToString(text))
		for shift := range min(4, len(coded)+1) {
			_, want := base64Text(nil, coded[shift:])
			read, got := decodesToText(nil, coded[shift:])
			if got != want || read > len(coded) {
				t.Fatalf("%d signs from the %d. on: text %v and not %v, %d read", len(coded), shift, got, want, read)
			}
			if got {
				texts++
			}
		}
	}
	if texts < cases/4 || texts > cases*3 {
		t.Errorf("%d texts", texts)
	}
	data := make([]byte, 1<<20)
	for i := range data {
		data[i] = byte(rng.Uint32())
	}
	coded := []byte(base64.RawStdEncoding.EncodeToString(data))
	if blob, read := isBlob(nil, coded); !blob || read > len(coded)*2/3 {
		t.Errorf("data %v, %d of %d signs decoded", blob, read, len(coded))
	}
}
