package challenge

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/request"
)

// DefaultLifetime is how long a challenge or a puzzle can be solved.
const DefaultLifetime = 5 * time.Minute

// Options of a Gate.
type Options struct {
	// Keys seal and open tokens: the first seals, all open; 1 to 16. Proxies that take each other's
	// tokens have the same.
	Keys []Key
	// Difficulty of the proof of work, in bits: 1 to MaxDifficulty, default DefaultDifficulty.
	Difficulty int
	// Lifetime of challenges and puzzles, whole seconds up to an hour; default DefaultLifetime.
	Lifetime time.Duration
	// Random is the source of nonces; default crypto/rand.Reader. It is safe for concurrent use.
	Random io.Reader
}

// Gate hands out challenges and puzzles, takes solutions, and reads tokens. It is safe for
// concurrent use.
type Gate struct {
	current    atomic.Pointer[keys]
	random     io.Reader
	difficulty int
	lifetime   time.Duration
	// worked has the proofs of work that were taken, tried the puzzles that were answered, solved those
	// that were answered right.
	worked, tried, solved *used
}

var _ waf.Tokens = (*Gate)(nil)

// New makes a Gate. The keys are not used after it returns.
func New(o Options) (*Gate, error) {
	k, err := newKeys(o.Keys)
	if err != nil {
		return nil, err
	}
	if o.Difficulty == 0 {
		o.Difficulty = DefaultDifficulty
	}
	if o.Difficulty < 1 || o.Difficulty > MaxDifficulty {
		return nil, fmt.Errorf("challenge: a difficulty of %d bits; it is 1 to %d", o.Difficulty, MaxDifficulty)
	}
	if o.Lifetime == 0 {
		o.Lifetime = DefaultLifetime
	}
	if o.Lifetime < time.Second || o.Lifetime > time.Hour {
		return nil, errors.New("challenge: the lifetime is a second to an hour")
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	g := &Gate{
		random: o.Random, difficulty: o.Difficulty, lifetime: o.Lifetime,
		worked: newUsed(maxUsed), tried: newUsed(maxUsed), solved: newUsed(maxUsed),
	}
	g.current.Store(k)
	return g, nil
}

// Use changes the keys, as Options.Keys says. If they are not good, nothing changes.
func (g *Gate) Use(from []Key) error {
	k, err := newKeys(from)
	if err != nil {
		return err
	}
	g.current.Store(k)
	return nil
}

// keys are those of now.
func (g *Gate) keys() *keys { return g.current.Load() }

func (g *Gate) fill(b []byte) error {
	if _, err := io.ReadFull(g.random, b); err != nil {
		return fmt.Errorf("challenge: no randomness: %w", err)
	}
	return nil
}

// Response is an answer.
type Response struct {
	Status      int
	Fields      []request.Field
	ContentType string // empty if Body is
	Body        []byte
}

// Statuses of answers to stopped requests (AWS WAF Developer Guide, "How the CAPTCHA and Challenge
// rule actions work").
const (
	statusChallenge = 202
	statusCaptcha   = 405
)

// Answer is the answer to a request that the action stopped, waf.Challenge or waf.Captcha. domains are
// the web ACL's token domains. Only a GET of who takes HTML gets a page; others get the status and
// the field x-amzn-waf-action.
func (g *Gate) Answer(r *request.Request, action waf.ActionKind, domains []string) (*Response, error) {
	answer := &Response{Status: statusChallenge}
	name := "challenge"
	if action == waf.Captcha {
		answer.Status, name = statusCaptcha, "captcha"
	}
	answer.Fields = []request.Field{{Name: "x-amzn-waf-action", Value: name}, {Name: "Cache-Control", Value: "no-store"}}
	host := hostOf(r.Host)
	if r.Method != "GET" || !takesHTML(r) || host == "" {
		return answer, nil
	}
	var err error
	domain, to := domainFor(host, domains), returnTo(r.Target)
	if action == waf.Captcha {
		err = g.puzzlePage(answer, r, domain, to, false)
	} else {
		err = g.workPage(answer, r, domain, to)
	}
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// takesHTML tells whether a client says that it takes HTML. "*/*" does not say so: scripts send it.
func takesHTML(r *request.Request) bool {
	for i := range r.Fields {
		if !strings.EqualFold(r.Fields[i].Name, "Accept") {
			continue
		}
		for rest, n := r.Fields[i].Value, 0; rest != "" && n < 64; n++ {
			var one string
			one, rest, _ = strings.Cut(rest, ",")
			kind, _, _ := strings.Cut(one, ";")
			if strings.EqualFold(strings.Trim(kind, " \t"), "text/html") {
				return true
			}
		}
	}
	return false
}

// maxReturn bounds where a form returns to, in bytes: it has to fit in a form of 8 KB.
const maxReturn = 2048

// returnTo is a place on this host that a browser can be sent to: a path with its query. It
// is "/" if target is anything else.
func returnTo(target string) string {
	if len(target) > maxReturn || !strings.HasPrefix(target, "/") || strings.HasPrefix(target, "//") || strings.HasPrefix(target, Prefix) {
		return "/"
	}
	for i := range len(target) { // a browser takes a backslash for a slash and drops tabs
		if c := target[i]; c <= ' ' || c >= 0x7f || c == '\\' {
			return "/"
		}
	}
	return target
}
