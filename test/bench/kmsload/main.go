// Command kmsload compares KMS servers: it replays fixed, signed requests over
// keep-alive connections, server after server in turns, and prints the rates, the
// processor time of each server process per request, and the ratios to a bare
// net/http server that answers with the same bytes, and for signatures to one that
// also signs. However a peer behaves, each wait is bounded. It writes nothing outside its
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
	fastness, openBao string
	localKMS, moto    string
	rounds            int
	window, limit     time.Duration
	conns             []int
	ops               []string
	grants            int
}

func main() {
	var s settings
	flag.StringVar(&s.fastness, "fastness", "", "fastness binary")
	flag.StringVar(&s.openBao, "openbao", "", "bao binary; empty leaves it out")
	flag.StringVar(&s.localKMS, "local-kms", "", "local-kms binary; empty leaves it out")
	flag.StringVar(&s.moto, "moto", "", "moto_server command; empty leaves it out")
	flag.IntVar(&s.rounds, "rounds", 3, "rounds; servers alternate within each")
	flag.DurationVar(&s.window, "window", 2*time.Second, "how long one server is measured in one round")
	flag.DurationVar(&s.limit, "limit", 45*time.Minute, "how long the whole run may take; what was measured by then is printed")
	flag.IntVar(&s.grants, "grants", 100, "grants on the measured key of fastness")
	conns := flag.String("conns", "16,32,64", "numbers of connections")
	ops := flag.String("ops", "", "operations to measure, separated by commas; empty means all")
	echo := flag.Bool("echo", false, "be the echo server (used by kmsload itself)")
	bare := flag.Bool("bare", false, "be the server of the bare algorithms (used by kmsload itself)")
	flag.Parse()
	switch {
	case *echo:
		fatal(serveEcho())
		return
	case *bare:
		fatal(serveBare())
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
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	err := run(ctx, s)
	cancel()
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
	defer func() { printTable(os.Stdout, results) }()
	out := map[*server]bool{} // peers that failed
	for _, o := range operations {
		if len(s.ops) > 0 && !slices.Contains(s.ops, o.name) {
			continue
		}
		for _, conns := range s.conns {
			r, err := compare(ctx, s, servers, out, o, conns)
			results = append(results, r...)
			if err != nil {
				return fmt.Errorf("%s: %w", o.name, err)
			}
		}
	}
	return nil
}

// compare measures one operation with one number of connections on every server that
// knows it. A peer that fails is left out from there on, and said; an unfinished
// comparison has the rounds that were measured.
func compare(ctx context.Context, s settings, servers []*server, out map[*server]bool, o operation, conns int) ([]result, error) {
	var all []result
	at := map[*server]int{}
	for _, sv := range servers {
		if sv.offers(o) && !out[sv] {
			at[sv] = len(all)
			all = append(all, result{server: sv.name, op: o.name, conns: conns})
		}
	}
	measured := func() []result {
		return slices.DeleteFunc(all, func(r result) bool { return len(r.measured) == 0 })
	}
	for range s.rounds {
		for _, sv := range servers {
			i, ok := at[sv]
			if !ok || out[sv] {
				continue
			}
			m, err := sv.round(ctx, o, conns, s.window)
			switch {
			case err == nil:
				all[i].measured = append(all[i].measured, m)
			case sv.peer() && ctx.Err() == nil:
				out[sv] = true
				fmt.Fprintf(os.Stderr, "%s is left out from %s with %d connections on: %v\n", sv.name, o.name, conns, err)
			default:
				return measured(), fmt.Errorf("%s: %w", sv.name, err)
			}
		}
	}
	return measured(), nil
}
