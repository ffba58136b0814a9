package everyday

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestTheTextsAreThereAndTheSameEachTime(t *testing.T) {
	if n := len(Texts()); n < 8 {
		t.Errorf("%d texts", n)
	}
	words := Prose()
	if len(words) < 500 {
		t.Fatalf("%d words", len(words))
	}
	make := func() []string {
		rng := rand.New(rand.NewPCG(1, 2))
		list := []string{Shuffled(words, 1000, rng)}
		return append(append(list, Written(words, rng)...), Names(words, rng)...)
	}
	if !slices.Equal(make(), make()) {
		t.Error("other texts from the same source of chance")
	}
	if n := len(make()[0]); n < 1000 || n > 1100 {
		t.Errorf("a text of %d bytes", n)
	}
}
