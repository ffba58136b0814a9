package app

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"fastness/internal/eventlog"
	"fastness/internal/seal"
)

// EventsQuery asks for the latest events in the event log.
type EventsQuery struct {
	// Account and Region select events; empty selects all.
	Account string `json:"account,omitempty"`
	Region  string `json:"region,omitempty"`
	// Last is how many of the events that are there are wanted, at most MaxLastEvents.
	Last int `json:"last"`
	// Follow waits for those that come, too.
	Follow bool `json:"follow,omitempty"`
}

// MaxLastEvents bounds EventsQuery.Last.
const MaxLastEvents = 1000

// EventLine is one event of the answer.
type EventLine struct {
	// Sequence is the number of the event in its account and Region, from 1.
	Sequence uint64 `json:"sequence"`
	// Recorded is when the event was written down.
	Recorded time.Time `json:"recorded"`
	// Event is EventBridge's envelope.
	Event json.RawMessage `json:"event"`
	// Error ends the answer early.
	Error string `json:"error,omitempty"`
}

// serveEvents answers an EventsQuery on the operator's socket: EventLines, one after
// another, until there are no more, the client has gone, or the server is sealed or
// stops. It may go on for days, so it holds up neither a reset nor a stop.
func (a *App) serveEvents(stopping <-chan struct{}) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var q EventsQuery
		if !readAdmin(w, r, &q) {
			return
		}
		a.mu.Lock()
		rooms := a.rooms
		a.mu.Unlock()
		if rooms == nil {
			answerAdmin(w, nil, seal.ErrSealed)
			return
		}
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		go func() {
			select {
			case <-stopping:
			case <-rooms.closing:
			case <-ctx.Done():
			}
			cancel()
		}()
		s := &eventStream{log: rooms.events, query: q, to: w, control: http.NewResponseController(w)}
		err := s.run(ctx)
		switch {
		case err == nil, ctx.Err() != nil:
		case s.begun:
			_ = json.NewEncoder(w).Encode(EventLine{Error: err.Error()}) // if the client is still there
		default:
			answerAdmin(w, nil, err)
		}
	}
}

// eventStream is one answer.
type eventStream struct {
	log     *eventlog.Log
	query   EventsQuery
	to      io.Writer
	control *http.ResponseController
	begun   bool
	line    []byte
}

func (s *eventStream) run(ctx context.Context) error {
	if s.query.Last < 0 || s.query.Last > MaxLastEvents {
		return fmt.Errorf("app: the number of events is not from 0 to %d", MaxLastEvents)
	}
	filter := eventlog.Filter{Account: s.query.Account, Region: s.query.Region}
	last, at, err := latestEvents(ctx, s.log, filter, s.query.Last)
	if err != nil {
		return err
	}
	// The deadline of the request would end the connection.
	if err := s.control.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	for i := range last {
		if err := s.write(&last[i]); err != nil {
			return err
		}
	}
	s.begun = true
	if err := s.control.Flush(); err != nil || !s.query.Follow {
		return err
	}
	f, err := s.log.Follow(ctx, filter, at)
	if err != nil {
		return err
	}
	defer f.Close()
	for {
		e, err := f.Next(ctx)
		if err != nil {
			return err
		}
		if err := errors.Join(s.write(&e), s.control.Flush()); err != nil {
			return err
		}
	}
}

// write writes a line. The envelope goes out as it is.
func (s *eventStream) write(e *eventlog.Entry) error {
	s.begun = true
	s.line = fmt.Appendf(s.line[:0], `{"sequence":%d,"recorded":%q,"event":`, e.Sequence, e.Recorded.Format(time.RFC3339Nano))
	s.line = append(e.Event.AppendEnvelope(s.line), "}\n"...)
	_, err := s.to.Write(s.line)
	return err
}

// latestEvents returns the last events of all places that a filter selects, in the order
// in which they were recorded, and the positions behind them.
func latestEvents(ctx context.Context, log *eventlog.Log, f eventlog.Filter, n int) ([]eventlog.Entry, eventlog.Positions, error) {
	extents, err := log.Extents(ctx, f)
	if err != nil {
		return nil, nil, err
	}
	var last []eventlog.Entry
	at := make(eventlog.Positions, len(extents))
	for _, e := range extents {
		at[e.Place] = e.To
		after := e.From
		if e.To > eventlog.Cursor(n) {
			after = max(after, e.To-eventlog.Cursor(n))
		}
		for after < e.To {
			page, err := log.Read(ctx, e.Place, after, int(e.To-after))
			if errors.Is(err, eventlog.ErrTrimmed) {
				page, err = log.Read(ctx, e.Place, 0, n)
			}
			if err != nil {
				return nil, nil, err
			}
			if len(page) == 0 {
				break
			}
			after = page[len(page)-1].Sequence
			last = append(last, page...)
		}
		slices.SortStableFunc(last, func(a, b eventlog.Entry) int {
			return cmp.Or(a.Recorded.Compare(b.Recorded), a.Place().Compare(b.Place()), cmp.Compare(a.Sequence, b.Sequence))
		})
		if extra := len(last) - n; extra > 0 {
			last = slices.Delete(last, 0, extra)
		}
	}
	return last, at, nil
}

// ErrEventsEnded: the server has ended an answer that follows the events.
var ErrEventsEnded = errors.New("app: the server sends no more events: it was sealed, reset or stopped")

// Events asks the server for events and calls each for every one. It returns when there
// are no more, with the error of each, or, if the query follows, with ErrEventsEnded.
func (o *Operator) Events(ctx context.Context, q EventsQuery, each func(EventLine) error) error {
	body, err := json.Marshal(q)
	if err != nil {
		return err
	}
	res, err := o.send(ctx, http.MethodPost, "/v1/events", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer res.Body.Close()
	d := json.NewDecoder(res.Body)
	for {
		var line EventLine
		switch err := d.Decode(&line); {
		case errors.Is(err, io.EOF) && q.Follow:
			return ErrEventsEnded
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("app: answer of the server: %w", err)
		case line.Error != "":
			return errors.New(line.Error)
		}
		if err := each(line); err != nil {
			return err
		}
	}
}
