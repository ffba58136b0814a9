package logs

import (
	"context"
	"errors"

	"fastness/internal/api/logsapi"
	"fastness/internal/call"
	"fastness/internal/policy"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

// CloudTrail's names for what CloudWatch Logs touches.
const (
	typeGroup  = "AWS::Logs::LogGroup"
	typeStream = "AWS::Logs::LogStream"
)

// target is what Resolve leaves for the operations on tags.
type target struct {
	group string
	found *groupRecord // nil if there is no such group
}

var errUnresolved = errors.New("logs: the call was not resolved")

func targetOf(ctx context.Context) (*target, error) {
	t, ok := call.From(ctx).Resolved.(*target)
	if !ok {
		return nil, errUnresolved
	}
	return t, nil
}

// Resolve implements the door's resolver.
//
// CloudWatch Logs checks operations on a group against the ARN of the group with ":log-stream:" behind
// it, so that policies have to name the group with ":*", but tagging against the group's own (Amazon CloudWatch Logs
// User Guide, "Identity and access management", "CloudWatch Logs resources and operations").
func (s *Service) Resolve(ctx context.Context, c *call.Call) ([]call.Access, error) {
	switch in := c.Input.(type) {
	case *logsapi.CreateLogGroupRequest:
		access, err := s.ofGroup(ctx, c, value(in.LogGroupName))
		if err != nil {
			return nil, err
		}
		access[0].RequestTags = in.Tags
		if len(in.Tags) > 0 {
			tagging := access[0]
			tagging.Action, tagging.Unlogged = "logs:TagResource", true
			tagging.Resource = groupARN(c.Account, c.Region, value(in.LogGroupName))
			access = append(access, tagging)
		}
		return access, nil
	case *logsapi.DeleteLogGroupRequest:
		return s.ofGroup(ctx, c, value(in.LogGroupName))
	case *logsapi.PutRetentionPolicyRequest:
		return s.ofGroup(ctx, c, value(in.LogGroupName))
	case *logsapi.DeleteRetentionPolicyRequest:
		return s.ofGroup(ctx, c, value(in.LogGroupName))
	case *logsapi.DescribeLogStreamsRequest:
		return s.ofNamed(ctx, c, in.LogGroupName, in.LogGroupIdentifier)
	case *logsapi.FilterLogEventsRequest:
		return s.ofNamed(ctx, c, in.LogGroupName, in.LogGroupIdentifier)
	case *logsapi.CreateLogStreamRequest:
		return s.ofStream(ctx, c, value(in.LogGroupName), value(in.LogStreamName))
	case *logsapi.DeleteLogStreamRequest:
		return s.ofStream(ctx, c, value(in.LogGroupName), value(in.LogStreamName))
	case *logsapi.PutLogEventsRequest:
		return s.ofStream(ctx, c, value(in.LogGroupName), value(in.LogStreamName))
	case *logsapi.GetLogEventsRequest:
		name, err := named(c, in.LogGroupName, in.LogGroupIdentifier)
		if err != nil {
			return nil, err
		}
		return s.ofStream(ctx, c, name, value(in.LogStreamName))
	case *logsapi.TagResourceRequest:
		return s.ofTags(ctx, c, value(in.ResourceArn), in.Tags, nil)
	case *logsapi.UntagResourceRequest:
		return s.ofTags(ctx, c, value(in.ResourceArn), nil, in.TagKeys)
	case *logsapi.ListTagsForResourceRequest:
		return s.ofTags(ctx, c, value(in.ResourceArn), nil, nil)
	case *logsapi.TagLogGroupRequest:
		return s.ofTags(ctx, c, value(in.LogGroupName), in.Tags, nil)
	case *logsapi.UntagLogGroupRequest:
		return s.ofTags(ctx, c, value(in.LogGroupName), nil, in.Tags)
	case *logsapi.ListTagsLogGroupRequest:
		return s.ofTags(ctx, c, value(in.LogGroupName), nil, nil)
	case *logsapi.DescribeLogGroupsRequest:
		return []call.Access{{Action: "logs:DescribeLogGroups", Resource: groupARN(c.Account, c.Region, "") + ":log-stream:", Account: c.Account}}, nil
	case *logsapi.PutResourcePolicyRequest, *logsapi.DescribeResourcePoliciesRequest, *logsapi.DeleteResourcePolicyRequest, *logsapi.TestMetricFilterRequest:
		return []call.Access{{Action: "logs:" + c.Operation.Name, Resource: "*", Account: c.Account}}, nil
	}
	return nil, errUnresolved
}

// ofGroup is the access to a group.
func (s *Service) ofGroup(ctx context.Context, c *call.Call, name string) ([]call.Access, error) {
	return s.access(ctx, c, name, ":log-stream:", typeGroup)
}

func (s *Service) ofNamed(ctx context.Context, c *call.Call, name, id *string) ([]call.Access, error) {
	group, err := named(c, name, id)
	if err != nil {
		return nil, err
	}
	return s.ofGroup(ctx, c, group)
}

func (s *Service) ofStream(ctx context.Context, c *call.Call, group, stream string) ([]call.Access, error) {
	return s.access(ctx, c, group, ":log-stream:"+stream, typeStream)
}

// ofTags is the access to the tags of a group, which is given by its name or its ARN.
func (s *Service) ofTags(ctx context.Context, c *call.Call, id string, set map[string]string, remove []string) ([]call.Access, error) {
	name, err := identified(c, id)
	if err != nil {
		return nil, err
	}
	access, err := s.access(ctx, c, name, "", typeGroup)
	if err != nil {
		return nil, err
	}
	access[0].RequestTags, access[0].TagKeys = set, remove
	return access, nil
}

func (s *Service) access(ctx context.Context, c *call.Call, group, suffix, kind string) ([]call.Access, error) {
	a := call.Access{Action: "logs:" + c.Operation.Name, Resource: groupARN(c.Account, c.Region, group) + suffix, ResourceType: kind, Account: c.Account}
	t := &target{group: group}
	read := func(r store.Reader) error {
		g, err := s.tables.groups.Get(r, table.Scope{Account: c.Account, Region: c.Region}, parts(group)...)
		switch {
		case err == nil:
			t.found, a.ResourceTags = g, g.Tags
		case !isNotFound(err):
			return err
		}
		a.Policy, err = s.resourcePolicy(r, c.Account, c.Region)
		return err
	}
	var err error
	if tx := c.Txn(); tx != nil {
		err = read(tx)
	} else {
		err = s.store.View(ctx, read)
	}
	if a.Policy != nil {
		a.Mode = policy.ResourceOptional
	}
	c.Resolved = t
	return []call.Access{a}, err
}
