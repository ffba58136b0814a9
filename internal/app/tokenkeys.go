package app

import (
	"slices"

	"fastness/internal/seal"
)

// maxTokenKeys is how many keys a proxy takes for tokens.
const maxTokenKeys = 16

// tokenKeys are the keys under which proxies seal the tokens of challenges and CAPTCHAs: derived from the keys of
// the purpose of tokens, the active one first, then the newest. All proxies of an installation have the
// same, and they rotate with the keyring.
func tokenKeys(ring *seal.Keyring) ([][]byte, error) {
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
	for _, v := range versions[:min(len(versions), maxTokenKeys)] {
		s, err := ring.DeriveVersion(seal.PurposeToken, v.Version, "web ACL tokens", 32)
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
