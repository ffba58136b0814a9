package app

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"fastness/internal/api/wafv2api"
	"fastness/internal/call"
	"fastness/internal/clock"
	"fastness/internal/front"
	"fastness/internal/proxy/follow"
	"fastness/internal/proxy/upstream"
	"fastness/internal/wire"
)

// The permissions of proxies on other hosts. A configuration is that of all accounts, with private
// keys: only principals of the platform's own account get it, and only over TLS or loopback.
const (
	actionFollow = "fastness:GetProxyConfiguration"
	actionReport = "fastness:PutProxyReport"
)

// maxReport bounds a report, in bytes; staleReport is how long one counts.
const (
	maxReport   = 8 << 20
	staleReport = 30 * time.Second
)

// followers serves the configuration to proxies on other hosts (package follow says how), and takes
// what they report.
type followers struct {
	plane   *dataPlane
	door    *front.Door
	account string
	clock   clock.Clock
	log     *slog.Logger

	ending context.Context // done when nobody may wait any more
	end    context.CancelFunc

	mu      sync.Mutex
	reports map[string]*heard // by the name of the proxy
}

// heard is the last report of a proxy.
type heard struct {
	at      time.Time
	health  map[string]map[string]upstream.Health
	limited map[string]map[string][]netip.Addr
}

// maxProxies bounds the proxies whose reports are kept.
const maxProxies = 1000

func newFollowers(p *dataPlane, d *front.Door, c *Config) *followers {
	f := &followers{plane: p, door: d, account: c.Account, clock: c.Clock, log: c.Log, reports: make(map[string]*heard)}
	f.ending, f.end = context.WithCancel(context.Background())
	p.others = f
	return f
}

// Serves implements front.Side.
func (f *followers) Serves(r *http.Request) bool {
	switch r.URL.Path {
	case follow.ConfigurationPath:
		return r.Method == http.MethodGet
	case follow.ReportPath, follow.CountsPath, follow.ActivityPath:
		return r.Method == http.MethodPost
	}
	return false
}

// ServeHTTP implements http.Handler.
func (f *followers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if from, err := netip.ParseAddrPort(r.RemoteAddr); r.TLS == nil && (err != nil || !from.Addr().Unmap().IsLoopback()) {
		http.Error(w, "use HTTPS: a configuration holds private keys", http.StatusForbidden)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxReport+1))
	switch {
	case err != nil:
		return // the client is gone
	case len(body) > maxReport:
		http.Error(w, "the report is too large", http.StatusRequestEntityTooLarge)
		return
	}
	action := actionFollow
	if r.Method == http.MethodPost {
		action = actionReport
	}
	who, err := f.door.Vouch(r.Context(), r, body, wafv2api.API, call.Access{Action: action, Resource: "*", Account: f.account})
	if err == nil && who.Account != f.account {
		err = &wire.CommonError{Kind: wire.AccessDenied, Message: "Only principals of the platform's own account can follow the configuration of proxies."}
	}
	if err != nil {
		f.refuse(w, err)
		return
	}
	switch {
	case r.URL.Path == follow.ActivityPath:
		f.activity(r.Context(), w, body)
	case r.URL.Path == follow.CountsPath:
		f.exchange(w, body)
	case r.Method == http.MethodPost:
		f.report(w, body)
	default:
		f.configuration(w, r)
	}
}

// refuse answers an error; what is not the caller's business is logged.
func (f *followers) refuse(w http.ResponseWriter, err error) {
	common, ok := errors.AsType[*wire.CommonError](err)
	if !ok {
		f.log.Error("a proxy could not be told apart", "error", err)
		http.Error(w, "internal failure", http.StatusInternalServerError)
		return
	}
	http.Error(w, common.ErrorCode()+": "+common.ErrorMessage(), http.StatusForbidden)
}

// configuration answers the configuration as soon as it is another one than the proxy has.
func (f *followers) configuration(w http.ResponseWriter, r *http.Request) {
	after, err := strconv.ParseUint(r.URL.Query().Get("after"), 10, 64)
	seconds, err2 := strconv.ParseUint(r.URL.Query().Get("wait"), 10, 16)
	if err != nil || err2 != nil {
		http.Error(w, "after and wait must be numbers", http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), min(time.Duration(seconds)*time.Second, follow.MaxWait))
	defer cancel()
	stop := context.AfterFunc(f.ending, cancel)
	defer stop()
	c, revision, err := f.plane.source.Watch(ctx, after)
	switch {
	case f.ending.Err() != nil:
		http.Error(w, "the server is ending", http.StatusServiceUnavailable)
		return
	case err != nil:
		w.WriteHeader(http.StatusNotModified)
		return
	}
	text, err := json.Marshal(c)
	if err != nil {
		f.log.Error("the configuration of the proxies could not be written", "error", err)
		http.Error(w, "internal failure", http.StatusInternalServerError)
		return
	}
	defer clear(text)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set(follow.RevisionField, strconv.FormatUint(revision, 10))
	_, _ = w.Write(text)
}

// activity takes records and counts of requests.
func (f *followers) activity(ctx context.Context, w http.ResponseWriter, body []byte) {
	switch err := f.plane.activity.takeJSON(ctx, body); {
	case errors.Is(err, errNoBatch):
		http.Error(w, "not a batch of records", http.StatusBadRequest)
	case err != nil:
		f.log.Error("records of a proxy could not be stored", "error", err)
		http.Error(w, "internal failure", http.StatusInternalServerError)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

// report takes what a proxy says.
func (f *followers) report(w http.ResponseWriter, body []byte) {
	var report follow.Report
	if err := json.Unmarshal(body, &report); err != nil || report.Proxy == "" {
		http.Error(w, "not a report", http.StatusBadRequest)
		return
	}
	if len(report.Proxy) > maxProxyName {
		http.Error(w, "the name of the proxy is too long", http.StatusBadRequest)
		return
	}
	now := f.clock.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	for name, h := range f.reports {
		if now.Sub(h.at) > staleReport {
			delete(f.reports, name)
		}
	}
	if _, known := f.reports[report.Proxy]; !known && len(f.reports) >= maxProxies {
		http.Error(w, "too many proxies", http.StatusServiceUnavailable)
		return
	}
	f.reports[report.Proxy] = &heard{now, report.Health, report.Limited}
	f.records(&report, now)
	w.WriteHeader(http.StatusNoContent)
}

// Bounds of what a proxy says.
const (
	maxProxyName = 256
	maxRecords   = 65_536
	maxMatches   = 200
	// lateRecord and earlyRecord are how far the time of a record may be off.
	lateRecord, earlyRecord = time.Hour, time.Minute
)

// records takes the requests that a proxy has seen. What is not a record, or of a time that cannot be, is
// counted.
func (f *followers) records(report *follow.Report, now time.Time) {
	bad := uint64(0)
	var all []any
	for i, text := range report.Records {
		s := new(sighting)
		if i >= maxRecords || len(text) > recordBytes || json.Unmarshal(text, s) != nil || len(s.Matches) > maxMatches || now.Sub(s.At) > lateRecord || s.At.Sub(now) > earlyRecord {
			bad++
			continue
		}
		all = append(all, s)
	}
	f.plane.seen.deliver(all)
	if report.Lost+bad > 0 {
		f.log.Warn("requests that a proxy has seen are not among the samples", "proxy", report.Proxy, "lost", report.Lost, "unreadable", bad)
	}
}

// exchange takes what a proxy has counted and gives what others have.
func (f *followers) exchange(w http.ResponseWriter, body []byte) {
	var counts follow.Counts
	if err := json.Unmarshal(body, &counts); err != nil || counts.Proxy == "" || len(counts.Proxy) > maxProxyName {
		http.Error(w, "not counts", http.StatusBadRequest)
		return
	}
	given, err := follow.Unpack(counts.Rules)
	if err != nil {
		http.Error(w, "not counts", http.StatusBadRequest)
		return
	}
	next, taken, alone := f.plane.counts.swap(counts.Proxy, counts.After, given)
	text, err := json.Marshal(follow.Answer{Next: next, Rules: follow.Pack(taken), Alone: alone})
	if err != nil {
		f.log.Error("counts could not be written", "error", err)
		http.Error(w, "internal failure", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text)
}

// limited are the addresses that a rule limits at other proxies.
func (f *followers) limited(webACL, rule string) (all []netip.Addr) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.clock.Now()
	seen := make(map[netip.Addr]bool)
	for _, r := range f.reports {
		if now.Sub(r.at) > staleReport {
			continue
		}
		for _, a := range r.limited[webACL][rule] {
			if !seen[a] && len(all) < maxLimited {
				seen[a] = true
				all = append(all, a)
			}
		}
	}
	return all
}

// health is what the other proxies say of a target: healthy if it is for any of them.
func (f *followers) health(group, target string) (h upstream.Health, known bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.clock.Now()
	for _, r := range f.reports {
		if now.Sub(r.at) > staleReport {
			continue
		}
		if x, ok := r.health[group][target]; ok && (!known || x.State == upstream.Healthy) {
			h, known = x, true
		}
	}
	return h, known
}
