package main

import (
	"context"
	"fmt"
	"io"

	"fastness/internal/app"
)

func backup(ctx context.Context, args []string, out io.Writer) error {
	var c app.Config
	f := flags("backup")
	complete := sealFlags(f, &c)
	to := f.String("to", "", "directory to make and write into")
	if err := parse(f, args, 0); err != nil {
		return err
	}
	if err := complete(); err != nil {
		return err
	}
	if *to == "" {
		return fmt.Errorf("%w: backup needs --to", errUsage)
	}
	if err := app.Backup(ctx, c, *to); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "backup written to %s; it opens only with the root key, which is not in it\n", *to)
	return err
}

func restore(ctx context.Context, args []string, out io.Writer) error {
	var c app.Config
	f := flags("restore")
	complete := sealFlags(f, &c)
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
	if err := app.Restore(ctx, c, *from); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "restored into %s\n", c.DataDir)
	return err
}

func fsck(ctx context.Context, args []string, out io.Writer) error {
	var c app.Config
	f := flags("fsck")
	complete := sealFlags(f, &c)
	if err := parse(f, args, 0); err != nil {
		return err
	}
	if err := complete(); err != nil {
		return err
	}
	problems, err := app.Fsck(ctx, c)
	if err != nil {
		return err
	}
	for _, p := range problems {
		fmt.Fprintln(out, p)
	}
	if len(problems) > 0 {
		return fmt.Errorf("%d problem(s) found", len(problems))
	}
	_, err = fmt.Fprintln(out, "no problems found")
	return err
}
