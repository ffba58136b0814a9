package main

import (
	"slices"
	"testing"

	"fastness/test/waf/corpus"
	"fastness/test/waf/verdict"
)

func TestVerdictsHaveRowsBesideTheLists(t *testing.T) {
	set := verdict.Set{}
	say := func(class corpus.Class, value string, v verdict.Verdict) corpus.Sample {
		s := corpus.Sample{Class: class, Value: value}
		if v != "" {
			set[verdict.Of(string(class), s.Whole())] = v
		}
		return s
	}
	for _, c := range []struct {
		sample  corpus.Sample
		in, out []string
	}{
		{say(corpus.SQL, "a", verdict.Shown), []string{rowConfirmed, rowPossible, rowJudged, "1 sql injection, confirmed"}, []string{rowNone, rowMaybe}},
		{say(corpus.Command, "b", verdict.Possible), []string{rowPossible, rowMaybe, "1 command injection, possible"}, []string{rowConfirmed, rowJudged}},
		{say(corpus.Command, "c", verdict.Neither), []string{rowNone, "1 command injection, neither"}, []string{rowConfirmed, rowPossible}},
		{say(corpus.Command, "d", ""), []string{rowConfirmed, rowPossible, "1 command injection, not judged"}, []string{rowJudged, rowNone}},
		{say(corpus.Holes, "e", verdict.Neither), []string{rowConfirmed, rowPossible, "1 requests for known holes, no part confirmed"}, []string{rowJudged, rowNone}},
		{say(corpus.Mixed, "f", verdict.Active), []string{rowConfirmed, rowJudged, "1 mixed attacks, confirmed: carried out"}, []string{rowNone}},
	} {
		rows := (&table{verdicts: set}).judged(&c.sample)
		for _, k := range c.in {
			if !slices.Contains(rows, k) {
				t.Errorf("%s: no %q in %q", c.sample.Value, k, rows)
			}
		}
		for _, k := range c.out {
			if slices.Contains(rows, k) {
				t.Errorf("%s: %q in %q", c.sample.Value, k, rows)
			}
		}
	}
	if rows := (&table{}).judged(&corpus.Sample{Class: corpus.SQL}); rows != nil {
		t.Errorf("without verdicts: %q", rows)
	}
}
