// Package challenge lets a client prove something before its request goes on: that it runs a
// script (a proof of work), or that a human sits in front of it (a puzzle to see or to hear).
// What it proved is in a token, which the rules of a web ACL ask for.
//
// A [Gate] is all of it. It has no clock and no network: the time is the request's.
//
//	Token    what the token of a request proves: the waf.Tokens of an engine
//	Answer   the answer to a request that a rule's Challenge or CAPTCHA stopped
//	Serve    the answer to a request for the gate itself: solutions, pictures, sounds
//
// # Tokens
//
// A token is the cookie aws-waf-token or the field x-aws-waf-token. It is sealed with
// XAES-256-GCM (see seal.go) under the first of the gate's keys; all keys open, so that keys can
// rotate. It names the domain that it is for, a hash of the User-Agent that earned it, and when a
// challenge and when a puzzle was last solved. Whether that is recent enough is for each rule to
// say; after [MaxAge], the longest immunity time that AWS WAF has, a token is expired for all.
//
// The domain is the request's host or, where the web ACL has token domains, the widest of them that
// the host is in. A domain with one label and a public suffix (co.uk, github.io) are no token
// domains: a token of one site would count for all.
//
// # The proof of work
//
// The page has a seed; its script looks for the number n for which the SHA-256 hash of the seed and
// n in decimal begins with as many zero bits as the difficulty says. The challenge is sealed and kept
// nowhere; of solved ones the gate remembers the last 65,536, so each counts once. (Who
// solves that many others to use an old one twice has done the work.) A gate remembers by
// itself: behind several proxies a solution counts once for each.
//
// The page loads nothing else and has a Content-Security-Policy that allows just its script. A page
// that was loaded without TLS has no WebCrypto; then the script hashes by itself. Without
// JavaScript the page leads to the puzzle.
//
// # The puzzle
//
// A picture has six distorted letters. For those who cannot see it, a sound has six groups of tones with
// pauses between them: the number of high tones in each is a digit of the answer, low tones do
// not count. It needs no language. It is easier for a program than for a human, as every
// sound puzzle is; who must keep programs out needs more than a puzzle.
//
// Letters and digits are sealed in the puzzle that the form carries, and a puzzle takes one attempt,
// right or wrong: guessing the sound takes 46,656 puzzles on average. The picture of a
// puzzle is always the same one, so that averages of many do not show it without its noise. The
// form works without JavaScript.
//
// # The script for applications
//
// Pages can load /__fastness-waf/challenge.js, which has AwsWafIntegration with AWS's getToken, hasToken,
// forceRefreshToken and fetch: it does a proof of work of its own (/__fastness-waf/inputs) and renews the token while
// the page is open, so that a request of the page's scripts never meets a challenge that they cannot answer.
//
// /__fastness-waf/jsapi.js has that and AwsWafCaptcha.renderCaptcha, which shows the puzzle in an element of the page, in eleven
// languages. It asks for puzzles (/__fastness-waf/problem) with an API key, which has to be one of the Site's and for the
// page's host; a right answer (/__fastness-waf/answer) is in the token like one to the page of a CAPTCHA action. The key says which
// sites show the puzzle; it is not a secret, pages have it.
//
// The scripts tell what the browser is: its User-Agent as scripts see it, platform, languages and time zone, and
// marks of automation; that of applications also how often somebody has moved, clicked, touched or typed, and only
// how often. The token has what followed from that (telling.go). A client can tell what it likes: these are
// signs, which the managed rule groups weigh, not proofs.
//
// # Files
//
//	gate.go serve.go page.go assets/   answers
//	token.go domain.go client.go       tokens
//	apikey.go                          which pages may show puzzles
//	telling.go                         what scripts tell of browsers
//	work.go used.go                    the proof of work, and what was used
//	puzzle.go picture.go letters.go sound.go
//	seal.go                            the cryptography
package challenge
