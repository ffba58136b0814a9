package cloudtrail

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"fastness/internal/api/cloudtrailapi"
	"fastness/internal/audit"
	"fastness/internal/call"
)

const (
	maxResults = 50
	// maxTokenBytes bounds a pagination token before it is decoded.
	maxTokenBytes = 4096
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
			return nil, &cloudtrailapi.InvalidMaxResultsException{Message: new(fmt.Sprintf("The maximum number of results must be between 1 and %d.", maxResults))}
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
		return nil, &cloudtrailapi.InvalidTimeRangeException{Message: new("The start time must be before the end time.")}
	}
	var err error
	if q.Match, err = match(in.LookupAttributes); err != nil {
		return nil, err
	}
	aad := tokenAAD(c, in)
	if in.NextToken != nil {
		if q.After, err = s.openToken(*in.NextToken, aad); err != nil {
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
		sealed, err := s.tokens.Seal(nil, q.After, aad)
		if err != nil {
			return nil, err
		}
		out.NextToken = new(base64.StdEncoding.EncodeToString(sealed))
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
		return nil, invalidAttributes("You can only specify one lookup attribute.")
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
			return nil, invalidAttributes("The ReadOnly attribute must be true or false.")
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
	return nil, invalidAttributes("The lookup attribute is not valid.")
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

func invalidAttributes(text string) error {
	return &cloudtrailapi.InvalidLookupAttributesException{Message: new(text)}
}

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

// tokenAAD binds a pagination token to the question it continues. MaxResults may
// change between pages.
func tokenAAD(c *call.Call, in *cloudtrailapi.LookupEventsRequest) []byte {
	parts := []string{"LookupEvents", c.Account, c.Region, instant(in.StartTime), instant(in.EndTime)}
	for _, a := range in.LookupAttributes {
		parts = append(parts, string(*a.AttributeKey), *a.AttributeValue)
	}
	return []byte(strings.Join(parts, "\x00"))
}

func instant(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func (s *Service) openToken(token string, aad []byte) (audit.Position, error) {
	bad := &cloudtrailapi.InvalidNextTokenException{Message: new("The NextToken is not valid.")}
	if len(token) > maxTokenBytes {
		return nil, bad
	}
	sealed, err := base64.StdEncoding.DecodeString(token)
	if err != nil {
		return nil, bad
	}
	position, err := s.tokens.Open(nil, sealed, aad)
	if err != nil {
		return nil, bad
	}
	return position, nil
}
