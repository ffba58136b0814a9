package wafv2

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"fastness/internal/api/logsapi"
	"fastness/internal/api/wafv2api"
	"fastness/internal/arn"
	"fastness/internal/call"
	"fastness/internal/proxy"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

// DeliveryService is the service that writes logs for others (Amazon CloudWatch Logs User Guide,
// "Enabling logging from AWS services"), deliveryPolicy the resource policy that lets it.
const (
	DeliveryService = "delivery.logs.amazonaws.com"
	deliveryPolicy  = "AWSLogDeliveryWrite20150319"
)

// Buckets knows the buckets that logs can go to.
type Buckets interface {
	// Bucket returns an error if there is no such bucket, or none that can be written to.
	Bucket(ctx context.Context, name string) error
}

// noDelivery is AWS's error for a destination that is not there or takes nothing.
func noDelivery() error {
	return &wafv2api.WAFLogDestinationPermissionIssueException{Message: new("Unable to deliver logs to the configured destination. You might need to grant log delivery permissions for the destination. If you're using S3 as your log destination, you might have exceeded your bucket limit.")}
}

// logGroup is the name of the log group of an ARN.
func logGroup(a arn.ARN) (string, bool) {
	name, ok := strings.CutPrefix(a.Resource, "log-group:")
	return strings.TrimSuffix(name, ":*"), ok
}

// prepareDelivery makes sure that logs can go to a destination that was checked for its form. For a log group
// it does what AWS does with the caller's permissions: looks the group up, and lets the
// delivery service write to it (AWS WAF Developer Guide, "Sending web ACL traffic logs to an Amazon CloudWatch
// Logs log group").
func (s *Service) prepareDelivery(ctx context.Context, destination string) error {
	a, err := arn.Parse(destination)
	if err != nil {
		return noDelivery()
	}
	switch a.Service {
	case "logs":
		name, _ := logGroup(a)
		if s.logs == nil {
			return noDelivery()
		}
		return s.grantDelivery(ctx, name)
	case "s3":
		if s.buckets == nil || s.buckets.Bucket(ctx, a.Resource) != nil {
			return noDelivery()
		}
		return nil
	}
	return noDelivery() // there are no delivery streams
}

// grantDelivery lets the delivery service write to a log group.
func (s *Service) grantDelivery(ctx context.Context, group string) error {
	c := call.From(ctx)
	groups, err := s.logs.DescribeLogGroups(ctx, &logsapi.DescribeLogGroupsRequest{LogGroupNamePrefix: &group, Limit: new(int32(1))})
	// Of the names that begin so, the group's own is the first.
	if err != nil || len(groups.LogGroups) == 0 || value(groups.LogGroups[0].LogGroupName) != group {
		return noDelivery()
	}
	policies, err := s.logs.DescribeResourcePolicies(ctx, &logsapi.DescribeResourcePoliciesRequest{})
	if err != nil {
		return noDelivery()
	}
	prefix := "arn:" + call.Partition + ":logs:" + c.Region + ":" + c.Account + ":"
	streams := prefix + "log-group:" + group + ":log-stream:*"
	var resources []string
	others := false // policies that the customer made for it
	for _, p := range policies.ResourcePolicies {
		if value(p.PolicyName) == deliveryPolicy {
			resources = deliverable(value(p.PolicyDocument))
		} else if strings.Contains(value(p.PolicyDocument), DeliveryService) {
			others = true
		}
	}
	if slices.Contains(resources, streams) {
		return nil
	}
	document, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
		"Sid": deliveryPolicy, "Effect": "Allow", "Principal": map[string]any{"Service": []string{DeliveryService}},
		"Action": []string{"logs:CreateLogStream", "logs:PutLogEvents"}, "Resource": append(resources, streams),
		"Condition": map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": []string{c.Account}}, "ArnLike": map[string]any{"aws:SourceArn": []string{prefix + "*"}}},
	}}})
	if err != nil {
		return fmt.Errorf("wafv2: %w", err)
	}
	if _, err := s.logs.PutResourcePolicy(ctx, &logsapi.PutResourcePolicyRequest{PolicyName: new(deliveryPolicy), PolicyDocument: new(string(document))}); err != nil && !others {
		return noDelivery()
	}
	return nil
}

// deliverable are the resources that a policy of ours names; none if it is not as we write it.
func deliverable(document string) []string {
	var policy struct {
		Statement []struct{ Resource []string }
	}
	if json.Unmarshal([]byte(document), &policy) != nil || len(policy.Statement) != 1 {
		return nil
	}
	return policy.Statement[0].Resource
}

// logged are the logging configurations of a web ACL, for proxies.
func (s *Service) logged(r store.Reader, e *entity) (all []proxy.Logging, err error) {
	for row, err := range s.tables.logging.Scan(r, scope(e.Account, e.Region), table.Page{Prefix: parts(string(e.Scope), e.Name)}) {
		if err != nil {
			return nil, err
		}
		var l wafv2api.LoggingConfiguration
		if err := s.documents.decode(shapeLogging, row.Record.Document, &l); err != nil {
			return nil, fmt.Errorf("%s: %w", row.Record.WebACL, err)
		}
		for _, destination := range l.LogDestinationConfigs {
			all = append(all, loggingFor(&l, destination))
		}
	}
	return all, nil
}

// loggingFor is the proxies' form of a logging configuration.
func loggingFor(l *wafv2api.LoggingConfiguration, destination string) proxy.Logging {
	out := proxy.Logging{Destination: destination, KeepOthers: true}
	for i := range l.RedactedFields {
		f := &l.RedactedFields[i]
		out.RedactPath = out.RedactPath || f.UriPath != nil
		out.RedactQuery = out.RedactQuery || f.QueryString != nil
		out.RedactMethod = out.RedactMethod || f.Method != nil
		if f.SingleHeader != nil {
			out.RedactHeaders = append(out.RedactHeaders, value(f.SingleHeader.Name))
		}
	}
	if l.LoggingFilter == nil {
		return out
	}
	out.KeepOthers = value(l.LoggingFilter.DefaultBehavior) == wafv2api.FilterBehaviorKeep
	for _, f := range l.LoggingFilter.Filters {
		x := proxy.LogFilter{Keep: value(f.Behavior) == wafv2api.FilterBehaviorKeep, All: value(f.Requirement) == wafv2api.FilterRequirementMeetsAll}
		for _, c := range f.Conditions {
			if c.ActionCondition != nil {
				x.Conditions = append(x.Conditions, proxy.LogCondition{Action: string(value(c.ActionCondition.Action))})
			} else {
				x.Conditions = append(x.Conditions, proxy.LogCondition{Label: value(c.LabelNameCondition.LabelName)})
			}
		}
		out.Filters = append(out.Filters, x)
	}
	return out
}

// LogStream is the name of the stream that the records of a web ACL go to: REGION_NAME_0, or
// cloudfront_NAME_0 (AWS WAF Developer Guide, "Log group naming"); and where the web ACL is.
func LogStream(webACL string) (account, region, stream string, ok bool) {
	n, ok := parseARN(webACL)
	if !ok || n.kind != kindWebACL {
		return "", "", "", false
	}
	place := n.region
	if n.scope == wafv2api.ScopeCloudfront {
		place = "cloudfront"
	}
	return n.account, n.region, place + "_" + n.name + "_0", true
}

// IsGlobal tells whether a web ACL is one of CloudFront.
func IsGlobal(webACL string) bool {
	n, ok := parseARN(webACL)
	return ok && n.scope == wafv2api.ScopeCloudfront
}
