package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	flag "github.com/spf13/pflag"

	"fastness/internal/filecrypt"
)

// errUsage marks an error of the caller's, for which the exit status is 2.
var errUsage = errors.New("usage")

// command is a command of the program. It takes flags and no arguments, unless it says so.
type command struct {
	name, summary string
	// operands names the arguments of a command that takes some; it checks them itself.
	operands string
	// define makes the command's flags and returns what runs it.
	define func(f *flag.FlagSet) runner
	// verbatim runs a command that reads its own command line, instead of define.
	verbatim func(ctx context.Context, c *cobra.Command, args []string) error
	// subcommands of a command that does nothing by itself.
	subcommands []command
}

// runner runs a command whose flags have their values.
type runner func(ctx context.Context, out *output) error

func commands() []command {
	return []command{
		{name: "serve", summary: "run the server", define: serve},
		{name: "env", summary: "print what points AWS clients at the server, for eval", define: env},
		{name: "init", summary: "create a store that is unsealed with Shamir shares", define: initialize},
		{name: "unseal", summary: "hand a share to a sealed server", define: unseal},
		{name: "seal", summary: "have a running server forget its keys", define: sealServer},
		{name: "rekey", summary: "change how the root key of a stopped server is kept, or the root key", define: rekey},
		{name: "status", summary: "say how a server is", define: status},
		{name: "doctor", summary: "look for what is wrong with an installation, and say what to do", define: doctor},
		{name: "ca", summary: "print the certificate of the server's own authority", define: printCA},
		{name: "kms", summary: "explain who may do what with a KMS key, and why", subcommands: []command{
			{name: "explain", summary: "say whether a principal may do something with a KMS key, and why", define: explain},
		}},
		{name: "events", summary: "show what services report to EventBridge", subcommands: []command{
			{name: "tail", summary: "print the latest events, and with --follow those that come", define: tailEvents},
		}},
		{name: "agent", summary: "serve programs of this machine", subcommands: []command{
			{name: "secrets", summary: "hand out secrets and parameters from a cache, on loopback, as AWS's agent and Lambda extension do", define: secretsAgent},
		}},
		{name: "proxy", summary: "serve load balancers with a web application firewall, as a file or another server says", define: runProxy},
		{name: "waf", summary: "explain what web ACLs make of requests", subcommands: []command{
			{name: "explain", summary: "say which rules of a web ACL a request meets, and what they find in it", define: explainWAF},
			{name: "replay", summary: "say which requests another version of a web ACL would decide otherwise; the status is 3 if there are any", define: replayWAF},
		}},
		{name: "run", summary: "run a program, with the secrets its environment refers to", define: runProgram, operands: "[flags] -- CMD [ARG...]"},
		{name: "kms-plugin", summary: "encrypt the secrets of a Kubernetes cluster under a KMS key", define: kmsPlugin},
		{name: "xks", summary: "set up this server as an external key store proxy", subcommands: xksCommands()},
		{name: "encrypt", summary: "encrypt files as the AWS Encryption SDK does", verbatim: filecryptCommand(filecrypt.EncryptCommand)},
		{name: "decrypt", summary: "decrypt files of the AWS Encryption SDK", verbatim: filecryptCommand(filecrypt.DecryptCommand)},
		{name: "inspect", summary: "print what an encrypted file says about itself, without a key", operands: "FILE", define: inspect},
		{name: "encryption-cli", summary: "encrypt or decrypt with the command line of " + awsEncryptionCLI, verbatim: filecryptCommand(filecrypt.AWS)},
		{name: "backup", summary: "write a consistent backup of a server, running or stopped", define: backup},
		{name: "restore", summary: "make a data directory from a backup", define: restore},
		{name: "fsck", summary: "check the data of a stopped server", define: fsck},
		{name: "version", summary: "print the version", define: printVersion},
	}
}

// root is the whole program.
func root() *cobra.Command {
	r := (&command{name: "fastness", summary: "The AWS security stack, self-hosted.", subcommands: commands()}).cobra()
	r.Long = "The AWS security stack, self-hosted.\n\nFlags may come from FASTNESS_… variables and from a file (--config), too."
	r.Version = version
	r.SilenceErrors, r.SilenceUsage = true, true
	r.PersistentFlags().String("output", table, "form of what is printed: table or json")
	r.PersistentFlags().String("config", "", "file of settings: lines of NAME = VALUE, NAME being a flag's without the dashes (or FASTNESS_CONFIG)")
	r.SetGlobalNormalizationFunc(func(_ *flag.FlagSet, name string) flag.NormalizedName {
		if name == "data" {
			name = "data-dir"
		}
		return flag.NormalizedName(name)
	})
	r.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fmt.Errorf("%w: %s: %w", errUsage, c.CommandPath(), err)
	})
	return r
}

// cobra makes the command for the command line.
func (c *command) cobra() *cobra.Command {
	made := &cobra.Command{Use: c.name, Short: c.summary, Args: cobra.ArbitraryArgs}
	if c.verbatim != nil {
		made.DisableFlagParsing = true
		made.RunE = func(self *cobra.Command, args []string) error { return c.verbatim(self.Context(), self, args) }
		return made
	}
	if c.define == nil {
		for i := range c.subcommands {
			made.AddCommand(c.subcommands[i].cobra())
		}
		made.RunE = func(self *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("%w: %s has no command %q; `%s --help` lists them", errUsage, self.CommandPath(), args[0], self.CommandPath())
			}
			return self.Help()
		}
		return made
	}
	if c.operands != "" {
		made.Use += " " + c.operands
	} else {
		made.ValidArgsFunction = cobra.NoFileCompletions
	}
	run := c.define(made.Flags())
	made.RunE = func(self *cobra.Command, args []string) error {
		if len(args) > 0 && c.operands == "" {
			return fmt.Errorf("%w: %s takes no argument: %q", errUsage, self.CommandPath(), args[0])
		}
		if err := complete(self.Flags()); err != nil {
			return err
		}
		form := self.Flag("output").Value.String()
		if form != table && form != asJSON {
			return fmt.Errorf("%w: --output is %s or %s, not %q", errUsage, table, asJSON, form)
		}
		return run(self.Context(), &output{self.OutOrStdout(), form == asJSON})
	}
	return made
}

// The forms of --output.
const (
	table  = "table"
	asJSON = "json"
)

// output is where a command prints.
type output struct {
	io.Writer
	json bool
}

// show prints an answer in the form that is asked for: v as JSON, or rows of cells as
// a table.
func (o *output) show(v any, rows [][]string) error {
	if o.json {
		e := json.NewEncoder(o)
		e.SetEscapeHTML(false)
		return e.Encode(v)
	}
	var widths []int
	for _, r := range rows {
		for i, cell := range r {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], len(cell))
		}
	}
	for _, r := range rows {
		var line strings.Builder
		for i, cell := range r {
			fmt.Fprintf(&line, "%-*s  ", widths[i], cell)
		}
		if _, err := fmt.Fprintln(o, strings.TrimRight(line.String(), " ")); err != nil {
			return err
		}
	}
	return nil
}

func printVersion(*flag.FlagSet) runner {
	return func(_ context.Context, out *output) error {
		return out.show(map[string]string{"version": version}, [][]string{{"fastness " + version}})
	}
}
