package waf

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"fastness/internal/engine/waf/rate"
	"fastness/internal/engine/waf/request"
)

// Observer watches the requests that a managed group is evaluated for, remembers of them what it
// needs to, and tells what it notices as signals, which the group's statements ask for
// (SignalMatch). It is safe for concurrent use, bounded in memory, and does not block.
type Observer interface {
	// Names are the signals. The place of a name is its number for Observation.Raise.
	Names() []string
	// Observe looks at a request before the rules of the group do.
	Observe(o *Observation)
}

// SignalMatch tells whether an observer noticed something.
type SignalMatch struct {
	// Names are signals of the group's observer, or of TokenSignals; one of them is enough.
	Names []string
}

// tokenSignals are TokenSignals by number; those of CAPTCHAs are in the order of those of challenges.
var tokenSignals = [...]string{
	tokenAccepted: "token:accepted", tokenRejected: "token:rejected", tokenNotSolved: "token:rejected:not_solved", tokenExpired: "token:rejected:expired",
	tokenMismatch: "token:rejected:domain_mismatch", tokenUnreadable: "token:rejected:invalid", tokenAbsent: "token:absent",
	captchaAccepted: "captcha:accepted", captchaRejected: "captcha:rejected", captchaNotSolved: "captcha:rejected:not_solved", captchaExpired: "captcha:rejected:expired",
	captchaMismatch: "captcha:rejected:domain_mismatch", captchaUnreadable: "captcha:rejected:invalid", captchaAbsent: "captcha:absent",
}

const (
	tokenAccepted = iota
	tokenRejected
	tokenNotSolved
	tokenExpired
	tokenMismatch
	tokenUnreadable
	tokenAbsent
	captchaAccepted
	captchaRejected
	captchaNotSolved
	captchaExpired
	captchaMismatch
	captchaUnreadable
	captchaAbsent
)

// TokenSignals are the names of the signals that every group with an observer has: what the request's
// token is worth to the web ACL. They are the ends of the labels that AWS's groups add for that (AWS
// WAF Developer Guide, "Types of token labels in AWS WAF").
func TokenSignals() []string { return append([]string(nil), tokenSignals[:]...) }

// maxSignals is how many signals a group has, with those of tokens.
const maxSignals = 128

// signals are numbers of signals.
type signals [maxSignals / 64]uint64

func (s *signals) raise(i int)         { s[i>>6] |= 1 << (i & 63) }
func (s *signals) has(i int) bool      { return s[i>>6]&(1<<(i&63)) != 0 }
func (s *signals) any(m *signals) bool { return s[0]&m[0]|s[1]&m[1] != 0 }

// Observation is one request for an Observer. It is valid until Observe returns.
type Observation struct {
	Request    *request.Request
	Inspection *request.Inspection // takes the request apart
	Values     []request.Value     // memory for request.Selector.Append
	Now        time.Time
	// Client is the client's address as rate-based rules count it.
	Client netip.Addr
	Places Places // nil: no place is known
	// Hasher makes keys of what clients choose.
	Hasher *rate.Hasher
	// Key is memory for what is hashed.
	Key []byte
	// Token is what the request's token proves. Session is its identity if the web ACL accepts it: a
	// challenge was solved within the immunity time; otherwise it is empty.
	Token   Token
	Session string
	// Peek tells that the request is only explained: nothing of it may be remembered.
	Peek bool

	// Ignore is set for a request that the group is not about: it gets no signal at all, not even of
	// its token.
	Ignore bool
	// Answered, if set by the observer, is called with the answer of the application to the request
	// once it is there; AnswerBody has it hold the beginning of the body.
	Answered   func(*Answer)
	AnswerBody bool

	raised signals
}

// Raise raises a signal by its number in Observer.Names.
func (o *Observation) Raise(i int) { o.raised.raise(len(tokenSignals) + i) }

// Raised tells whether a signal was raised.
func (o *Observation) Raised(i int) bool { return o.raised.has(len(tokenSignals) + i) }

// MaxAnswerBody is how much of an answer's body is looked at, in bytes (AWS WAF Developer Guide, "ATP
// rule group": the first 65,536).
const MaxAnswerBody = 64 << 10

// Answer is the answer of an application.
type Answer struct {
	Time   time.Time // when its head was complete
	Status int
	Fields []request.Field
	// Body is the beginning of the body as it was sent, with its content coding, MaxAnswerBody at most; only
	// if it was asked for. It is valid until the call returns.
	Body []byte
}

// observed is a group's observer in a program.
type observed struct {
	observer Observer
	settings string // what it was made of: it goes on if this does not change
	id       int    // of Scratch.signals
	numbers  map[string]int
}

// observer makes the observer of a group, or takes that of the program before.
func (c *compiler) observer(settings string, watch func(previous Observer) (Observer, error)) (*observed, error) {
	path := joinPath(c.path)
	var previous Observer
	if c.o.Previous != nil {
		if old := c.o.Previous.observers[path]; old != nil && old.settings == settings {
			previous = old.observer
		}
	}
	made, err := watch(previous)
	if err != nil {
		return nil, err
	}
	ob := &observed{observer: made, settings: settings, id: len(c.p.observers), numbers: map[string]int{}}
	names := append(TokenSignals(), made.Names()...)
	if len(names) > maxSignals {
		return nil, fmt.Errorf("an observer with %d signals", len(names))
	}
	for i, name := range names {
		ob.numbers[name] = i
	}
	c.p.observers[path] = ob
	return ob, nil
}

func (c *compiler) signalLeaf(m *SignalMatch) (leaf, error) {
	l := leaf{kind: signalLeaf, node: -1}
	if c.observed == nil {
		return l, errors.New("a statement on signals outside of a group that has an observer")
	}
	l.observer = c.observed.id
	for _, name := range m.Names {
		i, ok := c.observed.numbers[name]
		if !ok {
			return l, fmt.Errorf("no signal is named %q", name)
		}
		l.signals.raise(i)
	}
	return l, nil
}

// observe shows the request to a group's observer.
func (s *Scratch) observe(ob *observed) {
	t := s.token()
	o := &s.observation
	r := s.inspection.Request()
	*o = Observation{
		Request: r, Inspection: &s.inspection, Values: o.Values[:0], Now: s.now, Client: s.p.counted(r.Remote.Unmap()), Places: s.p.places,
		Hasher: s.p.hasher, Key: o.Key[:0], Token: *t, Peek: s.trace != nil,
	}
	challenge := s.standing(t.ChallengeSolved, s.p.acl.Challenge.Duration)
	if challenge == standsAccepted {
		o.Session = t.ID
	}
	ob.observer.Observe(o)
	clear(o.Values)
	if o.Ignore {
		s.signals[ob.id] = signals{}
		return
	}
	o.raised.standing(tokenAccepted, challenge)
	o.raised.standing(captchaAccepted, s.standing(t.CaptchaSolved, s.p.acl.Captcha.Duration))
	if t.Status == TokenValid {
		s.addPlace(place{kind: tokenID, country: t.ID})
		if t.Browser != "" {
			s.addPlace(place{kind: tokenFingerprint, country: t.Browser})
		}
	}
	s.signals[ob.id] = o.raised
	if o.Answered != nil && !o.Peek {
		s.verdict.Answered = append(s.verdict.Answered, o.Answered)
		s.verdict.AnswerBody = s.verdict.AnswerBody || o.AnswerBody
	}
}

// The standings of a token: what was solved, and whether that still counts. They are the distances
// from tokenAccepted.
const (
	standsAccepted = tokenAccepted
	standsAbsent   = tokenAbsent
)

// standing tells what a token that solved something at a time is worth.
func (s *Scratch) standing(solved int64, immunity time.Duration) int {
	switch s.verdict.Token.Status {
	case TokenMissing:
		return standsAbsent
	case TokenExpired:
		return tokenExpired
	case TokenDomainMismatch:
		return tokenMismatch
	case TokenInvalid:
		return tokenUnreadable
	}
	if immunity == 0 {
		immunity = DefaultImmunity
	}
	switch {
	case solved == 0:
		return tokenNotSolved
	case s.now.Unix()-solved >= int64(immunity.Seconds()):
		return tokenExpired
	}
	return standsAccepted
}

// standing raises the signals of a standing: of the challenge from tokenAccepted on, of the CAPTCHA
// from captchaAccepted on.
func (s *signals) standing(from, standing int) {
	s.raise(from + standing)
	if standing != standsAccepted && standing != standsAbsent {
		s.raise(from + tokenRejected)
	}
}
