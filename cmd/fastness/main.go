// Command fastness is the AWS security stack, self-hosted: one binary that serves the
// APIs and does everything around them.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"fastness/internal/securemem"
)

// version is set by the build.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	program := root()
	program.SetArgs(arguments(os.Args))
	err := program.ExecuteContext(ctx)
	stop()
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "fastness:", err)
	switch {
	case errors.Is(err, errUsage):
		os.Exit(2)
	case errors.Is(err, errDiffer):
		os.Exit(3)
	}
	os.Exit(1)
}

// harden makes the process unreadable for others. Every command that handles secrets
// calls it first; all but serve go on without it, because they run for a moment only.
func harden() error {
	h, err := securemem.HardenProcess()
	if err == nil && !(h.NotDumpable && h.NoCore) {
		err = errors.New("this system offers no protection")
	}
	return err
}
