package waf

import (
	"hash/maphash"
	"net/netip"
	"time"

	"fastness/internal/engine/waf/attack"
	"fastness/internal/engine/waf/inject"
	"fastness/internal/engine/waf/pattern"
	"fastness/internal/engine/waf/request"
)

// Scratch is the memory that the evaluation of one request needs. It is used for one request
// after another, with any program, by one goroutine at a time. The zero value is not ready: see
// NewScratch.
type Scratch struct {
	p          *Program
	limits     request.Limits
	epoch      uint32
	inspection request.Inspection
	matcher    *pattern.Scratch
	attack     *attack.Scratch
	sieve      *request.Sieve // of attack

	parts  []partState
	nodes  []nodeState
	vals   []request.Value
	values []value // the distinct ones of vals
	forms  []form
	refs   []int32 // indexes of forms: the values of the nodes
	table  []int32 // of Scratch.distinct
	seed   maphash.Seed
	got    []uint64
	arena  []byte // transformed values
	found  []found

	leaves []uint32 // epoch<<2 | truth
	repeat repeat

	signals     []signals // by observer
	observation Observation
	programs    []programState

	labels     pattern.Bits
	labelOrder []labelRef // in the order they were added
	key        []byte     // of a rate-based rule
	addresses  []netip.Addr

	tokens Tokens
	now    time.Time
	budget inject.Budget

	verdict Verdict
	inner   int // index of the match inside a group that ended the evaluation, or -1
	outer   int // of the match that ended it, or -1
	// insertBefore is the length of Verdict.Insert before the last rule that matched.
	insertBefore int
	trace        *tracer
}

// labelRef is an interned label, or one of a country statement.
type labelRef struct {
	id    int32 // -1: place
	place place
}

// What a scratch keeps for the next request.
const (
	arenaKept = 1 << 20
	formsKept = 1 << 16
)

// NewScratch returns a scratch for requests inspected within the limits.
func NewScratch(l request.Limits) *Scratch {
	m := pattern.NewScratch()
	return &Scratch{limits: l, seed: maphash.MakeSeed(), inspection: *request.NewInspection(l), matcher: m, attack: attack.NewScratch(m)}
}

// begin makes the scratch ready for a request.
func (s *Scratch) begin(p *Program, r *request.Request, tokens Tokens) {
	if s.p != p {
		// What another program left behind is of older epochs.
		s.p = p
		s.parts = grown(s.parts, len(p.parts))
		s.nodes = grown(s.nodes, len(p.nodes))
		s.leaves = grown(s.leaves, len(p.leaves))
		s.labels = grown(s.labels, p.lwords)
		s.signals = grown(s.signals, len(p.observers))
		s.programs = grown(s.programs, len(p.programs))
	}
	if s.epoch++; s.epoch >= 1<<30 {
		clear(s.parts[:cap(s.parts)])
		clear(s.nodes[:cap(s.nodes)])
		clear(s.leaves[:cap(s.leaves)])
		clear(s.programs[:cap(s.programs)])
		s.epoch = 1
	}
	if cap(s.arena) > arenaKept {
		s.arena = nil
	}
	if cap(s.forms) > formsKept {
		s.vals, s.values, s.forms, s.refs, s.table, s.got = nil, nil, nil, nil, nil, nil
	}
	clear(s.vals)
	clear(s.values)
	clear(s.forms)
	s.vals, s.values, s.forms, s.refs = s.vals[:0], s.values[:0], s.forms[:0], s.refs[:0]
	s.got, s.arena, s.found = s.got[:0], s.arena[:0], s.found[:0]
	s.inspection.Reset(r)
	s.labels.Reset()
	s.labelOrder = s.labelOrder[:0]
	s.tokens, s.now, s.budget = tokens, r.Time, p.budget
	s.matcher.Allow(p.steps)
	reserve := p.reserve
	if len(r.Held) > longBody {
		reserve = p.longReserve
	}
	s.matcher.Borrow(reserve, pattern.DefaultLoan)
	held := bodySteps
	if s.inspection.Format() == request.FormatJSON { // what it takes to go over it is told there
		held = documentSteps
	}
	s.matcher.Spend(bodySteps*len(r.Body) + held*max(0, len(r.Held)-len(r.Body)))
	if p.attacks != nil {
		s.sift()
	}
	s.inner, s.outer = -1, -1
	v := &s.verdict
	clear(v.Answered)
	*v = Verdict{Matches: v.Matches[:0], Insert: v.Insert[:0], Rates: v.Rates[:0], Answered: v.Answered[:0], program: p, scratch: s}
}

func (s *Scratch) hash(b []byte) uint64 { return maphash.Bytes(s.seed, b) }

// grown returns list with the length n, its elements kept.
func grown[T any](list []T, n int) []T {
	if cap(list) < n {
		return append(list[:cap(list)], make([]T, n-cap(list))...)[:n]
	}
	return list[:n]
}

// renew forgets everything, after a panic: nothing that the scratch holds is to be trusted.
func (s *Scratch) renew() { *s = *NewScratch(s.limits) }

// addLabel adds an interned label.
func (s *Scratch) addLabel(id int32) {
	if s.labels.Has(int(id)) || len(s.labelOrder) >= maxLabels {
		return
	}
	s.labels.Set(int(id))
	s.labelOrder = append(s.labelOrder, labelRef{id: id})
}

// exhaust notes that not all of the request is inspected.
func (s *Scratch) exhaust() {
	s.verdict.Exhausted = true
	s.addLabel(s.p.boundLabel)
}

// addPlace adds the label of a country statement.
func (s *Scratch) addPlace(p place) {
	for i := range s.labelOrder {
		if s.labelOrder[i].id < 0 && s.labelOrder[i].place == p {
			return
		}
	}
	if len(s.labelOrder) < maxLabels {
		s.labelOrder = append(s.labelOrder, labelRef{id: -1, place: p})
	}
}

// hasLabel tells whether a label that the key means was added.
func (s *Scratch) hasLabel(l *leaf) bool {
	if s.labels.Intersects(l.mask) {
		return true
	}
	if l.places {
		for i := range s.labelOrder {
			if s.labelOrder[i].id < 0 && l.key.matchesPlace(s.labelOrder[i].place) {
				return true
			}
		}
	}
	return false
}

// AppendLabels appends the labels that the request has, in the order they were added.
func (v *Verdict) AppendLabels(dst []string) []string {
	s := v.scratch
	if s == nil {
		return dst
	}
	for i := range s.labelOrder {
		if l := &s.labelOrder[i]; l.id >= 0 {
			dst = append(dst, s.p.labels[l.id])
		} else {
			dst = append(dst, string(l.place.append(nil)))
		}
	}
	return dst
}

// Steps returns how many steps all evaluations took so far (see pattern.Scratch.Steps): a measure of work that
// does not depend on the machine.
func (s *Scratch) Steps() uint64 { return s.matcher.Steps() }
