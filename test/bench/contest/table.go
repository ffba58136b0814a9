package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"time"
)

// result is one operation on one server with one number of connections.
type result struct {
	server, op string
	conns      int
	measured   []measured
}

// median of a property over the rounds.
func median[T cmp.Ordered](ms []measured, of func(measured) T) T {
	all := make([]T, len(ms))
	for i, m := range ms {
		all[i] = of(m)
	}
	slices.Sort(all)
	return all[len(all)/2]
}

func (r *result) rate() float64 {
	return median(r.measured, func(m measured) float64 { return m.rate })
}
func (r *result) cpu() time.Duration {
	return median(r.measured, func(m measured) time.Duration { return m.cpu })
}

// floors are the rows that the others of the same operation and number of connections
// are compared with.
type floors struct{ echo, bare *result }

// printTable prints the medians, and for each the ratios to the echo server and to the
// bare algorithm in the same rounds: of rates, and of processor time (all: higher is
// better).
func printTable(w io.Writer, results []result) {
	fmt.Fprintln(w, "| operation | connections | server | requests/s | CPU µs/request | p50 | p99 | rate : echo | CPU echo : server | rate : bare | CPU bare : server |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|---|---|---|")
	type row struct {
		op    string
		conns int
	}
	by := map[row]floors{}
	for i := range results {
		r := &results[i]
		f := by[row{r.op, r.conns}]
		switch r.server {
		case echoName:
			f.echo = r
		case bareName:
			f.bare = r
		}
		by[row{r.op, r.conns}] = f
	}
	for i := range results {
		r := &results[i]
		f := by[row{r.op, r.conns}]
		rateEcho, cpuEcho := r.ratios(f.echo)
		if r.server == echoName {
			f.bare = nil
		}
		rateBare, cpuBare := r.ratios(f.bare)
		fmt.Fprintf(w, "| %s | %d | %s | %.0f | %.1f | %v | %v | %s | %s | %s | %s |\n", r.op, r.conns, r.server, r.rate(), float64(r.cpu().Nanoseconds())/1000,
			median(r.measured, func(m measured) time.Duration { return m.p50 }).Round(10*time.Microsecond),
			median(r.measured, func(m measured) time.Duration { return m.p99 }).Round(10*time.Microsecond), rateEcho, cpuEcho, rateBare, cpuBare)
	}
}

// ratios compares with a floor; there is nothing to compare with itself or with none.
func (r *result) ratios(floor *result) (rate, cpu string) {
	if floor == nil || floor == r {
		return "-", "-"
	}
	return fmt.Sprintf("%.2f", r.rate()/floor.rate()), fmt.Sprintf("%.2f", float64(floor.cpu())/float64(max(r.cpu(), 1)))
}
