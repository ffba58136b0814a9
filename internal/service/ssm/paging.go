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
// each. A piece begins with whether there is another, and is bound to the one before it.
const (
	pieceBytes = page.MaxPosition - 1
	lastPiece  = 0
	morePieces = 1
	// maxPieces is how many pieces the longest position has.
	maxPieces = 4
)

// nextToken is the token for what comes behind a position, nil if that is nil. query is
// whatever else the listing depends on.
func (s *Service) nextToken(c *call.Call, query string, position []byte) (*string, error) {
	if position == nil {
		return nil, nil
	}
	var tokens []string
	bound := query
	for {
		piece, rest := position[:min(len(position), pieceBytes)], position[min(len(position), pieceBytes):]
		follows := byte(lastPiece)
		if len(rest) > 0 {
			follows = morePieces
		}
		token, err := s.pages.Seal(c.Operation.Name, c.Account+"/"+c.Region, bound, append([]byte{follows}, piece...))
		if err != nil {
			return nil, fmt.Errorf("ssm: token: %w", err)
		}
		tokens = append(tokens, token)
		if position = rest; len(rest) == 0 {
			return new(strings.Join(tokens, ".")), nil
		}
		bound = query + "\x00" + token
	}
}

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
	for i, t := range tokens {
		piece, err := s.pages.Open(c.Operation.Name, c.Account+"/"+c.Region, bound, t)
		if err != nil || len(piece) == 0 || (piece[0] == lastPiece) != (i == len(tokens)-1) {
			return nil, bad
		}
		position = append(position, piece[1:]...)
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
