package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"fastness/test/waf/corpus"
	"fastness/test/waf/injection"
	"fastness/test/waf/percent"
	"fastness/test/waf/verdict"
)

// host is what the servers of package databases are started for when that is no test.
type host struct {
	testing.TB
	ctx      context.Context
	cleanups []func()
}

// failure is why a server could not be started.
type failure struct{ why string }

func (h *host) Helper()                           {}
func (h *host) Context() context.Context          { return h.ctx }
func (h *host) Cleanup(f func())                  { h.cleanups = append(h.cleanups, f) }
func (h *host) Log(args ...any)                   {}
func (h *host) Logf(format string, args ...any)   {}
func (h *host) Error(args ...any)                 { fmt.Fprintln(os.Stderr, args...) }
func (h *host) Errorf(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
func (h *host) Fatal(args ...any)                 { panic(failure{fmt.Sprint(args...)}) }
func (h *host) Fatalf(format string, args ...any) { panic(failure{fmt.Sprintf(format, args...)}) }
func (h *host) Failed() bool                      { return false }
func (h *host) Name() string                      { return "judge" }

// TempDir makes a directory that is removed in the end.
func (h *host) TempDir() string {
	dir, err := os.MkdirTemp("", "judge")
	if err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func (h *host) close() {
	for i := len(h.cleanups) - 1; i >= 0; i-- {
		h.cleanups[i]()
	}
}

// ask has the databases judge values: each, as it is and percent-decoded, in each statement.
func ask(ctx context.Context, samples []corpus.Sample) (all []judged, err error) {
	if len(samples) == 0 {
		return nil, nil
	}
	// The servers end after what was asked of them, even if ctx does.
	h := &host{ctx: context.WithoutCancel(ctx)}
	defer h.close()
	defer func() {
		switch f := recover().(type) {
		case nil:
		case failure:
			err = errors.New(f.why)
		default:
			panic(f)
		}
	}()
	const most = 400 * time.Millisecond
	names := map[injection.Confirmation]verdict.Verdict{
		injection.Inert: verdict.Neither, injection.Possible: verdict.Possible, injection.Active: verdict.Active, injection.Shown: verdict.Shown,
	}
	databases := []injection.Database{injection.NewMariaDB(h, most), injection.NewPostgreSQL(h, most), injection.NewSQLite(h)}
	last := time.Now()
	for i := range samples {
		best := injection.Inert
		j := judged{verdict: verdict.Neither}
		var readings []string
		for _, v := range parts(&samples[i]) {
			for _, r := range percent.Readings(v, percent.DecodeText) {
				if !slices.Contains(readings, r) {
					readings = append(readings, r)
				}
			}
		}
	value:
		for _, db := range databases {
			for _, reading := range readings {
				for k := range injection.Statements {
					s := &injection.Statements[k]
					c, a, err := injection.Confirm(ctx, db, s, reading)
					if err != nil {
						return nil, fmt.Errorf("%s: %w", db.Dialect(), err)
					}
					if c > best {
						best = c
						j = judged{names[c], string(db.Dialect()) + ", " + s.Name, fmt.Sprintf("%s: %s: %.200q %.100s", db.Dialect(), s.Name, reading, a.Why)}
					}
					if best == injection.Shown {
						break value
					}
				}
			}
		}
		all = append(all, j)
		if time.Since(last) > 10*time.Second {
			last = time.Now()
			fmt.Fprintf(os.Stderr, "%d of %d values judged\n", i+1, len(samples))
		}
	}
	return all, nil
}
