package main

import (
	"fmt"
	"syscall"
)

// replace makes this process the program: its signals, its exit status and its place
// among processes are the program's own.
func replace(program string, args, environment []string) error {
	if err := syscall.Exec(program, args, environment); err != nil {
		return fmt.Errorf("run: %s: %w", program, err)
	}
	return nil
}
