package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"time"

	"fastness/internal/api/elbv2api"
	"fastness/internal/arn"
	"fastness/internal/clock"
	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/challenge"
	"fastness/internal/engine/waf/request"
	"fastness/internal/proxy"
	"fastness/internal/proxy/follow"
	"fastness/internal/proxy/upstream"
	"fastness/internal/service/elbv2"
	"fastness/internal/service/wafv2"
	"fastness/internal/store"
	"fastness/internal/waflog"
)

// DefaultProxyBind is the address that the listeners of load balancers listen on.
const DefaultProxyBind = "127.0.0.1"

// ProxyConfig is what an operator can set about load balancers.
type ProxyConfig struct {
	// Bind is the IP address that listeners listen on; default DefaultProxyBind.
	Bind string
	// Domain is below what load balancers have their DNS names; default elbv2.DefaultDomain. It must
	// resolve to Bind.
	Domain string
	// Off has no proxy run in this process; others may follow this server.
	Off bool
}

func (c *ProxyConfig) complete() error {
	if c.Bind == "" {
		c.Bind = DefaultProxyBind
	}
	if _, err := netip.ParseAddr(c.Bind); err != nil {
		return fmt.Errorf("app: %q is not an IP address for the listeners of load balancers", c.Bind)
	}
	return nil
}

// dataPlane makes the configuration of the proxies when something has changed, and runs the one in
// this process.
type dataPlane struct {
	rooms  proxyRooms
	store  store.Store
	bind   string
	clock  clock.Clock
	log    *slog.Logger
	source proxy.Published
	proxy  *proxy.Proxy
	seen   *sightings
	queue  *proxy.Queue
	gate   *proxy.Gate // nil where no proxy runs
	// recorder makes the records of requests, activity takes them to where they go.
	recorder *waflog.Recorder
	activity *activity
	recorded chan struct{} // closed when the recorder has ended
	end      context.CancelFunc
	// catalogue has the managed rule groups.
	catalogue catalogue
	others    *followers // nil until they can come
	counts    *exchange
	// dirty has something in it when the configuration has to be made again.
	dirty chan struct{}

	mu sync.Mutex
	// programs are the compiled web ACLs.
	programs map[string]proxy.Inspector
}

// newDataPlane makes the data plane before its rooms, which tell it of changes.
func newDataPlane(s store.Store, c *Config, a *activity) (*dataPlane, error) {
	groups, err := ManagedGroups(c.Firewall, c.Log)
	if err != nil {
		return nil, err
	}
	d := &dataPlane{
		store: s, bind: c.Proxy.Bind, clock: c.Clock, log: c.Log, dirty: make(chan struct{}, 1), seen: newSightings(), counts: newExchange(c.Clock),
		programs: make(map[string]proxy.Inspector), catalogue: newCatalogue(groups), activity: a,
	}
	if c.Proxy.Off {
		return d, nil
	}
	d.queue = proxy.NewQueue(newWitness().account, d.seen.deliver)
	gate, err := proxy.NewGate(challenge.Options{}, c.Log)
	if err != nil {
		return nil, err
	}
	d.gate = gate
	d.recorder = waflog.New(waflog.Options{Clock: c.Clock, Log: c.Log, Deliver: a.take, Limits: request.DefaultLimits(), Tokens: gate})
	compile := NewFirewall(c.Firewall, groups, gate)
	d.proxy = proxy.New(proxy.Options{
		Clock: c.Clock, Log: c.Log, Recorder: Recorders{d.queue, d.recorder}, Interstitial: gate,
		HeldBody: c.Firewall.HeldBody, HeldMemory: c.Firewall.HeldMemory,
		Compile: func(acl *proxy.WebACL, previous proxy.Inspector) (proxy.Inspector, error) {
			i, err := compile(acl, previous)
			if err == nil {
				d.mu.Lock()
				d.programs[acl.ARN] = i
				d.mu.Unlock()
			}
			return i, err
		},
	})
	return d, nil
}

// changed says that the configuration has to be made again. It does not block.
func (d *dataPlane) changed() {
	select {
	case d.dirty <- struct{}{}:
	default:
	}
}

// retryPublish is the wait after a configuration could not be made.
const retryPublish = time.Second

// publish makes configurations until ctx is done. Changes that come while one is made are in the
// next one.
func (d *dataPlane) publish(ctx context.Context) error {
	d.changed()
	// A number that is higher than all of earlier processes on this store, and goes up with the store's:
	// two configurations of one revision of the store are the same.
	started := uint64(d.clock.Now().UnixMicro())
	var last store.Revision
	for n := uint64(0); ; {
		select {
		case <-d.dirty:
		case <-ctx.Done():
			return ctx.Err()
		}
		c, revision, err := d.rooms.configuration(ctx, d.store, d.bind)
		if err != nil {
			d.log.Error("the configuration of the proxies could not be made; they keep the last one", "error", err)
			if err := d.clock.Sleep(ctx, retryPublish); err != nil {
				return err
			}
			d.changed()
			continue
		}
		if revision == last && n > 0 {
			continue
		}
		last = revision
		n++
		d.remember(&c)
		d.activity.configure(&c)
		d.source.Publish(c, started+n)
	}
}

// remember keeps what is asked about the current configuration.
func (d *dataPlane) remember(c *proxy.Config) {
	d.mu.Lock()
	defer d.mu.Unlock()
	used := make(map[string]bool)
	for i := range c.LoadBalancers {
		used[c.LoadBalancers[i].WebACL] = true
	}
	for arn := range d.programs {
		if !used[arn] {
			delete(d.programs, arn)
		}
	}
}

// run runs the proxy of this process until ctx is done.
func (d *dataPlane) run(ctx context.Context) error {
	if d.proxy == nil {
		return nil
	}
	return d.proxy.Run(ctx, d.recorder.Source(&d.source))
}

// record starts the recorder, which goes on until the proxy has ended.
func (d *dataPlane) record(ctx context.Context) {
	if d.recorder == nil {
		return
	}
	ctx, d.end = context.WithCancel(context.WithoutCancel(ctx))
	d.recorded = make(chan struct{})
	go func() {
		defer close(d.recorded)
		_ = d.recorder.Run(ctx, drainTimeout)
	}()
}

// ownProxy is the name of the proxy of this process among those that exchange counts. No other has
// an empty one.
const ownProxy = ""

// share exchanges counts between the proxy of this process and others until ctx is done.
func (d *dataPlane) share(ctx context.Context) error {
	if d.proxy == nil {
		return nil
	}
	for after := uint64(0); ; {
		// What nobody wants is taken, too: who comes later shall not get counts of long ago.
		next, others, _ := d.counts.swap(ownProxy, after, d.proxy.TakeCounts(follow.MaxKeys))
		after = next
		d.proxy.AddCounts(others)
		if err := d.clock.Sleep(ctx, follow.Period); err != nil {
			return err
		}
	}
}

// close ends the proxy; requests get a while to end.
func (d *dataPlane) close() error {
	if d == nil || d.proxy == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	err := d.proxy.Shutdown(ctx)
	d.queue.Close()
	if d.end != nil {
		d.end()
		<-d.recorded
	}
	d.activity.flush(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil // what was cut off is logged
	}
	return err
}

// Target implements elbv2.Health.
func (d *dataPlane) Target(_ context.Context, group string, target netip.AddrPort) (st elbv2.State) {
	var h upstream.Health
	known := false
	if d.proxy != nil {
		h, known = d.proxy.TargetHealth(group)[target.String()]
	}
	if d.others != nil && (!known || h.State != upstream.Healthy) {
		if other, ok := d.others.health(group, target.String()); ok {
			h, known = other, true
		}
	}
	if !known {
		return st
	}
	st = elbv2.State{Known: true, Checked: h.State != upstream.Initial, Healthy: h.State == upstream.Healthy, Reason: elbv2api.TargetHealthReasonEnum(h.Reason), Description: h.Description}
	return st
}

// maxLimited is how many addresses a rate-based rule tells (AWS WAF Developer Guide: 10,000).
const maxLimited = 10_000

// RateLimited implements wafv2.Live.
func (d *dataPlane) RateLimited(_ context.Context, webACL, group, rule string) ([]netip.Addr, error) {
	d.mu.Lock()
	program := d.programs[webACL]
	d.mu.Unlock()
	if group != "" {
		rule = group + "/" + rule
	}
	var all []netip.Addr
	if d.others != nil {
		all = d.others.limited(webACL, rule)
	}
	p, ok := program.(interface {
		Limited(rule string, now time.Time, limit int) ([]netip.Addr, error)
	})
	if !ok {
		return all, nil // the proxy of this process does not have the web ACL
	}
	own, err := p.Limited(rule, d.clock.Now(), maxLimited)
	if errors.Is(err, waf.ErrNoRateRule) {
		return all, nil // the rule is newer than the program
	}
	if err != nil {
		return nil, err
	}
	// What the proxies share makes most addresses limited at several of them.
	seen := make(map[netip.Addr]bool, len(own))
	for _, a := range own {
		seen[a] = true
	}
	for _, a := range all {
		if !seen[a] && len(own) < maxLimited {
			seen[a] = true
			own = append(own, a)
		}
	}
	return own, nil
}

// Samples implements wafv2.Live.
func (d *dataPlane) Samples(_ context.Context, webACL, metric string, from, to time.Time, limit int) (wafv2.Sampled, error) {
	return d.seen.samples(webACL, metric, from, to, limit), nil
}

// Paths implements wafv2.Live.
func (d *dataPlane) Paths(_ context.Context, q wafv2.PathQuery) (wafv2.PathTraffic, error) {
	return d.seen.paths(&q), nil
}

// webACLResources knows what web ACLs can protect here: load balancers.
type webACLResources struct{ balancing func() *elbv2.Service }

// WebACLResource implements wafv2.Resources.
func (w webACLResources) WebACLResource(r store.Reader, text string) (wafv2.ResourceState, map[string]string, error) {
	a, err := arn.Parse(text)
	if err != nil || a.Service != "elasticloadbalancing" || !strings.HasPrefix(a.Resource, "loadbalancer/app/") {
		return wafv2.ResourceAbsent, nil, nil
	}
	there, tags, err := w.balancing().Exists(r, text)
	if err != nil || !there {
		return wafv2.ResourceAbsent, nil, err
	}
	return wafv2.ResourceReady, tags, nil
}
