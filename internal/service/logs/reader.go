package logs

import (
	"bytes"
	"container/heap"
	"fmt"

	"fastness/internal/store"
	"fastness/internal/store/table"
)

// A reader yields the events of streams of a group in their order, or against it, as far as its
// budget goes. It belongs to one state of the store.
type reader struct {
	store store.Reader
	scope table.Scope
	group string
	// streams are the ids of those that are read; nil for all of the group.
	streams map[string]bool
	// one is the only stream that is read, or empty.
	one string
	// from and to are the first and last times, in milliseconds.
	from, to int64
	forward  bool
	// after is the place behind which it begins (before which, backwards), if started.
	after   place
	started bool
	// budget is how many bytes it may still read and unpack, roughly.
	budget int

	// search is the hour in which to look next; hour the one that is read, of many streams.
	search, hour int64
	many         int
	open         opened
	sources      []*source
	ended        bool
}

// found is an event that a reader yields.
type found struct {
	event
	place    place
	stream   string // id
	ingested int64
}

// source is where the blocks of a stream in an hour come from.
type source struct {
	stream string
	span   int64
	space  []byte
	// next are blocks that were fetched and not opened yet, in the order in which they are needed.
	next []fetched
	// position is the key to fetch from; nil at the end.
	position []byte
}

// fetched is a stored block. The value of one among many is read when it is needed.
type fetched struct {
	first int64
	id    blockID
	value []byte
}

// unpacked is a block that is read.
type unpacked struct {
	source *source
	id     blockID
	ing    int64
	events []event
	at     int // the next event
}

func (u *unpacked) place() place { return place{u.events[u.at].at, u.id, u.at} }

// opened are the blocks that are read, the one with the next event first.
type opened struct {
	list    []*unpacked
	forward bool
}

func (o *opened) Len() int { return len(o.list) }
func (o *opened) Less(i, j int) bool {
	n := o.list[i].place().compare(o.list[j].place())
	return n < 0 == o.forward && n != 0
}
func (o *opened) Swap(i, j int) { o.list[i], o.list[j] = o.list[j], o.list[i] }
func (o *opened) Push(x any)    { o.list = append(o.list, x.(*unpacked)) }
func (o *opened) Pop() any {
	last := o.list[len(o.list)-1]
	o.list = o.list[:len(o.list)-1]
	return last
}

// The costs that are not the size of what is read.
const (
	rowCost   = 128
	blockCost = 1024
)

// next returns the next event. ok is false at the end, and when the budget is used up: then more is
// true.
func (r *reader) next() (f found, ok, more bool, err error) {
	r.open.forward = r.forward
	for {
		if err := r.admit(); err != nil {
			return f, false, false, err
		}
		if len(r.open.list) > 0 {
			u := r.open.list[0]
			f = found{u.events[u.at], u.place(), u.source.stream, u.ing}
			r.advance(u)
			r.after, r.started = f.place, true
			if r.inside(f.at) {
				return f, true, false, nil
			}
			continue
		}
		if r.ended {
			return f, false, false, nil
		}
		if r.budget <= 0 {
			return f, false, true, nil
		}
		if err := r.enter(); err != nil {
			return f, false, false, err
		}
	}
}

func (r *reader) inside(at int64) bool { return at >= r.from && at <= r.to }

// advance goes on to the next event of a block.
func (r *reader) advance(u *unpacked) {
	if r.forward {
		u.at++
	} else {
		u.at--
	}
	if u.at < 0 || u.at >= len(u.events) {
		heap.Pop(&r.open)
		return
	}
	heap.Fix(&r.open, 0)
}

// admit opens the blocks that may have the next event.
func (r *reader) admit() error {
	for {
		best := -1
		for i, s := range r.sources {
			if len(s.next) > 0 && (best < 0 || r.sooner(s, r.sources[best])) {
				best = i
			}
		}
		if best < 0 {
			r.sources = r.sources[:0]
			return nil
		}
		s := r.sources[best]
		if len(r.open.list) > 0 {
			top := r.open.list[0].place().at
			if r.forward && s.next[0].first > top || !r.forward && s.next[0].first+s.span < top {
				return nil
			}
		}
		if err := r.unpack(s); err != nil {
			return err
		}
	}
}

// sooner tells whether the next block of s is needed before that of t.
func (r *reader) sooner(s, t *source) bool {
	if r.forward {
		return s.next[0].first < t.next[0].first
	}
	return s.next[0].first+s.span > t.next[0].first+t.span
}

// unpack opens the next block of a source, and fetches more if that was the last.
func (r *reader) unpack(s *source) error {
	b := s.next[0]
	s.next = s.next[1:]
	if len(s.next) == 0 {
		if err := r.fetch(s); err != nil {
			return err
		}
	}
	if b.value == nil {
		it, err := r.store.Get(blockKeyIn(s.space, b.first, b.id))
		if err != nil {
			return fmt.Errorf("logs: %w", err)
		}
		b.value = it.Value
	}
	h, err := decodeHead(b.value)
	if err != nil {
		return err
	}
	r.budget -= blockCost
	if h.last < r.from || r.forward && r.started && h.last < r.after.at {
		return nil // nothing of it is asked for
	}
	var more [][]byte
	for n := 1; n < h.parts; n++ {
		it, err := r.store.Get(partKey(r.scope, r.group, s.stream, b.first, b.id, n))
		if err != nil {
			return fmt.Errorf("logs: %w", err)
		}
		more = append(more, it.Value)
	}
	events, err := h.decode(b.first, more...)
	if err != nil {
		return err
	}
	for _, e := range events {
		r.budget -= len(e.message)
	}
	u := &unpacked{source: s, id: b.id, ing: h.ingested, events: events}
	if r.forward {
		for u.at < len(events) && (events[u.at].at < r.from || r.started && u.place().compare(r.after) <= 0) {
			u.at++
		}
	} else {
		u.at = len(events) - 1
		for u.at >= 0 && (events[u.at].at > r.to || r.started && u.place().compare(r.after) >= 0) {
			u.at--
		}
	}
	if u.at >= 0 && u.at < len(events) {
		heap.Push(&r.open, u)
	}
	return nil
}

// How many blocks of a stream are fetched at a time, and of how many streams their values are kept in
// memory.
const (
	fetchBlocks = 8
	fetchFew    = 2
	keepValues  = 64
)

// fetch gets the next blocks of a source within the hour.
func (r *reader) fetch(s *source) error {
	if s.position == nil {
		return nil
	}
	limit := fetchBlocks
	if r.many > 1 {
		limit = fetchFew
	}
	rg := store.Range{Start: s.position, End: blocksFrom(s.space, r.upper()), Limit: limit}
	if !r.forward {
		rg = store.Range{Start: blocksFrom(s.space, r.lower(s)), End: s.position, Limit: limit, Reverse: true}
	}
	s.position = nil
	if bytes.Compare(rg.Start, rg.End) >= 0 {
		return nil
	}
	n := 0
	for it, err := range r.store.Scan(rg) {
		if err != nil {
			return fmt.Errorf("logs: %w", err)
		}
		first, id, err := parseBlockKey(it.Key, len(s.space))
		if err != nil {
			return err
		}
		b := fetched{first: first, id: id}
		if r.many <= keepValues {
			b.value = it.Value
		}
		s.next = append(s.next, b)
		r.budget -= rowCost
		if n++; n == limit {
			s.position = bytes.Clone(it.Key)
			if r.forward {
				s.position = append(s.position, 0)
			}
		}
	}
	return nil
}

// lower is the earliest time at which a block can begin that reaches into what is asked of the hour.
func (r *reader) lower(s *source) int64 {
	from := r.from
	if r.forward && r.started {
		from = max(from, r.after.at)
	}
	return max(from-s.span, r.hour*hourMillis)
}

// upper is the first time at which no block begins that is asked for.
func (r *reader) upper() int64 {
	to := r.to
	if !r.forward && r.started {
		to = min(to, r.after.at)
	}
	return min(to+1, (r.hour+1)*hourMillis)
}

// begin sets the hour in which to look first.
func (r *reader) begin() {
	if r.forward {
		r.search = hourOf(r.from)
		if r.started {
			r.search = max(r.search, hourOf(r.after.at))
		}
		return
	}
	r.search = hourOf(r.to)
	if r.started {
		r.search = min(r.search, hourOf(r.after.at))
	}
}

// hourRow is what a stream has in an hour.
type hourRow struct {
	hour, span int64
	stream     string
}

// enter goes to the next hour in which a stream has something.
func (r *reader) enter() error {
	var rows []hourRow
	var err error
	if r.one != "" {
		rows, err = r.hourOfOne()
	} else {
		rows, err = r.hourOfMany()
	}
	if err != nil || r.ended || len(rows) == 0 {
		return err
	}
	r.hour, r.many = rows[0].hour, len(rows)
	for _, row := range rows {
		s := &source{stream: row.stream, span: row.span, space: blockSpace(r.scope, r.group, row.stream)}
		if r.forward {
			s.position = blocksFrom(s.space, r.lower(s))
		} else {
			s.position = blocksFrom(s.space, r.upper())
		}
		if err := r.fetch(s); err != nil {
			return err
		}
		if len(s.next) > 0 {
			r.sources = append(r.sources, s)
		}
	}
	r.search = r.hour + 1
	if !r.forward {
		r.search = r.hour - 1
	}
	return nil
}

// past tells whether an hour is outside of what is asked.
func (r *reader) past(hour int64) bool { return hour < hourOf(r.from) || hour > hourOf(r.to) }

// hourOfOne finds the hour by the stream's own blocks.
func (r *reader) hourOfOne() ([]hourRow, error) {
	if r.past(r.search) {
		r.ended = true
		return nil, nil
	}
	space := blockSpace(r.scope, r.group, r.one)
	rg := store.Range{Start: blocksFrom(space, r.search*hourMillis), End: blocksFrom(space, (hourOf(r.to)+1)*hourMillis), Limit: 1}
	if !r.forward {
		rg = store.Range{Start: blocksFrom(space, hourOf(r.from)*hourMillis), End: blocksFrom(space, (r.search+1)*hourMillis), Limit: 1, Reverse: true}
	}
	for it, err := range r.store.Scan(rg) {
		if err != nil {
			return nil, fmt.Errorf("logs: %w", err)
		}
		first, _, err := parseBlockKey(it.Key, len(space))
		if err != nil {
			return nil, err
		}
		row := hourRow{hour: hourOf(first), stream: r.one}
		noted, err := r.store.Get(hourKey(r.scope, r.group, row.hour, r.one))
		if err != nil {
			return nil, fmt.Errorf("logs: %w", err)
		}
		if row.span, err = decodeHour(noted.Value); err != nil {
			return nil, err
		}
		return []hourRow{row}, nil
	}
	r.ended = true
	return nil, nil
}

// hourOfMany finds the hour by what is noted of hours. Without rows and not at the end, the budget
// was used up: the place to go on from is set.
func (r *reader) hourOfMany() (rows []hourRow, err error) {
	if r.past(r.search) {
		r.ended = true
		return nil, nil
	}
	space := space(r.scope, kindHour, r.group)
	rg := store.Range{Start: hoursFrom(space, r.search), End: hoursFrom(space, hourOf(r.to)+1)}
	if !r.forward {
		rg = store.Range{Start: hoursFrom(space, hourOf(r.from)), End: hoursFrom(space, r.search+1), Reverse: true}
	}
	for it, err := range r.store.Scan(rg) {
		if err != nil {
			return nil, fmt.Errorf("logs: %w", err)
		}
		row := hourRow{}
		if row.hour, row.stream, err = parseHourKey(it.Key, len(space)); err != nil {
			return nil, err
		}
		if len(rows) > 0 && row.hour != rows[0].hour {
			return rows, nil
		}
		if r.budget -= rowCost; r.budget <= 0 && len(rows) == 0 {
			r.after, r.started, r.search = before(row.hour*hourMillis), true, row.hour
			if !r.forward {
				r.after = before((row.hour + 1) * hourMillis)
			}
			return nil, nil
		}
		if r.streams != nil && !r.streams[row.stream] {
			continue
		}
		if row.span, err = decodeHour(it.Value); err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	r.ended = len(rows) == 0
	return rows, nil
}
