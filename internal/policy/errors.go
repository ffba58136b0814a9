package policy

import "fmt"

// Position is a place in a policy document. Both numbers start at 1 and count
// characters (Unicode code points), not bytes. The zero Position means unknown.
type Position struct {
	Line   int
	Column int
}

// String is "line:column".
func (p Position) String() string { return fmt.Sprintf("%d:%d", p.Line, p.Column) }

// Fault classifies an [Error], for services that answer with words of their own.
type Fault uint8

// The faults of a policy document.
const (
	FaultSyntax     Fault = iota + 1 // not JSON, or not the grammar of policies
	FaultSize                        // larger than MaxDocumentBytes
	FaultVersion                     // Version missing or too old for this kind
	FaultProhibited                  // an element this kind of policy must not have
	FaultMissing                     // an element this kind of policy must have
	FaultSid                         // statement ids malformed or repeated
	FaultAction                      // malformed action
	FaultResource                    // malformed resource
	FaultPrincipal                   // malformed or unknown principal
	FaultCondition                   // malformed condition value
)

// Error is the refusal of a policy document.
type Error struct {
	// Message is the sentence AWS answers with, complete.
	Message string
	// Pos is where the document is wrong.
	Pos Position
	// Fault is what is wrong.
	Fault Fault
	// Detail says more precisely, in our words, what is wrong with text that is not
	// JSON, where AWS's message does not. Often empty.
	Detail string
}

// Error is the message alone, so that it can be sent to a client as it is.
func (e *Error) Error() string { return e.Message }

func faultf(f Fault, pos Position, format string, args ...any) *Error {
	return &Error{Message: fmt.Sprintf(format, args...), Pos: pos, Fault: f}
}
