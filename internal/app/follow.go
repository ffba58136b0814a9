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

	mu      sync.Mutex
	reports map[string]*heard // by the name of the proxy
}

// heard is the last report of a proxy.
type heard struct {
	at     time.Time
	health map[string]map[string]upstream.Health
}

// maxProxies bounds the proxies whose reports are kept.
const maxProxies = 1000

func newFollowers(p *dataPlane, d *front.Door, c *Config) *followers {
	f := &followers{plane: p, door: d, account: c.Account, clock: c.Clock, log: c.Log, reports: make(map[string]*heard)}
	p.others = f
	return f
}

// Serves implements front.Side.
func (f *followers) Serves(r *http.Request) bool {
	return r.URL.Path == follow.ConfigurationPath && r.Method == http.MethodGet || (r.URL.Path == follow.ReportPath || r.URL.Path == follow.ActivityPath) && r.Method == http.MethodPost
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
		return
	case r.Method == http.MethodPost:
		f.report(w, body)
		return
	}
	f.configuration(w, r)
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
	c, revision, err := f.plane.source.Watch(ctx, after)
	if err != nil {
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
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.clock.Now()
	for name, h := range f.reports {
		if now.Sub(h.at) > staleReport {
			delete(f.reports, name)
		}
	}
	if _, known := f.reports[report.Proxy]; !known && len(f.reports) >= maxProxies {
		http.Error(w, "too many proxies", http.StatusServiceUnavailable)
		return
	}
	f.reports[report.Proxy] = &heard{now, report.Health}
	w.WriteHeader(http.StatusNoContent)
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
