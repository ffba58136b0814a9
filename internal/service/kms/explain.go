package kms

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"fastness/internal/api/kmsapi"
	"fastness/internal/call"
	"fastness/internal/store"
	"fastness/internal/wire"
)

// Question asks whether somebody may do something with a key, and why.
type Question struct {
	// Action as IAM spells it: "kms:Decrypt", "kms:ReEncryptFrom".
	Action string
	// Key is the key as a caller would name it; empty for actions that take none. For
	// actions on aliases it is the alias.
	Key string
	// Context is the encryption context, if the action takes one.
	Context map[string]string
}

// Operation makes the call that the question is about, without anything that
// authorization does not look at: for the door to explain (front.Door.Explain).
func (q Question) Operation() (*wire.Operation, any, error) {
	name, ok := strings.CutPrefix(q.Action, "kms:")
	if !ok {
		return nil, nil, fmt.Errorf("kms: %q is not an action of KMS", q.Action)
	}
	key, other := "KeyId", ""
	switch name {
	case "ReEncryptFrom", "ReEncryptTo":
		name, key, other = "ReEncrypt", "SourceKeyId", "DestinationKeyId"
	case "CreateAlias", "UpdateAlias", "DeleteAlias":
		key = "AliasName"
	}
	i := slices.IndexFunc(kmsapi.API.Operations, func(op wire.Operation) bool { return op.Name == name })
	if i < 0 {
		return nil, nil, fmt.Errorf("kms: no operation is called %s", name)
	}
	op := &kmsapi.API.Operations[i]
	in := op.NewInput()
	set := func(member string, value any) bool {
		f := reflect.ValueOf(in).Elem().FieldByName(member)
		if !f.IsValid() {
			return false
		}
		f.Set(reflect.ValueOf(value))
		return true
	}
	if q.Key != "" && !set(key, &q.Key) {
		return nil, nil, fmt.Errorf("kms: %s does not take a key", name)
	}
	if other != "" {
		set(other, &q.Key)
		set("SourceEncryptionContext", q.Context)
		set("DestinationEncryptionContext", q.Context)
		return op, in, nil
	}
	if len(q.Context) > 0 && !set("EncryptionContext", q.Context) {
		return nil, nil, fmt.Errorf("kms: %s does not take an encryption context", name)
	}
	return op, in, nil
}

// Obstacle tells what would refuse a call that is authorized: the key does not exist,
// or its state does not allow the operation. It is nil when nothing would. The call must
// have been resolved.
func (s *Service) Obstacle(c *call.Call) error {
	r, ok := c.Resolved.(*resolved)
	if !ok {
		return nil
	}
	for _, side := range []*resolved{r, r.other} {
		switch {
		case side == nil:
		case side.key != nil:
			if err := checkState(c.Operation.Name, &side.key.record); err != nil {
				return err
			}
		case side.missing != nil:
			return side.missing
		}
	}
	return nil
}

// ExplainGrant says in words what a grant permits, for the key of a resolved call.
func (s *Service) ExplainGrant(ctx context.Context, c *call.Call, id string) (string, error) {
	r, ok := c.Resolved.(*resolved)
	if !ok {
		return "", fmt.Errorf("kms: the call is not resolved")
	}
	var g *grantRecord
	err := s.store.View(ctx, func(v store.Reader) error {
		var err error
		g, err = s.tables.grant(v, keyName{r.account, r.region, r.id}, id)
		if isNotFound(err) && r.other != nil {
			g, err = s.tables.grant(v, keyName{r.other.account, r.other.region, r.other.id}, id)
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("kms: grant %s: %w", id, err)
	}
	g.Grantee = s.shownPrincipal(g.Grantee)
	return g.String(), nil
}

// String says what the grant permits.
func (g *grantRecord) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "grant %s", g.ID)
	if g.Name != "" {
		fmt.Fprintf(&b, " %q", g.Name)
	}
	ops := make([]string, len(g.Operations))
	for i, op := range g.Operations {
		ops[i] = string(op)
	}
	fmt.Fprintf(&b, " of %s lets %s do %s on key %s", g.Created.UTC().Format("2006-01-02 15:04:05 MST"), g.Grantee,
		strings.Join(ops, ", "), keyARN(g.Account, g.Region, g.KeyID))
	if g.Equals != nil {
		fmt.Fprintf(&b, ", only with exactly the encryption context %s", pairs(g.Equals))
	}
	if g.Subset != nil {
		fmt.Fprintf(&b, ", only with an encryption context that includes %s", pairs(g.Subset))
	}
	return b.String()
}

// pairs writes an encryption context in the order of its keys.
func pairs(context map[string]string) string {
	out := make([]string, 0, len(context))
	for k, v := range context {
		out = append(out, fmt.Sprintf("%q=%q", k, v))
	}
	slices.Sort(out)
	return "{" + strings.Join(out, ", ") + "}"
}
