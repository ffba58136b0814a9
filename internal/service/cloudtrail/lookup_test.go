package cloudtrail

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"fastness/internal/api/cloudtrailapi"
	"fastness/internal/audit"
	"fastness/internal/call"
	"fastness/internal/clock"
	"fastness/internal/page"
	"fastness/internal/page/pagetest"
	"fastness/internal/store/pebble"
	"fastness/internal/wire"

	"github.com/cockroachdb/pebble/v2/vfs"
)

const account, region = "123456789012", "eu-central-1"

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// history is a log with an event a minute: e0 is the oldest.
func history(t *testing.T, events int) *Service {
	t.Helper()
	s, err := pebble.Open("data", pebble.Options{FS: vfs.NewMem()})
	must(t, err)
	c := clock.NewManual(start)
	log := audit.Open(s, c)
	t.Cleanup(func() {
		log.Close()
		must(t, s.Close())
	})
	for i := range events {
		must(t, log.Append(t.Context(),
			&audit.Event{
				ID: fmt.Sprintf("e%d", i), Time: c.Now(), Account: account, Region: region, Name: []string{"Encrypt", "CreateKey"}[i%2],
				Source: "kms.amazonaws.com", AccessKeyID: fmt.Sprintf("AKIA%d", i%3), UserName: []string{"ann", ""}[i%2], ReadOnly: i%2 == 0,
				Resources: []audit.Resource{{Type: "AWS::KMS::Key", ARN: fmt.Sprintf("arn:aws:kms:%s:%s:key/k%d", region, account, i), Account: account}},
				JSON:      []byte(fmt.Sprintf(`{"n":%d}`, i)),
			},
			&audit.Event{ID: "foreign", Time: c.Now(), Account: "210987654321", Region: region, Name: "Encrypt", JSON: []byte("{}")},
			&audit.Event{ID: "elsewhere", Time: c.Now(), Account: account, Region: "us-east-1", Name: "Encrypt", JSON: []byte("{}")}))
		c.Advance(time.Minute)
	}
	return New(log, page.New(pagetest.New(t)))
}

func lookup(ctx context.Context, s *Service, in *cloudtrailapi.LookupEventsRequest) (ids string, next *string, err error) {
	ctx = call.With(ctx, &call.Call{Operation: cloudtrailapi.API.Operation("LookupEvents"), Account: account, Region: region})
	out, err := s.LookupEvents(ctx, in)
	if err != nil {
		return "", nil, err
	}
	for i, e := range out.Events {
		if i > 0 {
			ids += " "
		}
		ids += *e.EventId
	}
	return ids, out.NextToken, nil
}

func one(key cloudtrailapi.LookupAttributeKey, value string) *cloudtrailapi.LookupEventsRequest {
	return &cloudtrailapi.LookupEventsRequest{LookupAttributes: []cloudtrailapi.LookupAttribute{{AttributeKey: &key, AttributeValue: &value}}}
}

func TestLookup(t *testing.T) {
	s := history(t, 5)
	minute := func(n int) *time.Time { return new(start.Add(time.Duration(n) * time.Minute)) }
	insight := cloudtrailapi.EventCategoryInsight
	for name, c := range map[string]struct {
		in   *cloudtrailapi.LookupEventsRequest
		want string
	}{
		"all, newest first": {&cloudtrailapi.LookupEventsRequest{}, "e4 e3 e2 e1 e0"},
		"between":           {&cloudtrailapi.LookupEventsRequest{StartTime: minute(1), EndTime: minute(3)}, "e3 e2 e1"},
		"insights":          {&cloudtrailapi.LookupEventsRequest{EventCategory: &insight}, ""},
		"by id":             {one(cloudtrailapi.LookupAttributeKeyEventId, "e2"), "e2"},
		"by name":           {one(cloudtrailapi.LookupAttributeKeyEventName, "CreateKey"), "e3 e1"},
		"read only":         {one(cloudtrailapi.LookupAttributeKeyReadOnly, "true"), "e4 e2 e0"},
		"by user":           {one(cloudtrailapi.LookupAttributeKeyUsername, "ann"), "e4 e2 e0"},
		"by source":         {one(cloudtrailapi.LookupAttributeKeyEventSource, "iam.amazonaws.com"), ""},
		"by key":            {one(cloudtrailapi.LookupAttributeKeyAccessKeyId, "AKIA1"), "e4 e1"},
		"by resource type":  {one(cloudtrailapi.LookupAttributeKeyResourceType, "AWS::KMS::Key"), "e4 e3 e2 e1 e0"},
		"by resource ARN":   {one(cloudtrailapi.LookupAttributeKeyResourceName, "arn:aws:kms:"+region+":"+account+":key/k3"), "e3"},
		"by resource name":  {one(cloudtrailapi.LookupAttributeKeyResourceName, "k3"), "e3"},
	} {
		got, next, err := lookup(t.Context(), s, c.in)
		if got != c.want || next != nil || err != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestLookupPages(t *testing.T) {
	s := history(t, 7)
	in := &cloudtrailapi.LookupEventsRequest{MaxResults: new(int32(3))}
	var got []string
	for {
		ids, next, err := lookup(t.Context(), s, in)
		must(t, err)
		got = append(got, ids)
		if next == nil {
			break
		}
		in.NextToken = next
	}
	if fmt.Sprint(got) != "[e6 e5 e4 e3 e2 e1 e0]" || len(got) != 3 {
		t.Errorf("%q", got)
	}
}

func TestLookupRefuses(t *testing.T) {
	s := history(t, 3)
	_, token, err := lookup(t.Context(), s, &cloudtrailapi.LookupEventsRequest{MaxResults: new(int32(1))})
	must(t, err)
	two := one(cloudtrailapi.LookupAttributeKeyEventName, "a")
	two.LookupAttributes = append(two.LookupAttributes, two.LookupAttributes[0])
	other := one(cloudtrailapi.LookupAttributeKeyEventName, "CreateKey")
	other.NextToken = token
	for name, c := range map[string]struct {
		in   *cloudtrailapi.LookupEventsRequest
		want string
	}{
		"none":             {&cloudtrailapi.LookupEventsRequest{MaxResults: new(int32(0))}, "InvalidMaxResultsException"},
		"too many":         {&cloudtrailapi.LookupEventsRequest{MaxResults: new(int32(51))}, "InvalidMaxResultsException"},
		"backward":         {&cloudtrailapi.LookupEventsRequest{StartTime: new(start.Add(1)), EndTime: new(start)}, "InvalidTimeRangeException"},
		"two attributes":   {two, "InvalidLookupAttributesException"},
		"neither":          {one(cloudtrailapi.LookupAttributeKeyReadOnly, "1"), "InvalidLookupAttributesException"},
		"unknown key":      {one("Colour", "red"), "InvalidLookupAttributesException"},
		"altered token":    {&cloudtrailapi.LookupEventsRequest{NextToken: new("A" + (*token)[1:] + "A")}, "InvalidNextTokenException"},
		"another question": {other, "InvalidNextTokenException"},
	} {
		_, _, err := lookup(t.Context(), s, c.in)
		var api wire.APIError
		if !errors.As(err, &api) || api.ErrorCode() != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}
