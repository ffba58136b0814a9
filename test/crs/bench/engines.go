package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	crs "github.com/corazawaf/coraza-coreruleset/v4"
	"github.com/corazawaf/coraza/v3"
	"github.com/corazawaf/coraza/v3/types"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/request"
	"fastness/internal/engine/waf/seclang"
)

// corazaRules is how Coraza is set up: what its own documentation recommends, without audit logs and response
// bodies, and the Core Rule Set at its first level.
const corazaRules = "Include @coraza.conf-recommended\nInclude @crs-setup.conf.example\nSecRuleEngine On\nSecResponseBodyAccess Off\nSecAuditEngine Off\nInclude @owasp_crs/*.conf\n"

// coreRuleSet is a web ACL that refuses what has the score at which the Core Rule Set refuses.
type coreRuleSet struct{ memoBytes int }

// ManagedGroup implements waf.ManagedGroups.
func (c coreRuleSet) ManagedGroup(string, string, string, json.RawMessage) (waf.RuleGroup, waf.Sets, error) {
	sources, options, err := seclang.CoreRuleSet(crs.FS, seclang.Config{})
	if err != nil {
		return waf.RuleGroup{}, waf.Sets{}, err
	}
	options.MemoBytes = c.memoBytes
	program, err := seclang.Compile(sources, options)
	return waf.RuleGroup{
		Name: "CoreRuleSet", SecLang: program,
		Rules: []waf.Rule{{Name: "score", Action: waf.Action{Kind: waf.Block}, Statement: waf.Statement{SecLang: &waf.SecLangMatch{Score: 5}}}},
	}, waf.Sets{}, err
}

// acl is the web ACL with the Core Rule Set.
func acl() waf.ACL {
	return waf.ACL{
		Name: "crs", DefaultAction: waf.Action{Kind: waf.Allow},
		Rules: []waf.Rule{{Name: "crs", Statement: waf.Statement{Managed: &waf.ManagedGroup{Vendor: "OWASP", Name: "CoreRuleSet"}}}},
	}
}

// engine judges requests: the number n of a kind, all of which are made before.
type engine struct {
	name  string
	judge func(m *prepared) (refused bool, err error)
}

// prepared is a message with what each engine takes.
type prepared struct {
	message
	ours *request.Request
}

func prepare(m message) *prepared { return &prepared{m, m.request()} }

func ours(name string, memoBytes int) (engine, error) {
	a := acl()
	p, err := waf.Compile(&a, waf.Options{Managed: coreRuleSet{memoBytes}, MemoBytes: memoBytes})
	if err != nil {
		return engine{}, err
	}
	s := waf.NewScratch(request.DefaultLimits())
	return engine{name, func(m *prepared) (bool, error) {
		v, err := p.Evaluate(m.ours, nil, s)
		return err == nil && v.Action == waf.Block, err
	}}, nil
}

func theirs() (engine, error) {
	w, err := coraza.NewWAF(coraza.NewWAFConfig().WithRootFS(crs.FS).WithDirectives(corazaRules))
	if err != nil {
		return engine{}, err
	}
	return engine{"Coraza", func(m *prepared) (refused bool, err error) {
		tx := w.NewTransaction()
		defer func() {
			tx.ProcessLogging()
			err = errors.Join(err, tx.Close())
		}()
		return interrupted(tx, &m.message)
	}}, nil
}

// interrupted takes a transaction through the phases of the request.
func interrupted(tx types.Transaction, m *message) (bool, error) {
	tx.ProcessConnection("192.0.2.7", 40000, "192.0.2.1", 80)
	tx.ProcessURI(m.target, m.method, "HTTP/1.1")
	for _, f := range m.fields {
		tx.AddRequestHeader(f.Name, f.Value)
	}
	tx.SetServerName("shop.example")
	if tx.ProcessRequestHeaders() != nil {
		return true, nil
	}
	if len(m.body) > 0 {
		it, _, err := tx.WriteRequestBody(m.body)
		if it != nil || err != nil {
			return it != nil, err
		}
	}
	it, err := tx.ProcessRequestBody()
	return it != nil, err
}

// cost is what one request takes.
type cost struct {
	cpu           time.Duration
	objects, size float64
}

// processorTime is what this process has used so far.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// atOnce is how many requests are made before an engine judges them.
const atOnce = 1000

// measure has an engine judge requests that all pass, for as long as the window. No request comes twice: what an engine remembers
// of whole requests does not help it.
func (e engine) measure(kind func(n int) message, from *int, window time.Duration) (cost, error) {
	var before, after runtime.MemStats
	var all cost
	n := 0
	var cpu, spent time.Duration
	for n == 0 || spent < window {
		list := make([]*prepared, atOnce)
		for i := range list {
			list[i] = prepare(kind((*from + i) * 7919))
		}
		*from += atOnce
		runtime.GC()
		runtime.ReadMemStats(&before)
		start, used := time.Now(), processorTime()
		for _, m := range list {
			if refused, err := e.judge(m); err != nil || refused {
				return cost{}, fmt.Errorf("%s: %s: refused %v, %v", e.name, m.target, refused, err)
			}
			if n++; spent+time.Since(start) >= window {
				break
			}
		}
		cpu += processorTime() - used
		spent += time.Since(start)
		runtime.ReadMemStats(&after)
		all.objects += float64(after.Mallocs - before.Mallocs)
		all.size += float64(after.TotalAlloc - before.TotalAlloc)
	}
	return cost{cpu / time.Duration(n), all.objects / float64(n), all.size / float64(n)}, nil
}

// compareEngines measures the engines in turns and prints medians.
func compareEngines(rounds int, window time.Duration) error {
	known, err := ours("fastness", 0)
	if err != nil {
		return err
	}
	forgetful, err := ours("fastness without a memo", -1)
	if err != nil {
		return err
	}
	coraza, err := theirs()
	if err != nil {
		return err
	}
	engines := []engine{known, forgetful, coraza}
	for _, m := range attacks() {
		for _, e := range engines {
			if refused, err := e.judge(prepare(m)); err != nil || !refused {
				return fmt.Errorf("%s lets %s pass (%v)", e.name, m.target, err)
			}
		}
	}
	var table strings.Builder
	fmt.Fprintln(&table, "| request | engine | CPU µs | Coraza's : its | allocations | bytes |\n|---|---|---|---|---|---|")
	for _, k := range kinds {
		// Each turn goes on where the engine's last one ended.
		costs, from := make([][]cost, len(engines)), make([]int, len(engines))
		for round := range rounds + 1 {
			for i, e := range engines {
				c, err := e.measure(k.make, &from[i], window)
				if err != nil {
					return err
				}
				if round > 0 { // the first warms up
					costs[i] = append(costs[i], c)
				}
			}
		}
		for i, e := range engines {
			var ratios []float64
			for r := range rounds {
				ratios = append(ratios, float64(costs[2][r].cpu)/float64(max(costs[i][r].cpu, 1)))
			}
			slices.Sort(ratios)
			of := func(f func(cost) float64) float64 {
				var all []float64
				for _, c := range costs[i] {
					all = append(all, f(c))
				}
				slices.Sort(all)
				return all[len(all)/2]
			}
			fmt.Fprintf(&table, "| %s | %s | %.1f | %.0f | %.0f | %.0f |\n", k.name, e.name, of(func(c cost) float64 { return float64(c.cpu) / 1e3 }), ratios[len(ratios)/2],
				of(func(c cost) float64 { return c.objects }), of(func(c cost) float64 { return c.size }))
		}
	}
	_, err = fmt.Fprintln(os.Stdout, table.String())
	return err
}
