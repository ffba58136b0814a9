// Command bench compares firewalls that run the same Core Rule Set: this one, Coraza, and
// ModSecurity in nginx. First the engines by themselves, in one process and in turns: processor time and
// allocations of a request, which each of them has to judge alike. Then servers (package contest says how):
// rates, latencies and processor time of requests through this proxy without and with a web ACL, and through the
// others. See waf.sh in test/bench for how it is run.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"

	"fastness/test/bench/contest"
)

func main() {
	rounds := flag.Int("rounds", 5, "rounds; every contestant runs once in each")
	window := flag.Duration("window", 500*time.Millisecond, "how long a contestant runs in a round")
	parts := flag.String("parts", "engines,servers", "engines, servers, or both with a comma")
	conns := flag.String("conns", "1,16", "numbers of connections to the servers")
	modsecurity := flag.String("modsecurity", "", "nginx's module of ModSecurity; empty leaves it out")
	only := flag.String("kinds", "GET,form,JSON", "kinds of requests to the servers")
	once := flag.Bool("once", false, "only requests of which none comes twice")
	own := flag.Bool("own", false, "leave out the servers that are not ours")
	limit := flag.Duration("limit", 20*time.Minute, "how long the whole run may take; what was measured by then is printed")
	profiles := flag.String("profiles", "", "directory into which the proxies of this command write what their processor time went into; empty: none")
	serve := make(map[string]*bool)
	for name := range handlers {
		serve[name] = flag.Bool(name, false, "be that server (used by the command itself)")
	}
	flag.Parse()
	for name, be := range serve {
		if *be {
			fatal(handlers[name]())
			return
		}
	}
	if *profiles != "" {
		fatal(os.Setenv(profileVariable, *profiles))
	}
	var numbers []int
	for _, c := range strings.Split(*conns, ",") {
		n, err := strconv.Atoi(c)
		if err != nil || n < 1 || n > 1024 {
			fatal(fmt.Errorf("-conns: %q", c))
		}
		numbers = append(numbers, n)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	ctx, cancel := context.WithTimeout(ctx, *limit)
	defer stop()
	defer cancel()
	if strings.Contains(*parts, "engines") {
		fatal(compareEngines(*rounds, *window))
	}
	if strings.Contains(*parts, "servers") {
		c := contest.Contest{Rounds: *rounds, Window: *window}
		err := compareServers(ctx, &c, numbers, strings.Split(*only, ","), *once, *own, *modsecurity)
		c.Stop()
		fatal(err)
	}
}

func fatal(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
