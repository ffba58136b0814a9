package surge

import (
	"sync"
	"time"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/baseline"
	"fastness/internal/engine/waf/rate"
)

const (
	span       = 2 * time.Second
	learning   = 150 // spans until there are events, and what a level is made of
	duringIt   = 10 * learning
	leastFlood = 100 // requests of a span
	times      = 3.0
	deviations = 6.0
	atOnce     = 3.0  // times the bound of a flood
	calm       = 15   // spans until an event ends
	maxGap     = 1024 // empty spans that are learned one by one

	clientWindow = 10 * time.Second
	maxClients   = 65_536
	maxKinds     = 2_048
	leastClient  = 4 // requests in clientWindow that 95 % of clients may make at least
)

// Watcher notices floods. It is safe for concurrent use.
type Watcher struct {
	clients *rate.Limiter
	usual   *baseline.Counts
	kinds   *baseline.Kinds

	mu    sync.Mutex
	slot  int64
	n     int64 // requests of the span
	high  int   // spans of a flood, one after the other
	quiet int   // spans that were as usual, in an event
	level baseline.Level
	event bool
}

var _ waf.Observer = (*Watcher)(nil)

// New makes a Watcher.
func New() (*Watcher, error) {
	clients, err := rate.New(rate.Settings{Window: clientWindow, MaxKeys: maxClients})
	if err != nil {
		return nil, err
	}
	return &Watcher{
		clients: clients, usual: baseline.NewCounts(clientWindow, maxClients), kinds: baseline.NewKinds(span, learning, maxKinds),
	}, nil
}

// The signals.
const (
	eventDetected = iota
	low
	medium
	high
)

var names = []string{"event", "suspicion:low", "suspicion:medium", "suspicion:high"}

// Names implements waf.Observer.
func (w *Watcher) Names() []string { return names }

// Observe implements waf.Observer.
func (w *Watcher) Observe(o *waf.Observation) {
	client := rate.AddressKey(o.Client)
	kind := w.kind(o)
	if o.Peek {
		w.mu.Lock()
		event, all := w.event, w.n
		w.mu.Unlock()
		n, usual := w.kinds.Peek(kind, o.Now)
		w.suspect(o, event, w.clients.Peek(client, o.Now)+1, n, usual, all)
		return
	}
	event, all := w.count(o.Now)
	requests := w.clients.Count(client, o.Now)
	w.usual.Count(client, o.Now, !event)
	n, usual := w.kinds.Count(kind, o.Now, !event)
	w.suspect(o, event, requests, n, usual, all)
}

// kind is that of the client.
func (w *Watcher) kind(o *waf.Observation) rate.Key {
	agent, _ := o.Request.Field("User-Agent")
	language, _ := o.Request.Field("Accept-Language")
	o.Key = append(append(append(append(append(o.Key[:0], o.Request.JA4...), 0), agent...), 0), language...)
	return o.Hasher.Key(o.Key)
}

// suspect raises the signals of a request during an event.
func (w *Watcher) suspect(o *waf.Observation, event bool, requests, ofKind int64, usualOfKind float64, all int64) {
	if !event {
		return
	}
	o.Raise(eventDetected)
	ordinary, _ := w.usual.Usual(0.95)
	ordinary = max(ordinary, leastClient)
	level := 0
	for _, times := range []int64{2, 4, 8} {
		if requests > times*ordinary {
			level++
		}
	}
	if ofKind > 20 && float64(ofKind) > 10*usualOfKind && 5*ofKind > all {
		level++
	}
	if level > 0 {
		o.Raise(low + min(level, 3) - 1)
	}
}

// count counts a request and tells whether there is an event, and how many requests this span has.
func (w *Watcher) count(now time.Time) (event bool, n int64) {
	slot := now.UnixNano() / int64(span)
	w.mu.Lock()
	defer w.mu.Unlock()
	if slot > w.slot {
		if w.slot != 0 {
			w.end(slot - w.slot)
		}
		w.slot, w.n = slot, 0
	}
	w.n++
	if !w.event && w.level.Spans() >= learning && float64(w.n) > atOnce*w.bound() {
		w.event, w.quiet = true, 0
	}
	return w.event, w.n
}

// bound is how many requests of a span are no flood yet.
func (w *Watcher) bound() float64 { return max(w.level.Above(times, deviations), leastFlood) }

// end ends the span, and the empty ones that follow it, gone in all.
func (w *Watcher) end(gone int64) {
	n := w.n
	for range min(gone, maxGap) {
		flood := w.level.Spans() >= learning && float64(n) > w.bound()
		switch {
		case flood:
			w.high++
			w.quiet = 0
		default:
			w.high = 0
			w.quiet++
		}
		if w.high >= 2 && !w.event {
			w.event = true
		}
		if w.event && w.quiet >= calm {
			w.event = false
		}
		memory := learning
		if w.event {
			memory = duringIt
		}
		if !flood || w.event {
			w.level.Learn(n, memory)
		}
		n = 0
	}
}
