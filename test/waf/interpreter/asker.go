package interpreter

import (
	"context"
	"fmt"

	"fastness/test/waf/percent"
	"fastness/test/waf/sandbox"
	"fastness/test/waf/verdict"
)

// said is what a program says of a value: a verdict's name, where, and what it saw.
type said struct{ Verdict, Kind, How string }

// asker is a judge whose programs give verdicts by themselves.
type asker struct {
	box      *sandbox.Box
	workers  []*sandbox.Worker
	readings func(string) []string
	// known are values that the programs have to confirm before anything is asked: a program that does not work would confirm nothing.
	known []string
	tried bool
}

func (a *asker) Close() error { return closeAll(a.box, a.workers...) }

func (a *asker) Judge(ctx context.Context, value string) (j Judgement, err error) {
	if !a.tried {
		a.tried = true
		for _, k := range a.known {
			if j, err := a.Judge(ctx, k); err != nil || !j.Verdict.Confirmed() {
				return j, fmt.Errorf("%q is not confirmed: %v", k, err)
			}
		}
	}
	j.take(verdict.Neither, "", "")
	for _, reading := range a.readings(value) {
		for _, w := range a.workers {
			var all []said
			if err := w.Ask(ctx, map[string][]byte{"Value": []byte(reading)}, &all); ended(err) {
				j.take(verdict.Possible, "the program ended", "%.200q: %v", reading, err)
				continue
			} else if err != nil {
				return j, err
			}
			for _, s := range all {
				v := verdict.Verdict(s.Verdict)
				if rank(v) < 0 {
					return j, fmt.Errorf("interpreter: there is no verdict %q", s.Verdict)
				}
				j.take(v, s.Kind, "%s: %.200q: %s", s.Kind, reading, s.How)
			}
			if rank(j.Verdict) >= rank(verdict.Active) {
				return j, nil
			}
		}
	}
	return j, nil
}

// formReadings are those of values of queries, forms and JSON.
func formReadings(v string) []string {
	return with(with(percent.Readings(v, percent.Decode), spaced), unquoted)
}

// newAsker makes a judge of scripts: the interpreters by the names of the scripts.
func newAsker(scripts map[string]string, shown map[string]string, known []string, lines ...[]string) (Judge, error) {
	spec := debian(scripts)
	for name, host := range shown {
		spec.Shown[name] = host
	}
	spec.Processes = 512
	spec.Environment = append(spec.Environment, "NODE_PATH=/usr/share/nodejs")
	box, err := sandbox.New(spec)
	if err != nil {
		return nil, err
	}
	a := &asker{box: box, readings: formReadings, known: known}
	for _, l := range lines {
		a.workers = append(a.workers, sandbox.NewWorker(box, patience, l[0], l[1:]...))
	}
	return a, nil
}
