package logs

import (
	"context"
	"math"
	"slices"

	"fastness/internal/api/logsapi"
	"fastness/internal/call"
	"fastness/internal/store"
)

// The bounds of an answer with events: AWS's number and size, and how much is read for one.
const (
	maxReturned    = 10_000
	maxAnswerBytes = 1 << 20
	readBudget     = 64 << 20
)

// GetLogEvents implements the operation of that name.
func (s *Service) GetLogEvents(ctx context.Context, in *logsapi.GetLogEventsRequest) (*logsapi.GetLogEventsResponse, error) {
	c := call.From(ctx)
	name, err := named(c, in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	r := &reader{to: math.MaxInt64 / 2, forward: value(in.StartFromHead), budget: readBudget}
	if in.StartTime != nil {
		r.from = *in.StartTime
	}
	if in.EndTime != nil {
		r.to = *in.EndTime - 1 // "Events with a timestamp equal to or later than this time are not included."
	}
	if in.StartTime != nil && in.EndTime != nil && r.from > *in.EndTime {
		return nil, invalid("The start time must not be after the end time.")
	}
	if t := value(in.NextToken); t != "" {
		var ok bool
		if r.forward, r.after, ok = parseToken(t); !ok {
			return nil, badToken()
		}
		r.started = true
	}
	limit := limitOf(in.Limit, maxReturned)
	out := &logsapi.GetLogEventsResponse{Events: []logsapi.OutputLogEvent{}}
	var first, last place
	err = s.store.View(ctx, func(rd store.Reader) error {
		g, err := s.tables.group(rd, c.Account, c.Region, name)
		if err != nil {
			return err
		}
		st, err := s.tables.stream(rd, g, value(in.LogStreamName))
		if err != nil {
			return err
		}
		r.from = max(r.from, s.oldest(g))
		r.store, r.scope, r.group, r.one = rd, g.scope(), g.ID, st.ID
		r.clamp(s.now())
		first, last = r.edges()
		r.begin()
		size := 0
		for len(out.Events) < limit {
			f, ok, _, err := r.next()
			if err != nil {
				return err
			}
			size += len(f.message) + eventOverhead
			if !ok || size > maxAnswerBytes && len(out.Events) > 0 {
				return nil
			}
			if last = f.place; len(out.Events) == 0 {
				first = f.place
			}
			out.Events = append(out.Events, logsapi.OutputLogEvent{Timestamp: &f.at, Message: &f.message, IngestionTime: &f.ingested})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if !r.forward {
		slices.Reverse(out.Events)
		first, last = last, first
	}
	out.NextBackwardToken, out.NextForwardToken = new(token(false, first)), new(token(true, last))
	return out, nil
}

// clamp keeps the range within what can be there: nothing is more than two hours ahead when it comes.
func (r *reader) clamp(now int64) {
	r.from = max(r.from, 0)
	r.to = min(r.to, now+2*maxAhead)
}

// edges are the places for tokens when there are no events: where the reader began.
func (r *reader) edges() (first, last place) {
	switch {
	case r.started:
		return r.after, r.after
	case r.forward:
		return before(r.from), before(r.from)
	}
	return before(r.to + 1), before(r.to + 1)
}
