package secretsmanager

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"

	"fastness/internal/api/secretsmanagerapi"
	"fastness/internal/arn"
	"fastness/internal/call"
	"fastness/internal/store"
	"fastness/internal/wire"
)

// typeSecret is CloudTrail's name for a secret.
const typeSecret = "AWS::SecretsManager::Secret"

const actionPrefix = "secretsmanager:"

// actions are the IAM actions by operation.
var actions = func() map[string]string {
	m := make(map[string]string)
	for i := range secretsmanagerapi.API.Operations {
		name := secretsmanagerapi.API.Operations[i].Name
		m[name] = actionPrefix + name
	}
	return m
}()

// resolved is what Resolve found out, for the operation to use.
type resolved struct {
	// secret is the secret the call is about, nil if it does not exist or there is none.
	secret *secret
	// name and suffix are those of the secret to be made, for CreateSecret.
	name   secretName
	suffix string

	// What authorization asks about the secret, in one piece of memory with the rest.
	conditions conditions
	access     [1]call.Access
}

// only is the answer of Resolve for a call that touches one secret.
func (r *resolved) only(a call.Access) []call.Access {
	r.access[0] = a
	return r.access[:]
}

// Resolve implements the door's resolver: it says which secret a call touches, with its
// policy and tags.
func (s *Service) Resolve(ctx context.Context, c *call.Call) ([]call.Access, error) {
	action := actions[c.Operation.Name]
	switch in := c.Input.(type) {
	case *secretsmanagerapi.CreateSecretRequest:
		return s.resolveCreate(c, in)
	case *secretsmanagerapi.BatchGetSecretValueRequest:
		c.Resolved = new(resolved)
		all := []call.Access{{Action: action, Resource: "*", Context: &conditions{call: c}}}
		if len(in.Filters) > 0 {
			all = append(all, call.Access{Action: actionPrefix + "ListSecrets", Resource: "*", Context: &conditions{call: c}})
		}
		return all, nil
	}
	id := secretID(c.Input)
	if id == "" {
		c.Resolved = new(resolved)
		return []call.Access{{Action: action, Resource: "*", Context: &conditions{call: c}}}, nil
	}
	r, a, err := s.locate(ctx, c, id)
	if err != nil {
		return nil, err
	}
	c.Resolved = r
	a.Action = action
	a.Extra = rotationAllow(ctx, c, a.Resource)
	switch in := c.Input.(type) {
	case *secretsmanagerapi.RotateSecretRequest:
		return append([]call.Access{a}, rotateAccess(c, in, r.secret)...), nil
	case *secretsmanagerapi.TagResourceRequest:
		a.RequestTags = requestTags(in.Tags)
	case *secretsmanagerapi.UntagResourceRequest:
		a.TagKeys = in.TagKeys
	}
	return r.only(a), nil
}

// locate finds the secret that id names: its ARN, its name, or its ARN without the last
// seven characters. A secret that does not exist is no error here: whoever may not use it
// learns nothing else than that.
func (s *Service) locate(ctx context.Context, c *call.Call, id string) (*resolved, call.Access, error) {
	r := &resolved{conditions: conditions{call: c}}
	a := call.Access{ResourceType: typeSecret, Account: c.Account, Context: &r.conditions}
	var memory [2]candidate
	names, err := candidates(memory[:0], c, id, &a)
	if err != nil {
		return nil, a, err
	}
	for _, n := range names {
		found, err := s.directory.secret(ctx, n.secretName)
		if err != nil {
			return nil, a, err
		}
		if found != nil && (n.suffix == "" || n.suffix == found.record.Suffix) {
			r.secret = found
			break
		}
	}
	if r.secret != nil {
		a.Resource, a.Policy, a.ResourceTags = r.secret.arn, r.secret.policy, r.secret.tags
		r.conditions.secret = r.secret
	}
	if a.Resource == "" { // no secret of the name
		a.Resource = secretARN(c.Account, c.Region, id+"-??????")
	}
	return r, a, nil
}

// candidate is one reading of an identifier; with a suffix the secret must have it.
type candidate struct {
	secretName
	suffix string
}

// candidates are the readings of an identifier in the order in which they count. A name
// may itself end like an ARN, in a hyphen and six characters: the whole ARN comes first,
// then the name. They are appended to list. For an ARN it also fills in what the call
// touches if nothing is found.
func candidates(list []candidate, c *call.Call, id string, a *call.Access) ([]candidate, error) {
	at := secretName{account: c.Account, region: c.Region}
	if !strings.HasPrefix(id, "arn:") {
		if err := checkName(id); err != nil {
			return nil, err
		}
		// A refusal repeats the name ("on resource: prod/db"), as users quote it of AWS.
		at.name, a.Named = id, id
		return append(list, candidate{secretName: at}), nil
	}
	parsed, err := arn.Parse(id)
	if err != nil || parsed.Service != "secretsmanager" || !arn.IsAccountID(parsed.Account) {
		return nil, validation("Invalid ARN: " + id)
	}
	rest, ok := strings.CutPrefix(parsed.Resource, "secret:")
	if !ok || rest == "" {
		return nil, validation("Invalid ARN: " + id)
	}
	a.Resource, a.Account = id, parsed.Account
	at.account = parsed.Account
	if parsed.Region != c.Region {
		return nil, nil // of another Region: not here
	}
	if name, suffix, ok := splitID(rest); ok {
		at.name = name
		list = append(list, candidate{at, suffix})
	}
	at.name = rest
	return append(list, candidate{secretName: at}), nil
}

// secretID is the member SecretId of an input, or "".
func secretID(in any) string {
	switch in := in.(type) {
	case *secretsmanagerapi.CancelRotateSecretRequest:
		return wire.Value(in.SecretId)
	case *secretsmanagerapi.DeleteResourcePolicyRequest:
		return wire.Value(in.SecretId)
	case *secretsmanagerapi.DeleteSecretRequest:
		return wire.Value(in.SecretId)
	case *secretsmanagerapi.DescribeSecretRequest:
		return wire.Value(in.SecretId)
	case *secretsmanagerapi.GetResourcePolicyRequest:
		return wire.Value(in.SecretId)
	case *secretsmanagerapi.GetSecretValueRequest:
		return wire.Value(in.SecretId)
	case *secretsmanagerapi.ListSecretVersionIdsRequest:
		return wire.Value(in.SecretId)
	case *secretsmanagerapi.PutResourcePolicyRequest:
		return wire.Value(in.SecretId)
	case *secretsmanagerapi.PutSecretValueRequest:
		return wire.Value(in.SecretId)
	case *secretsmanagerapi.RemoveRegionsFromReplicationRequest:
		return wire.Value(in.SecretId)
	case *secretsmanagerapi.ReplicateSecretToRegionsRequest:
		return wire.Value(in.SecretId)
	case *secretsmanagerapi.RestoreSecretRequest:
		return wire.Value(in.SecretId)
	case *secretsmanagerapi.RotateSecretRequest:
		return wire.Value(in.SecretId)
	case *secretsmanagerapi.StopReplicationToReplicaRequest:
		return wire.Value(in.SecretId)
	case *secretsmanagerapi.TagResourceRequest:
		return wire.Value(in.SecretId)
	case *secretsmanagerapi.UntagResourceRequest:
		return wire.Value(in.SecretId)
	case *secretsmanagerapi.UpdateSecretRequest:
		return wire.Value(in.SecretId)
	case *secretsmanagerapi.UpdateSecretVersionStageRequest:
		return wire.Value(in.SecretId)
	case *secretsmanagerapi.ValidateResourcePolicyRequest:
		return wire.Value(in.SecretId)
	}
	return ""
}

// resolveCreate: creating a secret with tags tags it, and with Regions replicates it.
func (s *Service) resolveCreate(c *call.Call, in *secretsmanagerapi.CreateSecretRequest) ([]call.Access, error) {
	name := wire.Value(in.Name)
	if err := checkName(name); err != nil {
		return nil, err
	}
	r := &resolved{name: secretName{c.Account, c.Region, name}, suffix: newSuffix()}
	c.Resolved = r
	a := call.Access{
		Action: actionPrefix + "CreateSecret", Resource: secretARN(c.Account, c.Region, name+"-"+r.suffix), ResourceType: typeSecret,
		Account: c.Account, RequestTags: requestTags(in.Tags), Context: &conditions{call: c}, Named: name,
	}
	all := []call.Access{a}
	if len(in.Tags) > 0 {
		a.Action, a.Unlogged = actionPrefix+"TagResource", true
		all = append(all, a)
	}
	if len(in.AddReplicaRegions) > 0 {
		a.Action, a.Unlogged = actionPrefix+"ReplicateSecretToRegions", true
		all = append(all, a)
	}
	return all, nil
}

func requestTags(tags []secretsmanagerapi.Tag) map[string]string {
	if len(tags) == 0 {
		return nil
	}
	m := make(map[string]string, len(tags))
	for _, t := range tags {
		m[wire.Value(t.Key)] = wire.Value(t.Value)
	}
	return m
}

// maxNameBytes is AWS's bound of names; their characters have one byte each.
const maxNameBytes = 512

// checkName applies the rules for names: of new secrets, and of those looked for
// (https://github.com/aws/aws-cli/issues/6053).
func checkName(name string) error {
	for i := range len(name) {
		b := name[i]
		if 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || strings.IndexByte("-/_+=.@!", b) >= 0 {
			continue
		}
		return validation("Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!")
	}
	if name == "" || len(name) > maxNameBytes {
		return validation("Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!")
	}
	return nil
}

const suffixLength = 6

// newSuffix is what follows the name in a new ARN: six random letters and digits.
func newSuffix() string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	suffix := make([]byte, 0, suffixLength)
	var b [16]byte
	for {
		_, _ = rand.Read(b[:]) // never fails
		for _, x := range b {
			if x &= 63; int(x) < len(alphabet) {
				if suffix = append(suffix, alphabet[x]); len(suffix) == suffixLength {
					return string(suffix)
				}
			}
		}
	}
}

// target is the secret of the call in ctx, found and authorized before the operation ran.
func target(ctx context.Context) (*call.Call, *secret, error) {
	c := call.From(ctx)
	r, ok := c.Resolved.(*resolved)
	if !ok {
		return nil, nil, errors.New("secretsmanager: the call was not resolved")
	}
	if r.secret == nil {
		return c, nil, noSecret()
	}
	return c, r.secret, nil
}

// allowance says on which secrets an operation works beside ordinary ones.
type allowance uint8

const (
	onDoomed   allowance = 1 << iota // marked for deletion
	onReplicas                       // replicas of a secret in another Region
)

// begin reads the secret of a mutating call in its transaction, as it is now: the
// snapshot that was authorized may be older.
func (s *Service) begin(ctx context.Context, allow allowance) (*call.Call, *secretRecord, error) {
	c, snapshot, err := target(ctx)
	if err != nil {
		return c, nil, err
	}
	rec, err := s.tables.secret(c.Txn(), snapshot.record.name())
	if isNotFound(err) || err == nil && rec.Suffix != snapshot.record.Suffix {
		return c, nil, noSecret()
	}
	if err != nil {
		return c, nil, err
	}
	switch {
	case rec.doomed() && allow&onDoomed == 0:
		return c, nil, markedForDeletion()
	case rec.isReplica() && allow&onReplicas == 0:
		return c, nil, onReplica()
	}
	if rec.Stages == nil {
		rec.Stages = make(map[string]string)
	}
	return c, rec, nil
}

// save writes the record of a secret in a transaction and lets calls see it after the
// commit.
func (s *Service) save(tx store.Txn, rec *secretRecord) error {
	s.changedIn(tx, rec.name())
	return s.tables.secrets.Put(tx, rec)
}

// changedIn lets calls see a secret anew once the transaction has committed.
func (s *Service) changedIn(tx store.Txn, name secretName) {
	s.memory.OnCommit(tx, func(store.Revision) { s.directory.changed(name) })
}

// note makes a secret a resource of the audit record, in place of the name that was asked
// for.
func note(c *call.Call, rec *secretRecord) {
	c.Accesses = slices.DeleteFunc(slices.Clone(c.Accesses), func(a call.Access) bool { return a.ResourceType == typeSecret })
	c.Accesses = append(c.Accesses, call.Access{
		Action: actionPrefix + c.Operation.Name, Resource: rec.arn(), ResourceType: typeSecret, Account: rec.Account,
	})
}
