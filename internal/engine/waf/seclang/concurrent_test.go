package seclang

import (
	"sync"
	"testing"

	"fastness/internal/engine/waf/request"
)

// TestAProgramIsSharedByGoroutines has goroutines evaluate the same requests, and others, with one program whose memo is
// small: each has to come to what one alone comes to.
func TestAProgramIsSharedByGoroutines(t *testing.T) {
	sources, options := loadCRS(t, Config{Paranoia: 2, Detect: true})
	options.MemoBytes = 64 << 10
	p, err := Compile(sources, options)
	if err != nil {
		t.Fatal(err)
	}
	var list []*request.Request
	var want []string
	alone := NewScratch(request.DefaultLimits())
	for i := range 40 {
		for _, r := range []*request.Request{browserGet(i), checkout(i), get("/?q=1'+or+" + string(rune('a'+i%26)) + "=1--"), get("/?q=<script>" + string(rune('a'+i%26)) + "</script>")} {
			list = append(list, r)
			want = append(want, summary(p.Evaluate(r, alone)))
		}
	}
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			s := NewScratch(request.DefaultLimits())
			for round := range 3 {
				for i := range list {
					i = (i*7 + g*13 + round) % len(list)
					if got := summary(p.Evaluate(list[i], s)); got != want[i] {
						t.Errorf("%q, alone %q", got, want[i])
						return
					}
				}
			}
		})
	}
	all.Wait()
}
