// Command kmsload compares KMS servers: it replays fixed, signed requests over
// keep-alive connections, server after server in turns, and prints the rates, the
// processor time of each server process per request, and the ratios to a bare
// net/http server that answers with the same bytes. It writes nothing outside its
// temporary directory. Package main of a test tool: see kms.sh beside it for how it
// is run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"time"
)

// settings are the flags.
type settings struct {
	fastness, localKMS, moto string
	rounds                   int
	window                   time.Duration
	conns                    []int
	ops                      []string
	grants                   int
}

func main() {
	var s settings
	flag.StringVar(&s.fastness, "fastness", "", "fastness binary")
	flag.StringVar(&s.localKMS, "local-kms", "", "local-kms binary; empty leaves it out")
	flag.StringVar(&s.moto, "moto", "", "moto_server command; empty leaves it out")
	flag.IntVar(&s.rounds, "rounds", 3, "rounds; servers alternate within each")
	flag.DurationVar(&s.window, "window", 2*time.Second, "how long one server is measured in one round")
	flag.IntVar(&s.grants, "grants", 100, "grants on the measured key of fastness")
	conns := flag.String("conns", "16,32,64", "numbers of connections")
	ops := flag.String("ops", "", "operations to measure, separated by commas; empty means all")
	echo := flag.Bool("echo", false, "be the echo server (used by kmsload itself)")
	flag.Parse()
	if *echo {
		fatal(serveEcho())
		return
	}
	for _, c := range strings.Split(*conns, ",") {
		n, err := strconv.Atoi(c)
		if err != nil || n < 1 || n > 1024 {
			fatal(fmt.Errorf("-conns: %q", c))
		}
		s.conns = append(s.conns, n)
	}
	if *ops != "" {
		s.ops = strings.Split(*ops, ",")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, s)
	stop()
	fatal(err)
}

func fatal(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "kmsload:", err)
		os.Exit(1)
	}
}

// run starts the servers, measures and prints.
func run(ctx context.Context, s settings) (err error) {
	dir, err := os.MkdirTemp("", "kmsload")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	servers, err := startAll(ctx, s, dir)
	defer func() {
		for _, sv := range servers {
			sv.stop()
		}
	}()
	if err != nil {
		return err
	}
	var results []result
	for _, o := range operations {
		if len(s.ops) > 0 && !slices.Contains(s.ops, o.name) {
			continue
		}
		for _, conns := range s.conns {
			r, err := compare(ctx, s, servers, o, conns)
			if err != nil {
				return fmt.Errorf("%s: %w", o.name, err)
			}
			results = append(results, r...)
		}
	}
	printTable(os.Stdout, results)
	return nil
}

// compare measures one operation with one number of connections on every server that
// knows it.
func compare(ctx context.Context, s settings, servers []*server, o operation, conns int) ([]result, error) {
	var all []result
	at := map[*server]int{}
	for _, sv := range servers {
		if sv.offers(o) {
			at[sv] = len(all)
			all = append(all, result{server: sv.name, op: o.name, conns: conns})
		}
	}
	for range s.rounds {
		for _, sv := range servers {
			i, ok := at[sv]
			if !ok {
				continue
			}
			requests, err := sv.requests(ctx, o, conns)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", sv.name, err)
			}
			m, err := sv.measure(ctx, requests, s.window)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", sv.name, err)
			}
			all[i].measured = append(all[i].measured, m)
		}
	}
	return all, nil
}
