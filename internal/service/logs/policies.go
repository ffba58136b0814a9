package logs

import (
	"context"
	"encoding/json"
	"strings"

	"fastness/internal/api/logsapi"
	"fastness/internal/call"
	"fastness/internal/policy"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

// The bounds of resource policies (API reference, PutResourcePolicy): of an account in a Region, in
// characters and number.
const (
	maxPolicyBytes = 5120
	maxPolicies    = 10
	maxPolicyName  = 256
)

// PutResourcePolicy implements the operation of that name, for policies of the account.
func (s *Service) PutResourcePolicy(ctx context.Context, in *logsapi.PutResourcePolicyRequest) (*logsapi.PutResourcePolicyResponse, error) {
	c := call.From(ctx)
	name, document := value(in.PolicyName), value(in.PolicyDocument)
	switch {
	case in.ResourceArn != nil:
		return nil, invalid("Resource policies of single log groups are not offered here.")
	case name == "" || len(name) > maxPolicyName:
		return nil, invalid("The policy name must have 1 to %d characters.", maxPolicyName)
	case len(document) > maxPolicyBytes:
		return nil, &logsapi.LimitExceededException{Message: new("Resource limit exceeded.")}
	}
	if _, err := policy.New(policy.Resource, name, []byte(document)); err != nil {
		return nil, invalid("Invalid resource policy. Policy document is not valid JSON or not a resource policy of IAM.")
	}
	all, err := s.policies(c.Txn(), c.Account, c.Region)
	if err != nil {
		return nil, err
	}
	n := 1
	for _, p := range all {
		if p.Name != name {
			n++
		}
	}
	if n > maxPolicies {
		return nil, &logsapi.LimitExceededException{Message: new("Resource limit exceeded.")}
	}
	p := &policyRecord{Account: c.Account, Region: c.Region, Name: name, Document: document, Updated: s.now()}
	if err := s.tables.policies.Put(c.Txn(), p); err != nil {
		return nil, err
	}
	return &logsapi.PutResourcePolicyResponse{ResourcePolicy: describePolicy(p)}, nil
}

func describePolicy(p *policyRecord) *logsapi.ResourcePolicy {
	return &logsapi.ResourcePolicy{PolicyName: &p.Name, PolicyDocument: &p.Document, LastUpdatedTime: &p.Updated, PolicyScope: new(logsapi.PolicyScopeAccount)}
}

// DescribeResourcePolicies implements the operation of that name. There are never more than a page.
func (s *Service) DescribeResourcePolicies(ctx context.Context, in *logsapi.DescribeResourcePoliciesRequest) (*logsapi.DescribeResourcePoliciesResponse, error) {
	c := call.From(ctx)
	out := &logsapi.DescribeResourcePoliciesResponse{ResourcePolicies: []logsapi.ResourcePolicy{}}
	after, err := s.position(c, "", in.NextToken)
	if err != nil {
		return nil, err
	}
	if in.ResourceArn != nil || value(in.PolicyScope) == logsapi.PolicyScopeResource {
		return out, nil
	}
	var all []*policyRecord
	if err := s.store.View(ctx, func(r store.Reader) (err error) {
		all, err = s.policies(r, c.Account, c.Region)
		return err
	}); err != nil {
		return nil, err
	}
	next := ""
	for _, p := range all {
		if p.Name <= after {
			continue
		}
		if len(out.ResourcePolicies) == limitOf(in.Limit, maxPage) {
			next = *out.ResourcePolicies[len(out.ResourcePolicies)-1].PolicyName
			break
		}
		out.ResourcePolicies = append(out.ResourcePolicies, *describePolicy(p))
	}
	out.NextToken, err = s.nextToken(c, "", next)
	return out, err
}

// DeleteResourcePolicy implements the operation of that name.
func (s *Service) DeleteResourcePolicy(ctx context.Context, in *logsapi.DeleteResourcePolicyRequest) (*logsapi.DeleteResourcePolicyOutput, error) {
	c := call.From(ctx)
	err := s.tables.policies.Delete(c.Txn(), table.Scope{Account: c.Account, Region: c.Region}, parts("", value(in.PolicyName))...)
	if isNotFound(err) {
		return nil, &logsapi.ResourceNotFoundException{Message: new("Policy with name [" + value(in.PolicyName) + "] does not exist.")}
	}
	return &logsapi.DeleteResourcePolicyOutput{}, err
}

func (s *Service) policies(r store.Reader, account, region string) (all []*policyRecord, err error) {
	for row, err := range s.tables.policies.Scan(r, table.Scope{Account: account, Region: region}, table.Page{Prefix: parts("")}) {
		if err != nil {
			return nil, err
		}
		all = append(all, row.Record)
	}
	return all, nil
}

// maxCompiled bounds the policies that are kept compiled.
const maxCompiled = 256

// resourcePolicy is what the resource policies of an account and Region say together; nil if there are
// none.
func (s *Service) resourcePolicy(r store.Reader, account, region string) (*policy.Policy, error) {
	all, err := s.policies(r, account, region)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	var texts strings.Builder
	for _, p := range all {
		texts.WriteString(p.Document)
		texts.WriteByte(0)
	}
	s.mu.Lock()
	compiled := s.compiled[texts.String()]
	s.mu.Unlock()
	if compiled != nil {
		return compiled, nil
	}
	if compiled, err = joined(all); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.compiled) >= maxCompiled {
		clear(s.compiled)
	}
	s.compiled[texts.String()] = compiled
	return compiled, nil
}

// joined makes one policy of the statements of many.
func joined(all []*policyRecord) (*policy.Policy, error) {
	var statements []json.RawMessage
	for _, p := range all {
		var document struct{ Statement json.RawMessage }
		if err := json.Unmarshal([]byte(p.Document), &document); err != nil {
			return nil, err
		}
		var list []json.RawMessage
		if json.Unmarshal(document.Statement, &list) != nil {
			list = []json.RawMessage{document.Statement}
		}
		statements = append(statements, list...)
	}
	text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
	if err != nil {
		return nil, err
	}
	return policy.New(policy.Resource, "CloudWatch Logs resource policies", text)
}
