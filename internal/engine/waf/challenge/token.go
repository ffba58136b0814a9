package challenge

import (
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"time"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/request"
)

// Where tokens are (AWS WAF Developer Guide, "How AWS WAF uses tokens").
const (
	Cookie = "aws-waf-token"
	Field  = "X-Aws-Waf-Token"
)

// MaxAge is how long a token can count at most: the longest immunity time of AWS WAF.
const MaxAge = 259_200 * time.Second

const (
	// cookieAge is how long browsers keep the cookie, in seconds; an expired token tells more than none.
	cookieAge = "345600"
	// clockSkew is how far another proxy's clock may be ahead.
	clockSkew = 60
	// maxCandidates bounds how many tokens of one request are looked at.
	maxCandidates = 4
)

// token is what is in a token.
type token struct {
	id     [16]byte
	client client
	// challenge and captcha are when these were solved, in seconds since 1970; 0 is never.
	challenge, captcha int64
	told               telling
	domain             string
}

func (t *token) append(b []byte) []byte {
	b = append(b, t.id[:]...)
	b = append(b, t.client[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(t.challenge))
	b = binary.BigEndian.AppendUint64(b, uint64(t.captcha))
	b = append(b, t.told.flags, t.told.interactions)
	b = append(b, t.told.browser[:]...)
	return append(b, t.domain...)
}

func parseToken(b []byte) (t token, ok bool) {
	const fixed = 16 + 16 + 8 + 8 + 2 + 8
	if len(b) <= fixed || len(b) > fixed+maxDomain {
		return t, false
	}
	copy(t.id[:], b)
	copy(t.client[:], b[16:])
	t.challenge = int64(binary.BigEndian.Uint64(b[32:]))
	t.captcha = int64(binary.BigEndian.Uint64(b[40:]))
	t.told.flags, t.told.interactions = b[48], b[49]
	copy(t.told.browser[:], b[50:])
	t.domain = string(b[fixed:])
	return t, t.challenge >= 0 && t.captcha >= 0
}

// last is when the client last solved anything.
func (t *token) last() int64 { return max(t.challenge, t.captcha) }

// Token implements waf.Tokens. Of several tokens, as when a cookie of the host and one of its parent
// domain are there, the one solved last counts.
func (g *Gate) Token(r *request.Request, domains []string, now time.Time) waf.Token {
	t, status := g.read(r, domains, now)
	if status != waf.TokenValid {
		return waf.Token{Status: status}
	}
	out := waf.Token{
		Status: status, ID: hex.EncodeToString(t.id[:]),
		ChallengeSolved: t.challenge, CaptchaSolved: t.captcha,
	}
	t.told.fill(&out)
	return out
}

// read is the best token of a request, or what is wrong with it.
func (g *Gate) read(r *request.Request, domains []string, now time.Time) (best token, status waf.TokenStatus) {
	host, class, seen := hostOf(r.Host), clientOf(r), 0
	look := func(text string) {
		if seen++; seen > maxCandidates {
			return
		}
		t, s := g.judge(text, host, class, domains, now.Unix())
		if rank(s) > rank(status) || s == waf.TokenValid && t.last() > best.last() {
			best, status = t, s
		}
	}
	for i := range r.Fields {
		switch f := &r.Fields[i]; {
		case strings.EqualFold(f.Name, Field):
			look(f.Value)
		case strings.EqualFold(f.Name, "Cookie"):
			for rest := f.Value; rest != ""; {
				var pair string
				pair, rest, _ = strings.Cut(rest, ";")
				if value, ok := strings.CutPrefix(strings.TrimLeft(pair, " "), Cookie+"="); ok {
					look(strings.TrimRight(value, " "))
				}
			}
		}
	}
	return best, status
}

// rank orders what can be wrong with tokens by how much is right.
func rank(s waf.TokenStatus) int {
	switch s {
	case waf.TokenValid:
		return 4
	case waf.TokenExpired:
		return 3
	case waf.TokenDomainMismatch:
		return 2
	case waf.TokenInvalid:
		return 1
	}
	return 0
}

// judge looks at one token.
func (g *Gate) judge(text, host string, class client, domains []string, now int64) (token, waf.TokenStatus) {
	payload, err := g.keys().open(forToken, text)
	if err != nil {
		return token{}, waf.TokenInvalid
	}
	t, ok := parseToken(payload)
	switch {
	case !ok || subtle.ConstantTimeCompare(t.client[:], class[:]) != 1 || t.last() > now+clockSkew:
		return token{}, waf.TokenInvalid
	case !accepted(t.domain, host, domains):
		return token{}, waf.TokenDomainMismatch
	case now-t.last() >= int64(MaxAge/time.Second):
		return token{}, waf.TokenExpired
	}
	return t, waf.TokenValid
}

// earn makes the Set-Cookie value of a client that solved a challenge or a puzzle for a domain. What
// its token proves already it keeps. told is what the script told of the browser, nil if there was none.
func (g *Gate) earn(r *request.Request, domain string, puzzle bool, told *telling) (string, error) {
	now := r.Time.Unix()
	t, status := g.read(r, []string{domain}, r.Time)
	if status != waf.TokenValid || t.domain != domain {
		t = token{client: clientOf(r), domain: domain}
		if err := g.fill(t.id[:]); err != nil {
			return "", err
		}
	}
	t.challenge = now
	if told != nil {
		t.told.take(told)
	}
	if puzzle { // what only a human can do proves what a script can
		t.captcha = now
	}
	text, err := g.keys().seal(g.random, forToken, t.append(nil))
	if err != nil {
		return "", err
	}
	// Not HttpOnly: pages send it to other hosts in the header field, and the page has to know
	// whether cookies are kept at all.
	var b strings.Builder
	b.WriteString(Cookie + "=" + text + "; Path=/; Max-Age=" + cookieAge + "; SameSite=Lax")
	if domain != hostOf(r.Host) {
		b.WriteString("; Domain=" + domain)
	}
	if r.Scheme == "https" {
		b.WriteString("; Secure")
	}
	return b.String(), nil
}
