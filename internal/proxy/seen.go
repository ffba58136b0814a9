package proxy

import (
	"sync"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/request"
	"fastness/internal/http1"
)

// seenBodies is memory for the beginnings of bodies that inspectors want to see.
var seenBodies = sync.Pool{New: func() any { return new([waf.MaxAnswerBody]byte) }}

// seen is an answer of a target that the inspector wants to see. Nothing of it is held back: what passes
// is looked at when it has passed.
type seen struct {
	answer func(*waf.Answer)
	body   bool
	a      waf.Answer
	memory *[waf.MaxAnswerBody]byte
	n      int
}

// see begins to look at the answer to the request, if the inspector wants to see it.
func (f *flow) see(status int, fields []http1.Field) *seen {
	if f.verdict.Answered == nil {
		return nil
	}
	s := &seen{answer: f.verdict.Answered, body: f.verdict.AnswerBody}
	f.verdict.Answered = nil
	s.a = waf.Answer{Time: f.p.clock.Now(), Status: status}
	for _, field := range fields {
		s.a.Fields = append(s.a.Fields, request.Field(field))
	}
	return s
}

// write looks at a part of the body.
func (s *seen) write(b []byte) {
	if s == nil || !s.body || s.n == waf.MaxAnswerBody {
		return
	}
	if s.memory == nil {
		s.memory = seenBodies.Get().(*[waf.MaxAnswerBody]byte)
	}
	s.n += copy(s.memory[s.n:], b)
}

// end tells the inspector. What was cut off counts as it is.
func (s *seen) end() {
	if s == nil {
		return
	}
	if s.memory != nil {
		s.a.Body = s.memory[:s.n]
	}
	s.answer(&s.a)
	if s.memory != nil {
		seenBodies.Put(s.memory)
		s.memory = nil
	}
}
