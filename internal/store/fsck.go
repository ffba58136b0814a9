package store

import (
	"context"
	"errors"
	"fmt"
)

// Problem is something that Fsck found wrong.
type Problem struct {
	// Check is the name of the check that found it.
	Check string
	// Key is where, or nil.
	Key []byte
	// Text says what, in one line; it never holds a value.
	Text string
}

// Check is a consistency check of a room above the store: its records decode, its
// indexes point to records, its references hold.
type Check struct {
	Name string
	// Run reads one snapshot and reports what is wrong. An error means that the check
	// could not be carried out.
	Run func(ctx context.Context, r Reader, report func(key []byte, text string)) error
}

// SelfChecker is an engine that can examine its own files and bookkeeping.
type SelfChecker interface {
	SelfCheck(ctx context.Context, report func(Problem)) error
}

// MaxProblems is how many problems Fsck lists; the last one then counts the rest.
const MaxProblems = 1000

// Fsck examines a store while it runs: what the engine can say about itself, and then
// the given checks, each on a snapshot. It changes nothing. The error joins the checks
// that could not be carried out.
func Fsck(ctx context.Context, s Store, checks ...Check) ([]Problem, error) {
	var problems []Problem
	more := 0
	report := func(p Problem) {
		if len(problems) < MaxProblems-1 {
			problems = append(problems, p)
		} else {
			more++
		}
	}
	var errs []error
	if c, ok := s.(SelfChecker); ok {
		if err := c.SelfCheck(ctx, report); err != nil {
			errs = append(errs, fmt.Errorf("store: fsck: engine: %w", err))
		}
	}
	for _, c := range checks {
		err := s.View(ctx, func(r Reader) error {
			return c.Run(ctx, r, func(key []byte, text string) {
				report(Problem{Check: c.Name, Key: key, Text: text})
			})
		})
		if err != nil {
			errs = append(errs, fmt.Errorf("store: fsck: %s: %w", c.Name, err))
		}
	}
	if more > 0 {
		problems = append(problems, Problem{Check: "fsck", Text: fmt.Sprintf("%d more problems", more)})
	}
	return problems, errors.Join(errs...)
}
