package filecrypt

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"fastness/encryptionsdk"
	"fastness/internal/clock"
)

// Environment is what a run has around it.
type Environment struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Terminal is where progress is drawn; nil for nowhere.
	Terminal io.Writer
	Clock    clock.Clock
}

// Run does what the options say, to all inputs: a failure does not keep it from the next.
// The error matches ErrUsage if nothing was begun, tells what is wrong with the only
// input, or counts the failures, which have been told on Stderr one by one.
func Run(ctx context.Context, o *Options, e *Environment) error {
	log := &journal{out: e.Stderr, verbosity: o.Verbosity, quiet: o.Quiet}
	meta, err := newMetadata(o, e.Stdout)
	if err != nil {
		return err
	}
	p, err := makePlan(o, log)
	if err != nil {
		return err
	}
	defer p.close()
	keys, err := newKeys(ctx, o)
	if err != nil {
		return err
	}
	defer keys.close()
	log.debug("%d inputs, %d groups of wrapping keys", len(p.jobs), len(o.WrappingKeys))
	r := &run{Options: o, Environment: e, log: log, metadata: meta, manager: keys.manager}
	if o.Interactive {
		r.answers = bufio.NewReader(e.Stdin)
	}
	if o.Quiet {
		quiet := *e
		quiet.Terminal = nil
		r.Environment = &quiet
	}
	failed, total := p.failed, p.failed+len(p.jobs)
	for i := range p.jobs {
		j := &p.jobs[i]
		err := ctx.Err()
		if err == nil {
			err = r.process(ctx, j)
		}
		switch {
		case err == nil:
			continue
		case ctx.Err() != nil:
			return &inputError{j.source, fmt.Errorf("interrupted: %w", err)}
		case total == 1:
			return &inputError{j.source, err}
		}
		failed++
		log.failure(j.source, err)
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d inputs failed", failed, total)
	}
	return nil
}

// inputError is what is wrong with one input, on one line that a terminal can show.
type inputError struct {
	name string
	err  error
}

func (e *inputError) Error() string {
	return printable(e.name + ": " + strings.ReplaceAll(e.err.Error(), "\n", "; "))
}

func (e *inputError) Unwrap() error { return e.err }

// run is a run that has begun.
type run struct {
	*Options
	*Environment
	log      *journal
	metadata *metadata
	manager  encryptionsdk.MaterialsManager
	answers  *bufio.Reader // of --interactive
}

// journal tells people what happens.
type journal struct {
	out       io.Writer
	verbosity int
	quiet     bool
}

func (l *journal) say(format string, a ...any) {
	for i, v := range a {
		if s, ok := v.(string); ok {
			a[i] = printable(s)
		}
	}
	// Nobody can be told that standard error is gone.
	_, _ = fmt.Fprintf(l.out, "fastness: "+format+"\n", a...)
}

// failure is told even to the quiet.
func (l *journal) failure(name string, err error) { l.say("%v", &inputError{name, err}) }

func (l *journal) warn(format string, a ...any) {
	if !l.quiet {
		l.say("warning: "+format, a...)
	}
}

func (l *journal) info(format string, a ...any) {
	if !l.quiet && l.verbosity >= 1 {
		l.say(format, a...)
	}
}

func (l *journal) debug(format string, a ...any) {
	if !l.quiet && l.verbosity >= 2 {
		l.say(format, a...)
	}
}

// printable is a name without characters that a terminal would obey.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return '\uFFFD'
		}
		return r
	}, s)
}
