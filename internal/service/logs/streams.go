package logs

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"fastness/internal/api/logsapi"
	"fastness/internal/call"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

// CreateLogStream implements the operation of that name.
func (s *Service) CreateLogStream(ctx context.Context, in *logsapi.CreateLogStreamRequest) (*logsapi.CreateLogStreamOutput, error) {
	c := call.From(ctx)
	g, err := s.tables.group(c.Txn(), c.Account, c.Region, value(in.LogGroupName))
	if err != nil {
		return nil, err
	}
	has, err := s.tables.streams.Has(c.Txn(), g.scope(), parts(g.ID, value(in.LogStreamName))...)
	if err != nil {
		return nil, err
	}
	if has {
		return nil, &logsapi.ResourceAlreadyExistsException{Message: new("The specified log stream already exists")}
	}
	return &logsapi.CreateLogStreamOutput{}, s.tables.streams.Insert(c.Txn(), &streamRecord{
		Account: g.Account, Region: g.Region, Group: g.ID, Name: value(in.LogStreamName), ID: newID(), Created: s.now(),
	})
}

// DeleteLogStream implements the operation of that name.
func (s *Service) DeleteLogStream(ctx context.Context, in *logsapi.DeleteLogStreamRequest) (*logsapi.DeleteLogStreamOutput, error) {
	c := call.From(ctx)
	g, err := s.tables.group(c.Txn(), c.Account, c.Region, value(in.LogGroupName))
	if err != nil {
		return nil, err
	}
	st, err := s.tables.stream(c.Txn(), g, value(in.LogStreamName))
	if err != nil {
		return nil, err
	}
	if err := s.tables.streams.Delete(c.Txn(), g.scope(), parts(g.ID, st.Name)...); err != nil {
		return nil, err
	}
	return &logsapi.DeleteLogStreamOutput{}, s.sweepLater(c.Txn(), sweep{Account: g.Account, Region: g.Region, Group: g.ID, Stream: st.ID})
}

// maxSorted is of how many streams the times are looked up to sort them by.
const maxSorted = 10_000

// DescribeLogStreams implements the operation of that name.
func (s *Service) DescribeLogStreams(ctx context.Context, in *logsapi.DescribeLogStreamsRequest) (*logsapi.DescribeLogStreamsResponse, error) {
	c := call.From(ctx)
	name, err := named(c, in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	byTime := value(in.OrderBy) == logsapi.OrderByLastEventTime
	prefix := value(in.LogStreamNamePrefix)
	if byTime && prefix != "" {
		return nil, invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
	}
	descending := value(in.Descending)
	query := queryOf(name, prefix, string(value(in.OrderBy)), map[bool]string{true: "-", false: "+"}[descending])
	after, err := s.position(c, query, in.NextToken)
	if err != nil {
		return nil, err
	}
	limit := limitOf(in.Limit, maxPage)
	out := &logsapi.DescribeLogStreamsResponse{LogStreams: []logsapi.LogStream{}}
	next := ""
	err = s.store.View(ctx, func(r store.Reader) error {
		g, err := s.tables.group(r, c.Account, c.Region, name)
		if err != nil {
			return err
		}
		list := s.streamsByName
		if byTime {
			list = s.streamsByTime
		}
		out.LogStreams, next, err = list(r, g, prefix, after, limit, descending)
		return err
	})
	if err != nil {
		return nil, err
	}
	out.NextToken, err = s.nextToken(c, query, next)
	return out, err
}

func (s *Service) streamsByName(r store.Reader, g *groupRecord, prefix, after string, limit int, descending bool) (all []logsapi.LogStream, next string, err error) {
	p := pageAfter(after, table.String(g.ID))
	p.Reverse = descending
	if after == "" && prefix != "" {
		p.After = pageAfter(justBefore(prefix), table.String(g.ID)).After
		if descending {
			p.After = pageAfter(prefix+"\xff", table.String(g.ID)).After // no name has such a byte
		}
	}
	last := ""
	for row, err := range s.tables.streams.Scan(r, g.scope(), p) {
		if err != nil {
			return nil, "", err
		}
		st := row.Record
		if !strings.HasPrefix(st.Name, prefix) {
			if descending == (st.Name < prefix) {
				break // behind all that begin so
			}
			continue
		}
		if len(all) == limit {
			return all, last, nil
		}
		x, err := s.describeStream(r, g, st)
		if err != nil {
			return nil, "", err
		}
		all, last = append(all, x), st.Name
	}
	return all, "", nil
}

// streamsByTime sorts all streams of a group by their last event; the position is the name of the last
// stream of the page before.
func (s *Service) streamsByTime(r store.Reader, g *groupRecord, _, after string, limit int, descending bool) (all []logsapi.LogStream, next string, err error) {
	for row, err := range s.tables.streams.Scan(r, g.scope(), table.Page{Prefix: parts(g.ID)}) {
		if err != nil {
			return nil, "", err
		}
		if len(all) == maxSorted {
			return nil, "", invalid("The log group has more than %d log streams: order them by name.", maxSorted)
		}
		x, err := s.describeStream(r, g, row.Record)
		if err != nil {
			return nil, "", err
		}
		all = append(all, x)
	}
	slices.SortFunc(all, func(a, b logsapi.LogStream) int {
		n := cmp.Or(cmp.Compare(value(a.LastEventTimestamp), value(b.LastEventTimestamp)), cmp.Compare(*a.LogStreamName, *b.LogStreamName))
		if descending {
			return -n
		}
		return n
	})
	if after != "" {
		if i := slices.IndexFunc(all, func(x logsapi.LogStream) bool { return *x.LogStreamName == after }); i >= 0 {
			all = all[i+1:]
		}
	}
	if len(all) > limit {
		all = all[:limit]
		next = *all[limit-1].LogStreamName
	}
	return all, next, nil
}

// describeStream tells of a stream, with the times that its first and last blocks have.
func (s *Service) describeStream(r store.Reader, g *groupRecord, st *streamRecord) (x logsapi.LogStream, err error) {
	x = logsapi.LogStream{
		LogStreamName: &st.Name, CreationTime: &st.Created, StoredBytes: new(int64(0)),
		Arn: new(groupARN(g.Account, g.Region, g.Name) + ":log-stream:" + st.Name), UploadSequenceToken: new(place{at: st.Created}.id()),
	}
	space := blockSpace(g.scope(), g.ID, st.ID)
	all := store.Prefix(space)
	all.Limit = 1
	for it, err := range r.Scan(all) {
		if err != nil {
			return x, err
		}
		first, _, err := parseBlockKey(it.Key, len(space))
		if err != nil {
			return x, err
		}
		x.FirstEventTimestamp = &first
	}
	// The last event can be in a block that began before the last one, in the same hour.
	all.Limit, all.Reverse = lastBlocks, true
	for it, err := range r.Scan(all) {
		if err != nil {
			return x, err
		}
		first, _, err := parseBlockKey(it.Key, len(space))
		if err != nil {
			return x, err
		}
		if x.LastEventTimestamp != nil && hourOf(first) < hourOf(*x.LastEventTimestamp) {
			break
		}
		h, err := decodeHead(it.Value)
		if err != nil {
			return x, err
		}
		x.LastEventTimestamp = new(max(h.last, value(x.LastEventTimestamp)))
		x.LastIngestionTime = new(max(h.ingested, value(x.LastIngestionTime)))
	}
	return x, nil
}

// lastBlocks is among how many blocks the last event of a stream is looked for.
const lastBlocks = 4
