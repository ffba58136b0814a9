package everyday

import (
	"embed"
	"math/rand/v2"
	"slices"
	"strings"
)

//go:embed texts
var files embed.FS

// Texts returns the texts, the longest of 6 KB, always in the same order. They are the caller's.
func Texts() []string {
	list, err := files.ReadDir("texts")
	if err != nil {
		return nil // they are in the binary
	}
	var all []string
	for _, f := range list {
		if text, err := files.ReadFile("texts/" + f.Name()); err == nil {
			all = append(all, string(text))
		}
	}
	return all
}

// Prose returns the words of those texts that people wrote for people, with the signs that stand at them.
func Prose() []string {
	var words []string
	for _, name := range []string{"prose", "readme", "letters"} {
		if text, err := files.ReadFile("texts/" + name + ".txt"); err == nil {
			words = slices.Concat(words, strings.Fields(string(text)))
		}
	}
	return words
}

// Shuffled makes a text of about size bytes of words in any order.
func Shuffled(words []string, size int, rng *rand.Rand) string {
	var b strings.Builder
	for b.Len() < size {
		b.WriteString(words[rng.IntN(len(words))])
		b.WriteString(between[rng.IntN(len(between))])
	}
	return b.String()
}

// between is what stands between words, most often a space.
var between = [...]string{" ", " ", " ", " ", " ", " ", " ", " ", " ", " ", " ", " ", ", ", ". ", ".\n", ": ", "; ", " - ", "? ", "! ", " (", ") ", "\n", " \"", "\" ", "'s "}
