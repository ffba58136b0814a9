package seclang

import (
	"math"

	"fastness/internal/engine/waf/pattern"
	"fastness/internal/engine/waf/request"
)

// Learn evaluates requests without a bound, so that the program's automata have the states that the like of them need: those are made while they are
// needed, which costs a young program several times as much as a value costs later. Nothing else is kept of the requests.
func (p *Program) Learn(requests []*request.Request) {
	q := *p
	q.steps, q.budget, q.memo, q.reserve = math.MaxUint64/2, math.MaxInt64/2, nil, pattern.NewReserve(0)
	s := NewScratch(request.DefaultLimits())
	s.matcher.Learn()
	for _, r := range requests {
		q.Evaluate(r, s)
	}
}
