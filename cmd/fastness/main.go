// Command fastness is the AWS security stack, self-hosted: one binary that serves the
// APIs and does everything around them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"fastness/internal/securemem"
)

// version is set by the build.
var version = "dev"

// command is one subcommand.
type command struct {
	name, summary string
	run           func(ctx context.Context, args []string, out io.Writer) error
}

func commands() []command {
	return []command{
		{"serve", "run the server", serve},
		{"init", "create a store that is unsealed with Shamir shares", initialize},
		{"unseal", "hand a share to a sealed server", unseal},
		{"seal", "have a running server forget its keys", sealServer},
		{"rekey", "change how the root key of a stopped server is kept, or the root key", rekey},
		{"status", "say how a server is", status},
		{"ca", "print the certificate of the server's own authority", printCA},
		{"kms", "explain who may do what with a KMS key, and why", kmsCommand},
		{"kms-plugin", "encrypt the secrets of a Kubernetes cluster under a KMS key", kmsPlugin},
		{"xks", "set up this server as an external key store proxy", xksCommand},
		{"backup", "write a consistent backup of a server, running or stopped", backup},
		{"restore", "make a data directory from a backup", restore},
		{"fsck", "check the data of a stopped server", fsck},
		{"version", "print the version", printVersion},
	}
}

// errUsage marks an error of the caller's, for which the exit status is 2.
var errUsage = errors.New("usage")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		fmt.Fprintln(os.Stderr, "fastness:", err)
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "fastness:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		usage(out)
		return nil
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return c.run(ctx, args[1:], out)
		}
	}
	return fmt.Errorf("%w: no command %q; `fastness help` lists them", errUsage, args[0])
}

func usage(out io.Writer) {
	fmt.Fprintln(out, "usage: fastness COMMAND [flags]")
	fmt.Fprintln(out)
	for _, c := range commands() {
		fmt.Fprintf(out, "  %-12s %s\n", c.name, c.summary)
	}
	fmt.Fprintln(out)
	fmt.Fprintln(out, "`fastness COMMAND -h` shows a command's flags.")
}

// flags makes a flag set whose errors are usage errors.
func flags(name string) *flag.FlagSet {
	f := flag.NewFlagSet("fastness "+name, flag.ContinueOnError)
	f.SetOutput(os.Stderr)
	return f
}

func parse(f *flag.FlagSet, args []string, positional int) error {
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	if f.NArg() != positional {
		return fmt.Errorf("%w: %s takes %d argument(s), not %d", errUsage, f.Name(), positional, f.NArg())
	}
	return nil
}

func printVersion(_ context.Context, args []string, out io.Writer) error {
	if err := parse(flags("version"), args, 0); err != nil {
		return err
	}
	_, err := fmt.Fprintln(out, "fastness", version)
	return err
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
