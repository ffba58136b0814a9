package wafv2

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"fastness/internal/api/wafv2api"
	"fastness/internal/call"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

// maxKeyDomains is how many domains an API key is for.
const maxKeyDomains = 5

// apiKeyVersion is the form of API keys.
const apiKeyVersion = 1

// apiKey is what an API key holds, sealed. Clients send it back and we read it without a look-up.
type apiKey struct {
	Version int32          `json:"v"`
	Account string         `json:"a"`
	Region  string         `json:"r"`
	Scope   wafv2api.Scope `json:"s"`
	Domains []string       `json:"d"`
	Created time.Time      `json:"t"`
	Nonce   string         `json:"n"`
}

// apiKeyBinding is what sealed API keys are bound to.
var apiKeyBinding = []byte("wafv2/api-key/1")

// CreateAPIKey implements the operation of that name.
func (s *Service) CreateAPIKey(ctx context.Context, in *wafv2api.CreateAPIKeyRequest) (*wafv2api.CreateAPIKeyResponse, error) {
	c := call.From(ctx)
	if len(in.TokenDomains) > maxKeyDomains {
		return nil, limitExceeded("TOKEN_DOMAIN")
	}
	if err := s.checkTokenDomains(in.TokenDomains); err != nil {
		return nil, err
	}
	tx := c.Txn()
	n := 0
	for _, err := range s.tables.apiKeys.Scan(tx, scope(c.Account, c.Region), table.Page{Prefix: parts(string(value(in.Scope)))}) {
		if err != nil {
			return nil, err
		}
		n++
	}
	if n >= s.quotas.APIKeys {
		return nil, limitExceeded("API_KEY")
	}
	now := s.clock.Now().UTC().Truncate(time.Millisecond)
	plain, err := json.Marshal(apiKey{apiKeyVersion, c.Account, c.Region, value(in.Scope), in.TokenDomains, now, newUUID()})
	if err != nil {
		return nil, fmt.Errorf("wafv2: API key: %w", err)
	}
	sealed, err := s.keys.Seal(nil, plain, apiKeyBinding)
	if err != nil {
		return nil, fmt.Errorf("wafv2: API key: %w", err)
	}
	key := base64.RawURLEncoding.EncodeToString(sealed)
	err = s.tables.apiKeys.Insert(tx, &apiKeyRecord{
		Account: c.Account, Region: c.Region, Scope: value(in.Scope), ID: apiKeyID(key), Key: key, Domains: in.TokenDomains, Created: now, Version: apiKeyVersion,
	})
	if err != nil {
		return nil, err
	}
	c.Notes.Response = map[string]any{} // the key is the client's
	return &wafv2api.CreateAPIKeyResponse{APIKey: &key}, nil
}

// apiKeyID is under what a key is kept.
func apiKeyID(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:16])
}

// openAPIKey reads a key of the caller's account, Region and scope.
func (s *Service) openAPIKey(c *call.Call, sc wafv2api.Scope, text string) (*apiKey, error) {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, invalidResource()
	}
	plain, err := s.keys.Open(nil, sealed, apiKeyBinding)
	if err != nil {
		return nil, invalidResource()
	}
	var k apiKey
	if err := json.Unmarshal(plain, &k); err != nil || k.Account != c.Account || k.Region != c.Region || k.Scope != sc {
		return nil, invalidResource()
	}
	return &k, nil
}

// APIKeyDomains are the domains that an API key is for, and whether it is a key of the account that
// is still valid: what proxies ask about the keys that browsers send.
func (s *Service) APIKeyDomains(r store.Reader, account, region string, sc wafv2api.Scope, key string) ([]string, bool, error) {
	row, err := s.tables.apiKeys.Get(r, scope(account, region), parts(string(sc), apiKeyID(key))...)
	if isNotFound(err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	return row.Domains, true, nil
}

// GetDecryptedAPIKey implements the operation of that name.
func (s *Service) GetDecryptedAPIKey(ctx context.Context, in *wafv2api.GetDecryptedAPIKeyRequest) (*wafv2api.GetDecryptedAPIKeyResponse, error) {
	c := call.From(ctx)
	k, err := s.openAPIKey(c, value(in.Scope), value(in.APIKey))
	if err != nil {
		return nil, err
	}
	known := false
	err = s.store.View(ctx, func(r store.Reader) (err error) {
		_, known, err = s.APIKeyDomains(r, c.Account, c.Region, k.Scope, value(in.APIKey))
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case !known:
		return nil, nonexistent()
	}
	return &wafv2api.GetDecryptedAPIKeyResponse{TokenDomains: k.Domains, CreationTimestamp: &k.Created}, nil
}

// DeleteAPIKey implements the operation of that name.
func (s *Service) DeleteAPIKey(ctx context.Context, in *wafv2api.DeleteAPIKeyRequest) (*wafv2api.DeleteAPIKeyResponse, error) {
	c := call.From(ctx)
	if _, err := s.openAPIKey(c, value(in.Scope), value(in.APIKey)); err != nil {
		return nil, err
	}
	err := s.tables.apiKeys.Delete(c.Txn(), scope(c.Account, c.Region), parts(string(value(in.Scope)), apiKeyID(value(in.APIKey)))...)
	if isNotFound(err) {
		return nil, nonexistent()
	}
	if err != nil {
		return nil, err
	}
	s.publish(c.Txn())
	return &wafv2api.DeleteAPIKeyResponse{}, nil
}

// ListAPIKeys implements the operation of that name.
func (s *Service) ListAPIKeys(ctx context.Context, in *wafv2api.ListAPIKeysRequest) (*wafv2api.ListAPIKeysResponse, error) {
	c := call.From(ctx)
	after, err := s.position(c, string(value(in.Scope)), in.NextMarker)
	if err != nil {
		return nil, err
	}
	at := table.Page{Prefix: parts(string(value(in.Scope)))}
	if after != "" {
		at.After = table.AppendKey(nil, parts(string(value(in.Scope)), after)...)
	}
	out := &wafv2api.ListAPIKeysResponse{APIKeySummaries: []wafv2api.APIKeySummary{}, ApplicationIntegrationURL: s.integrationURL(c.Account, c.Region)}
	last, next := "", ""
	err = s.store.View(ctx, func(r store.Reader) error {
		for row, err := range s.tables.apiKeys.Scan(r, scope(c.Account, c.Region), at) {
			if err != nil {
				return err
			}
			if len(out.APIKeySummaries) == limitOf(in.Limit) {
				next = last
				return nil
			}
			k := row.Record
			out.APIKeySummaries = append(out.APIKeySummaries, wafv2api.APIKeySummary{
				TokenDomains: k.Domains, APIKey: &k.Key, CreationTimestamp: &k.Created, Version: &k.Version,
			})
			last = k.ID
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out.NextMarker, err = s.nextMarker(c, string(value(in.Scope)), next)
	return out, err
}
