package main

import (
	"context"
	"fmt"
	"io"
	"os"

	flag "github.com/spf13/pflag"

	"fastness/internal/filecrypt"
)

// inspect prints what the header of a message says. It takes no key and verifies nothing.
func inspect(f *flag.FlagSet) runner {
	decode := f.Bool("decode", false, "the message is base64 text")
	return func(_ context.Context, out *output) error {
		if f.NArg() != 1 {
			return fmt.Errorf("%w: inspect takes one message: a file, or - for standard input", errUsage)
		}
		var in io.Reader = os.Stdin
		name := f.Arg(0)
		if name != "-" {
			file, err := os.Open(name)
			if err != nil {
				return err
			}
			defer file.Close()
			in = file
		}
		i, err := filecrypt.Inspect(in, *decode)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return out.show(i, i.Rows())
	}
}
