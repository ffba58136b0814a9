package browser

import (
	"context"
	"errors"
	"sync"
	"time"
)

var errHung = errors.New("browser: pages are not done")

// Verdict is what a value is.
type Verdict int

// The verdicts, from the least.
const (
	// Neither: no page did anything, and nothing in it was markup that scripts.
	Neither Verdict = iota
	// Older: it has a handler, an address of scripts, an element of scripts or a style that scripts, for another browser or in a place that
	// there is none of here (older.go).
	Older
	// Leads: it makes a page load something, or lead, elsewhere.
	Leads
	// Runs: a script of it ran.
	Runs
)

func (v Verdict) String() string {
	return [...]string{"neither", "older markup", "leads", "runs"}[v]
}

// Judgement is what was found out about a value, and where.
type Judgement struct {
	Verdict Verdict
	// Place is the name of the place, Reading what was written there, How what was seen.
	Place, Reading, How string
}

// Options are how a browser judges.
type Options struct {
	// Tabs is how many there are at a time: each is a process. 2 if it is 0.
	Tabs int
	// Places are where values are written; all if empty.
	Places []Place
	// Progress, if not nil, is told how many pages there are left and how many were shown.
	Progress func(left, shown int)
}

// Bounds on how pages are shown: so many at a time, for so long without anything heard of them, and so many of a value, after the
// first one, before it is looked whether it needs more.
const (
	together = 48
	silent   = 15 * time.Second
	ahead    = 5
)

// Judge has the browser show pages with each value until a script of it has run, or all pages have been shown. The judgements
// are in the order of values.
func (c *Chromium) Judge(ctx context.Context, values []string, o Options) ([]Judgement, error) {
	if o.Tabs == 0 {
		o.Tabs = 2
	}
	if o.Places == nil {
		o.Places = Places
	}
	judged := make([]Judgement, len(values))
	waiting := make([][]trial, len(values))
	left, shown := 0, 0
	for i, v := range values {
		readings := Readings(v)
		if how := older(readings); how != "" {
			judged[i] = Judgement{Verdict: Older, How: how, Reading: v}
		}
		for j := range o.Places {
			for _, r := range readings {
				if p := &o.Places[j]; p.Fits(r) {
					waiting[i] = append(waiting[i], trial{place: p, value: r})
				}
			}
		}
		left += len(waiting[i])
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	for most := 1; left > 0; most = ahead {
		var batches [][]int // of values, one for each trial
		var trials [][]trial
		for i := range waiting {
			for n := 0; n < most && len(waiting[i]) > 0; n++ {
				if k := len(trials); k == 0 || len(trials[k-1]) == together {
					trials, batches = append(trials, nil), append(batches, nil)
				}
				k := len(trials) - 1
				trials[k], batches[k] = append(trials[k], waiting[i][0]), append(batches[k], i)
				waiting[i] = waiting[i][1:]
				left--
			}
		}
		var mu sync.Mutex // of judged
		var wg sync.WaitGroup
		next := make(chan int)
		for range min(o.Tabs, len(trials)) {
			wg.Go(func() {
				w := worker{c: c}
				defer w.close()
				for k := range next {
					err := w.show(ctx, trials[k], func(n int, s []sign) {
						mu.Lock()
						defer mu.Unlock()
						judged[batches[k][n]].take(trials[k][n], s)
					})
					if err != nil {
						cancel(err)
						return
					}
					mu.Lock()
					shown += len(trials[k])
					if o.Progress != nil {
						o.Progress(left, shown)
					}
					mu.Unlock()
				}
			})
		}
	give:
		for k := range trials {
			select {
			case next <- k:
			case <-ctx.Done():
				break give
			}
		}
		close(next)
		wg.Wait()
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		for i := range waiting {
			if judged[i].Verdict == Runs {
				left -= len(waiting[i])
				waiting[i] = nil
			}
		}
	}
	return judged, nil
}

// take takes the signs of a page.
func (j *Judgement) take(t trial, signs []sign) {
	for _, s := range signs {
		v := Leads
		if s.ran {
			v = Runs
		}
		if v > j.Verdict {
			*j = Judgement{Verdict: v, Place: t.place.Name, Reading: t.value, How: s.how}
		}
	}
}

// worker has a tab, and another one if that hangs.
type worker struct {
	c   *Chromium
	tab *tab
}

func (w *worker) close() {
	if w.tab != nil {
		w.tab.close()
		w.tab = nil
	}
}

// show shows pages and gives each one's signs. A page that no tab is ever done with has run something.
func (w *worker) show(ctx context.Context, trials []trial, each func(i int, s []sign)) (err error) {
	if len(trials) == 0 {
		return nil
	}
	if w.tab == nil {
		if w.tab, err = w.c.newTab(ctx); err != nil {
			return err
		}
	}
	signs, last, err := w.tab.show(ctx, trials)
	if err == nil {
		for i, s := range signs {
			each(i, s)
		}
		return nil
	}
	if !errors.Is(err, errHung) {
		return err
	}
	w.close()
	if len(trials) == 1 {
		each(0, append(signs[0], sign{ran: true, how: "the page is never done"}))
		return nil
	}
	// Without the one that it was about, or in halves if that was none of them: then it was a timer of one.
	parts := [][2]int{{0, last}, {last, last + 1}, {last + 1, len(trials)}}
	if last < 0 || last >= len(trials) {
		half := len(trials) / 2
		parts = [][2]int{{0, half}, {half, len(trials)}}
	}
	for _, p := range parts {
		if err := w.show(ctx, trials[p[0]:p[1]], func(i int, s []sign) { each(p[0]+i, s) }); err != nil {
			return err
		}
	}
	return nil
}
