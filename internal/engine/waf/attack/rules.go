package attack

import (
	"bufio"
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

//go:embed rules/*.rules
var ruleFiles embed.FS

// Threshold is the score from which a value is an attack.
const Threshold = 5

// rule is one sign of an attack.
type rule struct {
	name    string
	family  Family
	form    Form
	score   int8 // in text that is no prose
	prose   int8 // in prose
	places  Place
	deep    bool // only in what a decoding gave
	tame    bool // not in rich text
	line    bool // not in texts of several lines
	alone   bool // not in texts of several words
	random  bool // not in what a cipher made
	message bool // not in messages
	regexps []string
	// Samples that have to match, and that must not.
	match, pass []string
}

// parseRules reads a rule file. Its lines, in order for each rule:
//
//	# a comment
//	define NAME TEXT        (<<NAME>> in expressions below it)
//	rule NAME
//	family NAME
//	form raw|sql|markup|shell|path
//	score N [PROSE]         (PROSE: the score in prose; N if left out)
//	in PLACE …              (everywhere if left out)
//	decoded                 (counts only in what a decoding gave)
//	tame                    (does not count in rich text)
//	line                    (does not count in bodies' texts of several lines)
//	alone                   (does not count in bodies' texts of several words)
//	message                 (does not count in bodies that are messages)
//	random                  (does not count in what a cipher made)
//	regex EXPRESSION        (any number of them, any of which matches)
//	match SAMPLE
//	pass SAMPLE
//	match-quoted "SAMPLE"   (as a string of Go; pass-quoted likewise)
//
// family and form hold until they are changed. Expressions are in lower case, because forms are.
func parseRules(name string, data []byte) ([]rule, error) {
	var all []rule
	var family Family
	var form Form
	var defined []string // <<NAME>> and its text
	sc := bufio.NewScanner(bytes.NewReader(data))
	sc.Buffer(nil, 1<<20)
	for n := 1; sc.Scan(); n++ {
		line := strings.TrimRight(sc.Text(), " \t")
		if line == "" || line[0] == '#' {
			continue
		}
		key, arg, _ := strings.Cut(line, " ")
		fail := func(why string) error { return fmt.Errorf("%s:%d: %s", name, n, why) }
		switch key {
		case "define":
			name, text, _ := strings.Cut(arg, " ")
			defined = append(defined, "<<"+name+">>", strings.NewReplacer(defined...).Replace(text))
			continue
		case "family":
			f, ok := ParseFamily(arg)
			if !ok {
				return nil, fail("unknown family " + arg)
			}
			family = f
			continue
		case "form":
			found := false
			for i, f := range formNames {
				if f == arg {
					form, found = Form(i), true
				}
			}
			if !found {
				return nil, fail("unknown form " + arg)
			}
			continue
		case "rule":
			all = append(all, rule{name: arg, family: family, form: form, score: Threshold, prose: Threshold, places: Anywhere})
			continue
		}
		if len(all) == 0 {
			return nil, fail(key + " before any rule")
		}
		r := &all[len(all)-1]
		switch key {
		case "score":
			a, b, two := strings.Cut(arg, " ")
			x, err := strconv.ParseInt(a, 10, 8)
			if err != nil {
				return nil, fail("bad score")
			}
			r.score, r.prose = int8(x), int8(x)
			if two {
				if x, err = strconv.ParseInt(b, 10, 8); err != nil {
					return nil, fail("bad score")
				}
				r.prose = int8(x)
			}
		case "in":
			r.places = 0
			for _, p := range strings.Fields(arg) {
				q, ok := placeNames[p]
				if !ok {
					return nil, fail("unknown place " + p)
				}
				if q&Body != 0 {
					q |= FileName
				}
				r.places |= q
			}
		case "decoded":
			r.deep = true
		case "tame":
			r.tame = true
		case "line":
			r.line = true
		case "alone":
			r.alone = true
		case "random":
			r.random = true
		case "message":
			r.message = true
		case "regex":
			r.regexps = append(r.regexps, strings.NewReplacer(defined...).Replace(arg))
		case "match":
			r.match = append(r.match, arg)
		case "pass":
			r.pass = append(r.pass, arg)
		case "match-quoted", "pass-quoted":
			u, err := strconv.Unquote(arg)
			if err != nil {
				return nil, fail("bad quoted sample")
			}
			if key == "match-quoted" {
				r.match = append(r.match, u)
			} else {
				r.pass = append(r.pass, u)
			}
		default:
			return nil, fail("unknown key " + key)
		}
	}
	return all, sc.Err()
}

func allRules() ([]rule, error) {
	files, err := fs.Glob(ruleFiles, "rules/*.rules")
	if err != nil {
		return nil, err
	}
	var all []rule
	names := map[string]bool{}
	for _, f := range files {
		data, err := ruleFiles.ReadFile(f)
		if err != nil {
			return nil, err
		}
		rs, err := parseRules(f, data)
		if err != nil {
			return nil, err
		}
		for _, r := range rs {
			if names[r.name] {
				return nil, fmt.Errorf("%s: rule %s twice", f, r.name)
			}
			names[r.name] = true
			if len(r.regexps) == 0 {
				return nil, fmt.Errorf("%s: rule %s has no expression", f, r.name)
			}
		}
		all = append(all, rs...)
	}
	return all, nil
}
