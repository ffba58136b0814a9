package crash

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
)

// writers run at the same time.
const writers = 64

// A key may not have more of these.
const (
	maxRotations = 20 // of 25
	maxAliases   = 40 // of 50
	maxCallsKey  = 60 // then another key
)

// written is what a client knows of a key that it made: what was answered, and the one
// call that was not, if the kill came then.
type written struct {
	id, arn   string
	aliases   map[string]presence
	grants    map[string]presence
	rotations int
	policy    int // number of the policy, 0 for the default one
	blobs     []blob

	// maybe is the call without an answer.
	maybe struct {
		rotation, grant bool
		policy          int
	}
	calls int
}

// presence of a thing: there, gone, or either because no answer came.
type presence int

const (
	there presence = iota
	gone
	unknown
)

type blob struct {
	ciphertext string // base64
	plaintext  string
}

// call is an answered call, for the audit.
type call struct{ requestID, operation string }

// writer is one client.
type writer struct {
	n      int
	random *rand.Rand
	keys   []*written
	calls  []call // of this life of the server
	serial int
}

// run writes until the server is gone. A refusal is a bug and is returned.
func (w *writer) run(ctx context.Context, s *server) error {
	for {
		err := w.step(ctx, s)
		var no *refusal
		if errors.As(err, &no) {
			return fmt.Errorf("writer %d: %w", w.n, err)
		}
		if err != nil {
			return nil // killed
		}
	}
}

// step makes one call.
func (w *writer) step(ctx context.Context, s *server) error {
	if len(w.keys) == 0 || w.keys[len(w.keys)-1].calls >= maxCallsKey {
		return w.createKey(ctx, s)
	}
	k := w.keys[len(w.keys)-1]
	k.calls++
	switch w.random.IntN(8) {
	case 0:
		return w.createAlias(ctx, s, k)
	case 1:
		return w.createGrant(ctx, s, k)
	case 2:
		return w.revokeGrant(ctx, s, k)
	case 3:
		return w.rotate(ctx, s, k)
	case 4:
		return w.putPolicy(ctx, s, k)
	case 5:
		return w.deleteAlias(ctx, s, k)
	}
	return w.encrypt(ctx, s, k)
}

// do makes a call and notes its answer.
func (w *writer) do(ctx context.Context, s *server, operation string, in map[string]any, out any) error {
	id, err := s.kms(ctx, operation, in, out)
	if err == nil {
		w.calls = append(w.calls, call{id, operation})
	}
	return err
}

func (w *writer) createKey(ctx context.Context, s *server) error {
	var out struct{ KeyMetadata struct{ KeyId, Arn string } }
	if err := w.do(ctx, s, "CreateKey", map[string]any{}, &out); err != nil {
		return err
	}
	w.keys = append(w.keys, &written{
		id: out.KeyMetadata.KeyId, arn: out.KeyMetadata.Arn, aliases: make(map[string]presence), grants: make(map[string]presence),
	})
	return nil
}

func (w *writer) createAlias(ctx context.Context, s *server, k *written) error {
	if len(k.aliases) >= maxAliases {
		return nil
	}
	w.serial++
	name := fmt.Sprintf("alias/writer-%d-%d", w.n, w.serial)
	k.aliases[name] = unknown
	err := w.do(ctx, s, "CreateAlias", map[string]any{"AliasName": name, "TargetKeyId": k.id}, nil)
	if err == nil {
		k.aliases[name] = there
	}
	return err
}

func (w *writer) deleteAlias(ctx context.Context, s *server, k *written) error {
	name, ok := anyPresent(k.aliases)
	if !ok {
		return nil
	}
	k.aliases[name] = unknown
	err := w.do(ctx, s, "DeleteAlias", map[string]any{"AliasName": name}, nil)
	if err == nil {
		k.aliases[name] = gone
	}
	return err
}

func (w *writer) createGrant(ctx context.Context, s *server, k *written) error {
	k.maybe.grant = true
	var out struct{ GrantId string }
	err := w.do(ctx, s, "CreateGrant", map[string]any{
		"KeyId": k.id, "GranteePrincipal": "arn:aws:iam::" + account + ":root", "Operations": []string{"Decrypt"},
	}, &out)
	if err == nil {
		k.maybe.grant = false
		k.grants[out.GrantId] = there
	}
	return err
}

func (w *writer) revokeGrant(ctx context.Context, s *server, k *written) error {
	id, ok := anyPresent(k.grants)
	if !ok {
		return nil
	}
	k.grants[id] = unknown
	err := w.do(ctx, s, "RevokeGrant", map[string]any{"KeyId": k.id, "GrantId": id}, nil)
	if err == nil {
		k.grants[id] = gone
	}
	return err
}

func (w *writer) rotate(ctx context.Context, s *server, k *written) error {
	if k.rotations >= maxRotations {
		return nil
	}
	k.maybe.rotation = true
	err := w.do(ctx, s, "RotateKeyOnDemand", map[string]any{"KeyId": k.id}, nil)
	if err == nil {
		k.maybe.rotation = false
		k.rotations++
	}
	return err
}

// policyDocument differs in its Id only.
func policyDocument(n int) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Id":"policy-%d","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::%s:root"},"Action":"kms:*","Resource":"*"}]}`, n, account)
}

func (w *writer) putPolicy(ctx context.Context, s *server, k *written) error {
	w.serial++
	k.maybe.policy = w.serial
	err := w.do(ctx, s, "PutKeyPolicy", map[string]any{"KeyId": k.id, "Policy": policyDocument(w.serial)}, nil)
	if err == nil {
		k.policy, k.maybe.policy = w.serial, 0
	}
	return err
}

func (w *writer) encrypt(ctx context.Context, s *server, k *written) error {
	w.serial++
	plaintext := fmt.Sprintf("writer %d message %d", w.n, w.serial)
	var out struct{ CiphertextBlob string }
	err := w.do(ctx, s, "Encrypt", map[string]any{
		"KeyId": k.id, "Plaintext": base64.StdEncoding.EncodeToString([]byte(plaintext)), "EncryptionContext": map[string]string{"key": k.id},
	}, &out)
	if err == nil {
		k.blobs = append(k.blobs, blob{out.CiphertextBlob, plaintext})
	}
	return err
}

// anyPresent picks something that is there.
func anyPresent(m map[string]presence) (string, bool) {
	for name, p := range m {
		if p == there {
			return name, true
		}
	}
	return "", false
}
