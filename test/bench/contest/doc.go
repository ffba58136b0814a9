// Package contest compares servers on one machine: they get the same requests over
// keep-alive connections of HTTP/1.1, server after server in turns, and their rates, their
// processor time for each request and their latencies are printed with the ratios to a
// floor, a bare net/http server that answers with the same bytes. Rates of a machine that
// others use say little; ratios of rounds that lie beside each other say more.
//
//	var c contest.Contest
//	defer c.Stop()
//	err := c.Enter("fastness", func() (*contest.Server, error) { … })
//	results, err := c.Compare(ctx, "GetParameter", 64)
//	contest.Print(os.Stdout, results)
//
// Whatever a server does, each wait is bounded. A peer that fails is
// left out from there on, and said. Nothing is written outside the directories that the
// caller gives. For the load programs beside it: kmsload, secretsload.
package contest
