package sts

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"slices"
	"strings"
)

// identityToken holds the claims of an OpenID Connect ID token (OpenID Connect Core
// 1.0, section 2) that matter here.
type identityToken struct {
	Issuer    string   `json:"iss"`
	Subject   string   `json:"sub"`
	Audience  audience `json:"aud"`
	Party     string   `json:"azp"`
	Methods   []string `json:"amr"`
	Expires   *float64 `json:"exp"`
	NotBefore *float64 `json:"nbf"`

	algorithm, keyID string
	signed           string
	signature        []byte
}

// audience is one string or a list of them (RFC 7519, section 4.1.3).
type audience []string

// UnmarshalJSON reads either form.
func (a *audience) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(a))
}

var errNotJWT = errors.New("sts: not a JSON Web Token")

// parseJWT takes a token in compact form apart (RFC 7515, section 7.1). Nothing in it
// is to be believed before verify.
func parseJWT(token string) (*identityToken, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, errNotJWT
	}
	var raw [3][]byte
	for i, p := range parts {
		var err error
		if raw[i], err = base64.RawURLEncoding.Strict().DecodeString(p); err != nil {
			return nil, errNotJWT
		}
	}
	var header struct {
		Algorithm string   `json:"alg"`
		KeyID     string   `json:"kid"`
		Critical  []string `json:"crit"`
	}
	if json.Unmarshal(raw[0], &header) != nil || len(header.Critical) > 0 {
		return nil, errNotJWT
	}
	t := new(identityToken)
	if json.Unmarshal(raw[1], t) != nil {
		return nil, errNotJWT
	}
	t.algorithm, t.keyID = header.Algorithm, header.KeyID
	t.signed, t.signature = parts[0]+"."+parts[1], raw[2]
	return t, nil
}

// verify checks the signature with the provider's keys. The algorithm must be the
// key's own: a token cannot choose.
func (t *identityToken) verify(keys []ProviderKey) bool {
	return slices.ContainsFunc(keys, func(k ProviderKey) bool {
		return (t.keyID == "" || k.ID == t.keyID) && t.verifyKey(k.Key)
	})
}

func (t *identityToken) verifyKey(key crypto.PublicKey) bool {
	digest := sha256.Sum256([]byte(t.signed))
	switch k := key.(type) {
	case *rsa.PublicKey:
		return t.algorithm == "RS256" && rsa.VerifyPKCS1v15(k, crypto.SHA256, digest[:], t.signature) == nil
	case *ecdsa.PublicKey:
		if t.algorithm != "ES256" || k.Curve != elliptic.P256() || len(t.signature) != 64 {
			return false
		}
		r, s := new(big.Int).SetBytes(t.signature[:32]), new(big.Int).SetBytes(t.signature[32:])
		return ecdsa.Verify(k, digest[:], r, s)
	}
	return false
}
