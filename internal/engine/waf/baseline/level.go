package baseline

import "math"

// Level learns the number of requests in a span. The zero value has learned nothing. It belongs to one
// goroutine at a time.
type Level struct {
	mean, deviation float64
	spans           int
}

// Learn learns a span with n requests. memory is how many spans the level is made of, roughly: a span
// counts for one part in memory, more while fewer have been learned.
func (l *Level) Learn(n int64, memory int) {
	l.spans++
	a := 1 / float64(min(l.spans, memory))
	off := math.Abs(float64(n) - l.mean)
	if l.spans == 1 {
		off = 0
	}
	l.mean += a * (float64(n) - l.mean)
	l.deviation += a * (off - l.deviation)
}

// Spans is how many spans have been learned.
func (l *Level) Spans() int { return l.spans }

// Mean is the usual number of requests.
func (l *Level) Mean() float64 { return l.mean }

// Above is a number that spans do not reach by chance: times as much as usual, and that many deviations
// above it.
func (l *Level) Above(times, deviations float64) float64 {
	return max(l.mean*times, l.mean+deviations*l.deviation)
}
