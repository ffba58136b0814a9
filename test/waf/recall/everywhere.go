package main

import (
	"fmt"
	"io"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/request"
	"fastness/test/waf/corpus"
)

// everywhere sends values at each place in each coding and prints how many of a hundred were blocked: of
// attacks, and of what is ordinary.
func everywhere(program *waf.Program, all []corpus.Sample, o options, out io.Writer) error {
	for _, benign := range []bool{false, true} {
		if err := matrix(program, all, benign, o, out); err != nil {
			return err
		}
	}
	return nil
}

func matrix(program *waf.Program, all []corpus.Sample, benign bool, o options, out io.Writer) error {
	scratch := waf.NewScratch(request.DefaultLimits())
	taken := map[string]int{}
	type cell struct{ n, blocked int }
	cells := map[corpus.Place]map[corpus.Coding]*cell{}
	for _, p := range corpus.Places {
		cells[p] = map[corpus.Coding]*cell{}
		for _, c := range corpus.Codings {
			cells[p][c] = new(cell)
		}
	}
	for i := range all {
		s := &all[i]
		kind := string(s.Class)
		if benign {
			kind = s.Source
		}
		if s.Class.Benign() != benign || !s.Class.Counted() || s.Target || len(s.Value) > 600 || taken[kind] == o.matrix {
			continue
		}
		taken[kind]++
		for _, p := range corpus.Places {
			for _, c := range corpus.Codings {
				if !corpus.Fits(p, c, s.Value) {
					continue
				}
				v, err := program.Evaluate(s.At(p, c), nil, scratch)
				if err != nil {
					return err
				}
				x := cells[p][c]
				x.n++
				if v.Action == waf.Block {
					x.blocked++
				}
				if o.show != "" && (o.show == string(p) || o.show == string(c)) && (v.Action == waf.Block) == benign {
					fmt.Fprintf(out, "%s\t%s\t%s\t%.200q\n", s.Class, p, c, s.Value)
				}
			}
		}
	}
	what := "attacks"
	if benign {
		what = "ordinary values"
	}
	fmt.Fprintf(out, "\n| %s in |", what)
	for _, c := range corpus.Codings {
		fmt.Fprintf(out, " %s |", c)
	}
	fmt.Fprint(out, "\n|---|---|---|---|---|---|\n")
	for _, p := range corpus.Places {
		fmt.Fprintf(out, "| %s |", p)
		for _, c := range corpus.Codings {
			x := cells[p][c]
			fmt.Fprintf(out, " %.1f |", 100*float64(x.blocked)/float64(max(x.n, 1)))
		}
		fmt.Fprintln(out)
	}
	return nil
}
