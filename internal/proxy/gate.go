package proxy

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"log/slog"
	"time"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/challenge"
	"fastness/internal/engine/waf/request"
	"fastness/internal/http1"
)

// Gate is the Interstitial that runs package challenge, and the waf.Tokens of an Engine. It is safe for
// concurrent use.
type Gate struct {
	gate *challenge.Gate
	log  *slog.Logger
}

var (
	_ Interstitial = (*Gate)(nil)
	_ waf.Tokens   = (*Gate)(nil)
)

// keyUser is an Interstitial that takes Config.TokenKeys.
type keyUser interface {
	UseKeys(secrets [][]byte) error
}

// NewGate makes a Gate. Without keys in o it makes one, which UseKeys may replace.
func NewGate(o challenge.Options, log *slog.Logger) (*Gate, error) {
	if len(o.Keys) == 0 {
		own := make([]byte, challenge.KeySize)
		_, _ = rand.Read(own) // never fails
		o.Keys = []challenge.Key{tokenKey(own)}
	}
	g, err := challenge.New(o)
	if err != nil {
		return nil, err
	}
	return &Gate{g, log}, nil
}

// tokenKey is a secret as a key. Its ID comes from the secret, so that all proxies agree on it.
func tokenKey(secret []byte) challenge.Key {
	sum := sha256.Sum256(append([]byte("fastness waf token key ID\x00"), secret...))
	return challenge.Key{ID: binary.BigEndian.Uint32(sum[:]), Secret: secret}
}

// UseKeys changes the keys of tokens: the first seals, all open.
func (g *Gate) UseKeys(secrets [][]byte) error {
	keys := make([]challenge.Key, len(secrets))
	for i := range secrets {
		keys[i] = tokenKey(secrets[i])
	}
	return g.gate.Use(keys)
}

// Token implements waf.Tokens.
func (g *Gate) Token(r *request.Request, domains []string, now time.Time) waf.Token {
	return g.gate.Token(r, domains, now)
}

// Owns tells whether a request target is the gate's own: nobody else's bodies have to be held.
func (g *Gate) Owns(target string) bool { return challenge.Owns(target) }

// Answer implements Interstitial. Under a verdict that is not an Engine's, tokens are for the request's
// host.
func (g *Gate) Answer(_ context.Context, r *request.Request, v *Verdict) *Response {
	var domains []string
	if decided, ok := v.Detail.(*waf.Verdict); ok {
		domains = decided.TokenDomains()
	}
	action := waf.Challenge
	if v.Act == Captcha {
		action = waf.Captcha
	}
	answer, err := g.gate.Answer(r, action, domains)
	if err != nil {
		return g.failed(err)
	}
	return answered(answer)
}

// Serve implements Interstitial.
func (g *Gate) Serve(_ context.Context, r *request.Request, site challenge.Site) *Response {
	answer, err := g.gate.Serve(r, site)
	switch {
	case err != nil:
		return g.failed(err)
	case answer == nil:
		return nil
	}
	return answered(answer)
}

func (g *Gate) failed(err error) *Response {
	g.log.Error("a challenge could not be made", "error", err)
	return BlockPage()
}

func answered(a *challenge.Response) *Response {
	r := &Response{Status: a.Status, ContentType: a.ContentType, Body: a.Body, Fields: make([]http1.Field, len(a.Fields))}
	for i := range a.Fields {
		r.Fields[i] = http1.Field(a.Fields[i])
	}
	return r
}
