// Command kmsload compares KMS servers (package contest beside it says how): rates and
// processor time per request, with the ratios to a bare net/http server that answers with
// the same bytes, and for signatures to one that also signs. It writes nothing outside its
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

	"fastness/test/bench/contest"
)

// settings are the flags.
type settings struct {
	fastness, against       string
	openBao, localKMS, moto string
	rounds                  int
	window, limit           time.Duration
	conns                   []int
	ops                     []string
	grants                  int
}

func main() {
	var s settings
	flag.StringVar(&s.fastness, "fastness", "", "fastness binary")
	flag.StringVar(&s.against, "against", "", "another fastness binary, to compare with in the same rounds; empty leaves it out")
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
		fatal(contest.ServeEcho())
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
	c := contest.Contest{Rounds: s.rounds, Window: s.window}
	defer c.Stop()
	if err := enter(ctx, &c, s, dir); err != nil {
		return err
	}
	floors := []string{contest.EchoName, bareName}
	if s.against != "" {
		floors = append(floors, againstName)
	}
	var results []contest.Result
	defer func() { contest.Print(os.Stdout, results, floors...) }()
	for _, o := range operations {
		if len(s.ops) > 0 && !slices.Contains(s.ops, o.name) {
			continue
		}
		for _, conns := range s.conns {
			r, err := c.Compare(ctx, o.name, conns)
			results = append(results, r...)
			if err != nil {
				return err
			}
		}
	}
	return nil
}
