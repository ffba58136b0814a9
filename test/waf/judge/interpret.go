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

// wholeName is the name of these classes for -class, and ordinaryName that of ordinary requests, which are judged in the same way: what judges confirm of these
// tells how much their word is worth on a request of many parts.
const wholeName, ordinaryName = "whole", "ordinary"

// namesOf are the names that -class takes.
func namesOf() (names []string) {
	for _, c := range classes {
		names = append(names, c.name)
	}
	return append(names, wholeName, ordinaryName)
}

// classesOf are the classes of a name.
func classesOf(name string) ([]corpus.Class, error) {
	switch name {
	case wholeName:
		return whole, nil
	case ordinaryName:
		return []corpus.Class{corpus.OrdinaryRq}, nil
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
	var names []string
	defer func() {
		for _, j := range judges {
			err = errors.Join(err, j.Close())
		}
	}()
	for _, c := range classes {
		if c.judge == nil || name != wholeName && name != ordinaryName && name != c.name {
			continue
		}
		j, err := c.judge()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		judges, names = append(judges, j), append(names, c.name)
	}
	all = make([]judged, 0, len(samples))
	ofMany := name == wholeName || name == ordinaryName
	last := time.Now()
	for i := range samples {
		best := judged{verdict: verdict.Neither}
	parts:
		for _, p := range parts(&samples[i]) {
			if ofMany && (p == "" || len(p) > longestPart) {
				continue
			}
			for k, j := range judges {
				if ofMany && p == samples[i].Value && !slices.Contains(ofTargets, names[k]) {
					continue
				}
				found, err := j.Judge(ctx, p)
				if err != nil {
					return nil, fmt.Errorf("a value of %s: %w", samples[i].Source, err)
				}
				if strength(found.Verdict) > strength(best.verdict) {
					best = judged{found.Verdict, names[k] + ", " + found.Kind, found.How}
				}
				if ofMany && best.verdict.Confirmed() {
					break parts
				}
			}
		}
		if ofMany && best.verdict == verdict.Possible {
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

// ofTargets are the judges that whole targets go to; the others get the arguments of it. A target is no line of a shell, and begins as a path does.
var ofTargets = []string{"splitting", "traversal"}

// longestPart is the longest part of a whole request that is judged, in bytes: files are not.
const longestPart = 4096

// strength orders verdicts of interpreters.
func strength(v verdict.Verdict) int { return -slices.Index(verdict.All, v) }
