// Command secretsload measures Parameter Store and Secrets Manager (package contest beside
// it says how): readings against moto and against a bare net/http server that answers with
// the same bytes, pages of GetParametersByPath with few and with many parameters, and the
// memory of a server with many secrets. It writes nothing outside its temporary directory.
// Package main of a test tool: see secrets.sh beside it for how it is run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"fastness/test/bench/contest"
)

// settings are the flags.
type settings struct {
	fastness, against, moto string
	rounds, conns           int
	window, limit           time.Duration
	ops                     []string
	secrets, parameters     int
}

func main() {
	var s settings
	flag.StringVar(&s.fastness, "fastness", "", "fastness binary")
	flag.StringVar(&s.against, "against", "", "another fastness binary, to compare with in the same rounds; empty leaves it out")
	flag.StringVar(&s.moto, "moto", "", "moto_server command; empty leaves it out")
	flag.IntVar(&s.rounds, "rounds", 3, "rounds; servers alternate within each")
	flag.IntVar(&s.conns, "conns", 64, "number of connections")
	flag.DurationVar(&s.window, "window", time.Second, "how long one server is measured in one round")
	flag.DurationVar(&s.limit, "limit", 45*time.Minute, "how long the whole run may take; what was measured by then is printed")
	flag.IntVar(&s.secrets, "secrets", 100_000, "secrets of the server whose memory is measured")
	flag.IntVar(&s.parameters, "parameters", 100_000, "parameters of the largest server whose pages are measured")
	parts := flag.String("parts", "reads,pages,memory", "what to measure")
	ops := flag.String("ops", "", "operations of reads to measure, separated by commas; empty means all")
	echo := flag.Bool("echo", false, "be the echo server (used by secretsload itself)")
	flag.Parse()
	if *echo {
		fatal(contest.ServeEcho())
		return
	}
	if s.conns < 1 || s.conns > 1024 || s.secrets < 1 || s.parameters < 100 || s.fastness == "" {
		fatal(errors.New("-conns, -secrets, -parameters or -fastness: not usable"))
	}
	if *ops != "" {
		s.ops = strings.Split(*ops, ",")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	err := run(ctx, s, strings.Split(*parts, ","))
	cancel()
	stop()
	fatal(err)
}

func fatal(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "secretsload:", err)
		os.Exit(1)
	}
}

// run measures one part after the other, each with servers of its own.
func run(ctx context.Context, s settings, parts []string) (err error) {
	dir, err := os.MkdirTemp("", "secretsload")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	known := []struct {
		name    string
		measure func(ctx context.Context, s settings, dir string) error
	}{{"reads", measureReads}, {"pages", measurePages}, {"memory", measureMemory}}
	for _, p := range known {
		if !slices.Contains(parts, p.name) {
			continue
		}
		if err := p.measure(ctx, s, dir); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

type object = map[string]any
