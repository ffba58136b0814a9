package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"

	flag "github.com/spf13/pflag"

	"fastness/internal/app"
)

// tailEvents prints the latest events of the running server's event log, and those that
// come.
func tailEvents(f *flag.FlagSet) runner {
	var c app.Config
	var q app.EventsQuery
	complete := dataFlags(f, &c)
	f.BoolVarP(&q.Follow, "follow", "f", false, "go on with events as they come, until interrupted")
	f.IntVarP(&q.Last, "lines", "n", 10, fmt.Sprintf("how many of the latest events, at most %d", app.MaxLastEvents))
	f.StringVar(&q.Account, "account", "", "only events of this account")
	f.StringVar(&q.Region, "region", "", "only events of this Region")
	return func(ctx context.Context, out *output) error {
		if q.Last < 0 || q.Last > app.MaxLastEvents {
			return fmt.Errorf("%w: --lines is a number from 0 to %d", errUsage, app.MaxLastEvents)
		}
		operator, err := operatorOf(complete, &c)
		if err != nil {
			return err
		}
		err = operator.Events(ctx, q, func(line app.EventLine) error { return printEvent(out, line.Event) })
		if ctx.Err() != nil {
			return nil // interrupted, as intended
		}
		return err
	}
}

// printEvent prints an event on one line: its envelope, or what of it is for people.
func printEvent(out *output, envelope json.RawMessage) error {
	var line bytes.Buffer
	if out.json {
		if err := json.Compact(&line, envelope); err != nil {
			return err
		}
		_, err := fmt.Fprintln(out, line.String())
		return err
	}
	var e struct {
		Time, Account, Region, Source string
		DetailType                    string `json:"detail-type"`
		Resources                     []string
		Detail                        json.RawMessage
	}
	if err := json.Unmarshal(envelope, &e); err != nil {
		return err
	}
	if err := json.Compact(&line, e.Detail); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "%s  %s  %-14s  %-18s  %-30s  %s  %s\n", visible(e.Time), visible(e.Account), visible(e.Region),
		visible(e.Source), visible(e.DetailType), visible(strings.Join(e.Resources, ",")), visible(line.String()))
	return err
}

// visible makes what callers wrote harmless for a terminal.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}
