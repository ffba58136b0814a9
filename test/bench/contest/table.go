package contest

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"time"
)

// median of a property over the rounds.
func median[T cmp.Ordered](ms []measured, of func(measured) T) T {
	all := make([]T, len(ms))
	for i, m := range ms {
		all[i] = of(m)
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// Rate is the median of the rounds in requests per second.
func (r *Result) Rate() float64 {
	return median(r.rounds, func(m measured) float64 { return m.rate })
}

// CPU is the median of the rounds: processor time of the server for one request.
func (r *Result) CPU() time.Duration {
	return median(r.rounds, func(m measured) time.Duration { return m.cpu })
}

// P50 and P99 are the medians of the rounds' latencies.
func (r *Result) P50() time.Duration {
	return median(r.rounds, func(m measured) time.Duration { return m.p50 })
}

// P99 is like P50.
func (r *Result) P99() time.Duration {
	return median(r.rounds, func(m measured) time.Duration { return m.p99 })
}

// Against is the median over the rounds of the ratio of a round of r to the round of
// other beside it: of rates, and of processor times, other's to r's (both: more than 1
// is better than other). Rounds that lie beside each other met the same machine.
func (r *Result) Against(other *Result) (rate, cpu float64) {
	n := min(len(r.rounds), len(other.rounds))
	rates, cpus := make([]float64, n), make([]float64, n)
	for i := range n {
		rates[i] = r.rounds[i].rate / other.rounds[i].rate
		cpus[i] = float64(other.rounds[i].cpu) / float64(max(r.rounds[i].cpu, 1))
	}
	slices.Sort(rates)
	slices.Sort(cpus)
	return rates[n/2], cpus[n/2]
}

// Print prints the medians, and for each result the ratios to the same operation on each
// of the servers named, which lie in the same rounds: of rates, and of processor time (all:
// higher is better).
func Print(w io.Writer, results []Result, floors ...string) {
	fmt.Fprint(w, "| operation | connections | server | requests/s | CPU µs/request | p50 | p99 |")
	for _, f := range floors {
		fmt.Fprintf(w, " rate : %s | CPU %s : server |", f, f)
	}
	fmt.Fprint(w, "\n|---|---|---|---|---|---|---|")
	for range floors {
		fmt.Fprint(w, "---|---|")
	}
	fmt.Fprintln(w)
	for i := range results {
		r := &results[i]
		fmt.Fprintf(w, "| %s | %d | %s | %.0f | %.1f | %v | %v |", r.Operation, r.Conns, r.Server, r.Rate(), micros(r.CPU()),
			r.P50().Round(10*time.Microsecond), r.P99().Round(10*time.Microsecond))
		for _, name := range floors {
			f := slices.IndexFunc(results, func(f Result) bool { return f.Server == name && f.Operation == r.Operation && f.Conns == r.Conns })
			if f < 0 || f == i { // nothing to compare with, or itself
				fmt.Fprint(w, " - | - |")
				continue
			}
			rate, cpu := r.Against(&results[f])
			fmt.Fprintf(w, " %.2f | %.2f |", rate, cpu)
		}
		fmt.Fprintln(w)
	}
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }
