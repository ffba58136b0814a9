package logs

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"fastness/internal/api/logsapi"
)

func messages[T any](events []T, of func(T) *string) (all []string) {
	for _, e := range events {
		all = append(all, *of(e))
	}
	return all
}

func filtered(e logsapi.FilteredLogEvent) *string { return e.Message }
func output(e logsapi.OutputLogEvent) *string     { return e.Message }

func TestEventsComeBackInTheOrderOfTheirTimes(t *testing.T) {
	h := newHarness(t)
	h.made("g", "a", "b")
	four, five, six := h.at(time.Minute, "4"), h.at(time.Minute, "5"), h.at(time.Minute, "6")
	h.put("g", "a", h.at(3*time.Hour, "1"), four)
	h.clock.Advance(time.Millisecond) // events of one time are in the order in which they came, of one moment in any
	h.put("g", "b", h.at(2*time.Hour, "2"), five, six)
	h.clock.Advance(time.Millisecond)
	h.put("g", "a", h.at(90*time.Minute, "3"), h.at(0, "7"))
	out, err := h.admin().FilterLogEvents(t.Context(), &logsapi.FilterLogEventsRequest{LogGroupName: new("g")})
	if err != nil {
		t.Fatal(err)
	}
	if got := messages(out.Events, filtered); !slices.Equal(got, []string{"1", "2", "3", "4", "5", "6", "7"}) || out.NextToken != nil {
		t.Errorf("all: %v, token %v", got, out.NextToken)
	}
	one, err := h.admin().GetLogEvents(t.Context(), &logsapi.GetLogEventsRequest{LogGroupName: new("g"), LogStreamName: new("a")})
	if err != nil {
		t.Fatal(err)
	}
	if got := messages(one.Events, output); !slices.Equal(got, []string{"1", "3", "4", "7"}) {
		t.Errorf("one: %v", got)
	}
	// As clients follow a stream: the token of the end is the same again, until there is more.
	more, err := h.admin().GetLogEvents(t.Context(), &logsapi.GetLogEventsRequest{LogGroupName: new("g"), LogStreamName: new("a"), NextToken: one.NextForwardToken})
	if err != nil || len(more.Events) != 0 || *more.NextForwardToken != *one.NextForwardToken {
		t.Fatalf("behind the end: %v %v", more, err)
	}
	h.clock.Advance(time.Second)
	h.put("g", "a", h.at(0, "8"))
	more, err = h.admin().GetLogEvents(t.Context(), &logsapi.GetLogEventsRequest{LogGroupName: new("g"), LogStreamName: new("a"), NextToken: more.NextForwardToken})
	if err != nil || !slices.Equal(messages(more.Events, output), []string{"8"}) {
		t.Fatalf("the new one: %v %v", more, err)
	}
}

// The store, its blocks and pages against a sorted list.
func TestReadingAgreesWithASortedList(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { compareWithList(t, rand.New(rand.NewPCG(seed, 7))) })
	}
}

type sent struct {
	at      int64
	stream  string
	message string
}

func compareWithList(t *testing.T, r *rand.Rand) {
	h := newHarness(t)
	streams := []string{"s0", "s1", "s2"}
	h.made("g", streams...)
	var all []sent
	number := 0
	for range 30 {
		h.clock.Advance(time.Duration(r.IntN(90)) * time.Second)
		stream := streams[r.IntN(len(streams))]
		start := h.clock.Now().Add(-time.Duration(r.IntN(30)) * time.Hour)
		step := []int64{0, 1, 500, 60_000, 1_200_000}[r.IntN(5)]
		var batch []logsapi.InputLogEvent
		at := start.UnixMilli()
		for range 1 + r.IntN(40) {
			if at > h.clock.Now().Add(time.Hour).UnixMilli() {
				break // would be left out
			}
			message := fmt.Sprintf("%d %s", number, strings.Repeat("x", r.IntN(20000)*r.IntN(2)))
			number++
			batch = append(batch, logsapi.InputLogEvent{Timestamp: new(at), Message: new(message)})
			all = append(all, sent{at, stream, message})
			at += r.Int64N(step + 1)
		}
		h.put("g", stream, batch...)
	}
	slices.SortStableFunc(all, func(a, b sent) int { return int(a.at - b.at) })
	from, to := all[r.IntN(len(all)/2)].at, all[len(all)/2+r.IntN(len(all)/2)].at
	pick := func(keep func(s sent) bool) (texts []string) {
		for _, s := range all {
			if keep(s) {
				texts = append(texts, s.message)
			}
		}
		return texts
	}
	same := func(what string, got, want []string) {
		t.Helper()
		if len(got) != len(want) {
			t.Errorf("%s: %d events, want %d", what, len(got), len(want))
			return
		}
		// Of events of one time, those of other streams and batches may come in any order.
		g, w := slices.Clone(got), slices.Clone(want)
		slices.Sort(g)
		slices.Sort(w)
		if !slices.Equal(g, w) {
			t.Errorf("%s: other events", what)
		}
	}
	limit := int32(1 + r.IntN(50))
	search := func(in logsapi.FilterLogEventsRequest) (texts []string) {
		in.LogGroupName, in.Limit = new("g"), &limit
		last := int64(0)
		for {
			out, err := h.admin().FilterLogEvents(t.Context(), &in)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range out.Events {
				if *e.Timestamp < last {
					t.Fatal("an event is before the one before it")
				}
				last = *e.Timestamp
				texts = append(texts, *e.Message)
			}
			if out.NextToken == nil {
				return texts
			}
			in.NextToken = out.NextToken
		}
	}
	same("all", search(logsapi.FilterLogEventsRequest{}), pick(func(sent) bool { return true }))
	same("a range", search(logsapi.FilterLogEventsRequest{StartTime: &from, EndTime: &to}), pick(func(s sent) bool { return s.at >= from && s.at <= to }))
	same("two streams", search(logsapi.FilterLogEventsRequest{LogStreamNames: []string{"s0", "s2"}}), pick(func(s sent) bool { return s.stream != "s1" }))
	same("a stream", search(logsapi.FilterLogEventsRequest{LogStreamNamePrefix: new("s1")}), pick(func(s sent) bool { return s.stream == "s1" }))
	same("a pattern", search(logsapi.FilterLogEventsRequest{FilterPattern: new("[number = *7, ...]")}), pick(func(s sent) bool {
		first, _, _ := strings.Cut(s.message, " ")
		return strings.HasSuffix(first, "7") && len(strings.Fields(s.message)) >= 1
	}))
	for _, forward := range []bool{true, false} {
		var got []string
		in := &logsapi.GetLogEventsRequest{LogGroupName: new("g"), LogStreamName: new("s0"), StartFromHead: &forward, StartTime: &from, EndTime: &to, Limit: &limit}
		for {
			out, err := h.admin().GetLogEvents(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			page := messages(out.Events, output)
			next := out.NextForwardToken
			if forward {
				got = append(got, page...)
			} else {
				got, next = append(slices.Clone(page), got...), out.NextBackwardToken
			}
			if in.NextToken != nil && *next == *in.NextToken {
				break
			}
			in.NextToken = next
		}
		want := pick(func(s sent) bool { return s.stream == "s0" && s.at >= from && s.at < to })
		same(fmt.Sprintf("forward %v", forward), got, want)
	}
}

func TestBatchesObeyTheLimits(t *testing.T) {
	h := newHarness(t)
	h.made("g", "s")
	large := strings.Repeat("x", maxEventBytes)
	rnd := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, maxEventBytes)
	for i := range noise {
		noise[i] = byte(' ' + rnd.IntN(94))
	}
	many := func(n, size int) (all []logsapi.InputLogEvent) {
		for range n {
			all = append(all, h.at(0, strings.Repeat("x", size)))
		}
		return all
	}
	for _, c := range []struct {
		name   string
		events []logsapi.InputLogEvent
		want   string
	}{
		{"order", []logsapi.InputLogEvent{h.at(0, "a"), h.at(time.Second, "b")}, "InvalidParameterException: Log events in a single PutLogEvents request must be in chronological order."},
		{"span", []logsapi.InputLogEvent{h.at(25*time.Hour, "a"), h.at(0, "b")}, "InvalidParameterException: The batch of log events in a single PutLogEvents request cannot span more than 24 hours."},
		{"24 hours", []logsapi.InputLogEvent{h.at(24*time.Hour, "a"), h.at(0, "b")}, ""},
		{"size", many(2, 1<<19), "InvalidParameterException: Upload too large: 1048628 bytes exceeds limit of 1048576"},
		{"just fits", many(2, 1<<19-26), ""},
		{"event", many(1, maxEventBytes+1), "InvalidParameterException: Log event too large: 1048577 bytes exceeds limit of 1048576"},
		{"large event", []logsapi.InputLogEvent{h.at(0, large)}, ""},
		{"large event that does not compress", []logsapi.InputLogEvent{h.at(0, string(noise))}, ""},
		{"empty message", []logsapi.InputLogEvent{h.at(0, "")}, "InvalidParameterException: 1 validation error detected"},
		{"most", many(maxEvents, 50), ""},
	} {
		_, err := h.admin().PutLogEvents(t.Context(), &logsapi.PutLogEventsRequest{LogGroupName: new("g"), LogStreamName: new("s"), LogEvents: c.events})
		if got := textOf(err); c.want == "" && err != nil || !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %s", c.name, got)
		}
	}
	if _, err := h.admin().PutLogEvents(t.Context(), &logsapi.PutLogEventsRequest{LogGroupName: new("g"), LogStreamName: new("s"), LogEvents: many(maxEvents+1, 1)}); !strings.HasPrefix(textOf(err), "InvalidParameterException: 1 validation error") {
		t.Errorf("too many: %v", err)
	}
	out, err := h.admin().FilterLogEvents(t.Context(), &logsapi.FilterLogEventsRequest{LogGroupName: new("g"), FilterPattern: new(`"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(string(noise[:100])) + `"`)})
	for err == nil && len(out.Events) == 0 && out.NextToken != nil {
		out, err = h.admin().FilterLogEvents(t.Context(), &logsapi.FilterLogEventsRequest{LogGroupName: new("g"), FilterPattern: new(`"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(string(noise[:100])) + `"`), NextToken: out.NextToken})
	}
	if err != nil || len(out.Events) != 1 || *out.Events[0].Message != string(noise) {
		t.Errorf("the event that does not compress did not come back: %v", err)
	}
}

func TestEventsThatAreTooOldOrTooNewAreLeftOut(t *testing.T) {
	h := newHarness(t)
	h.made("g", "s")
	if _, err := h.admin().PutRetentionPolicy(t.Context(), &logsapi.PutRetentionPolicyRequest{LogGroupName: new("g"), RetentionInDays: new(int32(3))}); err != nil {
		t.Fatal(err)
	}
	day := 24 * time.Hour
	out := h.put("g", "s", h.at(15*day, "too old"), h.at(4*day, "expired"), h.at(time.Hour, "good"), h.at(0, "good too"), h.at(-3*time.Hour, "too new"))
	r := out.RejectedLogEventsInfo
	if r == nil || *r.TooOldLogEventEndIndex != 1 || *r.ExpiredLogEventEndIndex != 2 || *r.TooNewLogEventStartIndex != 4 {
		t.Fatalf("rejected: %+v", r)
	}
	found, err := h.admin().FilterLogEvents(t.Context(), &logsapi.FilterLogEventsRequest{LogGroupName: new("g")})
	if err != nil || !slices.Equal(messages(found.Events, filtered), []string{"good", "good too"}) {
		t.Errorf("%v %v", found, err)
	}
}

func TestRetentionDeletes(t *testing.T) {
	h := newHarness(t)
	h.made("g", "s")
	for i := range 300 {
		h.put("g", "s", h.at(time.Duration(300-i)*30*time.Minute, "old"))
	}
	blocks := h.house.Keys(tableService, kindBlock)
	if _, err := h.admin().PutRetentionPolicy(t.Context(), &logsapi.PutRetentionPolicyRequest{LogGroupName: new("g"), RetentionInDays: new(int32(3))}); err != nil {
		t.Fatal(err)
	}
	count := func() int {
		out, err := h.admin().FilterLogEvents(t.Context(), &logsapi.FilterLogEventsRequest{LogGroupName: new("g")})
		if err != nil {
			t.Fatal(err)
		}
		return len(out.Events)
	}
	if n := count(); n != 144 {
		t.Errorf("%d events are within three days before they are deleted, want 144", n)
	}
	h.runJobs()
	if n := h.house.Keys(tableService, kindBlock); n < 144 || n > 146 || blocks != 300 {
		t.Errorf("%d blocks of %d are left", n, blocks)
	}
	if n := count(); n != 144 {
		t.Errorf("%d events, want 144", n)
	}
	for range 80 {
		h.clock.Advance(time.Hour)
		h.runJobs()
	}
	if h.house.Keys(tableService, kindBlock) != 0 || h.house.Keys(tableService, kindHour) != 0 {
		t.Errorf("%d blocks and %d hours are left after all are too old", h.house.Keys(tableService, kindBlock), h.house.Keys(tableService, kindHour))
	}
}

func TestDeletingAGroupOrAStreamDeletesItsEvents(t *testing.T) {
	h := newHarness(t)
	h.made("g", "a", "b")
	noise := strings.Repeat("x", 1000)
	for i := range 150 {
		h.put("g", "a", h.at(time.Duration(150-i)*20*time.Minute, noise))
		h.put("g", "b", h.at(time.Duration(150-i)*20*time.Minute, noise))
	}
	if _, err := h.admin().DeleteLogStream(t.Context(), &logsapi.DeleteLogStreamRequest{LogGroupName: new("g"), LogStreamName: new("a")}); err != nil {
		t.Fatal(err)
	}
	out, err := h.admin().FilterLogEvents(t.Context(), &logsapi.FilterLogEventsRequest{LogGroupName: new("g")})
	if err != nil || len(out.Events) != 150 {
		t.Errorf("%d events before the sweep, %v", len(out.Events), err)
	}
	h.runJobs()
	if n := h.house.Keys(tableService, kindBlock); n != 150 {
		t.Errorf("%d blocks are left, want 150", n)
	}
	if _, err := h.admin().DeleteLogGroup(t.Context(), &logsapi.DeleteLogGroupRequest{LogGroupName: new("g")}); err != nil {
		t.Fatal(err)
	}
	h.made("g") // another one
	h.runJobs()
	if h.house.Keys(tableService, kindBlock) != 0 || h.house.Keys(tableService, kindHour) != 0 || h.house.Keys(tableService, "stream") != 0 {
		t.Errorf("%d blocks, %d hours, %d streams are left", h.house.Keys(tableService, kindBlock), h.house.Keys(tableService, kindHour), h.house.Keys(tableService, "stream"))
	}
}

func TestASearchThatFindsLittleGoesOnWithTokens(t *testing.T) {
	h := newHarness(t)
	h.made("g", "s")
	rnd := rand.New(rand.NewPCG(3, 4))
	for i := range 80 {
		text := make([]byte, 1<<20-100)
		for j := range text {
			text[j] = "abcdef"[rnd.IntN(6)]
		}
		if i == 79 {
			copy(text, "NEEDLE")
		}
		h.put("g", "s", h.at(time.Duration(80-i)*time.Second, string(text)))
	}
	in := &logsapi.FilterLogEventsRequest{LogGroupName: new("g"), FilterPattern: new("NEEDLE")}
	for pages := 1; ; pages++ {
		out, err := h.admin().FilterLogEvents(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Events) == 1 {
			if pages < 2 {
				t.Error("one call read it all")
			}
			return
		}
		if out.NextToken == nil {
			t.Fatal("not found")
		}
		in.NextToken = out.NextToken
	}
}

func TestEventIDsAndTokensAreRefusedWhenTheyAreNone(t *testing.T) {
	h := newHarness(t)
	h.made("g", "s")
	for _, token := range []string{"x", "f/1/s", "f/" + strings.Repeat("9", 56) + "/s", "b/" + strings.Repeat("0", 56), "f/" + strings.Repeat("a", 56) + "/s"} {
		_, err := h.admin().GetLogEvents(t.Context(), &logsapi.GetLogEventsRequest{LogGroupName: new("g"), LogStreamName: new("s"), NextToken: &token})
		if got := textOf(err); got != "InvalidParameterException: The specified nextToken is invalid." {
			t.Errorf("%s: %s", token, got)
		}
	}
	if _, err := h.admin().FilterLogEvents(t.Context(), &logsapi.FilterLogEventsRequest{LogGroupName: new("g"), NextToken: new("bad")}); textOf(err) != "InvalidParameterException: The specified nextToken is invalid." {
		t.Errorf("FilterLogEvents: %s", textOf(err))
	}
	p := place{at: 1 << 40, block: blockID{1 << 51, 1<<32 - 1}, index: 9999}
	if q, ok := parsePlace(p.id()); !ok || q != p || len(p.id()) != 56 {
		t.Errorf("%+v became %+v", p, q)
	}
}
