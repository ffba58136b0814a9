package waf

import (
	"time"

	"fastness/internal/engine/waf/request"
)

// Tokens reads the token that a client earned by solving a challenge or a CAPTCHA. The engine
// asks at most once for a request, and only when a rule that needs to know is reached.
type Tokens interface {
	// Token returns what the request's token proves at the time now. domains are the ACL's token
	// domains; without any the token must be for the request's host.
	Token(r *request.Request, domains []string, now time.Time) Token
}

// Token is what a request's token proves.
type Token struct {
	Status TokenStatus
	// ID is the token's own identity, the same as long as the client keeps it; empty unless
	// Status is TokenValid.
	ID string
	// ChallengeSolved and CaptchaSolved are when the client last solved one, in seconds since
	// 1970; 0 is never.
	ChallengeSolved, CaptchaSolved int64
	// Browser names the kind of browser that earned the token by what it told of itself; empty if it
	// told nothing. It is the same for another token of the same browser, and not unique.
	Browser string
	// Told tells that a script of the challenge told what follows.
	Told bool
	// Automated, Extension and Inconsistent are what is suspicious about the browser: signs of an
	// automation framework, of an extension for automation, and what does not fit together.
	Automated, Extension, Inconsistent bool
	// Used tells that pages have the script for applications, which sees what somebody does there:
	// Interactions are how many times somebody moved, clicked, touched or typed since the token was earned, as
	// told. Form tells that a page had a form.
	Used         bool
	Interactions int
	Form         bool
}

// TokenStatus says what is wrong with a token.
type TokenStatus uint8

// The states. TokenExpired is also the state of a valid token for a rule whose immunity time has
// passed since the client solved.
const (
	TokenMissing TokenStatus = iota
	TokenValid
	TokenExpired
	TokenInvalid
	TokenDomainMismatch
)

// String returns AWS's name of the failure: TOKEN_MISSING, TOKEN_EXPIRED, TOKEN_INVALID,
// TOKEN_DOMAIN_MISMATCH; and "" for a valid token.
func (s TokenStatus) String() string {
	switch s {
	case TokenValid:
		return ""
	case TokenExpired:
		return "TOKEN_EXPIRED"
	case TokenInvalid:
		return "TOKEN_INVALID"
	case TokenDomainMismatch:
		return "TOKEN_DOMAIN_MISMATCH"
	}
	return "TOKEN_MISSING"
}
