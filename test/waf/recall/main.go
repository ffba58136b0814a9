package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/request"
	"fastness/test/waf/corpus"
	"fastness/test/waf/verdict"
	"fastness/test/waf/webacl"
)

func main() {
	var o options
	flag.StringVar(&o.corpus, "corpus", os.Getenv("FASTNESS_WAF_CORPUS"), "directory of the checkouts (FASTNESS_WAF_CORPUS)")
	flag.StringVar(&o.half, "half", "test", "tuning or test")
	flag.StringVar(&o.coding, "coding", "", "one coding of payloads; all by default")
	flag.StringVar(&o.show, "show", "", "print what went wrong in classes or sources whose names contain this")
	flag.StringVar(&o.source, "source", "", "only sources whose names contain this")
	flag.StringVar(&o.groups, "groups", "", "names of the managed groups with a comma between them; all by default")
	flag.IntVar(&o.matrix, "matrix", 0, "send this many attacks of each class at each place in each coding, and print a table of that")
	flag.IntVar(&o.most, "most", 1500, "samples of a class of a source, chosen at random with a fixed seed")
	flag.StringVar(&o.verdicts, "verdicts", "", "files that test/waf/judge has written, with a comma between them: tells what of the attacks a judge confirms, too")
	flag.StringVar(&o.values, "values", "", "send the values of this file instead, and print those that pass")
	flag.StringVar(&o.place, "place", string(corpus.InQuery), "the place at which they stand; \"target\" takes each for a whole target, \"body TYPE\" for a whole body of that media type")
	flag.Parse()
	if err := run(o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "recall:", err)
		os.Exit(1)
	}
}

type options struct {
	corpus, half, coding, show, source, groups string
	values, place, verdicts                    string
	most, matrix                               int
}

func run(o options, out io.Writer) error {
	if o.values != "" {
		program, err := webacl.OfGroups(o.groups)
		if err != nil {
			return err
		}
		return sendValues(program, o, out)
	}
	half := corpus.Test
	if o.half == "tuning" {
		half = corpus.Tuning
	} else if o.show != "" {
		return errors.New("the samples of the test half are not to be looked at")
	}
	all, err := corpus.Load(o.corpus, half)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(s corpus.Sample) bool { return !strings.Contains(s.Source, o.source) })
	all = corpus.Choose(all, o.most)
	verdicts, err := verdict.ReadFiles(o.verdicts)
	if err != nil {
		return err
	}
	program, err := webacl.OfGroups(o.groups)
	if err != nil {
		return err
	}
	codings := corpus.Codings
	if o.coding != "" {
		codings = []corpus.Coding{corpus.Coding(o.coding)}
	}
	scratch := waf.NewScratch(request.DefaultLimits())
	if o.matrix > 0 {
		return everywhere(program, all, o, out)
	}
	shown, err := newShower(out)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s half, %d samples, managed groups with their default actions\n\n", o.half, len(all))
	t := table{rows: map[string]*row{}, verdicts: verdicts}
	for _, c := range codings {
		for i := range all {
			s := &all[i]
			if (s.Class.Benign() || s.Fields != nil) && c != codings[0] {
				continue
			}
			r, place := s.Request(c)
			v, err := program.Evaluate(r, nil, scratch)
			if err != nil {
				return err
			}
			blocked := v.Action == waf.Block
			labels := ""
			if blocked {
				labels = strings.Join(v.AppendLabels(nil), " ")
			}
			if blocked && s.Class.Benign() && s.Class.Counted() {
				for l := range strings.FieldsSeq(labels) {
					_, name, _ := strings.Cut(l, "managed:aws:")
					t.count("5 ordinary traffic blocked by " + name)
				}
			}
			t.add(s, c, place, blocked, strings.Contains(labels, ":SizeRestrictions_"))
			if o.show != "" && blocked == s.Class.Benign() && strings.Contains(string(s.Class)+" "+s.Source, o.show) {
				if !blocked {
					fmt.Fprintf(out, "%s\t%s\t%.200q\t%s\n", s.Class, place, s.Value, labels)
				} else if err := shown.show(program, s, r, scratch); err != nil {
					return err
				}
			}
		}
	}
	t.print(out)
	return nil
}

// row counts requests and those that were blocked; bySize are those that only a restriction of
// size blocked.
type row struct{ n, blocked, bySize int }

type table struct {
	rows     map[string]*row
	verdicts verdict.Set
}

func (t *table) add(s *corpus.Sample, c corpus.Coding, place string, blocked, bySize bool) {
	keys := []string{"1 " + string(s.Class), "2 " + s.Source + ": " + string(s.Class)}
	switch {
	case !s.Class.Counted():
	case s.Class.Benign():
		keys = append(keys, "0 ordinary traffic")
	default:
		keys = append(keys, "0 attacks", "3 attacks "+string(c), "4 attacks in: "+place)
		keys = append(keys, t.judged(s)...)
	}
	for _, k := range keys {
		r := t.rows[k]
		if r == nil {
			r = new(row)
			t.rows[k] = r
		}
		r.n++
		if blocked {
			r.blocked++
			if bySize {
				r.bySize++
			}
		}
	}
}

// count adds a request that was blocked to a row.
func (t *table) count(key string) {
	r := t.rows[key]
	if r == nil {
		r = new(row)
		t.rows[key] = r
	}
	r.n++
	r.blocked++
}

func (t *table) print(out io.Writer) {
	var keys []string
	for k := range t.rows {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	fmt.Fprintln(out, "| | requests | blocked | by size alone |\n|---|---|---|---|")
	for _, k := range keys {
		r := t.rows[k]
		fmt.Fprintf(out, "| %s | %d | %.2f %% | %d |\n", k[2:], r.n, 100*float64(r.blocked)/float64(r.n), r.bySize)
	}
}
