package kms

import (
	"encoding/base64"
	"strings"

	"fastness/internal/api/kmsapi"
)

// A grant token names a grant to those who were given it: "account\0Region\0key\0grant",
// sealed, in URL-safe base64. Grants are effective at once, so a token is never needed
// to use one; it is checked all the same, and RetireGrant takes it in place of the ids.
const grantTokenPurpose = "kms/grant-token/1"

// grantToken makes a token; each one is different.
func (s *Service) grantToken(g *grantRecord) (string, error) {
	sealed, err := s.tokens.Seal(nil, []byte(strings.Join([]string{g.Account, g.Region, g.KeyID, g.ID}, "\x00")), []byte(grantTokenPurpose))
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(sealed), nil
}

// openGrantToken returns the account, Region, key id and id of the grant that a token
// was made for. The grant may be gone.
func (s *Service) openGrantToken(token string) (k keyName, grant string, err error) {
	sealed, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return keyName{}, "", invalidGrantToken()
	}
	plain, err := s.tokens.Open(nil, sealed, []byte(grantTokenPurpose))
	if err != nil {
		return keyName{}, "", invalidGrantToken()
	}
	part := strings.Split(string(plain), "\x00")
	if len(part) != 4 {
		return keyName{}, "", invalidGrantToken()
	}
	return keyName{part[0], part[1], part[2]}, part[3], nil
}

// checkGrantTokens refuses tokens that were never made here. Tokens of other grants, or
// of grants that are gone, change nothing.
func (s *Service) checkGrantTokens(tokens []string) error {
	for _, t := range tokens {
		if _, _, err := s.openGrantToken(t); err != nil {
			return err
		}
	}
	return nil
}

func invalidGrantToken() error {
	return &kmsapi.InvalidGrantTokenException{Message: new("Grant token is not valid.")}
}
