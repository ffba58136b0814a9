package challenge

import (
	"crypto/sha256"
	"encoding/hex"
)

// Site is whose host a request for the gate is for.
type Site struct {
	// TokenDomains are those of the host's web ACL, if there are any.
	TokenDomains []string
	// APIKeys are the keys that the CAPTCHA JavaScript API takes here: by APIKeyID, the domains that each is
	// for, which are taken with all that is below them.
	APIKeys map[string][]string
}

// maxAPIKey is the length of an API key in characters (AWS WAF API Reference, APIKey).
const maxAPIKey = 2048

// APIKeyID is what an API key is known by: 128 bits of its SHA-256 hash, in hexadecimal.
func APIKeyID(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:16])
}

// admits tells whether pages of a host may ask for puzzles with a key.
func (s *Site) admits(key, host string) bool {
	if key == "" || len(key) > maxAPIKey || host == "" {
		return false
	}
	for _, d := range s.APIKeys[APIKeyID(key)] {
		if d = hostOf(d); d != "" && (d == host || within(host, d) && shareable(d)) {
			return true
		}
	}
	return false
}
