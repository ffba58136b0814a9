package policy

import (
	"fmt"
	"slices"
)

// Trace records an evaluation. Give an empty one to Evaluate; it must not be shared.
// With a Trace the evaluation goes on past the point where the decision is known and
// notes every statement of every policy that takes part; what decides is the same
// code as without.
type Trace struct {
	// Steps are the statements examined, in order. Deny statements of all layers come
	// first, then the Allow statements.
	Steps []Step
	// MissingKeys are all condition keys (lower case) that were asked for in vain.
	MissingKeys []string
}

// Step is one statement examined.
type Step struct {
	Layer   Layer
	Level   int // of an SCP or RCP, from 0 at the root; 0 elsewhere
	Match   Match
	Outcome Outcome
	// Condition is the first condition that did not hold, when Outcome says so.
	Condition *Condition
}

// String is one line for people: the policy, the statement with its place, and what
// came of it.
func (s Step) String() string {
	st := s.Match.Statement()
	line := fmt.Sprintf("%s %s, statement %d", s.Layer, s.Match.Policy.id, s.Match.Index+1)
	if st.Sid != "" {
		line += fmt.Sprintf(" %q", st.Sid)
	}
	line += fmt.Sprintf(" (%s, %s): %s", st.Pos, st.Effect, s.Outcome)
	if s.Condition != nil {
		line += fmt.Sprintf(": %s %s %q", s.Condition.Operator, s.Condition.Key, s.Condition.Values)
	}
	return line
}

// Outcome says whether a statement applied, or what kept it from applying.
type Outcome uint8

// The outcomes.
const (
	Applied Outcome = iota
	OtherAction
	OtherPrincipal
	OtherResource
	ConditionFailed
)

// String says it in words.
func (o Outcome) String() string {
	switch o {
	case Applied:
		return "applies"
	case OtherAction:
		return "action does not match"
	case OtherPrincipal:
		return "principal does not match"
	case OtherResource:
		return "resource does not match"
	}
	return "condition is not met"
}

func (t *Trace) miss(key string) {
	if !slices.Contains(t.MissingKeys, key) {
		t.MissingKeys = append(t.MissingKeys, key)
	}
}
