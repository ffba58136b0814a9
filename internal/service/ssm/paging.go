package ssm

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"fastness/internal/api/ssmapi"
	"fastness/internal/call"
	"fastness/internal/page"
)

// maxScanned is how many rows a page of a listing reads at most: a page whose filters let
// little through is short, or empty, and has a token.
const maxScanned = 1000

// A position can be longer than a token holds: it is then cut into pieces with a token for
// each, and a piece is bound to the ones before it.

// nextToken is the token for what comes behind a position, nil if that is nil. query is
// whatever else the listing depends on.
func (s *Service) nextToken(c *call.Call, query string, position []byte) (*string, error) {
	if position == nil {
		return nil, nil
	}
	var tokens []string
	bound := query
	for {
		n := min(len(position), page.MaxPosition)
		token, err := s.pages.Seal(c.Operation.Name, c.Account+"/"+c.Region, bound, position[:n])
		if err != nil {
			return nil, fmt.Errorf("ssm: token: %w", err)
		}
		tokens = append(tokens, token)
		if position = position[n:]; len(position) == 0 {
			return new(strings.Join(tokens, ".")), nil
		}
		bound = query + "\x00" + token
	}
}

// maxPieces is how many pieces the longest position has.
const maxPieces = 4

// position reads a token; nil is the beginning.
func (s *Service) position(c *call.Call, query string, token *string) ([]byte, error) {
	if token == nil || *token == "" {
		return nil, nil
	}
	bad := &ssmapi.InvalidNextToken{Message: new("The specified token isn't valid.")}
	tokens := strings.SplitN(*token, ".", maxPieces+1)
	if len(tokens) > maxPieces {
		return nil, bad
	}
	position := []byte{}
	bound := query
	for _, t := range tokens {
		piece, err := s.pages.Open(c.Operation.Name, c.Account+"/"+c.Region, bound, t)
		if err != nil {
			return nil, bad
		}
		position = append(position, piece...)
		bound = query + "\x00" + t
	}
	return position, nil
}

// queryOf is a short form of what a listing depends on.
func queryOf(parts ...any) (string, error) {
	b, err := json.Marshal(parts)
	if err != nil {
		return "", fmt.Errorf("ssm: query: %w", err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}

// limitOf is the size of a page.
func limitOf(asked *int32, otherwise int) int {
	if asked == nil {
		return otherwise
	}
	return int(*asked)
}
