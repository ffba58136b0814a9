package iam

import (
	"regexp"
	"strings"

	"fastness/internal/api/iamapi"
	"fastness/internal/call"
	"fastness/internal/wire"
)

// IAM's refusals call resources by words of their own. Users quote, for one of each form: "on
// resource: user alice" (GetUser, AttachUserPolicy, CreateAccessKey), "group Admin"
// (AddUserToGroup), "policy p" (CreatePolicy; IAM user guide, "Troubleshoot IAM roles"), the ARN
// of what CreateGroup, CreateRole and TagRole are about, "arn:aws:iam::123456789012:role/" with the
// path prefix behind it (ListRoles), "policy path /" (ListPolicies), "instance profile aws-elasticbeanstalk-ec2-role" (GetInstanceProfile),
// "arn:aws:iam::123456789012:instance-profile/" with the path prefix behind it (ListInstanceProfiles).

// refusalName is what a refusal of c calls the resource, or "" for its ARN.
func refusalName(c *call.Call, in members) string {
	prefix := in.text("PathPrefix")
	if prefix == "" {
		prefix = "/"
	}
	switch c.Input.(type) {
	case *iamapi.ListUsersRequest:
		return entityARN(c.Account, userKind, prefix, "")
	case *iamapi.ListGroupsRequest:
		return entityARN(c.Account, groupKind, prefix, "")
	case *iamapi.ListRolesRequest:
		return entityARN(c.Account, roleKind, prefix, "")
	case *iamapi.ListInstanceProfilesRequest:
		return entityARN(c.Account, profileKind, prefix, "")
	case *iamapi.ListPoliciesRequest:
		return "policy path " + prefix
	case *iamapi.CreatePolicyRequest:
		return policyKind.word + " " + in.text("PolicyName")
	}
	name := c.Operation.Name
	if in.creates() || strings.HasPrefix(name, "Tag") || strings.HasPrefix(name, "Untag") || len(c.Operation.Actions[0].Resources) == 0 {
		return ""
	}
	for _, n := range []struct {
		k      *kind
		member string
	}{{policyKind, "PolicyArn"}, {groupKind, "GroupName"}, {profileKind, "InstanceProfileName"}, {roleKind, "RoleName"}, {userKind, "UserName"}} {
		if named := in.text(n.member); named != "" && c.Operation.Actions[0].Resources[0].Type == n.k.segment {
			return n.k.word + " " + named
		}
	}
	return ""
}

// broken is the text of a request that breaks the pattern of a member, maybe among others.
var broken = regexp.MustCompile(`^\d+ validation errors? detected: Value at '(\w+)' failed to satisfy constraint: Member must satisfy regular expression pattern: ([^;]+)`)

// The patterns of the model for which IAM has words of its own, and these words.
const (
	namePattern = `[\w+=,.@-]+`
	pathPattern = `(\u002F)|(\u002F[\u0021-\u007E]+\u002F)`

	nameWords = "It must contain only alphanumeric characters and/or the following: +=,.@_-"
	pathWords = "It must begin and end with / and contain only alphanumeric characters and/or / characters."
)

// ValidationError implements front.ValidationErrors. IAM says of names "The specified value for
// roleName is invalid" (users quote it of roleName and policyName, and moto of paths).
func (s *Service) ValidationError(message string) wire.APIError {
	if m := broken.FindStringSubmatch(message); m != nil {
		switch m[2] {
		case namePattern:
			message = "The specified value for " + m[1] + " is invalid. " + nameWords
		case pathPattern:
			message = "The specified value for " + m[1] + " is invalid. " + pathWords
		}
	}
	return &wire.CommonError{Kind: wire.Validation, Message: message}
}
