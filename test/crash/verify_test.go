package crash

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// verify asks the server for everything the key should have. Where a call had no
// answer, what is found becomes what is known.
func (k *written) verify(ctx context.Context, s *server) error {
	var described struct{ KeyMetadata struct{ KeyState string } }
	if _, err := s.kms(ctx, "DescribeKey", map[string]any{"KeyId": k.id}, &described); err != nil {
		return fmt.Errorf("key %s: %w", k.id, err)
	}
	if described.KeyMetadata.KeyState != "Enabled" {
		return fmt.Errorf("key %s is %s", k.id, described.KeyMetadata.KeyState)
	}
	var problems []error
	for _, check := range []func(context.Context, *server) error{k.verifyAliases, k.verifyGrants, k.verifyRotations, k.verifyPolicy, k.verifyBlobs} {
		if err := check(ctx, s); err != nil {
			problems = append(problems, fmt.Errorf("key %s: %w", k.id, err))
		}
	}
	return errors.Join(problems...)
}

func (k *written) verifyAliases(ctx context.Context, s *server) error {
	found := make(map[string]bool)
	err := s.pages(ctx, "ListAliases", map[string]any{"KeyId": k.id}, func(page []byte) error {
		var out struct{ Aliases []struct{ AliasName string } }
		err := json.Unmarshal(page, &out)
		for _, a := range out.Aliases {
			found[a.AliasName] = true
		}
		return err
	})
	if err != nil {
		return err
	}
	return reconcile("alias", k.aliases, found, false)
}

func (k *written) verifyGrants(ctx context.Context, s *server) error {
	found := make(map[string]bool)
	err := s.pages(ctx, "ListGrants", map[string]any{"KeyId": k.id}, func(page []byte) error {
		var out struct{ Grants []struct{ GrantId string } }
		err := json.Unmarshal(page, &out)
		for _, g := range out.Grants {
			found[g.GrantId] = true
		}
		return err
	})
	if err != nil {
		return err
	}
	mayHaveOneMore := k.maybe.grant
	k.maybe.grant = false
	return reconcile("grant", k.grants, found, mayHaveOneMore)
}

// reconcile compares what is known with what was found.
func reconcile(what string, known map[string]presence, found map[string]bool, mayHaveOneMore bool) error {
	for name, p := range known {
		switch {
		case p == there && !found[name]:
			return fmt.Errorf("%s %s was acknowledged and is lost", what, name)
		case p == gone && found[name]:
			return fmt.Errorf("%s %s was acknowledged as removed and is back", what, name)
		case found[name]:
			known[name] = there
		default:
			known[name] = gone
		}
	}
	for name := range found {
		if _, ok := known[name]; ok {
			continue
		}
		if !mayHaveOneMore {
			return fmt.Errorf("%s %s was never made", what, name)
		}
		known[name], mayHaveOneMore = there, false
	}
	return nil
}

func (k *written) verifyRotations(ctx context.Context, s *server) error {
	n := 0
	err := s.pages(ctx, "ListKeyRotations", map[string]any{"KeyId": k.id}, func(page []byte) error {
		var out struct{ Rotations []json.RawMessage }
		err := json.Unmarshal(page, &out)
		n += len(out.Rotations)
		return err
	})
	if err != nil {
		return err
	}
	if n != k.rotations && !(k.maybe.rotation && n == k.rotations+1) {
		return fmt.Errorf("%d rotations, %d were acknowledged", n, k.rotations)
	}
	k.rotations, k.maybe.rotation = n, false
	return nil
}

func (k *written) verifyPolicy(ctx context.Context, s *server) error {
	var out struct{ Policy string }
	if _, err := s.kms(ctx, "GetKeyPolicy", map[string]any{"KeyId": k.id}, &out); err != nil {
		return err
	}
	var document struct{ Id string }
	if err := json.Unmarshal([]byte(out.Policy), &document); err != nil {
		return err
	}
	is := func(n int) bool { return document.Id == fmt.Sprintf("policy-%d", n) }
	switch {
	case k.maybe.policy != 0 && is(k.maybe.policy):
		k.policy = k.maybe.policy
	case k.policy != 0 && !is(k.policy):
		return fmt.Errorf("the policy is %q, not the acknowledged policy-%d", document.Id, k.policy)
	}
	k.maybe.policy = 0
	return nil
}

func (k *written) verifyBlobs(ctx context.Context, s *server) error {
	for _, b := range k.blobs {
		var out struct{ Plaintext, KeyId string }
		_, err := s.kms(ctx, "Decrypt", map[string]any{"CiphertextBlob": b.ciphertext, "EncryptionContext": map[string]string{"key": k.id}}, &out)
		if err != nil {
			return fmt.Errorf("blob of %q: %w", b.plaintext, err)
		}
		if got, err := base64.StdEncoding.DecodeString(out.Plaintext); err != nil || string(got) != b.plaintext || out.KeyId != k.arn {
			return fmt.Errorf("blob of %q decrypted to %q by %s", b.plaintext, got, out.KeyId)
		}
	}
	return nil
}

// pages calls a listing operation until it is at its end.
func (s *server) pages(ctx context.Context, operation string, in map[string]any, each func(page []byte) error) error {
	for {
		var page json.RawMessage
		if _, err := s.kms(ctx, operation, in, &page); err != nil {
			return err
		}
		if err := each(page); err != nil {
			return err
		}
		var more struct{ NextMarker string }
		if err := json.Unmarshal(page, &more); err != nil {
			return err
		}
		if more.NextMarker == "" {
			return nil
		}
		in["Marker"] = more.NextMarker
	}
}

// verifyAudit looks for every answered call in the event history since a time.
func verifyAudit(ctx context.Context, s *server, since time.Time, calls []call) error {
	missing := make(map[string]string, len(calls))
	for _, c := range calls {
		missing[c.requestID] = c.operation
	}
	in := map[string]any{"StartTime": since.Add(-time.Second).Unix(), "MaxResults": 50}
	for len(missing) > 0 {
		var page struct {
			Events []struct {
				EventName       string
				CloudTrailEvent string
			}
			NextToken string
		}
		if _, err := s.post(ctx, "cloudtrail", "CloudTrail_20131101.LookupEvents", in, &page); err != nil {
			return fmt.Errorf("event history: %w", err)
		}
		for _, e := range page.Events {
			var record struct {
				RequestID string `json:"requestID"`
			}
			if err := json.Unmarshal([]byte(e.CloudTrailEvent), &record); err != nil {
				return err
			}
			if missing[record.RequestID] == e.EventName {
				delete(missing, record.RequestID)
			}
		}
		if page.NextToken == "" {
			break
		}
		in["NextToken"] = page.NextToken
	}
	for id, operation := range missing {
		return fmt.Errorf("%d of %d answered calls are not in the event history, such as %s %s", len(missing), len(calls), operation, id)
	}
	return nil
}
