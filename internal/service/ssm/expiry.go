package ssm

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"fastness/internal/audit"
	"fastness/internal/call"
	"fastness/internal/due"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

// The kinds of jobs.
const (
	jobPolicy = "ssm.policy" // id: a parameter; do what its policies say
	jobSweep  = "ssm.sweep"  // id: a parameter that is gone; remove its versions
	jobImage  = "ssm.image"  // id: a parameter's name; look the pending version's AMI up
)

// JobHandlers are the service's jobs by kind, for the runner (due.NewRunner).
func (s *Service) JobHandlers() map[string]due.Handler {
	return map[string]due.Handler{
		jobPolicy: {RunInTxn: s.actOnPolicies},
		jobSweep:  {RunInTxn: s.sweep},
		jobImage:  {RunInTxn: s.checkImage},
	}
}

// subject says which parameter a job is about.
type subject struct {
	Account string `json:"account"`
	Region  string `json:"region"`
	Name    string `json:"name"`
}

func (s *Service) schedule(tx store.Txn, kind, id string, at time.Time, name parameterName) error {
	payload, err := json.Marshal(subject{name.account, name.region, name.name})
	if err != nil {
		return fmt.Errorf("ssm: job: %w", err)
	}
	return s.jobs.Schedule(tx, due.Job{Kind: kind, ID: id, At: at, Payload: payload})
}

func subjectOf(j due.Job) (parameterName, error) {
	var of subject
	if err := json.Unmarshal(j.Payload, &of); err != nil {
		return parameterName{}, fmt.Errorf("ssm: job %s/%s: %w", j.Kind, j.ID, err)
	}
	return parameterName{of.Account, of.Region, of.Name}, nil
}

// schedulePolicies has the policies of a parameter's latest version act at their times:
// there is one job for a parameter, at the earliest of them.
func (s *Service) schedulePolicies(tx store.Txn, p *parameterRecord) error {
	var next time.Time
	for i := range p.Latest.Policies {
		policy := &p.Latest.Policies[i]
		if policy.Status != policyPending {
			continue
		}
		if at := p.Latest.due(policy); next.IsZero() || at.Before(next) {
			next = at
		}
	}
	if next.IsZero() {
		_, err := s.jobs.Cancel(tx, jobPolicy, p.ID)
		return err
	}
	return s.schedule(tx, jobPolicy, p.ID, next, p.key())
}

// actOnPolicies does what is due of a parameter's policies, each once for a version: that it
// has been done is written in the same transaction.
func (s *Service) actOnPolicies(_ context.Context, tx store.Txn, j due.Job) error {
	name, err := subjectOf(j)
	if err != nil {
		return err
	}
	p, err := s.tables.parameter(tx, name)
	if isNotFound(err) || err == nil && p.ID != j.ID {
		return nil
	}
	if err != nil {
		return err
	}
	now := s.clock.Now().UTC()
	var expired *policyState
	for i := range p.Latest.Policies {
		policy := &p.Latest.Policies[i]
		if policy.Status != policyPending || p.Latest.due(policy).After(now) {
			continue
		}
		if policy.Type == expiration {
			expired = policy // last, so that notifications come before
			continue
		}
		policy.Status = policyFinished
		if err := s.reportPolicy(tx, p, policy, ""); err != nil {
			return err
		}
	}
	if expired != nil {
		if err := s.reportPolicy(tx, p, expired, "The parameter has expired and was deleted."); err != nil {
			return err
		}
		if err := s.recordExpiry(tx, p, now); err != nil {
			return err
		}
		return s.remove(tx, p)
	}
	v, err := s.tables.version(tx, p, p.Latest.Number)
	if err != nil {
		return err
	}
	v.Version = p.Latest
	if err := s.tables.versions.Put(tx, v); err != nil {
		return err
	}
	if err := s.save(tx, p); err != nil {
		return err
	}
	return s.schedulePolicies(tx, p)
}

func (s *Service) reportPolicy(tx store.Txn, p *parameterRecord, policy *policyState, reason string) error {
	return s.emit(tx, p.key(), policyEvent, policyAction{
		Name: p.Name, Type: p.Latest.Type, Policy: policy.Type, Content: policy.Text, Status: "Success", Reason: reason,
	})
}

// recordExpiry adds the deletion to the history: nobody called for it.
func (s *Service) recordExpiry(tx store.Txn, p *parameterRecord, now time.Time) error {
	return s.audit.AppendTxn(tx, audit.ServiceRecord(audit.ServiceEvent{
		Account: p.Account, Region: p.Region, Source: "ssm.amazonaws.com", Name: "ParameterExpired", Time: now,
		Resources: []audit.Resource{{Type: typeParameter, ARN: p.arn(), Account: p.Account}},
		Details:   []call.Note{{Name: "name", Value: p.Name}}, Quiet: true,
	}))
}

// sweepRows is how many versions go in one transaction: each may have ten labels, which are
// entries of an index, and a transaction has store.MaxTxnOps operations.
const sweepRows = 8

// sweep removes what is left of a parameter that is gone: with whom it was shared, unless a
// successor of the same name is shared, and its versions.
func (s *Service) sweep(_ context.Context, tx store.Txn, j due.Job) error {
	name, err := subjectOf(j)
	if err != nil {
		return err
	}
	if swept, err := s.sweepShare(tx, name); err != nil {
		return err
	} else if swept {
		return s.schedule(tx, jobSweep, j.ID, s.clock.Now(), name)
	}
	var found []*versionRecord
	for row, err := range s.tables.versions.Scan(tx, name.scope(), table.Page{Prefix: parts(j.ID), Limit: sweepRows}) {
		if err != nil {
			return err
		}
		found = append(found, row.Record)
	}
	for _, v := range found {
		if err := s.tables.deleteVersion(tx, v); err != nil {
			return err
		}
	}
	if len(found) < sweepRows {
		return nil
	}
	return s.schedule(tx, jobSweep, j.ID, s.clock.Now(), name)
}

// sweepShare removes the record of whom a parameter is shared with, if it is shared with
// nobody, and tells whether there was one.
func (s *Service) sweepShare(tx store.Txn, name parameterName) (bool, error) {
	id := parts(name.account, name.name)
	if there, err := s.tables.shares.Has(tx, shareScope(name.region), id...); err != nil || !there {
		return false, err
	}
	p, err := s.tables.parameter(tx, name)
	if err != nil && !isNotFound(err) || err == nil && len(p.Sharing) > 0 {
		return false, err
	}
	return true, s.tables.shares.Delete(tx, shareScope(name.region), id...)
}
