package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"fastness/test/waf/corpus"
	"fastness/test/waf/interpreter"
	"fastness/test/waf/verdict"
)

// class is what judges one or several classes of samples.
type class struct {
	name  string
	of    []corpus.Class
	judge func() (interpreter.Judge, error) // nil if it is no interpreter's
}

// classes are all that -class takes, besides "whole".
var classes = []class{
	{"xss", []corpus.Class{corpus.XSS}, nil},
	{"sql", []corpus.Class{corpus.SQL}, nil},
	{"splitting", []corpus.Class{corpus.Splitting}, interpreter.NewHeaders},
	{"commands", []corpus.Class{corpus.Command}, interpreter.NewCommands},
	{"forgery", []corpus.Class{corpus.Fetch}, interpreter.NewAddresses},
	{"traversal", []corpus.Class{corpus.Traversal}, interpreter.NewPaths},
	{"templates", []corpus.Class{corpus.Template}, interpreter.NewTemplates},
	{"code", []corpus.Class{corpus.Code}, interpreter.NewCode},
	{"nosql", []corpus.Class{corpus.NoSQL}, interpreter.NewDocuments},
	{"filters", []corpus.Class{corpus.LDAP}, interpreter.NewFilters},
	{"includes", []corpus.Class{corpus.Include}, interpreter.NewIncludes},
	{"entities", []corpus.Class{corpus.XML}, interpreter.NewEntities},
}

// whole are the classes of requests of all kinds: each part of one is judged by all interpreters.
var whole = []corpus.Class{corpus.Holes, corpus.Mixed, corpus.Probe}

// wholeName is the name of these classes for -class.
const wholeName = "whole"

// namesOf are the names that -class takes.
func namesOf() (names []string) {
	for _, c := range classes {
		names = append(names, c.name)
	}
	return append(names, wholeName)
}

// classesOf are the classes of a name.
func classesOf(name string) ([]corpus.Class, error) {
	if name == wholeName {
		return whole, nil
	}
	for _, c := range classes {
		if c.name == name {
			return c.of, nil
		}
	}
	return nil, fmt.Errorf("no judge of %q", name)
}

// interpret has the interpreters of a class judge samples: the strongest verdict on a part of one is that on it.
func interpret(ctx context.Context, samples []corpus.Sample, name string) (all []judged, err error) {
	if len(samples) == 0 {
		return nil, nil
	}
	if err := interpreter.Verify(ctx); err != nil {
		return nil, err
	}
	var judges []interpreter.Judge
	defer func() {
		for _, j := range judges {
			err = errors.Join(err, j.Close())
		}
	}()
	for _, c := range classes {
		if c.judge == nil || name != wholeName && name != c.name {
			continue
		}
		j, err := c.judge()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		judges = append(judges, j)
	}
	last := time.Now()
	for i := range samples {
		best := judged{verdict: verdict.Neither}
		for _, p := range parts(&samples[i]) {
			for _, j := range judges {
				found, err := j.Judge(ctx, p)
				if err != nil {
					return nil, fmt.Errorf("a value of %s: %w", samples[i].Source, err)
				}
				if strength(found.Verdict) > strength(best.verdict) {
					best = judged{found.Verdict, found.Kind, found.How}
				}
			}
		}
		if name == wholeName && best.verdict == verdict.Possible {
			// Of the many parts of a request one or the other may be a name: that confirms nothing.
			best = judged{verdict: verdict.Neither}
		}
		all = append(all, best)
		if time.Since(last) > 10*time.Second {
			last = time.Now()
			fmt.Fprintf(os.Stderr, "%d of %d values judged\n", i+1, len(samples))
		}
	}
	return all, nil
}

// strength orders verdicts of interpreters.
func strength(v verdict.Verdict) int { return -slices.Index(verdict.All, v) }
