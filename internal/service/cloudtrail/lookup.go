package cloudtrail

import (
	"context"
	"strconv"
	"strings"
	"time"

	"fastness/internal/api/cloudtrailapi"
	"fastness/internal/audit"
	"fastness/internal/call"
)

const (
	maxResults = 50
	// maxLookups bounds how often one request continues a lookup that found nothing:
	// each reads a bounded part of the history.
	maxLookups = 4
)

// LookupEvents returns a page of the event history, newest first.
func (s *Service) LookupEvents(ctx context.Context, in *cloudtrailapi.LookupEventsRequest) (*cloudtrailapi.LookupEventsResponse, error) {
	c := call.From(ctx)
	q := audit.Query{Account: c.Account, Region: c.Region, Limit: maxResults}
	if in.MaxResults != nil {
		if *in.MaxResults < 1 || *in.MaxResults > maxResults {
			return nil, &cloudtrailapi.InvalidMaxResultsException{}
		}
		q.Limit = int(*in.MaxResults)
	}
	if in.StartTime != nil {
		q.Start = *in.StartTime
	}
	if in.EndTime != nil {
		q.End = *in.EndTime
	}
	if in.StartTime != nil && in.EndTime != nil && q.End.Before(q.Start) {
		return nil, &cloudtrailapi.InvalidTimeRangeException{}
	}
	var err error
	if q.Match, err = match(in.LookupAttributes); err != nil {
		return nil, err
	}
	filter := filterOf(c, in)
	if in.NextToken != nil {
		if q.After, err = s.openToken(c, *in.NextToken, filter); err != nil {
			return nil, err
		}
	}
	out := &cloudtrailapi.LookupEventsResponse{Events: []cloudtrailapi.Event{}}
	if in.EventCategory != nil {
		return out, nil // insights: there are none
	}
	for range maxLookups {
		page, err := s.history.Lookup(ctx, q)
		if err != nil {
			return nil, err
		}
		for i := range page.Events {
			out.Events = append(out.Events, show(&page.Events[i]))
		}
		q.After = page.Next
		if q.Limit -= len(page.Events); len(q.After) == 0 || len(out.Events) > 0 {
			break
		}
	}
	if len(q.After) > 0 {
		next, err := s.tokens.Seal(c.Operation.Name, c.Account, filter, q.After)
		if err != nil {
			return nil, err
		}
		out.NextToken = &next
	}
	return out, nil
}

// match is the filter for the lookup attributes; nil when there are none.
func match(attributes []cloudtrailapi.LookupAttribute) (func(*audit.Event) bool, error) {
	switch len(attributes) {
	case 0:
		return nil, nil
	case 1:
	default:
		return nil, &cloudtrailapi.InvalidLookupAttributesException{}
	}
	value := *attributes[0].AttributeValue
	switch *attributes[0].AttributeKey {
	case cloudtrailapi.LookupAttributeKeyEventId:
		return func(e *audit.Event) bool { return e.ID == value }, nil
	case cloudtrailapi.LookupAttributeKeyEventName:
		return func(e *audit.Event) bool { return e.Name == value }, nil
	case cloudtrailapi.LookupAttributeKeyReadOnly:
		readOnly, err := strconv.ParseBool(value)
		if err != nil || (value != "true" && value != "false") {
			return nil, &cloudtrailapi.InvalidLookupAttributesException{}
		}
		return func(e *audit.Event) bool { return e.ReadOnly == readOnly }, nil
	case cloudtrailapi.LookupAttributeKeyUsername:
		return func(e *audit.Event) bool { return e.UserName == value }, nil
	case cloudtrailapi.LookupAttributeKeyEventSource:
		return func(e *audit.Event) bool { return e.Source == value }, nil
	case cloudtrailapi.LookupAttributeKeyAccessKeyId:
		return func(e *audit.Event) bool { return e.AccessKeyID == value }, nil
	case cloudtrailapi.LookupAttributeKeyResourceType:
		return onResource(func(r *audit.Resource) bool { return r.Type == value }), nil
	case cloudtrailapi.LookupAttributeKeyResourceName:
		return onResource(func(r *audit.Resource) bool { return r.ARN == value || resourceName(r.ARN) == value }), nil
	}
	return nil, &cloudtrailapi.InvalidLookupAttributesException{}
}

func onResource(f func(*audit.Resource) bool) func(*audit.Event) bool {
	return func(e *audit.Event) bool {
		for i := range e.Resources {
			if f(&e.Resources[i]) {
				return true
			}
		}
		return false
	}
}

// resourceName is the last part of an ARN, by which people look for users, say.
func resourceName(arn string) string { return arn[strings.LastIndexAny(arn, ":/")+1:] }

func show(e *audit.Event) cloudtrailapi.Event {
	out := cloudtrailapi.Event{
		EventId: new(e.ID), EventName: new(e.Name), ReadOnly: new(strconv.FormatBool(e.ReadOnly)),
		EventTime: new(e.Time.Truncate(time.Second)), EventSource: new(e.Source),
		Resources: make([]cloudtrailapi.Resource, 0, len(e.Resources)), CloudTrailEvent: new(string(e.JSON)),
	}
	if e.UserName != "" {
		out.Username = new(e.UserName)
	}
	if e.AccessKeyID != "" {
		out.AccessKeyId = new(e.AccessKeyID)
	}
	for _, r := range e.Resources {
		shown := cloudtrailapi.Resource{ResourceName: new(r.ARN)}
		if r.Type != "" {
			shown.ResourceType = new(r.Type)
		}
		out.Resources = append(out.Resources, shown)
	}
	return out
}

// filterOf is the question that a pagination token continues. MaxResults may change
// between pages.
func filterOf(c *call.Call, in *cloudtrailapi.LookupEventsRequest) string {
	parts := []string{c.Region, instant(in.StartTime), instant(in.EndTime)}
	for _, a := range in.LookupAttributes {
		parts = append(parts, string(*a.AttributeKey), *a.AttributeValue)
	}
	return strings.Join(parts, "\x00")
}

func instant(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func (s *Service) openToken(c *call.Call, token, filter string) (audit.Position, error) {
	position, err := s.tokens.Open(c.Operation.Name, c.Account, filter, token)
	if err != nil {
		return nil, &cloudtrailapi.InvalidNextTokenException{}
	}
	return position, nil
}
