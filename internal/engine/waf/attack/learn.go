package attack

import (
	"embed"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"fastness/internal/engine/waf/pattern"
)

// Automata are made while they are used. Those of a detector that has not looked at anything make a state at nearly every byte, which takes a thousand
// times as long as to move over one, and a request with a page of text would cost more than requests may. So a detector looks at ordinary text
// before it looks at requests: text of the kinds that people and programs send, whole and in pieces.

//go:embed ordinary
var ordinaryTexts embed.FS

// pieceSizes are the lengths in bytes of the pieces that a text is cut into, by turns; 0 are lines and words.
var pieceSizes = [...]int{1 << 20, 700, 150, 0, 12}

// learn has the automata make the states that ordinary text needs.
func (d *Detector) learn() error {
	list, err := ordinaryTexts.ReadDir("ordinary")
	if err != nil {
		return fmt.Errorf("attack: %w", err)
	}
	match := pattern.NewScratch()
	match.Learn()
	s := NewScratch(match)
	words := map[string][]string{}
	for _, size := range pieceSizes {
		for _, f := range list {
			text, err := ordinaryTexts.ReadFile("ordinary/" + f.Name())
			if err != nil {
				return fmt.Errorf("attack: %w", err)
			}
			words[f.Name()] = strings.Fields(string(text))
			if size == 0 {
				for line := range strings.Lines(string(text)) {
					d.Inspect([]byte(strings.TrimRight(line, "\n")), Body, s, nil)
				}
				for word := range strings.FieldsSeq(string(text)) {
					d.Inspect([]byte(word), Query, s, nil)
				}
				continue
			}
			for ; len(text) > 0; text = text[min(size, len(text)):] {
				d.Inspect(text[:min(size, len(text))], Body, s, nil)
			}
		}
	}
	// The same words in other orders, and what programs write.
	rng := rand.New(rand.NewPCG(1, 2))
	for _, name := range slices.Sorted(maps.Keys(words)) {
		d.Inspect(shuffled(words[name], shuffledBytes, rng), Body, s, nil)
	}
	prose := words["prose.txt"]
	for range writtenValues {
		for _, v := range written(prose, rng) {
			d.Inspect([]byte(v), Body, s, nil)
		}
		d.Inspect(shuffled(prose, 20+rng.IntN(120), rng), Body, s, nil)
	}
	return nil
}

const (
	shuffledBytes = 24 << 10
	writtenValues = 150
)

// shuffled makes a text of about size bytes of words in any order.
func shuffled(words []string, size int, rng *rand.Rand) []byte {
	var b []byte
	for len(b) < size {
		b = append(b, words[rng.IntN(len(words))]...)
		b = append(b, betweenWords[rng.IntN(len(betweenWords))]...)
	}
	return b
}

// betweenWords is what stands between words, most often a space.
var betweenWords = [...]string{" ", " ", " ", " ", " ", " ", " ", " ", " ", " ", " ", " ", ", ", ". ", ".\n", ": ", "; ", " - ", "? ", "! ", " (", ") ", "\n", " \"", "\" ", "'s "}

// written are values as programs write them, and the names that members of lists in JSON have.
func written(words []string, rng *rand.Rand) []string {
	word := func() string { return strings.ToLower(strings.Trim(words[rng.IntN(len(words))], ".,;:()\"'")) }
	date := fmt.Sprintf("%d-%02d-%02d", 1970+rng.IntN(70), 1+rng.IntN(12), 1+rng.IntN(28))
	member := fmt.Sprintf("json.%s.%d.", word(), rng.IntN(3000))
	return []string{
		fmt.Sprint(rng.IntN(1e6)), fmt.Sprint(rng.Uint64()), fmt.Sprintf("%d.%02d", rng.IntN(1e4), rng.IntN(100)), date, date + "T12:30:45Z", fmt.Sprintf("%s %02d:%02d:%02d", date, rng.IntN(24), rng.IntN(60), rng.IntN(60)),
		fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", rng.Uint32(), rng.IntN(1<<16), rng.IntN(1<<12), rng.IntN(1<<12), rng.Uint64()>>16), fmt.Sprintf("%016x%016x", rng.Uint64(), rng.Uint64()), fmt.Sprintf("%x", rng.Uint32()),
		word(), word() + " " + word(), word() + "_" + word(), word() + "-" + word(), word() + "." + word() + "@" + word() + ".example", "https://" + word() + ".example/" + word() + "/" + fmt.Sprint(rng.IntN(1e5)), "/" + word() + "/" + word() + ".html",
		member + word(), member + word() + "_id", member + word() + ".0", member + word() + "_at", member + "uuid", member + "name", member + "email",
	}
}
