package attack

import (
	"math/rand/v2"
	"strings"

	"fastness/internal/engine/waf/everyday"
	"fastness/internal/engine/waf/pattern"
)

// Automata are made while they are used. Those of a detector that has not looked at anything make a state at nearly every byte, which takes a thousand
// times as long as to move over one, and a request with a page of text would cost more than requests may. So a detector looks at ordinary text
// before it looks at requests: text of the kinds that people and programs send, whole and in pieces, and its words in other orders.

// pieceSizes are the lengths in bytes of the pieces that a text is cut into, by turns; 0 are lines and words.
var pieceSizes = [...]int{1 << 20, 700, 150, 0, 12}

const (
	shuffledBytes     = 24 << 10 // of each text
	shuffledSentences = 1500
	writtenValues     = 500
)

// learn has the automata make the states that ordinary text needs.
func (d *Detector) learn() {
	match := pattern.NewScratch()
	match.Learn()
	s := NewScratch(match)
	look := func(text string, place Place) { d.Inspect([]byte(text), place, s, nil) }
	for _, size := range pieceSizes {
		for _, text := range everyday.Texts() {
			if size == 0 {
				for line := range strings.Lines(text) {
					look(strings.TrimRight(line, "\n"), Body)
				}
				for word := range strings.FieldsSeq(text) {
					look(word, Query)
				}
				continue
			}
			for ; len(text) > 0; text = text[min(size, len(text)):] {
				look(text[:min(size, len(text))], Body)
			}
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for _, text := range everyday.Texts() {
		look(everyday.Shuffled(strings.Fields(text), shuffledBytes, rng), Body)
	}
	words := everyday.Prose()
	for range shuffledSentences {
		look(everyday.Shuffled(words, 20+rng.IntN(120), rng), Body)
	}
	for range writtenValues {
		for _, v := range everyday.Written(words, rng) {
			look(v, Body)
		}
		for _, name := range everyday.Names(words, rng) {
			look(name, Name)
		}
	}
}
