package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"fastness/test/waf/browser"
	"fastness/test/waf/corpus"
	"fastness/test/waf/verdict"
)

// verdicts are the browser's, by their names.
var verdicts = map[browser.Verdict]verdict.Verdict{
	browser.Runs: verdict.Runs, browser.Leads: verdict.Leads, browser.Older: verdict.Older, browser.Neither: verdict.Neither,
}

// browse has Chromium judge samples.
func browse(ctx context.Context, samples []corpus.Sample, o options) (all []judged, err error) {
	if len(samples) == 0 {
		return nil, nil
	}
	c, err := browser.Start(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	var values []string
	var of []int
	for i := range samples {
		for _, v := range parts(&samples[i]) {
			values, of = append(values, v), append(of, i)
		}
	}
	last := time.Now()
	found, err := c.Judge(ctx, values, browser.Options{Tabs: o.tabs, Progress: func(left, shown int) {
		if time.Since(last) > 10*time.Second {
			last = time.Now()
			fmt.Fprintf(os.Stderr, "%d pages shown, %d left at most\n", shown, left)
		}
	}})
	if err != nil {
		return nil, err
	}
	all = make([]judged, len(samples))
	best := make([]browser.Verdict, len(samples))
	for k, j := range found {
		i := of[k]
		if all[i].verdict == "" || j.Verdict > best[i] {
			best[i] = j.Verdict
			all[i] = judged{verdicts[j.Verdict], j.Place, fmt.Sprintf("%s: %.200q: %.200s", j.Place, j.Reading, j.How)}
		}
	}
	return all, nil
}
