package managed

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// pathKind is one kind of paths that nobody should reach, as a file groups/*.paths has it:
//
//	kind NAME
//	why REASON
//	in EXPRESSION           (a regular expression; <> is one of the words of the lines that follow it)
//	any WORD …              (expressions, for the line "in" before them)
//	blocks PATH …           (that have to match)
//	passes PATH …           (that look like it and must not)
//
// Lines that begin with # are remarks.
type pathKind struct {
	name, why      string
	frames         []pathFrame
	blocks, passes []string
}

// pathFrame is an expression, and the words that one of stands in it.
type pathFrame struct {
	expression string
	words      []string
}

// wordsIn is where words stand in a frame.
const wordsIn = "<>"

// parsePaths reads a file of kinds.
func parsePaths(data []byte) (all []pathKind, err error) {
	sc := bufio.NewScanner(bytes.NewReader(data))
	for n := 1; sc.Scan(); n++ {
		line := strings.TrimSpace(sc.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		key, rest, _ := strings.Cut(line, " ")
		if key == "kind" {
			all = append(all, pathKind{name: rest})
			continue
		}
		if len(all) == 0 {
			return nil, fmt.Errorf("line %d: %s before any kind", n, key)
		}
		k := &all[len(all)-1]
		switch key {
		case "why":
			k.why = rest
		case "in":
			k.frames = append(k.frames, pathFrame{expression: rest})
		case "any":
			if len(k.frames) == 0 || !strings.Contains(k.frames[len(k.frames)-1].expression, wordsIn) {
				return nil, fmt.Errorf("line %d: words that stand nowhere", n)
			}
			f := &k.frames[len(k.frames)-1]
			f.words = append(f.words, strings.Fields(rest)...)
		case "blocks":
			k.blocks = append(k.blocks, strings.Fields(rest)...)
		case "passes":
			k.passes = append(k.passes, strings.Fields(rest)...)
		default:
			return nil, fmt.Errorf("line %d: unknown key %s", n, key)
		}
	}
	for _, k := range all {
		if k.why == "" || len(k.frames) == 0 {
			return nil, fmt.Errorf("kind %s has no reason or no expression", k.name)
		}
		for _, f := range k.frames {
			if strings.Contains(f.expression, wordsIn) != (len(f.words) > 0) {
				return nil, fmt.Errorf("kind %s: %s has no words", k.name, f.expression)
			}
		}
	}
	if len(all) == 0 {
		return nil, errors.New("no kinds")
	}
	return all, sc.Err()
}

// expression is one for all paths of some kinds.
func expression(kinds []pathKind) string {
	var all []string
	for _, k := range kinds {
		for _, f := range k.frames {
			all = append(all, strings.Replace(f.expression, wordsIn, strings.Join(f.words, "|"), 1))
		}
	}
	return strings.Join(all, "|")
}

// pathsIn reads the kinds of a file.
func pathsIn(name string) ([]pathKind, error) {
	data, err := files.ReadFile("groups/" + name + ".paths")
	if err != nil {
		return nil, err
	}
	kinds, err := parsePaths(data)
	if err != nil {
		return nil, fmt.Errorf("%s.paths: %w", name, err)
	}
	return kinds, nil
}
