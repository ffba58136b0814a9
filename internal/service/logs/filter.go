package logs

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"strconv"
	"strings"

	"fastness/internal/api/logsapi"
	"fastness/internal/call"
	"fastness/internal/engine/logpattern"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

// maxPrefixStreams bounds the streams that a prefix can choose.
const maxPrefixStreams = 10_000

// searchBudget is how much FilterLogEvents reads for one answer: a search that finds little in much
// goes on with a token.
const searchBudget = 32 << 20

// FilterLogEvents implements the operation of that name.
func (s *Service) FilterLogEvents(ctx context.Context, in *logsapi.FilterLogEventsRequest) (*logsapi.FilterLogEventsResponse, error) {
	c := call.From(ctx)
	name, err := named(c, in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	if in.LogStreamNamePrefix != nil && len(in.LogStreamNames) > 0 {
		return nil, invalid("logStreamNamePrefix and logStreamNames are mutually exclusive parameters.")
	}
	pattern, err := compile(value(in.FilterPattern))
	if err != nil {
		return nil, err
	}
	r := &reader{to: math.MaxInt64 / 2, forward: true, budget: searchBudget}
	if in.StartTime != nil {
		r.from = *in.StartTime
	}
	if in.EndTime != nil {
		r.to = *in.EndTime // "Events with a timestamp later than this time are not returned."
	}
	if r.from > r.to {
		return nil, invalid("The start time must not be after the end time.")
	}
	query := queryOf(append([]string{
		name, value(in.FilterPattern), value(in.LogStreamNamePrefix), strconv.FormatInt(r.from, 10), strconv.FormatInt(r.to, 10),
	}, in.LogStreamNames...)...)
	position, err := s.position(c, query, in.NextToken)
	if err != nil {
		return nil, err
	}
	if position != "" {
		if r.after, err = decodePlace(position); err != nil {
			return nil, err
		}
		r.started = true
	}
	out := &logsapi.FilterLogEventsResponse{Events: []logsapi.FilteredLogEvent{}, SearchedLogStreams: []logsapi.SearchedLogStream{}}
	limit := limitOf(in.Limit, maxReturned)
	more := false
	err = s.store.View(ctx, func(rd store.Reader) error {
		g, err := s.tables.group(rd, c.Account, c.Region, name)
		if err != nil {
			return err
		}
		r.store, r.scope, r.group = rd, g.scope(), g.ID
		r.from = max(r.from, s.oldest(g))
		r.clamp(s.now())
		names := make(map[string]string) // of streams, by their ids
		if len(in.LogStreamNames) > 0 || in.LogStreamNamePrefix != nil {
			if names, err = s.chosen(rd, g, in); err != nil {
				return err
			}
			if len(names) == 0 {
				return nil
			}
			r.streams = make(map[string]bool, len(names))
			for id := range names {
				r.streams[id] = true
				r.one = id
			}
			if len(names) > 1 {
				r.one = ""
			}
		}
		r.begin()
		more, err = s.search(ctx, r, g, names, pattern, limit, out)
		return err
	})
	if err != nil || !more {
		return out, err
	}
	out.NextToken, err = s.nextToken(c, query, encodePlace(r.after))
	return out, err
}

// search adds what matches to out, and tells whether there may be more behind r.after.
func (s *Service) search(ctx context.Context, r *reader, g *groupRecord, names map[string]string, pattern *logpattern.Pattern, limit int, out *logsapi.FilterLogEventsResponse) (more bool, err error) {
	size := 0
	for n := 0; ; n++ {
		was, started := r.after, r.started
		f, ok, more, err := r.next()
		if err != nil || !ok {
			return more, err
		}
		if n%1024 == 1023 && ctx.Err() != nil {
			return false, ctx.Err()
		}
		if pattern.Match(f.message) {
			stream, err := s.streamName(r, g, names, f.stream)
			if err != nil {
				return false, err
			}
			// An event of a stream that was deleted meanwhile has no name and is not there.
			if stream != "" {
				if size += len(f.message) + eventOverhead; size > maxAnswerBytes && len(out.Events) > 0 {
					r.after, r.started = was, started
					return true, nil
				}
				out.Events = append(out.Events, logsapi.FilteredLogEvent{
					LogStreamName: &stream, Timestamp: &f.at, Message: &f.message, IngestionTime: &f.ingested, EventId: new(f.place.id()),
				})
			}
		}
		if len(out.Events) == limit || r.budget <= 0 {
			return true, nil
		}
	}
}

// streamName is the name of a stream; that of all streams of the group is looked up the first time that
// one is needed.
func (s *Service) streamName(r *reader, g *groupRecord, names map[string]string, id string) (string, error) {
	if name, ok := names[id]; ok || r.streams != nil {
		return name, nil
	}
	if names[""] != "" {
		return "", nil // all are known
	}
	names[""] = "-"
	for row, err := range s.tables.streams.Scan(r.store, g.scope(), table.Page{Prefix: parts(g.ID)}) {
		if err != nil {
			return "", err
		}
		names[row.Record.ID] = row.Record.Name
	}
	return names[id], nil
}

// chosen are the streams that a request names.
func (s *Service) chosen(rd store.Reader, g *groupRecord, in *logsapi.FilterLogEventsRequest) (map[string]string, error) {
	names := make(map[string]string)
	for _, name := range in.LogStreamNames {
		st, err := s.tables.stream(rd, g, name)
		if err != nil {
			return nil, err
		}
		names[st.ID] = st.Name
	}
	if in.LogStreamNamePrefix == nil {
		return names, nil
	}
	prefix := *in.LogStreamNamePrefix
	for row, err := range s.tables.streams.Scan(rd, g.scope(), pageAfter(justBefore(prefix), table.String(g.ID))) {
		switch {
		case err != nil:
			return nil, err
		case strings.HasPrefix(row.Record.Name, prefix):
			if names[row.Record.ID] = row.Record.Name; len(names) > maxPrefixStreams {
				return nil, invalid("More than %d log streams begin with the prefix.", maxPrefixStreams)
			}
		case row.Record.Name > prefix:
			return names, nil
		}
	}
	return names, nil
}

func compile(text string) (*logpattern.Pattern, error) {
	p, err := logpattern.Compile(text)
	if err != nil {
		return nil, invalid("Invalid filter pattern: %s", strings.TrimPrefix(err.Error(), logpattern.ErrPattern.Error()+": "))
	}
	return p, nil
}

// encodePlace is the position of a token of FilterLogEvents.
func encodePlace(p place) string {
	b := binary.AppendVarint(nil, p.at)
	b = binary.AppendUvarint(b, p.block.at)
	b = binary.AppendUvarint(b, p.block.number)
	b = binary.AppendVarint(b, int64(p.index))
	return string(b)
}

func decodePlace(text string) (p place, err error) {
	b := []byte(text)
	signed := func() int64 {
		v, n := binary.Varint(b)
		if n <= 0 {
			err = errors.New("logs: a token that is ours has a bad position")
			return 0
		}
		b = b[n:]
		return v
	}
	unsigned := func() uint64 {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			err = errors.New("logs: a token that is ours has a bad position")
			return 0
		}
		b = b[n:]
		return v
	}
	p.at, p.block.at, p.block.number, p.index = signed(), unsigned(), unsigned(), int(signed())
	return p, err
}

// TestMetricFilter implements the operation of that name.
func (s *Service) TestMetricFilter(_ context.Context, in *logsapi.TestMetricFilterRequest) (*logsapi.TestMetricFilterResponse, error) {
	pattern, err := compile(value(in.FilterPattern))
	if err != nil {
		return nil, err
	}
	out := &logsapi.TestMetricFilterResponse{Matches: []logsapi.MetricFilterMatchRecord{}}
	for i, message := range in.LogEventMessages {
		values, ok := pattern.Extract(message)
		if ok {
			out.Matches = append(out.Matches, logsapi.MetricFilterMatchRecord{EventNumber: new(int64(i + 1)), EventMessage: &message, ExtractedValues: values})
		}
	}
	return out, nil
}
