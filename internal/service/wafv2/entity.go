package wafv2

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"

	"fastness/internal/api/wafv2api"
	"fastness/internal/call"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

// countOf is what a quota of entities is about.
type countOf struct {
	account, region string
	scope           wafv2api.Scope
	kind            kind
}

func (e *entity) countOf() countOf { return countOf{e.Account, e.Region, e.Scope, e.Kind} }

func (e *entity) entityName() entityName {
	return entityName{account: e.Account, region: e.Region, scope: e.Scope, kind: e.Kind, name: e.Name, id: e.ID}
}

// newUUID is a random UUID (RFC 9562, version 4), the form of ids and lock tokens.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// create writes a new entity, whose document is that of shape. It must not have the name of
// another one, and its account must have room for it.
func (s *Service) create(c *call.Call, e *entity, shape string, document any, tags []wafv2api.Tag) error {
	tx := c.Txn()
	taken, err := s.tables.entities.Has(tx, scope(e.Account, e.Region), parts(string(e.Kind), string(e.Scope), e.Name)...)
	if err != nil {
		return err
	}
	if taken {
		return duplicate()
	}
	n, err := s.counts.Sum(e.countOf(), func() (int, error) { return s.count(tx, e.countOf()) })
	if err != nil {
		return fmt.Errorf("wafv2: %w", err)
	}
	if limit := s.quotas.entities(e.Kind); limit > 0 && n >= limit {
		return limitExceeded(string(e.Kind))
	}
	if e.Tags, err = withTags(nil, tags); err != nil {
		return err
	}
	s.counted(tx, e.countOf(), 1)
	return s.write(tx, e, nil, shape, document)
}

func (s *Service) count(r store.Reader, of countOf) (n int, err error) {
	for _, err := range s.tables.entities.Scan(r, scope(of.account, of.region), table.Page{Prefix: parts(string(of.kind), string(of.scope))}) {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

// update writes a changed entity. was are the references that it had.
func (s *Service) update(tx store.Txn, e *entity, was []string, shape string, document any) error {
	return s.write(tx, e, was, shape, document)
}

// write writes an entity with a new lock token, and what it refers to.
func (s *Service) write(tx store.Txn, e *entity, was []string, shape string, document any) (err error) {
	if e.Document, err = s.documents.encode(shape, document); err != nil {
		return err
	}
	e.LockToken, e.Changed = newUUID(), s.clock.Now().UTC()
	if err := s.tables.entities.Put(tx, e); err != nil {
		return err
	}
	if err := s.refer(tx, e, was, e.References); err != nil {
		return err
	}
	s.publish(tx)
	return nil
}

// refer changes the references of an entity from was to is.
func (s *Service) refer(tx store.Txn, e *entity, was, is []string) error {
	from := e.arn()
	for _, target := range was {
		if slices.Contains(is, target) {
			continue
		}
		if err := s.tables.references.Delete(tx, table.Scope{Region: e.Region}, parts(target, from)...); err != nil && !isNotFound(err) {
			return err
		}
	}
	for _, target := range is {
		if slices.Contains(was, target) {
			continue
		}
		if err := s.tables.references.Put(tx, &referenceRecord{Region: e.Region, Target: target, From: from}); err != nil {
			return err
		}
	}
	return nil
}

// publish has the proxies' configuration made anew once the transaction has committed.
func (s *Service) publish(tx store.Txn) {
	if s.changed != nil {
		tx.OnCommit(func(store.Revision) { s.changed() })
	}
}

// locked reads the entity of a call that changes it; the caller must have seen its last change.
func (s *Service) locked(ctx context.Context, token *string) (*call.Call, *entity, error) {
	c, t, err := targetOf(ctx)
	if err != nil {
		return nil, nil, err
	}
	e, err := s.tables.entity(c.Txn(), t.name)
	if err != nil {
		return nil, nil, err
	}
	if e.LockToken != value(token) {
		return nil, nil, stale()
	}
	return c, e, nil
}

// remove deletes the entity of the call, which nothing must refer to.
func (s *Service) remove(ctx context.Context, token *string) error {
	c, e, err := s.locked(ctx, token)
	if err != nil {
		return err
	}
	tx := c.Txn()
	used, err := s.tables.isReferenced(tx, e.Region, e.arn())
	if err != nil {
		return err
	}
	if used {
		return associated()
	}
	switch e.Kind {
	case kindWebACL:
		if err := s.checkUnprotecting(tx, e); err != nil {
			return err
		}
		if err := s.forgetLogging(tx, e); err != nil {
			return err
		}
	case kindRuleGroup:
		if err := s.tables.policies.Delete(tx, scope(e.Account, e.Region), parts(e.arn())...); err != nil && !isNotFound(err) {
			return err
		}
	}
	if err := s.refer(tx, e, e.References, nil); err != nil {
		return err
	}
	if err := s.tables.entities.Delete(tx, scope(e.Account, e.Region), parts(string(e.Kind), string(e.Scope), e.Name)...); err != nil {
		return err
	}
	s.counted(tx, e.countOf(), -1)
	s.publish(tx)
	return nil
}

// found reads the entity of a reading call.
func (s *Service) found(ctx context.Context) (*call.Call, *entity, error) {
	c, t, err := targetOf(ctx)
	if err != nil {
		return nil, nil, err
	}
	if t.entity == nil {
		return nil, nil, nonexistent()
	}
	return c, t.entity, nil
}

// referencesOf are the ARNs of a rule check, sorted.
func (k *ruleCheck) referencesOf() []string { return slices.Sorted(maps.Keys(k.references)) }
