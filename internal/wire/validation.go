package wire

import (
	"strconv"
	"strings"
)

// MaxViolations is how many violations one answer lists. AWS stops counting too.
const MaxViolations = 10

// ValidationError lists the modelled constraints that an input violates, in the
// words that AWS's services print.
type ValidationError struct {
	Violations []string
}

// Error is AWS's text: "2 validation errors detected: Value …; Value …".
func (e *ValidationError) Error() string {
	var b strings.Builder
	b.WriteString(strconv.Itoa(len(e.Violations)))
	b.WriteString(" validation error")
	if len(e.Violations) != 1 {
		b.WriteByte('s')
	}
	b.WriteString(" detected: ")
	for i, v := range e.Violations {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(v)
	}
	return b.String()
}
