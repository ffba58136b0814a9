package app

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"sync"
	"time"

	"fastness/internal/clock"
	"fastness/internal/proxy"
	"fastness/internal/proxy/follow"
)

// Reporter tells a control plane what a proxy on a host of its own sees, and exchanges counts with other
// proxies. Close must end it.
type Reporter struct {
	queue *proxy.Queue
	clock clock.Clock
	log   *slog.Logger

	mu      sync.Mutex
	records []json.RawMessage
	bytes   int
	lost    uint64 // since the last report, of what did not fit in records
	told    uint64 // of what the queue lost
	wake    chan struct{}
}

// Bounds of what waits for the control plane, of a report, and of the records that make one due before its
// time.
const (
	pendingBytes  = 16 << 20
	reportBytes   = 4 << 20
	recordBytes   = 64 << 10
	reportRecords = 512
	// reportPeriod is how often the control plane is told how the proxy is, recordPeriod how soon it is told
	// of requests.
	reportPeriod = 10 * time.Second
	recordPeriod = 2 * time.Second
	maxReported  = 10_000 // addresses of a rule
)

// NewReporter makes a Reporter.
func NewReporter(c clock.Clock, log *slog.Logger) *Reporter {
	r := &Reporter{clock: c, log: log, wake: make(chan struct{}, 1)}
	r.queue = proxy.NewQueue(newWitness().account, r.deliver)
	return r
}

// Recorder is what the proxy tells of requests.
func (r *Reporter) Recorder() proxy.Recorder { return r.queue }

// Close ends the Reporter; what was not told is not told any more.
func (r *Reporter) Close() { r.queue.Close() }

// deliver takes records off the request's path.
func (r *Reporter) deliver(records []any) {
	for _, record := range records {
		text, err := json.Marshal(record)
		r.mu.Lock()
		if err != nil || len(text) > recordBytes || r.bytes+len(text) > pendingBytes {
			r.lost++
		} else {
			r.records = append(r.records, text)
			r.bytes += len(text)
		}
		full := len(r.records) >= reportRecords
		r.mu.Unlock()
		if full {
			r.hurry()
		}
	}
}

// hurry makes a report due.
func (r *Reporter) hurry() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Changed makes a report due, since something has changed that the control plane tells others.
func (r *Reporter) Changed() { r.hurry() }

// take takes records for a report.
func (r *Reporter) take() (records []json.RawMessage, lost uint64, more bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	size, n := 0, 0
	for n < len(r.records) && size+len(r.records[n]) <= reportBytes {
		size += len(r.records[n])
		n++
	}
	records = slices.Clone(r.records[:n])
	r.records = slices.Delete(r.records, 0, n)
	r.bytes -= size
	queued := r.queue.Lost()
	lost, r.lost, r.told = r.lost+queued-r.told, 0, queued
	return records, lost, len(r.records) > 0
}

// putBack keeps what could not be told.
func (r *Reporter) putBack(records []json.RawMessage, lost uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lost += lost
	size := 0
	for _, record := range records {
		size += len(record)
	}
	if r.bytes+size > pendingBytes {
		r.lost += uint64(len(records))
		return
	}
	r.records = append(records, r.records...)
	r.bytes += size
}

func (r *Reporter) pending() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.records) > 0
}

// Run reports on a proxy under a name and exchanges counts until ctx is done.
func (r *Reporter) Run(ctx context.Context, client *follow.Client, p *proxy.Proxy, name string) {
	var running sync.WaitGroup
	running.Go(func() { r.exchange(ctx, client, p, name) })
	defer running.Wait()
	failing := false
	for last := r.clock.Now(); ; {
		due, stop := r.clock.After(recordPeriod)
		hurried := false
		select {
		case <-ctx.Done():
		case <-r.wake:
			hurried = true
		case <-due:
		}
		stop()
		if ctx.Err() != nil {
			return
		}
		if p.Revision() == 0 || !hurried && !r.pending() && r.clock.Now().Sub(last) < reportPeriod {
			continue
		}
		last = r.clock.Now()
		failing = r.failed(ctx, failing, "the control plane was not told how the proxy is", r.report(ctx, client, p, name))
	}
}

// failed logs the first of failures in a row, and tells whether this is one.
func (r *Reporter) failed(ctx context.Context, before bool, what string, err error) bool {
	now := err != nil && ctx.Err() == nil
	if now && !before {
		r.log.Warn(what, "error", err)
	}
	return now
}

// report tells all there is to tell.
func (r *Reporter) report(ctx context.Context, client *follow.Client, p *proxy.Proxy, name string) error {
	for {
		records, lost, more := r.take()
		err := client.Report(ctx, &follow.Report{
			Proxy: name, Revision: p.Revision(), Health: p.AllHealth(), Counters: p.Counters(), Records: records, Lost: lost, Limited: p.Limited(maxReported),
		})
		if err != nil {
			r.putBack(records, lost)
			return err
		}
		if !more {
			return nil
		}
	}
}

// exchange exchanges counts.
func (r *Reporter) exchange(ctx context.Context, client *follow.Client, p *proxy.Proxy, name string) {
	const alone = time.Second
	failing := false
	after, wait := uint64(0), follow.Period
	for {
		if err := r.clock.Sleep(ctx, wait); err != nil {
			return
		}
		if p.Revision() == 0 {
			continue
		}
		// What cannot be given is lost, like what others count meanwhile: each proxy goes on alone.
		answer, err := client.Exchange(ctx, &follow.Counts{Proxy: name, After: after, Rules: follow.Pack(p.TakeCounts(follow.MaxKeys))})
		wait = follow.Period
		if failing = r.failed(ctx, failing, "counts of rate-based rules could not be exchanged; this proxy goes on with its own", err); err != nil {
			wait = alone
			continue
		}
		after = answer.Next
		if answer.Alone {
			wait = alone
		}
		counts, err := follow.Unpack(answer.Rules)
		if err != nil {
			r.log.Error("counts of other proxies cannot be read", "error", err)
			continue
		}
		p.AddCounts(counts)
	}
}
