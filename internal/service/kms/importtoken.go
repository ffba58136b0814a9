package kms

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"fastness/internal/engine/keyalg"
	"fastness/internal/engine/keywrap"
)

// importTokenLife is how long an import token and its wrapping key are good (AWS KMS
// API reference, GetParametersForImport).
const importTokenLife = 24 * time.Hour

// importToken is what GetParametersForImport remembers for ImportKeyMaterial. It
// travels through the caller, sealed, and nothing of it is stored: the private
// wrapping key exists only in the token. The seal binds it to one key in one Region
// and account.
//
//	offset  bytes  field
//	0       1      version, 0x01
//	1       8      expiry, seconds since 1970, big-endian
//	9       1+n    wrapping algorithm
//	        1+n    wrapping key spec
//	        rest   private wrapping key, PKCS #8
type importToken struct {
	Expiry    time.Time
	Algorithm keywrap.Algorithm
	Spec      keyalg.Spec
	Private   []byte
}

const (
	importTokenVersion = 1
	// maxImportToken bounds a token, in bytes: the limit of ImportToken in the API.
	maxImportToken = 6144
)

var errImportToken = errors.New("kms: malformed import token")

// importTokenBinding is the associated data of a token for a key.
func importTokenBinding(k keyName) []byte { return []byte("kms/import/" + k.jobID()) }

func (s *Service) sealImportToken(t *importToken, k keyName) ([]byte, error) {
	plain := t.append(make([]byte, 0, 64+len(t.Private)))
	defer clear(plain)
	sealed, err := s.tokens.Seal(nil, plain, importTokenBinding(k))
	if err != nil {
		return nil, fmt.Errorf("kms: seal an import token: %w", err)
	}
	return sealed, nil
}

// openImportToken opens a token that was made for the key. The caller clears Private.
func (s *Service) openImportToken(sealed []byte, k keyName) (*importToken, error) {
	if len(sealed) > maxImportToken {
		return nil, errImportToken
	}
	plain, err := s.tokens.Open(nil, sealed, importTokenBinding(k))
	if err != nil {
		return nil, fmt.Errorf("kms: open an import token: %w", err)
	}
	t, err := parseImportToken(plain)
	if err != nil {
		clear(plain)
	}
	return t, err
}

func (t *importToken) append(dst []byte) []byte {
	dst = append(dst, importTokenVersion)
	dst = binary.BigEndian.AppendUint64(dst, uint64(t.Expiry.Unix()))
	for _, name := range []string{string(t.Algorithm), string(t.Spec)} {
		dst = append(append(dst, byte(len(name))), name...)
	}
	return append(dst, t.Private...)
}

// parseImportToken reads a token. Private is a part of plain.
func parseImportToken(plain []byte) (*importToken, error) {
	if len(plain) < 9 || plain[0] != importTokenVersion {
		return nil, errImportToken
	}
	t := &importToken{Expiry: time.Unix(int64(binary.BigEndian.Uint64(plain[1:])), 0).UTC()}
	rest := plain[9:]
	names := [2]string{}
	for i := range names {
		if len(rest) == 0 || len(rest) <= int(rest[0]) {
			return nil, errImportToken
		}
		n := 1 + int(rest[0])
		names[i], rest = string(rest[1:n]), rest[n:]
	}
	if len(rest) == 0 {
		return nil, errImportToken
	}
	t.Algorithm, t.Spec, t.Private = keywrap.Algorithm(names[0]), keyalg.Spec(names[1]), rest
	return t, nil
}
