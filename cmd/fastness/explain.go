package main

import (
	"context"
	"fmt"
	"io"
)

func kmsCommand(_ context.Context, args []string, _ io.Writer) error {
	return fmt.Errorf("%w: %v", errUsage, args)
}
