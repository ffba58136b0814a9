package filecrypt

import (
	"errors"
	"regexp"
	"strings"
)

// arity is how many values follow an option.
type arity int

const (
	none  arity = iota
	one         // exactly one
	maybe       // one or none
	some        // one or more: all words up to the next option
)

// option is one option of the command line.
type option struct {
	long    string // without dashes
	short   string // letters that mean the same
	arity   arity
	repeats bool // may be given more than once with different values
	operand string
	help    string
	hidden  bool
	set     func(values []string) error
}

// parse walks the words. The grammar is that of Python's argparse, which AWS's tool uses:
// an option may take several words, as in -w key=A key=B; long options may be shortened
// as long as they are unambiguous; --name=value, -ivalue and -Sr are understood.
func parse(options []option, words []string) error {
	p := &parser{options: options, given: make(map[string]bool)}
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		o, value, rest, err := p.match(word)
		if err != nil {
			return err
		}
		var values []string
		if value != nil {
			values = []string{*value}
		} else {
			n := takes(o.arity, words)
			values, words = words[:n], words[n:]
		}
		if rest != "" {
			words = append([]string{rest}, words...)
		}
		if len(values) == 0 && (o.arity == one || o.arity == some) {
			return usage("--%s needs %s", o.long, o.operand)
		}
		if p.given[o.long] && o.arity != none && !o.repeats {
			return usage("--%s is given more than once", o.long)
		}
		p.given[o.long] = true
		if err := o.set(values); err != nil {
			if errors.Is(err, ErrHelp) || errors.Is(err, ErrVersion) {
				return err
			}
			return usage("--%s: %w", o.long, err)
		}
	}
	return nil
}

type parser struct {
	options []option
	given   map[string]bool
}

// match finds the option of a word; value is what the word itself carries, rest the
// further letters of a group of one-letter options, as a word of their own.
func (p *parser) match(word string) (o *option, value *string, rest string, err error) {
	if name, ok := strings.CutPrefix(word, "--"); ok && name != "" {
		name, given, has := strings.Cut(name, "=")
		if o, err = p.long(name); err != nil {
			return nil, nil, "", err
		}
		if has && o.arity == none {
			return nil, nil, "", usage("--%s takes no value", o.long)
		}
		if has {
			value = &given
		}
		return o, value, "", nil
	}
	if !isOption(word) || word == "--" {
		return nil, nil, "", usage("unexpected argument %q", word)
	}
	for i := range p.options {
		if o := &p.options[i]; o.long == word[1:] && len(word) > 2 {
			return nil, nil, "", usage("%s: did you mean -%s?", word, word)
		}
	}
	for i := range p.options {
		if o = &p.options[i]; o.short == "" || !strings.Contains(o.short, word[1:2]) {
			continue
		}
		after := word[2:]
		switch {
		case after == "":
		case o.arity == none:
			rest = "-" + after
		default:
			after = strings.TrimPrefix(after, "=")
			value = &after
		}
		return o, value, rest, nil
	}
	return nil, nil, "", usage("there is no option %s", word[:2])
}

// long finds an option by its name or the beginning of it.
func (p *parser) long(name string) (*option, error) {
	var found []*option
	for i := range p.options {
		o := &p.options[i]
		if o.long == name {
			return o, nil
		}
		if strings.HasPrefix(o.long, name) && !o.hidden {
			found = append(found, o)
		}
	}
	switch len(found) {
	case 0:
		return nil, usage("there is no option --%s", name)
	case 1:
		return found[0], nil
	}
	names := make([]string, len(found))
	for i, o := range found {
		names[i] = "--" + o.long
	}
	return nil, usage("--%s could be %s", name, strings.Join(names, " or "))
}

// takes is how many of the words are values of an option.
func takes(a arity, words []string) int {
	n := 0
	for n < len(words) && !isOption(words[n]) {
		n++
	}
	switch a {
	case none:
		return 0
	case one, maybe:
		return min(n, 1)
	}
	return n
}

var negativeNumber = regexp.MustCompile(`^-\d+$|^-\d*\.\d+$`)

// isOption tells options from values: "-" is a value, and so is what only looks like an
// option because it begins with a dash, such as a negative number.
func isOption(word string) bool {
	return len(word) > 1 && word[0] == '-' && !negativeNumber.MatchString(word) && !strings.Contains(strings.SplitN(word, "=", 2)[0], " ")
}
