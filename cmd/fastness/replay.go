package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	flag "github.com/spf13/pflag"

	"fastness/internal/app"
	"fastness/internal/service/wafv2"
)

// errDiffer ends the command with a status of its own (3), which scripts can test.
var errDiffer = errors.New("verdicts differ")

// maxReplayFile bounds a file of requests, in bytes: with its form for the server it fits into a question.
const maxReplayFile = app.MaxReplay/2 - 2*wafv2.MaxDraft

// replayWAF asks the running server which requests another version of a web ACL would decide otherwise. The
// status is 0 if there are none, and 3 if there are.
func replayWAF(f *flag.FlagSet) runner {
	var c app.Config
	var q app.Replay
	complete := dataFlags(f, &c)
	f.StringVar(&q.WebACL, "web-acl", "", "ARN of the web ACL")
	was := f.String("old", "", "file with the version to compare with, as for --new (default: the web ACL as it is)")
	is := f.String("new", "", "file with the other version: JSON of UpdateWebACL's input, of get-web-acl's output, or of an array of rules; what it leaves out stays as it is")
	file := f.String("requests", "", "file of requests: a HAR, records of AWS WAF's logs, or one request as HTTP/1.1 has it (default: the samples that the server has)")
	return func(ctx context.Context, out *output) error {
		if q.WebACL == "" || *was == "" && *is == "" {
			return fmt.Errorf("%w: waf replay needs --web-acl and --new or --old", errUsage)
		}
		var err error
		if *was != "" {
			if q.Old, err = readBounded(*was, wafv2.MaxDraft); err != nil {
				return err
			}
		}
		if *is != "" {
			if q.New, err = readBounded(*is, wafv2.MaxDraft); err != nil {
				return err
			}
		}
		if *file != "" {
			data, err := readRequests(*file)
			if err != nil {
				return err
			}
			if q.Requests, err = app.ReadRequests(data); err != nil {
				return fmt.Errorf("%s: %w", *file, err)
			}
		}
		operator, err := operatorOf(complete, &c)
		if err != nil {
			return err
		}
		report, err := operator.ReplayWAF(ctx, &q)
		if err != nil {
			return err
		}
		if err := printReplay(out, report); err != nil {
			return err
		}
		if report.Changed > 0 {
			return errDiffer
		}
		return nil
	}
}

func readRequests(name string) ([]byte, error) {
	if name == "-" {
		data, err := io.ReadAll(io.LimitReader(os.Stdin, maxReplayFile+1))
		if err == nil && len(data) > maxReplayFile {
			err = fmt.Errorf("%w: more than %d bytes of requests", errUsage, maxReplayFile)
		}
		return data, err
	}
	return readBounded(name, maxReplayFile)
}

// printReplay prints a report as JSON, or as a table and a line.
func printReplay(out *output, r *app.ReplayReport) error {
	rows := [][]string{{"TIME", "CLIENT", "REQUEST", "OLD", "NEW"}}
	verdict := func(v *app.ReplayVerdict) string {
		if v.Rule == "" {
			return v.Action.String() + " by default"
		}
		return v.Action.String() + " by " + v.Rule
	}
	const most = 60 // of a request in the table
	for i := range r.Changes {
		c := &r.Changes[i]
		text := fmt.Sprintf("%.*s", most, c.Request)
		if c.Partial {
			text += " (partial)"
		}
		rows = append(rows, []string{c.Time.UTC().Format(time.RFC3339), c.Client, text, verdict(&c.Old), verdict(&c.New)})
	}
	if len(r.Changes) == 0 {
		rows = nil
	}
	if err := out.show(r, rows); err != nil || out.json {
		return err
	}
	_, err := fmt.Fprintln(out, r)
	return err
}
