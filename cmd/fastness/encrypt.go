package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"fastness/internal/clock"
	"fastness/internal/filecrypt"
)

// awsEncryptionCLI is the name of AWS's tool: called by it, the program is that tool.
const awsEncryptionCLI = "aws-encryption-cli"

// arguments are those of the process. A link called aws-encryption-cli stands for the
// encryption-cli command.
func arguments(args []string) []string {
	if filepath.Base(args[0]) == awsEncryptionCLI {
		return append([]string{"encryption-cli"}, args[1:]...)
	}
	return args[1:]
}

// filecryptCommand runs a command line in AWS's grammar, which pflag does not know: options
// with several values each.
func filecryptCommand(d filecrypt.Dialect) func(context.Context, *cobra.Command, []string) error {
	return func(ctx context.Context, c *cobra.Command, args []string) error {
		o, err := filecrypt.ParseArguments(d, args)
		switch {
		case errors.Is(err, filecrypt.ErrHelp):
			_, err := io.WriteString(c.OutOrStdout(), filecrypt.Help(d, c.CommandPath()))
			return err
		case errors.Is(err, filecrypt.ErrVersion):
			_, err := fmt.Fprintln(c.OutOrStdout(), "fastness "+version)
			return err
		case errors.Is(err, filecrypt.ErrUsage):
			return fmt.Errorf("%w: %s: %w; `%s --help` explains", errUsage, c.CommandPath(), err, c.CommandPath())
		case err != nil:
			return err
		}
		// Keys pass through this process; it goes on where the system offers no protection.
		_ = harden()
		e := &filecrypt.Environment{Stdin: c.InOrStdin(), Stdout: c.OutOrStdout(), Stderr: c.ErrOrStderr(), Clock: clock.System{}}
		// Progress would garble what somebody reads on the same terminal.
		if term.IsTerminal(int(os.Stderr.Fd())) && !(o.Output == "-" && term.IsTerminal(int(os.Stdout.Fd()))) {
			e.Terminal = os.Stderr
		}
		if err = filecrypt.Run(ctx, o, e); errors.Is(err, filecrypt.ErrUsage) {
			return fmt.Errorf("%w: %s: %w", errUsage, c.CommandPath(), err)
		}
		return err
	}
}
