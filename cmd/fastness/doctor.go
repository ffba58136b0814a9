package main

import (
	"context"
	"fmt"

	flag "github.com/spf13/pflag"

	"fastness/internal/app"
)

// doctor examines an installation.
func doctor(f *flag.FlagSet) runner {
	var c app.Config
	complete := serveFlags(f, &c)
	return func(ctx context.Context, out *output) error {
		if err := complete(); err != nil {
			return err
		}
		findings, err := app.Examine(ctx, c)
		if err != nil {
			return err
		}
		rows, failed := [][]string{}, 0
		for _, x := range findings {
			if x.State == app.FindingFail {
				failed++
			}
			detail := x.Detail
			if x.Advice != "" {
				detail += "; " + x.Advice
			}
			rows = append(rows, []string{x.State, x.Check, detail})
		}
		if err := out.show(map[string]any{"findings": findings}, rows); err != nil {
			return err
		}
		if failed > 0 {
			return fmt.Errorf("%d check(s) failed", failed)
		}
		return nil
	}
}
