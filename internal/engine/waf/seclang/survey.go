package seclang

import (
	"slices"
	"strings"

	"fastness/internal/engine/waf/request"
)

// A body of JSON has hundreds of names and values, for nearly none of which any condition holds. It is gone over once, and only those that the screen does not
// clear are taken out of it.

// surveys tells whether nothing but the conditions of the screened classes looks at the arguments of a body of JSON.
func (p *Program) surveys() bool {
	if p.used[argumentsSize] {
		return false
	}
	for _, src := range [...]source{bodyValues, bodyNames} {
		if !p.used[src] || p.whole[src] || p.counters[src].all >= 0 || p.counters[src].named != nil || !p.classes[p.class[src]].screened {
			return false
		}
		// What rules ask of arguments of some name may not be asked of JSON's.
		own := func(name string) bool { return strings.HasPrefix(strings.ToLower(name), request.JSONPrefix) }
		if slices.ContainsFunc(p.keys[src], own) {
			return false
		}
		for name, id := range p.named[src] {
			if own(name) && !p.classes[id].screened {
				return false
			}
		}
	}
	return true
}

// longGlance is how long a value is at most that a survey looks at where it stands.
const longGlance = 256

// knownBody tells of short values of arguments in a body that no condition holds for them.
func (s *Scratch) knownBody(value []byte) bool {
	if s.front == nil || len(value) > frontBytes {
		return false
	}
	key, at := frontKey(s.p.class[bodyValues], value)
	return s.front[at] == key
}

// survey adds those arguments of a body of JSON that the screen does not clear. It tells whether it has been over the
// body: otherwise that has to be taken apart.
func (s *Scratch) survey() bool {
	p := s.p
	if !p.surveyed || s.Explain || s.matcher.Left() == 0 {
		return false
	}
	if s.sieve == nil {
		s.sieve = &request.Sieve{Memory: s.matcher, Longest: longGlance}
	}
	if s.sieve.Screen != p.screen.Screen {
		s.sieve.Screen, s.sieve.MinCode = p.screen.Screen, p.screen.minCode()
		s.sieve.Clear, s.sieve.Code, s.sieve.Known = s.clear, p.screen.mayBeCode, nil
		if p.named[bodyValues] == nil {
			s.sieve.Known = s.knownBody
		}
	}
	s.inspection.Sift(s.sieve)
	values, names, ok := s.inspection.Survey()
	if !ok {
		return false
	}
	for i := range values {
		s.add(bodyValues, values[i].Name, values[i].Value)
	}
	for i := range names {
		s.add(bodyNames, names[i].Name, names[i].Name)
	}
	return true
}
