package http2

import "time"

const (
	// budgetBurst and budgetRate bound frames that cost a client nothing: at once, and in a
	// second.
	budgetBurst = 1000
	budgetRate  = 100
)

// budget is a token bucket of what a client may annoy. Only the goroutine that reads uses it.
type budget struct {
	left float64
	last time.Time
}

// spend takes one and tells whether there was one.
func (b *budget) spend() bool {
	now := time.Now()
	if b.last.IsZero() {
		b.left = budgetBurst
	} else {
		b.left = min(budgetBurst, b.left+now.Sub(b.last).Seconds()*budgetRate)
	}
	b.last = now
	b.left--
	return b.left >= 0
}
