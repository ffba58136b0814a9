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

// printTable prints the medians, and for each the ratio to the echo server in the
// same rounds: of rates, and of processor time (both: higher is better).
func printTable(w io.Writer, results []result) {
	fmt.Fprintln(w, "| operation | connections | server | requests/s | CPU µs/request | p50 | p99 | rate : echo | CPU echo : server |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|---|")
	var floor *result
	for i := range results {
		r := &results[i]
		if r.server == echoName {
			floor = r
		}
		rate, cpu := "-", "-"
		if floor != nil && floor.op == r.op && floor.conns == r.conns && r != floor {
			rate = fmt.Sprintf("%.2f", r.rate()/floor.rate())
			cpu = fmt.Sprintf("%.2f", float64(floor.cpu())/float64(max(r.cpu(), 1)))
		}
		fmt.Fprintf(w, "| %s | %d | %s | %.0f | %.1f | %v | %v | %s | %s |\n", r.op, r.conns, r.server, r.rate(), float64(r.cpu().Nanoseconds())/1000,
			median(r.measured, func(m measured) time.Duration { return m.p50 }).Round(10*time.Microsecond),
			median(r.measured, func(m measured) time.Duration { return m.p99 }).Round(10*time.Microsecond), rate, cpu)
	}
}
