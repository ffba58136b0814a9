package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	flag "github.com/spf13/pflag"

	"fastness/internal/app"
	"fastness/internal/engine/waf"
)

// maxExplained bounds a request that is explained, in bytes: it has to fit into a question to the
// server.
const maxExplained = 40 << 10

// explainWAF asks the running server what a web ACL makes of a request, and prints every rule that
// it meets with what was found. The status is that of a denial if the request is not allowed.
func explainWAF(f *flag.FlagSet) runner {
	var c app.Config
	var q app.WebRequest
	complete := dataFlags(f, &c)
	f.StringVar(&q.WebACL, "web-acl", "", "ARN of the web ACL")
	file := f.String("request", "-", "file with the request as HTTP/1.1 has it; - is standard input")
	f.StringVar(&q.Client, "client", "127.0.0.1", "address of the client")
	return func(ctx context.Context, out *output) (err error) {
		if q.WebACL == "" {
			return fmt.Errorf("%w: waf explain needs --web-acl", errUsage)
		}
		in := io.Reader(os.Stdin)
		if *file != "-" {
			f, err := os.Open(*file)
			if err != nil {
				return err
			}
			defer f.Close()
			in = f
		}
		if q.Text, err = io.ReadAll(io.LimitReader(in, maxExplained+1)); err != nil {
			return err
		}
		if len(q.Text) > maxExplained {
			return fmt.Errorf("%w: the request is longer than %d bytes", errUsage, maxExplained)
		}
		operator, err := operatorOf(complete, &c)
		if err != nil {
			return err
		}
		e, err := operator.ExplainWAF(ctx, &q)
		if err != nil {
			return err
		}
		if out.json {
			err = out.show(e, nil)
		} else {
			err = printExplanation(out, e)
		}
		if err == nil && e.Action != waf.Allow {
			err = errDenied
		}
		return err
	}
}

// printExplanation prints an explanation for people.
func printExplanation(w io.Writer, e *waf.Explanation) error {
	var b strings.Builder
	for _, r := range e.Rules {
		what := "does not match"
		if r.Matched {
			what = "matches: " + r.Action.String()
		}
		fmt.Fprintf(&b, "rule %s %s\n", r.Rule, what)
		if r.Limit > 0 {
			fmt.Fprintf(&b, "  %d requests of %d\n", r.Count, r.Limit)
		}
		if r.Statement != nil {
			printStatement(&b, r.Statement, "  ")
		}
	}
	by := "the default action"
	if e.Terminating != "" {
		by = "rule " + e.Terminating
	}
	fmt.Fprintf(&b, "%s by %s\n", e.Action, by)
	switch {
	case e.Uninspected:
		b.WriteString("the inspection bound was reached: the rule refuses what could not be inspected within it, and found nothing\n")
	case e.Exhausted:
		b.WriteString("the inspection bound was reached: not all of the request was inspected\n")
	}
	if len(e.Labels) > 0 {
		fmt.Fprintf(&b, "labels: %s\n", strings.Join(e.Labels, " "))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func printStatement(b *strings.Builder, s *waf.StatementTrace, indent string) {
	fmt.Fprintf(b, "%s%s: %s", indent, s.Statement, s.Outcome)
	if s.Why != "" {
		fmt.Fprintf(b, " (%s)", s.Why)
	}
	if s.Component != nil {
		text, err := json.Marshal(s.Component)
		if err == nil {
			fmt.Fprintf(b, " in %s", text)
		}
	}
	b.WriteByte('\n')
	for _, f := range s.Findings {
		start, end := max(0, min(f.Start, len(f.Value))), max(0, min(f.End, len(f.Value)))
		fmt.Fprintf(b, "%s  %s %q: %q, bytes %d to %d\n", indent, f.Component.Kind, f.Name, f.Value[start:max(start, end)], f.Start, f.End)
	}
	for i := range s.Statements {
		printStatement(b, &s.Statements[i], indent+"  ")
	}
}
