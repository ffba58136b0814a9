package kms

import (
	"context"
	"strings"

	"fastness/internal/api/kmsapi"
	"fastness/internal/arn"
	"fastness/internal/call"
	"fastness/internal/engine/attestation"
)

// reference is a key as a caller may name it, taken apart: exactly one of id and
// alias is set.
type reference struct {
	account, region string
	id              string
	alias           string // with the prefix "alias/"
}

const aliasPrefix = "alias/"

// parseReference reads a key id, key ARN, alias name or alias ARN. Names without an
// account mean the caller's.
func parseReference(c *call.Call, s string) (reference, error) {
	ref := reference{account: c.Account, region: c.Region}
	name := s
	if strings.HasPrefix(s, "arn:") {
		a, err := arn.Parse(s)
		if err != nil || a.Service != "kms" || !arn.IsAccountID(a.Account) {
			return ref, &kmsapi.InvalidArnException{Message: new("Invalid arn " + s)}
		}
		if a.Region != c.Region {
			return ref, notFound("Invalid arn " + a.Region)
		}
		ref.account = a.Account
		if id, ok := strings.CutPrefix(a.Resource, "key/"); ok {
			name = id
			if strings.HasPrefix(name, aliasPrefix) {
				return ref, notFound("Invalid keyId '" + s + "'")
			}
		} else {
			name = a.Resource
			if !strings.HasPrefix(name, aliasPrefix) {
				return ref, &kmsapi.InvalidArnException{Message: new("Invalid arn " + s)}
			}
		}
	}
	if strings.HasPrefix(name, aliasPrefix) {
		ref.alias = name
		return ref, nil
	}
	if !isKeyID(name) {
		return ref, notFound("Invalid keyId '" + name + "'")
	}
	ref.id = name
	return ref, nil
}

const (
	multiRegionPrefix = "mrk-"
	uuidLength        = 36
	mrkLength         = len(multiRegionPrefix) + 32
)

// isKeyID tells whether s has the form of a key id: a lower-case UUID, or mrk- and 32
// hexadecimal digits.
func isKeyID(s string) bool {
	if len(s) == mrkLength && strings.HasPrefix(s, multiRegionPrefix) {
		return isHex(s[len(multiRegionPrefix):])
	}
	if len(s) != uuidLength || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return false
	}
	return isHex(s[0:8]) && isHex(s[9:13]) && isHex(s[14:18]) && isHex(s[19:23]) && isHex(s[24:])
}

func isHex(s string) bool {
	for i := 0; i < len(s); i++ {
		if !('0' <= s[i] && s[i] <= '9' || 'a' <= s[i] && s[i] <= 'f') {
			return false
		}
	}
	return true
}

func notFound(message string) error {
	return &kmsapi.NotFoundException{Message: &message}
}

// resolved is what Resolve found out, for the operation to use.
type resolved struct {
	req request
	// key is the key the call is about, nil if it does not exist; missing says so in
	// AWS's words.
	key     *key
	missing error
	// account, region and id say which key was asked for, also when there is none.
	account, region, id string
	// away: a ciphertext names the key, which is in another Region.
	away bool
	// alias is the alias name the caller used, "alias/…", or empty.
	alias string
	// other is the second key: the destination of ReEncrypt, the former target of
	// UpdateAlias.
	other *resolved
	// grant is the id of the grant that RetireGrant is about.
	grant string
	// attested is what a verified attestation document says, for a Recipient.
	attested *attestation.Document
	// answers are what a proxy has answered during the call, see askOnce.
	answers map[string]error

	// conditions and access are what authorization asks about the key, in one piece of
	// memory with the rest.
	conditions conditions
	access     [1]call.Access
}

// only is the answer of Resolve for a call that touches one key.
func (r *resolved) only(a call.Access) []call.Access {
	r.access[0] = a
	return r.access[:]
}

// arn is the key's, whether it exists or not.
func (r *resolved) arn() string {
	if r.key != nil {
		return r.key.arn
	}
	return keyARN(r.account, r.region, r.id)
}

// locate finds the key that s names. A key that does not exist is not an error here:
// whoever may not use it learns nothing else than that.
func (s *Service) locate(ctx context.Context, c *call.Call, name string) (*resolved, error) {
	ref, err := parseReference(c, name)
	if err != nil {
		return nil, err
	}
	r := &resolved{account: ref.account, region: ref.region, id: ref.id}
	if ref.alias != "" {
		r.alias = ref.alias
		r.id, err = s.directory.alias(ctx, ref.account, ref.region, ref.alias)
		if err != nil {
			return nil, err
		}
		if r.id == "" {
			if r.key, err = s.managed(ctx, c, ref); err != nil {
				return nil, err
			}
			if r.key != nil {
				r.id = r.key.record.ID
				return r, nil
			}
			r.missing = notFound("Alias " + aliasARN(ref.account, ref.region, ref.alias) + " is not found.")
			return r, nil
		}
	}
	if r.key, err = s.directory.key(ctx, keyName{r.account, r.region, r.id}); err != nil {
		return nil, err
	}
	if r.key == nil {
		if r.key, err = s.justMade(c, keyName{r.account, r.region, r.id}); err != nil {
			return nil, err
		}
	}
	if r.key == nil {
		r.missing = notFound("Key '" + r.arn() + "' does not exist")
	}
	return r, nil
}

// target is the key of the call in ctx, found and authorized before the operation
// ran.
func target(ctx context.Context) (*resolved, *key, error) {
	r, err := resolvedCall(ctx)
	if err != nil {
		return nil, nil, err
	}
	if r.key == nil {
		return r, nil, r.missing
	}
	return r, r.key, nil
}
