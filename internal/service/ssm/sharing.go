package ssm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"fastness/internal/api/ssmapi"
	"fastness/internal/arn"
	"fastness/internal/call"
	"fastness/internal/policy"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

const (
	// maxPolicyBytes bounds a resource policy (AWS Systems Manager API reference,
	// ResourcePolicyLimitExceededException).
	maxPolicyBytes = 1024
	// maxSharing is how many resource policies a parameter can have, maxGrantees how many
	// accounts they can name.
	maxSharing  = 10
	maxGrantees = 50
)

// sharedActions are what a resource policy can allow (AWS Systems Manager user guide,
// "Working with shared parameters in Parameter Store").
var sharedActions = []string{
	"ssm:DescribeParameters", "ssm:GetParameter", "ssm:GetParameters", "ssm:GetParameterHistory", "ssm:ListTagsForResource",
}

func shareScope(region string) table.Scope { return table.Scope{Region: region} }

// statement is what is read of a statement of a resource policy; package policy checks
// its form.
type statement struct {
	Effect    string
	Principal json.RawMessage
	Action    stringList
	Resource  stringList
}

// stringList is a string, or a list of strings.
type stringList []string

// UnmarshalJSON implements json.Unmarshaler.
func (l *stringList) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*l = stringList{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(l))
}

// statements takes a resource policy apart.
func statements(text string) ([]json.RawMessage, error) {
	var document struct{ Statement json.RawMessage }
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		return nil, fmt.Errorf("not a JSON object: %w", err)
	}
	var list []json.RawMessage
	if json.Unmarshal(document.Statement, &list) == nil {
		return list, nil
	}
	return []json.RawMessage{document.Statement}, nil
}

// compileSharing makes one policy of a parameter's resource policies.
func compileSharing(resource string, sharing []resourcePolicy) (*policy.Policy, error) {
	var all []json.RawMessage
	for _, p := range sharing {
		list, err := statements(p.Text)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	document, err := json.Marshal(struct {
		Version   string
		Statement []json.RawMessage
	}{"2012-10-17", all})
	if err != nil {
		return nil, err
	}
	return policy.New(policy.Resource, resource, document)
}

func malformed(what string) error {
	return &ssmapi.MalformedResourcePolicyDocumentException{Message: new("The specified policy document is malformed or invalid. " + what)}
}

// checkSharing checks a resource policy and returns the accounts that it names.
func checkSharing(resource, text string) ([]string, error) {
	if len(text) > maxPolicyBytes {
		return nil, &ssmapi.ResourcePolicyLimitExceededException{
			Message: new("A policy can't be greater than 1024 bytes in size."), Limit: new(int32(maxPolicyBytes)), LimitType: new("PolicySize"),
		}
	}
	if _, err := policy.New(policy.Resource, resource, []byte(text)); err != nil {
		return nil, malformed("It isn't a resource policy of IAM.")
	}
	list, err := statements(text)
	if err != nil {
		return nil, malformed("It isn't a JSON object.")
	}
	var grantees []string
	for _, raw := range list {
		var st statement
		if err := json.Unmarshal(raw, &st); err != nil {
			return nil, malformed("A statement has elements that a parameter's policy can't have.")
		}
		if st.Effect != "Allow" || len(st.Action) == 0 {
			return nil, malformed("A statement allows actions on the parameter.")
		}
		for _, action := range st.Action {
			if !slices.ContainsFunc(sharedActions, func(a string) bool { return strings.EqualFold(a, action) }) {
				return nil, malformed("The action " + action + " can't be shared.")
			}
		}
		for _, r := range st.Resource {
			if r != resource {
				return nil, malformed("The resource " + r + " isn't the parameter.")
			}
		}
		accounts, err := granteesOf(st.Principal)
		if err != nil {
			return nil, err
		}
		grantees = append(grantees, accounts...)
	}
	slices.Sort(grantees)
	return slices.Compact(grantees), nil
}

// granteesOf are the accounts of the principals of a statement. Nobody shares with
// everybody.
func granteesOf(principal json.RawMessage) ([]string, error) {
	var aws struct{ AWS stringList }
	d := json.NewDecoder(strings.NewReader(string(principal)))
	d.DisallowUnknownFields()
	if err := d.Decode(&aws); err != nil || len(aws.AWS) == 0 {
		return nil, malformed("A statement names the AWS accounts, users or roles that the parameter is shared with.")
	}
	var accounts []string
	for _, p := range aws.AWS {
		account := p
		if a, err := arn.Parse(p); err == nil && a.Service == "iam" {
			account = a.Account
		}
		if !arn.IsAccountID(account) {
			return nil, malformed("The principal " + p + " isn't an AWS account, user or role.")
		}
		accounts = append(accounts, account)
	}
	return accounts, nil
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// sharable reads the parameter of a call on its resource policies.
func (s *Service) sharable(ctx context.Context) (*call.Call, *parameterRecord, error) {
	c, p, err := s.own(ctx)
	if err == nil && p == nil {
		err = noSuchResource()
	}
	return c, p, err
}

func noSuchResource() error {
	return &ssmapi.ResourceNotFoundException{Message: new("The specified parameter to be shared could not be found.")}
}

// find is the place of the policy of an id and hash.
func (p *parameterRecord) find(id, hash string) (int, error) {
	at := slices.IndexFunc(p.Sharing, func(r resourcePolicy) bool { return r.ID == id })
	if at < 0 {
		return 0, &ssmapi.ResourcePolicyNotFoundException{Message: new("No policies with the specified policy ID and hash could be found.")}
	}
	if p.Sharing[at].Hash != hash {
		return 0, &ssmapi.ResourcePolicyConflictException{Message: new("The hash provided in the call doesn't match the stored hash. This exception is thrown when trying to update an obsolete policy version or when multiple requests to update a policy are sent.")}
	}
	return at, nil
}

// PutResourcePolicy implements the operation of that name.
func (s *Service) PutResourcePolicy(ctx context.Context, in *ssmapi.PutResourcePolicyRequest) (*ssmapi.PutResourcePolicyResponse, error) {
	c, p, err := s.sharable(ctx)
	if err != nil {
		return nil, err
	}
	if p.Latest.Tier != ssmapi.ParameterTierAdvanced {
		return nil, &ssmapi.ResourcePolicyInvalidParameterException{
			Message: new("To share a parameter, it must be in the advanced parameter tier."), ParameterNames: []string{"ResourceArn"},
		}
	}
	if (in.PolicyId == nil) != (in.PolicyHash == nil) {
		return nil, &ssmapi.ResourcePolicyInvalidParameterException{
			Message: new("The policy ID and the policy hash are given together or not at all."), ParameterNames: []string{"PolicyId", "PolicyHash"},
		}
	}
	if _, err := checkSharing(p.arn(), value(in.Policy)); err != nil {
		return nil, err
	}
	added := resourcePolicy{ID: newID(), Hash: hashOf(value(in.Policy)), Text: value(in.Policy)}
	if in.PolicyId != nil {
		at, err := p.find(*in.PolicyId, *in.PolicyHash)
		if err != nil {
			return nil, err
		}
		added.ID = p.Sharing[at].ID
		p.Sharing[at] = added
	} else if p.Sharing = append(p.Sharing, added); len(p.Sharing) > maxSharing {
		return nil, &ssmapi.ResourcePolicyLimitExceededException{
			Message: new("The parameter has as many resource policies as it can have."), Limit: new(int32(maxSharing)), LimitType: new("PolicyCount"),
		}
	}
	if err := s.saveSharing(c.Txn(), p); err != nil {
		return nil, err
	}
	return &ssmapi.PutResourcePolicyResponse{PolicyId: new(added.ID), PolicyHash: new(added.Hash)}, nil
}

// saveSharing writes a parameter whose resource policies have changed.
func (s *Service) saveSharing(tx store.Txn, p *parameterRecord) error {
	var grantees []string
	for _, r := range p.Sharing {
		accounts, err := checkSharing(p.arn(), r.Text)
		if err != nil {
			return err
		}
		grantees = append(grantees, accounts...)
	}
	slices.Sort(grantees)
	grantees = slices.Compact(grantees)
	if len(grantees) > maxGrantees {
		return &ssmapi.ResourcePolicyLimitExceededException{
			Message: new("The parameter is shared with as many accounts as it can be."), Limit: new(int32(maxGrantees)), LimitType: new("Principals"),
		}
	}
	if err := s.save(tx, p); err != nil {
		return err
	}
	if len(grantees) == 0 {
		return absent(s.tables.shares.Delete(tx, shareScope(p.Region), parts(p.Account, p.key().name)...))
	}
	return s.tables.shares.Put(tx, &shareRecord{Account: p.Account, Region: p.Region, Name: p.Name, Grantees: grantees})
}

// GetResourcePolicies implements the operation of that name.
func (s *Service) GetResourcePolicies(ctx context.Context, in *ssmapi.GetResourcePoliciesRequest) (*ssmapi.GetResourcePoliciesResponse, error) {
	c, t, err := targetOf(ctx)
	if err != nil {
		return nil, err
	}
	if t.found == nil || t.account != c.Account {
		return nil, noSuchResource()
	}
	p := &t.found.record
	query, err := queryOf(p.ID)
	if err != nil {
		return nil, err
	}
	after, err := s.position(c, query, in.NextToken)
	if _, ok := errors.AsType[*ssmapi.InvalidNextToken](err); ok {
		return nil, &ssmapi.ResourcePolicyInvalidParameterException{Message: new("The specified token isn't valid."), ParameterNames: []string{"NextToken"}}
	}
	if err != nil {
		return nil, err
	}
	first := 0
	if after != nil {
		first = slices.IndexFunc(p.Sharing, func(r resourcePolicy) bool { return r.ID == string(after) }) + 1
	}
	out := &ssmapi.GetResourcePoliciesResponse{Policies: []ssmapi.GetResourcePoliciesResponseEntry{}}
	for i, r := range p.Sharing[first:] {
		if i == limitOf(in.MaxResults, maxSharing) {
			out.NextToken, err = s.nextToken(c, query, []byte(p.Sharing[first+i-1].ID))
			return out, err
		}
		out.Policies = append(out.Policies, ssmapi.GetResourcePoliciesResponseEntry{PolicyId: new(r.ID), PolicyHash: new(r.Hash), Policy: new(r.Text)})
	}
	return out, nil
}

// DeleteResourcePolicy implements the operation of that name.
func (s *Service) DeleteResourcePolicy(ctx context.Context, in *ssmapi.DeleteResourcePolicyRequest) (*ssmapi.DeleteResourcePolicyResponse, error) {
	c, p, err := s.sharable(ctx)
	if err != nil {
		return nil, err
	}
	at, err := p.find(value(in.PolicyId), value(in.PolicyHash))
	if err != nil {
		return nil, err
	}
	p.Sharing = slices.Delete(p.Sharing, at, at+1)
	return &ssmapi.DeleteResourcePolicyResponse{}, s.saveSharing(c.Txn(), p)
}
