package app

import (
	"slices"

	"fastness/internal/seal"
)

// maxProxyKeys is how many keys a proxy takes for a purpose.
const maxProxyKeys = 16

// What proxies have keys for.
const (
	tokenKeys  = "web ACL tokens"
	cookieKeys = "load balancer cookies"
	countKeys  = "counts of rate-based rules"
)

// proxyKeys are the keys of all proxies of an installation for a purpose: those that seal the tokens of
// challenges and CAPTCHAs, those that seal the cookies of stickiness, and those that make the keys of counts. They are
// derived from the keys of the purpose of tokens, the active one first, then the newest, and rotate with the
// keyring.
func proxyKeys(ring *seal.Keyring, of string) ([][]byte, error) {
	versions, err := ring.Versions(seal.PurposeToken)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(versions, func(a, b seal.KeyVersion) int {
		switch {
		case a.Active != b.Active && a.Active:
			return -1
		case a.Active != b.Active:
			return 1
		}
		return int(int64(b.Version) - int64(a.Version))
	})
	var keys [][]byte
	for _, v := range versions[:min(len(versions), maxProxyKeys)] {
		s, err := ring.DeriveVersion(seal.PurposeToken, v.Version, of, 32)
		if err != nil {
			return nil, err
		}
		key := make([]byte, 32)
		err = s.With(func(b []byte) { copy(key, b) })
		s.Destroy()
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}
