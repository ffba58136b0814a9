package policy

// Decision is the outcome of an evaluation. The zero value denies.
type Decision uint8

// The decisions.
const (
	ImplicitDeny Decision = iota // nothing allowed it
	ExplicitDeny                 // a Deny statement applied
	Allow
)

// String is the word of the Simulate operations: allowed, explicitDeny, implicitDeny.
func (d Decision) String() string {
	switch d {
	case Allow:
		return "allowed"
	case ExplicitDeny:
		return "explicitDeny"
	}
	return "implicitDeny"
}

// Match is a statement that took part in a decision.
type Match struct {
	Policy *Policy
	Index  int // in Policy.Document().Statements, from 0
}

// Statement is the statement itself, with its Sid and position.
func (m Match) Statement() *Statement { return &m.Policy.doc.Statements[m.Index] }

// maxDecisive bounds the statements a Result keeps: one for each layer and SCP and
// RCP level (root, five levels of units, account) fits.
const maxDecisive = 20

// maxMissing bounds the missing keys a Result keeps; a Trace keeps all.
const maxMissing = 8

// Result is a decision and its reasons.
type Result struct {
	Decision Decision
	// Layer is, for a denial, the type of policy that denies or whose allow is
	// missing. For an allow it is LayerNone.
	Layer Layer
	// Grant is the id ExtraAllow gave, when that is what allowed.
	Grant string

	decisive [maxDecisive]Match
	missing  [maxMissing]string
	nDecided uint8
	nMissing uint8
}

// Allowed reports whether the request may proceed.
func (r *Result) Allowed() bool { return r.Decision == Allow }

// Decisive are the statements that decided: the one that denies, or those that
// allow, one for each layer that had to. It is empty for an implicit deny and for
// what the root user may do of itself.
func (r *Result) Decisive() []Match { return r.decisive[:r.nDecided] }

// MissingKeys are condition keys, in lower case, that policies asked for and the
// request did not have; the first few.
func (r *Result) MissingKeys() []string { return r.missing[:r.nMissing] }

func (r *Result) decide(m Match) {
	if m.Policy != nil && int(r.nDecided) < len(r.decisive) {
		r.decisive[r.nDecided] = m
		r.nDecided++
	}
}

func (r *Result) miss(key string) {
	for i := range r.missing[:r.nMissing] {
		if r.missing[i] == key {
			return
		}
	}
	if int(r.nMissing) < len(r.missing) {
		r.missing[r.nMissing] = key
		r.nMissing++
	}
}
