package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"fastness/internal/app"
)

// backup asks the running server for a backup, or makes one of a stopped server's data.
func backup(ctx context.Context, args []string, out io.Writer) error {
	var c app.Config
	f := flags("backup")
	complete := dataFlags(f, &c)
	to := f.String("to", "", "directory to make and write into")
	if err := parse(f, args, 0); err != nil {
		return err
	}
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

func restore(ctx context.Context, args []string, out io.Writer) error {
	var c app.Config
	f := flags("restore")
	complete := dataFlags(f, &c)
	from := f.String("from", "", "directory of the backup")
	if err := parse(f, args, 0); err != nil {
		return err
	}
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

func fsck(ctx context.Context, args []string, out io.Writer) error {
	_ = harden()
	var c app.Config
	f := flags("fsck")
	complete := dataFlags(f, &c)
	if err := parse(f, args, 0); err != nil {
		return err
	}
	if err := complete(); err != nil {
		return err
	}
	problems, err := app.Fsck(ctx, c)
	for _, p := range problems {
		fmt.Fprintln(out, p)
	}
	if len(problems) > 0 {
		return errors.Join(fmt.Errorf("%d problem(s) found", len(problems)), err)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, "no problems found")
	return err
}
