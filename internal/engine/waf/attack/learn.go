package attack

import (
	"embed"
	"fmt"
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
	for _, size := range pieceSizes {
		for _, f := range list {
			text, err := ordinaryTexts.ReadFile("ordinary/" + f.Name())
			if err != nil {
				return fmt.Errorf("attack: %w", err)
			}
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
	return nil
}
