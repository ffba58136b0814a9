package secretsmanager

import (
	"bytes"
	"context"
	"crypto/rand"
	"strings"

	"fastness/internal/api/secretsmanagerapi"
	"fastness/internal/wire"
)

// The characters of passwords (AWS Secrets Manager API reference, GetRandomPassword).
const (
	lowercase   = "abcdefghijklmnopqrstuvwxyz"
	uppercase   = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits      = "0123456789"
	punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
)

const (
	defaultPasswordLength = 32
	maxPasswordLength     = 4096
)

// GetRandomPassword implements the operation of that name.
func (s *Service) GetRandomPassword(_ context.Context, in *secretsmanagerapi.GetRandomPasswordRequest) (*secretsmanagerapi.GetRandomPasswordResponse, error) {
	length := int64(defaultPasswordLength)
	if in.PasswordLength != nil {
		length = *in.PasswordLength
	}
	if length < 1 || length > maxPasswordLength {
		return nil, invalidParameter("PasswordLength must be between 1 and 4096.")
	}
	excluded := wire.Value(in.ExcludeCharacters)
	var groups []string // of which each is required, if any is
	for _, g := range []struct {
		characters string
		exclude    *bool
	}{{lowercase, in.ExcludeLowercase}, {uppercase, in.ExcludeUppercase}, {digits, in.ExcludeNumbers}, {punctuation, in.ExcludePunctuation}} {
		if left := without(g.characters, excluded); !wire.Value(g.exclude) && left != "" {
			groups = append(groups, left)
		}
	}
	alphabet := strings.Join(groups, "")
	if wire.Value(in.IncludeSpace) {
		alphabet += without(" ", excluded)
	}
	if alphabet == "" {
		return nil, invalidParameter("The parameters exclude every character: there is none left for a password.")
	}
	if in.RequireEachIncludedType != nil && !*in.RequireEachIncludedType {
		groups = nil
	}
	if int(length) < len(groups) {
		return nil, invalidParameter("Password length is too short based on the required types.")
	}
	password := randomPassword(int(length), alphabet, groups)
	defer clear(password)
	return &secretsmanagerapi.GetRandomPasswordResponse{RandomPassword: new(string(password))}, nil
}

// without is the characters of set that are not excluded.
func without(set, excluded string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(excluded, r) {
			return -1
		}
		return r
	}, set)
}

// randomPassword draws a password of characters of alphabet, all ASCII and different, that
// has at least one of each group. Every such password is equally likely: those that lack a
// group are drawn anew as a whole, which even for the shortest happens some thousand times
// at most.
func randomPassword(length int, alphabet string, groups []string) []byte {
	password := make([]byte, length)
	for {
		draw(password, alphabet)
		complete := true
		for _, g := range groups {
			complete = complete && bytes.ContainsAny(password, g)
		}
		if complete {
			return password
		}
	}
}

// draw fills dst with characters of alphabet, each equally likely: bytes from the last,
// incomplete multiple of its length on are thrown away.
func draw(dst []byte, alphabet string) {
	limit := 256 - 256%len(alphabet)
	var pool [256]byte
	defer clear(pool[:])
	left := pool[:0]
	for i := range dst {
		for {
			if len(left) == 0 {
				left = pool[:min(len(pool), 2*(len(dst)-i)+8)]
				_, _ = rand.Read(left) // never fails
			}
			b := int(left[0])
			left = left[1:]
			if b < limit {
				dst[i] = alphabet[b%len(alphabet)]
				break
			}
		}
	}
}
