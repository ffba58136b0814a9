package attack

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/corazawaf/libinjection-go"
)

// Detector looks for attacks in values. It is immutable and safe for concurrent use.
type Detector struct {
	rules []rule
	sets  [forms]formSet
}

// formSet is the rules of one form.
type formSet struct {
	patterns []*regexp.Regexp
	rule     []int // of each pattern
}

// Scratch is memory that inspections use again. It must not be used by two at the same time.
type Scratch struct {
	arena    []byte
	variants []variant
	form     []byte
	fired    []int
}

// Hit is one rule that fired.
type Hit struct {
	Rule   string
	Family Family
	Score  int
	// Variant is what it fired in, which shares the scratch memory.
	Variant []byte
}

// New compiles the built-in rules.
func New() (*Detector, error) {
	rules, err := allRules()
	if err != nil {
		return nil, err
	}
	d := &Detector{rules: rules}
	for i, r := range rules {
		for _, x := range r.regexps {
			c, err := regexp.Compile("(?s)" + x)
			if err != nil {
				return nil, fmt.Errorf("rule %s: %w", r.name, err)
			}
			s := &d.sets[r.form]
			s.patterns = append(s.patterns, c)
			s.rule = append(s.rule, i)
		}
	}
	return d, nil
}

// Inspect gives the families of attacks that value, found at place, is one of. explain, if not
// nil, is called with each rule that fired.
func (d *Detector) Inspect(value []byte, place Place, s *Scratch, explain func(Hit)) Set {
	if len(value) < 2 {
		return 0
	}
	s.expand(value)
	var found Set
	var total [Families]int
	for i := range s.variants {
		v := &s.variants[i]
		clear(total[:])
		prose := isProse(v.b)
		s.fired = s.fired[:0]
		for f := range forms {
			set := &d.sets[f]
			s.form = appendForm(s.form[:0], f, v.b)
			for j, p := range set.patterns {
				ri := set.rule[j]
				r := &d.rules[ri]
				if r.places&place == 0 || r.deep && v.depth == 0 || contains(s.fired, ri) || !p.Match(s.form) {
					continue
				}
				s.fired = append(s.fired, ri)
				score := int(r.score)
				if prose {
					score = int(r.prose)
				}
				total[r.family] += score
				if explain != nil && score > 0 {
					explain(Hit{r.name, r.family, score, v.b})
				}
			}
		}
		if hit, fp := libinjection.IsSQLi(string(v.b)); hit {
			score := 3
			if prose {
				score = 1
			}
			total[SQL] += score
			if explain != nil {
				explain(Hit{"libinjection " + fp, SQL, score, v.b})
			}
		}
		if libinjection.IsXSS(string(v.b)) {
			total[Script] += 3
			if explain != nil {
				explain(Hit{"libinjection", Script, 3, v.b})
			}
		}
		for f, t := range total {
			if t >= Threshold {
				found |= 1 << f
			}
		}
	}
	return found
}

func contains(s []int, x int) bool {
	for _, y := range s {
		if x == y {
			return true
		}
	}
	return false
}

var _ = strings.ToLower
