package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"syscall"
)

// profileVariable names the variable of the environment that has the directory into which the proxies of this command write
// their profiles.
const profileVariable = "FASTNESS_BENCH_PROFILE"

// startProfile begins to note what the processor time of this process goes into. If there is a directory for profiles, it is
// written there, under the server's name, when the server is told to end.
func startProfile(name string) error {
	dir := os.Getenv(profileVariable)
	if dir == "" {
		return nil
	}
	f, err := os.Create(filepath.Join(dir, name+".pprof"))
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return errors.Join(err, f.Close())
	}
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM)
	go func() {
		<-end
		pprof.StopCPUProfile()
		if err := f.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
		}
		os.Exit(0)
	}()
	return nil
}
