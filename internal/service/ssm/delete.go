package ssm

import (
	"context"

	"fastness/internal/api/ssmapi"
	"fastness/internal/call"
	"fastness/internal/store"
)

// DeleteParameter implements the operation of that name.
func (s *Service) DeleteParameter(ctx context.Context, _ *ssmapi.DeleteParameterRequest) (*ssmapi.DeleteParameterResult, error) {
	c, t, err := targetOf(ctx)
	if err != nil {
		return nil, err
	}
	deleted, err := s.deleteTarget(c, t)
	if err != nil {
		return nil, err
	}
	if !deleted {
		return nil, &ssmapi.ParameterNotFound{}
	}
	return &ssmapi.DeleteParameterResult{}, nil
}

// DeleteParameters implements the operation of that name.
func (s *Service) DeleteParameters(ctx context.Context, _ *ssmapi.DeleteParametersRequest) (*ssmapi.DeleteParametersResult, error) {
	c := call.From(ctx)
	r, ok := c.Resolved.(*resolved)
	if !ok {
		return nil, errUnresolved
	}
	out := &ssmapi.DeleteParametersResult{DeletedParameters: []string{}, InvalidParameters: []string{}}
	for i := range r.targets {
		t := &r.targets[i]
		deleted, err := s.deleteTarget(c, t)
		if err != nil {
			return nil, err
		}
		if deleted {
			out.DeletedParameters = append(out.DeletedParameters, t.given)
		} else {
			out.InvalidParameters = append(out.InvalidParameters, t.given)
		}
	}
	return out, nil
}

// deleteTarget deletes the parameter that a call names, and tells whether there was one.
func (s *Service) deleteTarget(c *call.Call, t *target) (bool, error) {
	if t.account != c.Account || t.selector != "" {
		return false, nil
	}
	p, err := s.tables.parameter(c.Txn(), t.key())
	if isNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, s.remove(c.Txn(), p)
}

// remove deletes a parameter. Its versions, and the accounts that it is shared with, may be more
// than a transaction can delete: a job follows, and nothing finds them meanwhile.
func (s *Service) remove(tx store.Txn, p *parameterRecord) error {
	name := p.key()
	if err := s.tables.parameters.Delete(tx, name.scope(), nameParts(p.Name)...); err != nil {
		return err
	}
	s.changedIn(tx, name)
	s.counted(tx, place{p.Account, p.Region}, p.Latest.Tier, "")
	if err := absent(s.tables.pending.Delete(tx, name.scope(), parts(name.name)...)); err != nil {
		return err
	}
	if len(p.Latest.Policies) > 0 {
		if _, err := s.jobs.Cancel(tx, jobPolicy, p.ID); err != nil {
			return err
		}
	}
	if err := s.schedule(tx, jobSweep, p.ID, s.clock.Now(), name); err != nil {
		return err
	}
	return s.report(tx, p, change{Operation: "Delete"})
}
