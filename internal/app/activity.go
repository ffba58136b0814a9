package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"fastness/internal/api/cloudwatchapi"
	"fastness/internal/api/logsapi"
	"fastness/internal/arn"
	"fastness/internal/call"
	"fastness/internal/clock"
	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/request"
	"fastness/internal/proxy"
	"fastness/internal/proxy/follow"
	"fastness/internal/service/wafv2"
	"fastness/internal/waflog"
)

// activityCounters count what proxies told of requests, since the process began.
type activityCounters struct {
	// delivered and lost are log records, uncounted requests that are missing in metrics.
	delivered, lost, uncounted atomic.Uint64
}

// activity takes what proxies tell of the requests that they inspected, of the proxy in this process and of
// those on other hosts, to where the logging configurations of web ACLs say.
type activity struct {
	logs     *logsapi.Client
	metrics  *cloudwatchapi.Client
	service  func(ctx context.Context, service, account, region string) context.Context
	clock    clock.Clock
	log      *slog.Logger
	counters *activityCounters
	// spool takes what is for buckets; nil if there are none.
	spool *spool

	// configured is closed when destinations are known for the first time.
	configured chan struct{}

	mu sync.Mutex
	// destinations are where the records of a web ACL may go, by the ARNs of both.
	destinations map[[2]string]bool
	// counts wait to become metrics.
	counts map[countKey]uint64
	// complained is when a destination was last reported to take nothing.
	complained map[string]time.Time
}

func newActivity(door *inside, c *Config, counters *activityCounters) *activity {
	return &activity{
		logs: logsapi.NewClient(door), metrics: cloudwatchapi.NewClient(door), counts: make(map[countKey]uint64), service: door.AsService, clock: c.Clock, log: c.Log, counters: counters,
		configured: make(chan struct{}), complained: make(map[string]time.Time),
	}
}

// configure says which destinations there are.
func (a *activity) configure(c *proxy.Config) {
	all := make(map[[2]string]bool)
	for i := range c.WebACLs {
		for _, l := range c.WebACLs[i].Logging {
			all[[2]string{c.WebACLs[i].ARN, l.Destination}] = true
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.destinations == nil {
		close(a.configured)
	}
	a.destinations = all
}

// take delivers a batch. Records that cannot be stored are lost, and counted here: whoever sent them need
// not do so again, so that nothing is counted twice. It fails only before it has looked at the batch: if it ends while the
// process, which has just begun, does not know yet where records may go.
func (a *activity) take(ctx context.Context, b *waflog.Batch) error {
	select {
	case <-a.configured:
	case <-ctx.Done():
		return ctx.Err()
	}
	a.counters.lost.Add(b.Lost)
	a.counters.uncounted.Add(b.Uncounted)
	a.count(b.Counts)
	byStream := make(map[[2]string][]waflog.Record)
	a.mu.Lock()
	for _, r := range b.Records {
		to := [2]string{r.ACL, r.Destination}
		if !a.destinations[to] {
			a.counters.lost.Add(1) // the configuration has changed
			continue
		}
		byStream[to] = append(byStream[to], r)
	}
	a.mu.Unlock()
	for to, records := range byStream {
		slices.SortStableFunc(records, func(x, y waflog.Record) int { return cmp.Compare(x.At, y.At) })
		if err := a.deliver(ctx, to[0], to[1], records); err != nil {
			a.counters.lost.Add(uint64(len(records)))
			a.complain(to[1], err)
			continue
		}
		a.counters.delivered.Add(uint64(len(records)))
	}
	return nil
}

// complainEvery is how often the log says that a destination takes nothing.
const complainEvery = time.Minute

// complain says why a destination takes nothing, not too often.
func (a *activity) complain(destination string, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if now := a.clock.Now(); now.Sub(a.complained[destination]) >= complainEvery {
		if len(a.complained) > maxProxies {
			clear(a.complained)
		}
		a.complained[destination] = now
		a.log.Warn("records of a web ACL are lost: their destination does not take them", "destination", destination, "error", err)
	}
}

func (a *activity) deliver(ctx context.Context, acl, destination string, records []waflog.Record) error {
	to, err := arn.Parse(destination)
	if err != nil {
		return fmt.Errorf("app: %w", err)
	}
	switch to.Service {
	case "logs":
		return a.putLogEvents(ctx, acl, to, records)
	case "s3":
		if a.spool != nil {
			return a.spool.take(ctx, acl, to.Resource, records)
		}
	}
	return fmt.Errorf("app: there is no delivery to %s", to.Service)
}

// The bounds of a batch of CloudWatch Logs, with room for what it counts of each event.
const (
	maxLogBatch      = 5000
	maxLogBatchBytes = 900 << 10
	logEventOverhead = 26
)

// putLogEvents writes records to the log group of a destination, as the delivery service on behalf of
// the account.
func (a *activity) putLogEvents(ctx context.Context, acl string, to arn.ARN, records []waflog.Record) error {
	account, region, stream, ok := wafv2.LogStream(acl)
	if !ok {
		return fmt.Errorf("app: %q is no web ACL", acl)
	}
	group := strings.TrimSuffix(strings.TrimPrefix(to.Resource, "log-group:"), ":*")
	ctx = a.service(ctx, wafv2.DeliveryService, account, region)
	call.From(ctx).SourceARN = "arn:" + call.Partition + ":logs:" + region + ":" + account + ":log-delivery:waf"
	for len(records) > 0 {
		n, size := 0, 0
		for n < len(records) && n < maxLogBatch && (n == 0 || size+len(records[n].Text)+logEventOverhead <= maxLogBatchBytes) {
			size += len(records[n].Text) + logEventOverhead
			n++
		}
		in := &logsapi.PutLogEventsRequest{LogGroupName: &group, LogStreamName: &stream, LogEvents: make([]logsapi.InputLogEvent, n)}
		for i, r := range records[:n] {
			in.LogEvents[i] = logsapi.InputLogEvent{Timestamp: new(r.At), Message: new(string(r.Text))}
		}
		_, err := a.logs.PutLogEvents(ctx, in)
		if _, gone := errors.AsType[*logsapi.ResourceNotFoundException](err); gone {
			_, err = a.logs.CreateLogStream(ctx, &logsapi.CreateLogStreamRequest{LogGroupName: &group, LogStreamName: &stream})
			if _, there := errors.AsType[*logsapi.ResourceAlreadyExistsException](err); err == nil || there {
				_, err = a.logs.PutLogEvents(ctx, in)
			}
		}
		if err != nil {
			return err
		}
		records = records[n:]
	}
	return nil
}

// takeJSON takes a batch of a proxy on another host.
func (a *activity) takeJSON(ctx context.Context, body []byte) error {
	var b waflog.Batch
	if err := json.Unmarshal(body, &b); err != nil {
		return errNoBatch
	}
	for i := range b.Records {
		if !json.Valid(b.Records[i].Text) {
			return errNoBatch
		}
	}
	return a.take(ctx, &b)
}

// NewActivityRecorder makes the recorder of a proxy on another host than the control plane, which it
// tells of requests.
func NewActivityRecorder(to *follow.Client, c clock.Clock, log *slog.Logger, tokens waf.Tokens) *waflog.Recorder {
	return waflog.New(waflog.Options{
		Clock: c, Log: log, Limits: request.DefaultLimits(), Tokens: tokens,
		Deliver: func(ctx context.Context, b *waflog.Batch) error {
			body, err := json.Marshal(b)
			if err != nil {
				return err
			}
			return to.SendActivity(ctx, body)
		},
	})
}

var errNoBatch = errors.New("app: not a batch of records")

// Recorders are told one after the other.
type Recorders []proxy.Recorder

// Record implements proxy.Recorder.
func (all Recorders) Record(r *request.Request, v *proxy.Verdict, o *proxy.Outcome) {
	for _, one := range all {
		one.Record(r, v, o)
	}
}
