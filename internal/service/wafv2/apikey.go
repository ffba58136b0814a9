package wafv2

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"fastness/internal/api/wafv2api"
	"fastness/internal/call"
	"fastness/internal/engine/waf/challenge"
	"fastness/internal/proxy"
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
		Account: c.Account, Region: c.Region, Scope: value(in.Scope), ID: challenge.APIKeyID(key), Key: key, Domains: in.TokenDomains, Created: now, Version: apiKeyVersion,
	})
	if err != nil {
		return nil, err
	}
	s.publish(tx)
	c.Notes.Response = map[string]any{} // the key is the client's
	return &wafv2api.CreateAPIKeyResponse{APIKey: &key}, nil
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

// APIKeys are the valid keys for pages behind a web ACL, those of its account, Region and scope, for proxies;
// and their owner.
func (s *Service) APIKeys(r store.Reader, webACL string) (keys []proxy.APIKey, owner string, err error) {
	n, ok := parseARN(webACL)
	if !ok || n.kind != kindWebACL {
		return nil, "", nonexistent()
	}
	owner = n.account + "/" + n.region + "/" + scopeWord(n.scope)
	for row, err := range s.tables.apiKeys.Scan(r, scope(n.account, n.region), table.Page{Prefix: parts(string(n.scope))}) {
		if err != nil {
			return nil, "", err
		}
		keys = append(keys, proxy.APIKey{Owner: owner, ID: row.Record.ID, Domains: row.Record.Domains})
	}
	return keys, owner, nil
}

// GetDecryptedAPIKey implements the operation of that name.
func (s *Service) GetDecryptedAPIKey(ctx context.Context, in *wafv2api.GetDecryptedAPIKeyRequest) (*wafv2api.GetDecryptedAPIKeyResponse, error) {
	c := call.From(ctx)
	k, err := s.openAPIKey(c, value(in.Scope), value(in.APIKey))
	if err != nil {
		return nil, err
	}
	err = s.store.View(ctx, func(r store.Reader) error {
		_, err := s.tables.apiKeys.Get(r, scope(c.Account, c.Region), parts(string(k.Scope), challenge.APIKeyID(value(in.APIKey)))...)
		return err
	})
	if isNotFound(err) {
		return nil, nonexistent()
	}
	if err != nil {
		return nil, err
	}
	return &wafv2api.GetDecryptedAPIKeyResponse{TokenDomains: k.Domains, CreationTimestamp: &k.Created}, nil
}

// DeleteAPIKey implements the operation of that name.
func (s *Service) DeleteAPIKey(ctx context.Context, in *wafv2api.DeleteAPIKeyRequest) (*wafv2api.DeleteAPIKeyResponse, error) {
	c := call.From(ctx)
	if _, err := s.openAPIKey(c, value(in.Scope), value(in.APIKey)); err != nil {
		return nil, err
	}
	err := s.tables.apiKeys.Delete(c.Txn(), scope(c.Account, c.Region), parts(string(value(in.Scope)), challenge.APIKeyID(value(in.APIKey)))...)
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
