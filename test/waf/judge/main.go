package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/request"
	"fastness/test/waf/corpus"
	"fastness/test/waf/interpreter"
	"fastness/test/waf/verdict"
	"fastness/test/waf/webacl"
)

type options struct {
	corpus, half, class, source, show, groups, values, write, known string
	most, tabs                                                      int
	kinds                                                           bool
}

func main() {
	interpreter.Main()
	var o options
	flag.StringVar(&o.corpus, "corpus", os.Getenv("FASTNESS_WAF_CORPUS"), "directory of the checkouts (FASTNESS_WAF_CORPUS)")
	flag.StringVar(&o.half, "half", "test", "tuning or test")
	flag.StringVar(&o.class, "class", "xss", "which judges: xss (Chromium), sql (databases), or interpreters: "+strings.Join(namesOf(), ", ")+" (of whole requests, all interpreters)")
	flag.StringVar(&o.source, "source", "", "only sources whose names contain this")
	flag.StringVar(&o.groups, "groups", "", "names of the managed groups with a comma between them; all by default")
	flag.StringVar(&o.show, "show", "", "print what passes of this verdict (or \"all\"), or what is blocked, after an exclamation mark")
	flag.BoolVar(&o.kinds, "kinds", false, "also print how many pass by the place and kind of what the judge saw")
	flag.StringVar(&o.values, "values", "", "judge the values of this file instead, a line each, as they are or as strings of Go")
	flag.StringVar(&o.write, "verdicts", "", "write the verdicts to this file, for recall -verdicts")
	flag.StringVar(&o.known, "known", "", "files of verdicts, with a comma between them: what is in them is not judged again")
	flag.IntVar(&o.most, "most", 1500, "samples of a class of a source, chosen at random with a fixed seed")
	flag.IntVar(&o.tabs, "tabs", 2, "how many pages of the browser, each a process, judge at a time")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "judge:", err)
		os.Exit(1)
	}
}

// errUnseen is the answer to who wants to look at the test half.
var errUnseen = errors.New("the samples of the test half are not to be looked at")

// judged is a value and what its judge says of it.
type judged struct {
	verdict   verdict.Verdict
	kind, why string
}

func run(ctx context.Context, o options, out io.Writer) error {
	samples, err := load(o)
	if err != nil {
		return err
	}
	known, err := verdict.ReadFiles(o.known)
	if err != nil {
		return err
	}
	var unknown []corpus.Sample
	for i := range samples {
		if known[of(&samples[i])] == "" {
			unknown = append(unknown, samples[i])
		}
	}
	began := time.Now()
	var found []judged
	switch o.class {
	case "xss":
		found, err = browse(ctx, unknown, o)
	case "sql":
		found, err = ask(ctx, unknown)
	default:
		found, err = interpret(ctx, unknown, o.class)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d values of class %s, %d of them judged in %v\n\n", len(samples), o.class, len(unknown), time.Since(began).Round(time.Second))
	which := map[verdict.Hash]judged{}
	for i := range unknown {
		h := of(&unknown[i])
		known[h], which[h] = found[i].verdict, found[i]
	}
	var all []judged
	set := verdict.Set{}
	for i := range samples {
		h := of(&samples[i])
		all = append(all, judged{known[h], which[h].kind, which[h].why})
		set[h] = known[h]
	}
	if o.write != "" {
		f, err := os.Create(o.write)
		if err != nil {
			return err
		}
		if err := errors.Join(set.Write(f), f.Close()); err != nil {
			return err
		}
	}
	return compare(samples, all, o, out)
}

// of names a sample.
func of(s *corpus.Sample) verdict.Hash { return verdict.Of(string(s.Class), s.Whole()) }

// load gives the samples to judge.
func load(o options) ([]corpus.Sample, error) {
	of, err := classesOf(o.class)
	if err != nil {
		return nil, err
	}
	if o.values != "" {
		return read(o.values, of[0])
	}
	half := corpus.Test
	switch {
	case o.half == "tuning":
		half = corpus.Tuning
	case o.show != "":
		return nil, errUnseen
	}
	all, err := corpus.Load(o.corpus, half)
	if err != nil {
		return nil, err
	}
	var samples []corpus.Sample
	for _, s := range corpus.Choose(all, o.most) {
		if slices.Contains(of, s.Class) && strings.Contains(s.Source, o.source) {
			samples = append(samples, s)
		}
	}
	return samples, nil
}

// compare asks the groups about each value and prints how many of each verdict are blocked.
func compare(samples []corpus.Sample, all []judged, o options, out io.Writer) error {
	program, err := webacl.OfGroups(o.groups)
	if err != nil {
		return err
	}
	scratch := waf.NewScratch(request.DefaultLimits())
	type row struct{ n, blocked int }
	rows := map[verdict.Verdict]*row{}
	kinds := map[string]int{}
	for i := range samples {
		r, place := samples[i].Request(corpus.AsIs)
		v, err := program.Evaluate(r, nil, scratch)
		if err != nil {
			return err
		}
		j := all[i]
		if rows[j.verdict] == nil {
			rows[j.verdict] = new(row)
		}
		x := rows[j.verdict]
		x.n++
		blocked := v.Action == waf.Block
		if blocked {
			x.blocked++
		}
		if o.kinds && !blocked {
			kinds[fmt.Sprintf("%s: %s, in a %s", j.verdict, j.kind, place)]++
		}
		if wanted, of := strings.CutPrefix(o.show, "!"); o.show != "" && of == blocked && (wanted == "all" || wanted == string(j.verdict)) {
			fmt.Fprintf(out, "%s\t%q\t%s\t%s\n", j.verdict, samples[i].Value, j.why, place)
		}
	}
	var confirmed row
	fmt.Fprint(out, "| verdict | values | blocked | blocked |\n|---|---|---|---|\n")
	write := func(name string, r row) {
		fmt.Fprintf(out, "| %s | %d | %d | %.2f %% |\n", name, r.n, r.blocked, 100*float64(r.blocked)/float64(max(r.n, 1)))
	}
	for _, v := range verdict.All {
		if r := rows[v]; r != nil {
			write(string(v), *r)
			if v.Confirmed() {
				confirmed.n += r.n
				confirmed.blocked += r.blocked
			}
		}
	}
	write("all that a judge confirms", confirmed)
	if r := rows[verdict.Possible]; r != nil {
		write("all that a judge confirms or finds possible", row{confirmed.n + r.n, confirmed.blocked + r.blocked})
	}
	for _, k := range slices.Sorted(maps.Keys(kinds)) {
		fmt.Fprintf(out, "| passes: %s | %d | | |\n", k, kinds[k])
	}
	return nil
}
