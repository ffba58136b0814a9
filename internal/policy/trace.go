package policy

import "slices"

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
