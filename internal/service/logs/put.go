package logs

import (
	"context"
	"strings"

	"fastness/internal/api/logsapi"
	"fastness/internal/call"
	"fastness/internal/store"
)

// The limits of a batch (Amazon CloudWatch Logs API reference, PutLogEvents).
const (
	maxEvents     = 10_000
	maxBatchBytes = 1 << 20
	maxEventBytes = 1 << 20
	eventOverhead = 26 // bytes that an event counts besides its message
	maxBatchSpan  = 24 * hourMillis
	maxAge        = 14 * 24 * hourMillis
	maxAhead      = 2 * hourMillis
)

const dayMillis = 24 * hourMillis

// PutLogEvents implements the operation of that name.
func (s *Service) PutLogEvents(ctx context.Context, in *logsapi.PutLogEventsRequest) (*logsapi.PutLogEventsResponse, error) {
	c := call.From(ctx)
	tx := c.Txn()
	g, err := s.tables.group(tx, c.Account, c.Region, value(in.LogGroupName))
	if err != nil {
		return nil, err
	}
	st, err := s.tables.stream(tx, g, value(in.LogStreamName))
	if err != nil {
		return nil, err
	}
	now := s.clock.Now()
	kept, rejected, err := accept(in.LogEvents, now.UnixMilli(), g.Retention)
	if err != nil {
		return nil, err
	}
	id := newBlockID(now.UnixMicro())
	if err := s.write(tx, g, st, &block{now.UnixMilli(), kept}, id); err != nil {
		return nil, err
	}
	// "The sequence token is now ignored"; that of the answer is as clients expect one.
	return &logsapi.PutLogEventsResponse{NextSequenceToken: new(place{at: now.UnixMilli(), block: id}.id()), RejectedLogEventsInfo: rejected}, nil
}

// accept checks a batch and returns the events that are neither too old nor too new.
func accept(events []logsapi.InputLogEvent, now int64, retention int32) (kept []event, rejected *logsapi.RejectedLogEventsInfo, err error) {
	size := 0
	for i := range events {
		n := len(value(events[i].Message))
		if n > maxEventBytes {
			return nil, nil, invalid("Log event too large: %d bytes exceeds limit of %d", n, maxEventBytes)
		}
		size += n + eventOverhead
		if i > 0 && value(events[i].Timestamp) < value(events[i-1].Timestamp) {
			return nil, nil, invalid("Log events in a single PutLogEvents request must be in chronological order.")
		}
	}
	// One event of the largest size is a batch, although it counts more.
	if size > maxBatchBytes && len(events) > 1 {
		return nil, nil, invalid("Upload too large: %d bytes exceeds limit of %d", size, maxBatchBytes)
	}
	var info logsapi.RejectedLogEventsInfo
	from, to := 0, len(events)
	for ; from < to && value(events[from].Timestamp) < now-maxAge; from++ {
		info.TooOldLogEventEndIndex = new(int32(from + 1))
	}
	if retention > 0 {
		for ; from < to && value(events[from].Timestamp) < now-int64(retention)*dayMillis; from++ {
			info.ExpiredLogEventEndIndex = new(int32(from + 1))
		}
	}
	for ; from < to && value(events[to-1].Timestamp) > now+maxAhead; to-- {
		info.TooNewLogEventStartIndex = new(int32(to - 1))
	}
	if info != (logsapi.RejectedLogEventsInfo{}) {
		rejected = &info
	}
	if events = events[from:to]; len(events) == 0 {
		return nil, rejected, nil
	}
	if value(events[len(events)-1].Timestamp)-value(events[0].Timestamp) > maxBatchSpan {
		return nil, nil, invalid("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
	}
	kept = make([]event, len(events))
	for i := range events {
		kept[i] = event{value(events[i].Timestamp), strings.ToValidUTF8(value(events[i].Message), "�")}
	}
	return kept, rejected, nil
}

// write stores events in blocks: of one hour each, and not much larger than blockBytes.
func (s *Service) write(tx store.Txn, g *groupRecord, st *streamRecord, all *block, id blockID) error {
	for rest := all.events; len(rest) > 0; id.number++ {
		n, size := 0, 0
		for n < len(rest) && hourOf(rest[n].at) == hourOf(rest[0].at) && (n == 0 || size+len(rest[n].message) <= blockBytes) {
			size += len(rest[n].message)
			n++
		}
		b := &block{all.ingested, rest[:n]}
		rest = rest[n:]
		data := b.encode()
		if err := tx.Put(blockKeyIn(blockSpace(g.scope(), g.ID, st.ID), b.first(), id), data[0]); err != nil {
			return err
		}
		for part := 1; part < len(data); part++ {
			if err := tx.Put(partKey(g.scope(), g.ID, st.ID, b.first(), id, part), data[part]); err != nil {
				return err
			}
		}
		if err := noteHour(tx, g.scope(), g.ID, hourOf(b.first()), st.ID, b.last()-b.first()); err != nil {
			return err
		}
	}
	return nil
}
