package secretsmanager

import (
	"context"
	"strings"

	"fastness/internal/api/secretsmanagerapi"
	"fastness/internal/call"
	"fastness/internal/policy"
	"fastness/internal/policy/public"
	"fastness/internal/wire"
)

// maxPolicyBytes bounds a resource policy.
const maxPolicyBytes = 20480

// GetResourcePolicy implements the operation of that name.
func (s *Service) GetResourcePolicy(ctx context.Context, _ *secretsmanagerapi.GetResourcePolicyRequest) (*secretsmanagerapi.GetResourcePolicyResponse, error) {
	_, sec, err := target(ctx)
	if err != nil {
		return nil, err
	}
	if sec.record.doomed() {
		return nil, markedForDeletion()
	}
	out := &secretsmanagerapi.GetResourcePolicyResponse{ARN: &sec.arn, Name: &sec.record.Name}
	if sec.record.Policy == "" {
		return out, nil
	}
	shown, err := s.shownPolicy(sec.record.Policy)
	out.ResourcePolicy = &shown
	return out, err
}

// PutResourcePolicy implements the operation of that name.
func (s *Service) PutResourcePolicy(ctx context.Context, in *secretsmanagerapi.PutResourcePolicyRequest) (*secretsmanagerapi.PutResourcePolicyResponse, error) {
	c, rec, err := s.begin(ctx, 0)
	if err != nil {
		return nil, err
	}
	stored, compiled, err := s.newPolicy(rec.arn(), wire.Value(in.ResourcePolicy))
	if err != nil {
		return nil, err
	}
	if wire.Value(in.BlockPublicPolicy) {
		if found := public.Analyse(compiled.Document()); len(found) > 0 {
			return nil, &secretsmanagerapi.PublicPolicyException{Message: new("The BlockPublicPolicy parameter is set to true, and the resource policy did not prevent broad access to the secret: " + explain(found) + ".")}
		}
	}
	if locksOut(c, rec, compiled) {
		return nil, malformed("This resource policy will not allow you to manage this secret in the future.")
	}
	rec.Policy, rec.Changed = stored, s.now()
	return &secretsmanagerapi.PutResourcePolicyResponse{ARN: new(rec.arn()), Name: &rec.Name}, s.saveWithReplicas(ctx, c.Txn(), rec)
}

// DeleteResourcePolicy implements the operation of that name.
func (s *Service) DeleteResourcePolicy(ctx context.Context, _ *secretsmanagerapi.DeleteResourcePolicyRequest) (*secretsmanagerapi.DeleteResourcePolicyResponse, error) {
	c, rec, err := s.begin(ctx, 0)
	if err != nil {
		return nil, err
	}
	rec.Policy, rec.Changed = "", s.now()
	return &secretsmanagerapi.DeleteResourcePolicyResponse{ARN: new(rec.arn()), Name: &rec.Name}, s.saveWithReplicas(ctx, c.Txn(), rec)
}

// The checks of ValidateResourcePolicy.
const (
	checkSyntax  = "SyntaxCheck"
	checkPublic  = "PublicAccessCheck"
	checkLockOut = "LockoutCheck"
)

// ValidateResourcePolicy implements the operation of that name: the syntax, whether the
// policy lets everybody in, and whether it shuts the caller out.
func (s *Service) ValidateResourcePolicy(ctx context.Context, in *secretsmanagerapi.ValidateResourcePolicyRequest) (*secretsmanagerapi.ValidateResourcePolicyResponse, error) {
	c := call.From(ctx)
	var rec *secretRecord
	arn := secretARN(c.Account, c.Region, "*")
	if in.SecretId != nil {
		_, sec, err := target(ctx)
		if err != nil {
			return nil, err
		}
		rec, arn = &sec.record, sec.arn
	}
	out := &secretsmanagerapi.ValidateResourcePolicyResponse{ValidationErrors: []secretsmanagerapi.ValidationErrorsEntry{}}
	add := func(check, message string) {
		out.ValidationErrors = append(out.ValidationErrors, secretsmanagerapi.ValidationErrorsEntry{CheckName: &check, ErrorMessage: &message})
	}
	_, compiled, err := s.newPolicy(arn, wire.Value(in.ResourcePolicy))
	if bad, ok := err.(*secretsmanagerapi.MalformedPolicyDocumentException); ok {
		add(checkSyntax, bad.ErrorMessage())
	} else if err != nil {
		return nil, err
	} else {
		for _, f := range public.Analyse(compiled.Document()) {
			add(checkPublic, "The resource policy grants broad access to the secret: "+f.String()+".")
		}
		if rec != nil && locksOut(c, rec, compiled) {
			add(checkLockOut, "This resource policy will not allow you to manage this secret in the future.")
		}
	}
	out.PolicyValidationPassed = new(len(out.ValidationErrors) == 0)
	return out, nil
}

func explain(found []public.Finding) string {
	texts := make([]string, len(found))
	for i, f := range found {
		texts[i] = f.String()
	}
	return strings.Join(texts, "; ")
}

func malformed(message string) error {
	return &secretsmanagerapi.MalformedPolicyDocumentException{Message: &message}
}

// newPolicy returns a resource policy as it is stored, and compiled. It refuses one that is
// malformed or that names principals who do not exist.
func (s *Service) newPolicy(arn, document string) (stored string, p *policy.Policy, err error) {
	if len(document) > maxPolicyBytes {
		return "", nil, malformed("The resource policy is larger than 20480 characters.")
	}
	parsed, err := policy.Parse(policy.Resource, []byte(document))
	if err != nil {
		return "", nil, malformed("This policy has invalid syntax. " + err.Error())
	}
	stored = document
	if s.principals != nil {
		b, err := policy.StorePrincipals(policy.Resource, []byte(document), s.principals.PrincipalID)
		if err != nil || !s.known(parsed) {
			return "", nil, malformed("This resource policy contains an unsupported principal.")
		}
		stored = string(b)
	}
	if p, err = policy.New(policy.Resource, arn, []byte(stored)); err != nil {
		return "", nil, malformed("This resource policy contains an unsupported principal.")
	}
	return stored, p, nil
}

// known tells whether the unique ids and role sessions that a policy names exist:
// StorePrincipals looks at ARNs of users and roles alone.
func (s *Service) known(d *policy.Document) bool {
	for _, statement := range d.Statements {
		for _, p := range statement.Principals {
			if p.Type != policy.PrincipalAWS {
				continue
			}
			id := p.Value
			if len(id) >= 4 && (id[:4] == "AIDA" || id[:4] == "AROA") {
				if _, ok := s.principals.PrincipalARN(id); !ok {
					return false
				}
			}
		}
	}
	return true
}

// shownPolicy is a stored policy with the ARNs that its ids stand for now.
func (s *Service) shownPolicy(stored string) (string, error) {
	if s.principals == nil {
		return stored, nil
	}
	b, err := policy.ShowPrincipals(policy.Resource, []byte(stored), s.principals.PrincipalARN)
	return string(b), err
}

// locksOut tells whether a policy denies the caller what it takes to change it again.
func locksOut(c *call.Call, rec *secretRecord, p *policy.Policy) bool {
	everything, err := policy.New(policy.IdentityInline, "", []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`))
	if err != nil {
		return true
	}
	for _, action := range []string{"PutResourcePolicy", "DeleteResourcePolicy"} {
		result := policy.Evaluate(&policy.Request{
			Principal: c.Principal.Subject(), Action: actionPrefix + action, Resource: rec.arn(), ResourceAccount: rec.Account,
			Context: &conditions{call: c, secret: &secret{record: *rec, arn: rec.arn(), tags: tagMap(rec.Tags)}},
		}, &policy.Policies{
			// Nothing but a Deny in the resource policy counts: what else the caller may do
			// can change without it.
			Identity: []*policy.Policy{everything}, Resource: []*policy.Policy{p},
		}, nil)
		if result.Allowed() || rec.Account != c.Account {
			return false
		}
	}
	return true
}
