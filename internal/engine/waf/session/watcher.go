package session

import (
	"strings"
	"time"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/baseline"
	"fastness/internal/engine/waf/rate"
)

const (
	window      = 5 * time.Minute
	maxClients  = 65_536
	maxTokens   = 16_384
	maxKinds    = 4_096
	absentLeast = 5

	minute      = time.Minute
	memory      = 60 // minutes that usual numbers of a kind are made of
	learning    = 30 // minutes until activity is compared
	leastOfKind = 60
)

// Watcher watches clients. It is safe for concurrent use.
type Watcher struct {
	compare bool

	absent, sessions             *rate.Limiter
	usual                        *baseline.Counts
	addresses, countries, routes *rate.Distinct
	all, bare                    *baseline.Kinds // by kind, and by kind and place without another page
	sources                      *rate.Distinct
}

var _ waf.Observer = (*Watcher)(nil)

// New makes a Watcher. compare has it notice coordinated activity (EnableMachineLearning of AWS).
func New(compare bool) (*Watcher, error) {
	w := &Watcher{compare: compare, usual: baseline.NewCounts(window, maxClients)}
	var err error
	if w.absent, err = rate.New(rate.Settings{Window: window, MaxKeys: maxClients}); err != nil {
		return nil, err
	}
	if w.sessions, err = rate.New(rate.Settings{Window: window, MaxKeys: maxClients}); err != nil {
		return nil, err
	}
	w.addresses, w.countries, w.routes = rate.NewDistinct(window, maxTokens), rate.NewDistinct(window, maxTokens), rate.NewDistinct(window, maxTokens)
	if compare {
		w.all, w.bare = baseline.NewKinds(minute, memory, maxKinds), baseline.NewKinds(minute, memory, maxKinds)
		w.sources = rate.NewDistinct(minute, maxKinds)
	}
	return w, nil
}

// The signals. Those with levels have those of medium and high behind them.
const (
	absentVolume = iota
	volume
	_
	_
	volumeMaximum
	automated
	extension
	inconsistent
	reuseAddress
	_
	_
	reuseCountry
	_
	_
	reuseRoute
	_
	_
	coordinated
	_
	_
)

var names = []string{
	"absent:ip", "session:low", "session:medium", "session:high", "session:maximum", "automated", "extension", "inconsistent",
	"reuse:ip:low", "reuse:ip:medium", "reuse:ip:high", "reuse:country:low", "reuse:country:medium", "reuse:country:high",
	"reuse:asn:low", "reuse:asn:medium", "reuse:asn:high", "coordinated:low", "coordinated:medium", "coordinated:high",
}

// Names implements waf.Observer.
func (w *Watcher) Names() []string { return names }

// levels are the thresholds of low, medium and high.
type levels [3]int

var (
	ofAddresses = levels{2, 5, 8}
	ofPlaces    = levels{1, 2, 3}
)

// raise raises the signal of the level of a number.
func (l levels) raise(o *waf.Observation, first, n int) {
	for i := len(l) - 1; i >= 0; i-- {
		if n > l[i] {
			o.Raise(first + i)
			return
		}
	}
}

// Observe implements waf.Observer.
func (w *Watcher) Observe(o *waf.Observation) {
	address := rate.AddressKey(o.Client)
	if o.Session == "" {
		if count(o, w.absent, address) >= absentLeast {
			o.Raise(absentVolume)
		}
	} else {
		w.session(o, hash(o, o.Session), address)
	}
	if w.compare {
		w.activity(o, address)
	}
}

// session looks at a request with a token.
func (w *Watcher) session(o *waf.Observation, key, address rate.Key) {
	n := count(o, w.sessions, key)
	if !o.Peek {
		w.usual.Count(key, o.Now, true)
	}
	if ordinary, known := w.usual.Usual(0.95); known {
		for i, l := range []struct{ times, least int64 }{{16, 3000}, {8, 1000}, {4, 600}, {2, 300}} {
			if n > max(l.times*ordinary, l.least) {
				o.Raise(volumeMaximum - i)
				break
			}
		}
	}
	if t := &o.Token; t.Told {
		if t.Automated {
			o.Raise(automated)
		}
		if t.Extension {
			o.Raise(extension)
		}
		if t.Inconsistent {
			o.Raise(inconsistent)
		}
	}
	ofAddresses.raise(o, reuseAddress, distinct(o, w.addresses, key, address.Member()))
	if o.Places == nil {
		return
	}
	if country, _ := o.Places.Country(o.Client); country != "" {
		ofPlaces.raise(o, reuseCountry, distinct(o, w.countries, key, uint64(country[0])<<8|uint64(country[len(country)-1])))
	}
	if n := o.Places.ASN(o.Client); n != 0 {
		ofPlaces.raise(o, reuseRoute, distinct(o, w.routes, key, uint64(n)))
	}
}

// activity compares how many requests there are of the client's kind.
func (w *Watcher) activity(o *waf.Observation, address rate.Key) {
	agent, _ := o.Request.Field("User-Agent")
	kind := hash(o, o.Request.JA4, agent)
	place := hash(o, o.Request.JA4, agent, firstPart(o.Request.Path()))
	_, linked := o.Request.Field("Referer")
	var all, bare int64
	var usual float64
	sources := 0
	if o.Peek {
		all, _ = w.all.Peek(kind, o.Now)
		bare, usual = w.bare.Peek(place, o.Now)
		sources = w.sources.Peek(place, address.Member(), o.Now)
	} else {
		all, _ = w.all.Count(kind, o.Now, true)
		if !linked {
			bare, usual = w.bare.Count(place, o.Now, true)
			sources = w.sources.Add(place, address.Member(), o.Now)
		}
	}
	// Those of one place are compared with all of the kind: of a browser's requests for a page most are
	// for what the page needs, and name it.
	if linked || w.bare.Spans() < learning || bare <= leastOfKind || float64(bare) <= 5*usual || 5*bare < 4*all {
		return
	}
	switch {
	case sources >= 16 && float64(bare) > 10*usual:
		o.Raise(coordinated + 2)
	case sources >= 16:
		o.Raise(coordinated + 1)
	case sources >= 8:
		o.Raise(coordinated)
	}
}

// firstPart is the first part of a path.
func firstPart(path string) string {
	path = strings.TrimPrefix(path, "/")
	part, _, _ := strings.Cut(path, "/")
	return part
}

// hash makes the key of texts.
func hash(o *waf.Observation, texts ...string) rate.Key {
	o.Key = o.Key[:0]
	for _, t := range texts {
		o.Key = append(append(o.Key, t...), 0)
	}
	return o.Hasher.Key(o.Key)
}

func count(o *waf.Observation, l *rate.Limiter, key rate.Key) int64 {
	if o.Peek {
		return l.Peek(key, o.Now) + 1
	}
	return l.Count(key, o.Now)
}

func distinct(o *waf.Observation, d *rate.Distinct, key rate.Key, member uint64) int {
	if o.Peek {
		return d.Peek(key, member, o.Now)
	}
	return d.Add(key, member, o.Now)
}
