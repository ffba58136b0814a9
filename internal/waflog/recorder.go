package waflog

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"fastness/internal/clock"
	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/request"
	"fastness/internal/proxy"
)

// The bounds of what waits for its records to be made, and how often counts are handed over at
// least.
const (
	maxNotes     = 16384
	maxNoteBytes = 64 << 20
	// shortHeld is how much of a body a note has at most while a fourth of maxNoteBytes waits: what is found behind it is then not told.
	shortHeld = 64 << 10
	// maxBatch bounds the records of a batch, maxBatchBytes their text, maxBatchCounts its counts: a batch
	// is a request to the control plane.
	maxBatch       = 512
	maxBatchBytes  = 2 << 20
	maxBatchCounts = 10_000
	// DefaultPeriod is Options.Period.
	DefaultPeriod = time.Second
	// maxSeries bounds the series of counts between two batches: beyond it, counts of labels and rules are
	// dropped and counted as lost.
	maxSeries = 20_000
)

// Options of a Recorder.
type Options struct {
	Clock clock.Clock
	Log   *slog.Logger
	// Deliver takes a batch; it may block, and keeps what it wants. If it fails, records are lost but the
	// counts are in the next batch.
	Deliver func(context.Context, *Batch) error
	// Period is how long a record or a count waits at most; 0 means DefaultPeriod.
	Period time.Duration
	// Limits bound what the explanation of a request takes apart; those of the proxy's engine.
	Limits request.Limits
	// Tokens are the engine's.
	Tokens waf.Tokens
}

// Batch is what a Recorder hands over.
type Batch struct {
	Records []Record `json:",omitempty"`
	Counts  []Count  `json:",omitempty"`
	// Lost is how many records were dropped since the batch before, Uncounted how many counts: there are too
	// many series.
	Lost      uint64 `json:",omitempty"`
	Uncounted uint64 `json:",omitempty"`

	size int // of the records' text
}

// full tells whether no more records should go into the batch.
func (b *Batch) full() bool { return len(b.Records) >= maxBatch || b.size >= maxBatchBytes }

// Record is a log record.
type Record struct {
	// ACL is the ARN of the web ACL, Destination that of where its logging goes.
	ACL, Destination string
	At               int64 // milliseconds since 1970
	Text             json.RawMessage
}

// webACL is what is known of a web ACL.
type webACL struct {
	arn     string
	logging []*proxy.Logging
	// groups are the metric names of the rule groups that it refers to, of those that have metrics, by the
	// names in the specification.
	groups map[string]string

	mu sync.Mutex
	// program and its rules that refer to groups.
	program *waf.Program
	refs    []*waf.RuleInfo
}

// groupRules are the rules of a program that refer to groups, in order.
func (a *webACL) groupRules(p *waf.Program) []*waf.RuleInfo {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.program != p {
		a.program, a.refs = p, nil
		for _, r := range p.Rules() {
			if r.Kind == waf.GroupRule || r.Kind == waf.ManagedGroupRule {
				a.refs = append(a.refs, r)
			}
		}
	}
	return a.refs
}

// Recorder makes records and counts. Run must run; Close is not needed. It is safe for concurrent
// use.
type Recorder struct {
	o Options
	// acls are the web ACLs, by the resources that they protect.
	acls atomic.Pointer[map[string]*webACL]

	notes chan *note
	bytes atomic.Int64
	lost  atomic.Uint64

	mu     sync.Mutex
	counts map[countKey]uint64
	// uncounted are counts for which there was no room since the last batch.
	uncounted uint64
	// ordinary counts the requests that no rule matched: what they count for is the same for all of a
	// program, and worked out when the counts are taken.
	ordinary map[ordinaryKey]uint64
}

// ordinaryKey is what requests that no rule matched are counted by.
type ordinaryKey struct {
	acl     *webACL
	program *waf.Program
	action  waf.ActionKind
	minute  int64
}

var _ proxy.Recorder = (*Recorder)(nil)

// New makes a Recorder.
func New(o Options) *Recorder {
	if o.Period <= 0 {
		o.Period = DefaultPeriod
	}
	r := &Recorder{o: o, notes: make(chan *note, maxNotes), counts: make(map[countKey]uint64), ordinary: make(map[ordinaryKey]uint64)}
	r.acls.Store(new(map[string]*webACL))
	return r
}

// Configure says which web ACLs there are, and what they log. A configuration that is not valid is not
// used, and the error says why.
func (r *Recorder) Configure(c *proxy.Config) error {
	byARN, byResource := make(map[string]*webACL), make(map[string]*webACL)
	for i := range c.WebACLs {
		w := &c.WebACLs[i]
		a := &webACL{arn: w.ARN, groups: make(map[string]string)}
		for j := range w.Logging {
			if err := check(&w.Logging[j]); err != nil {
				return err
			}
			a.logging = append(a.logging, &w.Logging[j])
		}
		for name, g := range w.Sets.Groups {
			if g.Visibility.Metrics {
				a.groups[name] = g.Visibility.MetricName
			}
		}
		byARN[w.ARN] = a
	}
	for i := range c.LoadBalancers {
		if a := byARN[c.LoadBalancers[i].WebACL]; a != nil {
			byResource[c.LoadBalancers[i].ARN] = a
		}
	}
	r.acls.Store(&byResource)
	return nil
}

// Source is a source of configurations that the recorder is told of, before the proxy is.
func (r *Recorder) Source(of proxy.Source) proxy.Source { return &observed{of, r} }

// observed tells a recorder of configurations.
type observed struct {
	proxy.Source
	recorder *Recorder
}

// Watch implements proxy.Source.
func (s *observed) Watch(ctx context.Context, after uint64) (proxy.Config, uint64, error) {
	c, revision, err := s.Source.Watch(ctx, after)
	if err == nil {
		if err := s.recorder.Configure(&c); err != nil {
			s.recorder.o.Log.Error("what is logged of requests stays as it was", "error", err)
		}
	}
	return c, revision, err
}

// Lost is how many records were dropped since the Recorder was made.
func (r *Recorder) Lost() uint64 { return r.lost.Load() }

// Record implements proxy.Recorder.
func (r *Recorder) Record(q *request.Request, verdict *proxy.Verdict, o *proxy.Outcome) {
	v, ok := verdict.Detail.(*waf.Verdict)
	if !ok {
		return
	}
	acl, program := (*r.acls.Load())[o.Resource], v.Program()
	if acl == nil || program == nil {
		return
	}
	labels := v.AppendLabels(nil)
	r.count(acl, program, v, labels, q.Time.Unix()/60)
	var n *note
	for _, l := range acl.logging {
		if kept(l, v, labels) {
			if n == nil {
				n = &note{acl: acl, program: program}
			}
			n.logging = append(n.logging, l)
		}
	}
	if n == nil {
		return
	}
	n.request, n.labels, n.outcome, n.bodySize, n.oversize = *q, labels, *o, len(q.Body), v.Oversize()
	if v.Limited() {
		n.rates = make([][]waf.RateValue, len(v.Rates))
		for i := range v.Rates {
			if s := &v.Rates[i]; s.Limited && s.Rule.Aggregate == waf.AggregateKeys {
				n.rates[i] = v.RateValues(s)
			}
		}
	}
	n.request.Fields = slices.Clone(q.Fields)
	n.verdict = v.Clone()
	n.verdict.Response = v.Response // it belongs to the program
	if explained(v) {
		n.request.Body, n.request.Held = slices.Clone(q.Body), slices.Clone(q.Held)
	} else {
		n.request.Body, n.request.Held = nil, nil
	}
	if len(n.request.Held) > shortHeld && r.bytes.Load() > maxNoteBytes/4 {
		n.request.Held, n.request.HeldTruncated = slices.Clone(n.request.Held[:shortHeld]), true
	}
	size := n.size()
	if r.bytes.Add(size) > maxNoteBytes {
		r.bytes.Add(-size)
		r.lost.Add(uint64(len(n.logging)))
		return
	}
	select {
	case r.notes <- n:
	default:
		r.bytes.Add(-size)
		r.lost.Add(uint64(len(n.logging)))
	}
}

// explained tells whether a rule that matched has to be asked what it found.
func explained(v *waf.Verdict) bool {
	return slices.ContainsFunc(v.Matches, func(m waf.Match) bool { return m.Rule.Injection })
}

// size is how much memory a note has, roughly.
func (n *note) size() int64 {
	size := 1024 + len(n.request.Target) + len(n.request.Body) + len(n.request.Held) + 128*len(n.verdict.Matches)
	for _, f := range n.request.Fields {
		size += 32 + len(f.Name) + len(f.Value)
	}
	for _, l := range n.labels {
		size += 16 + len(l)
	}
	for _, values := range n.rates {
		for i := range values {
			size += 48 + len(values[i].Name) + len(values[i].Value)
		}
	}
	return int64(size)
}

func (r *Recorder) count(acl *webACL, p *waf.Program, v *waf.Verdict, labels []string, minute int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(v.Matches) == 0 && len(labels) == 0 {
		r.ordinary[ordinaryKey{acl, p, v.Action, minute}]++
		return
	}
	count(acl, p, v, labels, func(s Series) { r.add(countKey{acl, minute, s}, 1) })
}

func (r *Recorder) add(key countKey, n uint64) {
	if before, known := r.counts[key]; known || len(r.counts) < maxSeries {
		r.counts[key] = before + n
	} else {
		r.uncounted += n
	}
}

// taken are the counts since the last time.
func (r *Recorder) taken() (all []Count, uncounted uint64) {
	r.mu.Lock()
	for key, n := range r.ordinary {
		count(key.acl, key.program, &waf.Verdict{Action: key.action}, nil, func(s Series) { r.add(countKey{key.acl, key.minute, s}, n) })
	}
	clear(r.ordinary)
	counts := r.counts
	r.counts = make(map[countKey]uint64, len(counts))
	uncounted, r.uncounted = r.uncounted, 0
	r.mu.Unlock()
	for key, n := range counts {
		all = append(all, Count{key.acl.arn, key.series, key.minute, n})
	}
	return all, uncounted
}

// Run makes records and hands batches over until ctx is done; then it hands over what there is, for
// which it has the time last.
func (r *Recorder) Run(ctx context.Context, last time.Duration) error {
	scratch := waf.NewScratch(r.o.Limits)
	var undelivered []Count
	var unsaid uint64 // counts without room that could not be told
	var reported uint64
	for {
		b := &Batch{}
		ended := r.collect(ctx, b, scratch)
		taken, uncounted := r.taken()
		b.Counts, b.Uncounted = append(undelivered, taken...), unsaid+uncounted
		lost := r.lost.Load()
		b.Lost, undelivered = lost-reported, nil
		if len(b.Counts) > maxBatchCounts && !ended {
			undelivered = slices.Clone(b.Counts[maxBatchCounts:])
			b.Counts = b.Counts[:maxBatchCounts]
		}
		if len(b.Records) > 0 || len(b.Counts) > 0 || b.Lost+b.Uncounted > 0 {
			at, cancel := ctx, context.CancelFunc(func() {})
			if ended {
				at, cancel = context.WithTimeout(context.WithoutCancel(ctx), last)
			}
			err := r.o.Deliver(at, b)
			cancel()
			if err != nil {
				r.o.Log.Warn("records of requests could not be delivered", "records", len(b.Records), "error", err)
				r.lost.Add(uint64(len(b.Records)))
				undelivered, unsaid = merged(append(b.Counts, undelivered...)), b.Uncounted
			} else {
				reported, unsaid = lost, 0
			}
		}
		if ended && len(r.notes) == 0 {
			return ctx.Err()
		}
	}
}

// collect makes records until there are enough for a batch or a period has passed. ended is true when
// ctx is done: what waits is then taken without waiting for more.
func (r *Recorder) collect(ctx context.Context, b *Batch, scratch *waf.Scratch) (ended bool) {
	timer, stop := r.o.Clock.After(r.o.Period)
	defer stop()
	for !b.full() {
		select {
		case n := <-r.notes:
			r.finish(b, n, scratch)
		case <-timer:
			return false
		case <-ctx.Done():
			for !b.full() {
				select {
				case n := <-r.notes:
					r.finish(b, n, scratch)
				default:
					return true
				}
			}
			return true
		}
	}
	return ctx.Err() != nil
}

// merged adds counts of the same up, and forgets what is too much.
func merged(counts []Count) []Count {
	type key struct {
		acl    string
		series Series
		minute int64
	}
	all := make(map[key]int, len(counts))
	out := counts[:0]
	for _, c := range counts {
		k := key{c.ACL, c.Series, c.Minute}
		if at, ok := all[k]; ok {
			out[at].N += c.N
		} else if len(out) < maxSeries {
			all[k] = len(out)
			out = append(out, c)
		}
	}
	return out
}

// finish makes the records of a note.
func (r *Recorder) finish(b *Batch, n *note, scratch *waf.Scratch) {
	size := n.size()
	defer r.bytes.Add(-size)
	var found *waf.Explanation
	if explained(n.verdict) {
		var err error
		if found, err = n.program.Explain(&n.request, r.o.Tokens, scratch); err != nil {
			r.o.Log.Error("what the rules found in a request could not be told", "error", err)
			found = nil
		}
	}
	for _, l := range n.logging {
		text, err := n.record(l, found)
		if err != nil {
			r.o.Log.Error("a request could not be logged", "error", fmt.Errorf("waflog: %w", err))
			r.lost.Add(1)
			continue
		}
		b.size += len(text)
		b.Records = append(b.Records, Record{ACL: n.acl.arn, Destination: l.Destination, At: n.request.Time.UnixMilli(), Text: text})
	}
}
