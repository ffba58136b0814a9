package injection

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"
)

type sqlite struct{ program string }

// NewSQLite gives SQLite, of which each statement has a process and a database in memory of its own.
func NewSQLite(t testing.TB) Database {
	t.Helper()
	program, err := exec.LookPath("sqlite3")
	if err != nil {
		t.Fatal("missing: sqlite3 (run test/deps.sh, or apt-get install --no-install-recommends sqlite3)")
	}
	return &sqlite{program}
}

func (s *sqlite) Dialect() Dialect { return SQLite }

func (s *sqlite) Run(ctx context.Context, statement string) (a Answer, err error) {
	a.Outcome = Ran
	if strings.IndexByte(statement, 0) >= 0 {
		return Answer{Outcome: Refused, Why: "NUL"}, nil
	}
	const ran = "the statement ran"
	args := []string{"-batch", "-bail", "-safe", "-cmd", ".progress 2000000 --limit 1 --quiet", ":memory:"}
	cmd := exec.CommandContext(ctx, s.program, append(args, strings.Join(schema, ";"), statement, "SELECT '"+ran+"'", contents)...)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	err = cmd.Run()
	a.Rows = out.String()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		return a, err
	}
	if !strings.Contains(a.Rows, ran) {
		a.Outcome, a.Columns = sqliteOutcome(said.String())
		a.Why = strings.TrimSpace(said.String())
	}
	return a, nil
}

// sqliteOutcome tells from an error what it was.
func sqliteOutcome(why string) (o Outcome, columns bool) {
	has := func(any ...string) bool {
		for _, s := range any {
			if strings.Contains(why, s) {
				return true
			}
		}
		return false
	}
	switch {
	case has("do not have the same number of result columns", "all VALUES must have"):
		return Nameless, true
	case has("syntax error", "unrecognized token", "incomplete input", "ORDER BY term", "should come after", "unterminated"):
		return Refused, false
	case has("no such", "wrong number of arguments", "not authorized", "ambiguous", "misuse", "unknown", "may not be used", "unsafe use", "near \"", "prohibited", "cannot", "values for"):
		return Nameless, false
	case has("interrupted"):
		return Stopped, false
	}
	return Failed, false
}
