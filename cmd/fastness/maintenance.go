package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	flag "github.com/spf13/pflag"

	"fastness/internal/app"
)

// backup asks the running server for a backup, or makes one of a stopped server's data.
func backup(f *flag.FlagSet) runner {
	var c app.Config
	complete := dataFlags(f, &c)
	to := f.String("to", "", "directory to make and write into")
	return func(ctx context.Context, out *output) error {
		if *to == "" {
			return fmt.Errorf("%w: backup needs --to", errUsage)
		}
		dir, err := filepath.Abs(*to)
		if err != nil {
			return err
		}
		operator, err := operatorOf(complete, &c)
		if err != nil {
			return err
		}
		m, err := operator.Backup(ctx, dir)
		if errors.Is(err, app.ErrNotRunning) {
			m, err = app.Backup(ctx, c, dir)
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "revision %d written to %s; it opens only with the root key (seal %q), which is not in it\n", m.Revision, dir, m.Seal)
		return err
	}
}

func restore(f *flag.FlagSet) runner {
	var c app.Config
	complete := dataFlags(f, &c)
	from := f.String("from", "", "directory of the backup")
	return func(ctx context.Context, out *output) error {
		if err := complete(); err != nil {
			return err
		}
		if *from == "" {
			return fmt.Errorf("%w: restore needs --from", errUsage)
		}
		m, err := app.Restore(ctx, c, *from)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "restored revision %d, written %s, into %s\n", m.Revision, m.Created.Format("2006-01-02 15:04:05 MST"), c.DataDir)
		return err
	}
}

func fsck(f *flag.FlagSet) runner {
	var c app.Config
	complete := dataFlags(f, &c)
	return func(ctx context.Context, out *output) error {
		_ = harden()
		if err := complete(); err != nil {
			return err
		}
		problems, err := app.Fsck(ctx, c)
		if err != nil && len(problems) == 0 {
			return err
		}
		rows := [][]string{{"no problems found"}}
		if len(problems) > 0 {
			rows = nil
			err = errors.Join(fmt.Errorf("%d problem(s) found", len(problems)), err)
		}
		for _, p := range problems {
			rows = append(rows, []string{p})
		}
		return errors.Join(out.show(map[string][]string{"problems": append([]string{}, problems...)}, rows), err)
	}
}
