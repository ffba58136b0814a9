package logs

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"fastness/internal/api/logsapi"
	"fastness/internal/audit"
	"fastness/internal/call"
	"fastness/internal/store"
)

func TestListingsPageInOrder(t *testing.T) {
	h := newHarness(t)
	for i := range 7 {
		h.made(fmt.Sprintf("app/%d", i))
	}
	h.made("other", "x1", "x2", "x3", "y")
	list := func(in logsapi.DescribeLogGroupsRequest) (names []string) {
		for in.Limit = new(int32(3)); ; {
			out, err := h.admin().DescribeLogGroups(t.Context(), &in)
			if err != nil {
				t.Fatal(err)
			}
			for _, g := range out.LogGroups {
				names = append(names, *g.LogGroupName)
			}
			if in.NextToken = out.NextToken; in.NextToken == nil {
				return names
			}
		}
	}
	if got := list(logsapi.DescribeLogGroupsRequest{}); len(got) != 8 || !slices.IsSorted(got) {
		t.Errorf("all: %v", got)
	}
	if got := list(logsapi.DescribeLogGroupsRequest{LogGroupNamePrefix: new("app/")}); len(got) != 7 {
		t.Errorf("prefix: %v", got)
	}
	if got := list(logsapi.DescribeLogGroupsRequest{LogGroupNamePattern: new("OTH")}); !slices.Equal(got, []string{"other"}) {
		t.Errorf("pattern: %v", got)
	}
	if got := list(logsapi.DescribeLogGroupsRequest{LogGroupIdentifiers: []string{"other", "arn:aws:logs:us-east-1:111122223333:log-group:app/3"}}); !slices.Equal(got, []string{"app/3", "other"}) {
		t.Errorf("identifiers: %v", got)
	}
	h.put("other", "x2", h.at(time.Minute, "a"))
	h.put("other", "y", h.at(time.Hour, "a"))
	streams := func(in logsapi.DescribeLogStreamsRequest) (names []string) {
		in.LogGroupName = new("other")
		for in.Limit = new(int32(2)); ; {
			out, err := h.admin().DescribeLogStreams(t.Context(), &in)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range out.LogStreams {
				names = append(names, *s.LogStreamName)
			}
			if in.NextToken = out.NextToken; in.NextToken == nil {
				return names
			}
		}
	}
	for _, c := range []struct {
		in   logsapi.DescribeLogStreamsRequest
		want string
	}{
		{logsapi.DescribeLogStreamsRequest{}, "x1 x2 x3 y"},
		{logsapi.DescribeLogStreamsRequest{Descending: new(true)}, "y x3 x2 x1"},
		{logsapi.DescribeLogStreamsRequest{LogStreamNamePrefix: new("x")}, "x1 x2 x3"},
		{logsapi.DescribeLogStreamsRequest{LogStreamNamePrefix: new("x"), Descending: new(true)}, "x3 x2 x1"},
		{logsapi.DescribeLogStreamsRequest{OrderBy: new(logsapi.OrderByLastEventTime), Descending: new(true)}, "x2 y x3 x1"},
	} {
		if got := strings.Join(streams(c.in), " "); got != c.want {
			t.Errorf("%+v: %s, want %s", c.in, got, c.want)
		}
	}
	out, err := h.admin().DescribeLogStreams(t.Context(), &logsapi.DescribeLogStreamsRequest{LogGroupName: new("other"), LogStreamNamePrefix: new("y")})
	if err != nil {
		t.Fatal(err)
	}
	if s := out.LogStreams[0]; *s.FirstEventTimestamp != *h.at(time.Hour, "").Timestamp || *s.LastEventTimestamp != *s.FirstEventTimestamp || *s.LastIngestionTime != h.clock.Now().UnixMilli() {
		t.Errorf("times of y: %+v", s)
	}
}

func TestRefusals(t *testing.T) {
	h := newHarness(t)
	h.made("g", "s")
	a := h.admin()
	ctx := t.Context()
	errOf := func(_ any, err error) string { return textOf(err) }
	for _, c := range []struct{ got, want string }{
		{errOf(a.CreateLogGroup(ctx, &logsapi.CreateLogGroupRequest{LogGroupName: new("g")})), "ResourceAlreadyExistsException: The specified log group already exists"},
		{errOf(a.CreateLogStream(ctx, &logsapi.CreateLogStreamRequest{LogGroupName: new("g"), LogStreamName: new("s")})), "ResourceAlreadyExistsException: The specified log stream already exists"},
		{errOf(a.CreateLogStream(ctx, &logsapi.CreateLogStreamRequest{LogGroupName: new("none"), LogStreamName: new("s")})), "ResourceNotFoundException: The specified log group does not exist."},
		{errOf(a.DeleteLogGroup(ctx, &logsapi.DeleteLogGroupRequest{LogGroupName: new("none")})), "ResourceNotFoundException: The specified log group does not exist."},
		{errOf(a.DeleteLogStream(ctx, &logsapi.DeleteLogStreamRequest{LogGroupName: new("g"), LogStreamName: new("none")})), "ResourceNotFoundException: The specified log stream does not exist."},
		{errOf(a.PutRetentionPolicy(ctx, &logsapi.PutRetentionPolicyRequest{LogGroupName: new("g"), RetentionInDays: new(int32(2))})), "InvalidParameterException: Value '2' is not valid"},
		{errOf(a.FilterLogEvents(ctx, &logsapi.FilterLogEventsRequest{LogGroupName: new("g"), FilterPattern: new("a-b")})), "InvalidParameterException: Invalid filter pattern: Invalid character(s) in term 'a-b'"},
		{errOf(a.FilterLogEvents(ctx, &logsapi.FilterLogEventsRequest{LogGroupName: new("g"), LogStreamNames: []string{"none"}})), "ResourceNotFoundException: The specified log stream does not exist."},
		{errOf(a.FilterLogEvents(ctx, &logsapi.FilterLogEventsRequest{})), "InvalidParameterException: "},
		{errOf(a.DeleteResourcePolicy(ctx, &logsapi.DeleteResourcePolicyRequest{PolicyName: new("p")})), "ResourceNotFoundException: Policy with name [p] does not exist."},
		{errOf(a.CreateLogGroup(ctx, &logsapi.CreateLogGroupRequest{LogGroupName: new("bad name")})), "InvalidParameterException: 1 validation error detected: "},
	} {
		if !strings.HasPrefix(c.got, c.want) {
			t.Errorf("%s, want %s", c.got, c.want)
		}
	}
}

func TestPoliciesDecideWhoWritesAndReads(t *testing.T) {
	h := newHarness(t)
	h.made("g", "s")
	h.made("other", "s")
	writer := user(testAccount, "writer")
	h.allow(writer, `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": ["logs:PutLogEvents", "logs:FilterLogEvents"], "Resource": "arn:aws:logs:us-east-1:111122223333:log-group:g:*"}}`)
	put := func(who *call.Principal, group string) string {
		_, err := h.as(who).PutLogEvents(t.Context(), &logsapi.PutLogEventsRequest{LogGroupName: &group, LogStreamName: new("s"), LogEvents: []logsapi.InputLogEvent{h.at(0, "x")}})
		return textOf(err)
	}
	if got := put(writer, "g"); got != "" {
		t.Error(got)
	}
	if got, want := put(writer, "other"), "AccessDeniedException: User: arn:aws:iam::111122223333:user/writer is not authorized to perform: logs:PutLogEvents on resource: arn:aws:logs:us-east-1:111122223333:log-group:other:log-stream:s because no identity-based policy allows the logs:PutLogEvents action"; got != want {
		t.Errorf("%s", got)
	}
	if _, err := h.as(writer).FilterLogEvents(t.Context(), &logsapi.FilterLogEventsRequest{LogGroupName: new("g")}); err != nil {
		t.Error(err)
	}
	delivery := &call.Principal{Kind: call.Service, Service: "delivery.logs.amazonaws.com", ARN: "delivery.logs.amazonaws.com", Account: testAccount}
	if got := put(delivery, "g"); !strings.HasPrefix(got, "AccessDenied") {
		t.Errorf("a service without a resource policy: %s", got)
	}
	if _, err := h.admin().PutResourcePolicy(t.Context(), &logsapi.PutResourcePolicyRequest{PolicyName: new("p"), PolicyDocument: new(`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "delivery.logs.amazonaws.com"}, "Action": "logs:PutLogEvents", "Resource": "arn:aws:logs:us-east-1:111122223333:log-group:g:log-stream:*"}]}`)}); err != nil {
		t.Fatal(err)
	}
	if got := put(delivery, "g"); got != "" {
		t.Errorf("a service with a resource policy: %s", got)
	}
	if got := put(delivery, "other"); !strings.HasPrefix(got, "AccessDenied") {
		t.Errorf("a service at another group: %s", got)
	}
}

func TestPutLogEventsLeavesNoTrailButCreateLogGroupDoes(t *testing.T) {
	h := newHarness(t)
	h.made("g", "s")
	h.put("g", "s", h.at(0, "secret"))
	h.clock.Advance(time.Minute)
	found, err := h.audit.Lookup(t.Context(), audit.Query{Account: testAccount, Region: testRegion, Limit: 50})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range found.Events {
		names = append(names, e.Name)
	}
	slices.Sort(names)
	if !slices.Equal(names, []string{"CreateLogGroup", "CreateLogStream"}) {
		t.Errorf("%v", names)
	}
}

func TestTagsOfAGroup(t *testing.T) {
	h := newHarness(t)
	h.made("g")
	arn := "arn:aws:logs:us-east-1:111122223333:log-group:g"
	if _, err := h.admin().TagResource(t.Context(), &logsapi.TagResourceRequest{ResourceArn: &arn, Tags: map[string]string{"a": "1", "b": "2"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.admin().UntagLogGroup(t.Context(), &logsapi.UntagLogGroupRequest{LogGroupName: new("g"), Tags: []string{"a"}}); err != nil {
		t.Fatal(err)
	}
	out, err := h.admin().ListTagsForResource(t.Context(), &logsapi.ListTagsForResourceRequest{ResourceArn: &arn})
	if err != nil || len(out.Tags) != 1 || out.Tags["b"] != "2" {
		t.Errorf("%v %v", out, err)
	}
}

func TestFsckFindsNothingWrong(t *testing.T) {
	h := newHarness(t)
	h.made("g", "s")
	h.put("g", "s", h.at(0, "x"))
	for _, check := range h.registry.Checks() {
		if err := h.store.View(t.Context(), func(r store.Reader) error {
			return check.Run(t.Context(), r, func(key []byte, problem string) { t.Errorf("%s: %x: %s", check.Name, key, problem) })
		}); err != nil {
			t.Fatal(err)
		}
	}
}
