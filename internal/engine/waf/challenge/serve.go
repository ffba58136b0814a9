package challenge

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"fastness/internal/engine/waf/request"
)

// Prefix is what the paths of the gate itself begin with, on every host.
const Prefix = "/__fastness-waf/"

// The paths.
const (
	verifyPath  = Prefix + "verify" // POST c, n: a solved proof of work
	puzzlePath  = Prefix + "puzzle" // GET c, to: the puzzle instead; POST p, answer, to: its answer
	picturePath = Prefix + "picture"
	soundPath   = Prefix + "sound"
	inputsPath  = Prefix + "inputs"       // GET: a proof of work for the script for applications
	scriptPath  = Prefix + "challenge.js" // GET: that script
	captchaPath = Prefix + "jsapi.js"     // GET: that script and the one for puzzles
	problemPath = Prefix + "problem"      // POST k: a puzzle for the script for puzzles
	answerPath  = Prefix + "answer"       // POST puzzle, answer: what somebody answered there
)

// allowed are the methods of each path.
var allowed = map[string]string{
	verifyPath: "POST", puzzlePath: "GET, HEAD, POST", picturePath: "GET, HEAD", soundPath: "GET, HEAD", inputsPath: "GET",
	scriptPath: "GET, HEAD", captchaPath: "GET, HEAD", problemPath: "POST", answerPath: "POST",
}

// maxForm bounds forms and queries, in bytes.
const maxForm = 8 << 10

// Owns tells whether a request target is the gate's own.
func Owns(target string) bool { return strings.HasPrefix(target, Prefix) }

// Serve answers a request for the gate itself; nil: it is not for it.
func (g *Gate) Serve(r *request.Request, site Site) (*Response, error) {
	if !Owns(r.Target) {
		return nil, nil
	}
	path, query, _ := strings.Cut(r.Target, "?")
	methods, known := allowed[path]
	switch {
	case !known:
		return plain(404), nil
	case !slices.Contains(strings.Split(methods, ", "), r.Method):
		answer := plain(405)
		answer.Fields = append(answer.Fields, request.Field{Name: "Allow", Value: methods})
		return answer, nil
	}
	switch path {
	case verifyPath:
		return g.serveSolution(r)
	case puzzlePath:
		if r.Method == "POST" {
			return g.serveAnswer(r)
		}
		return g.servePuzzle(r, query)
	case picturePath:
		return g.servePart(r, query, "image/png", (*puzzle).png)
	case soundPath:
		return g.servePart(r, query, "audio/wav", (*puzzle).wav)
	case inputsPath:
		return g.serveInputs(r, site.TokenDomains)
	case problemPath:
		return g.serveProblem(r, &site)
	case answerPath:
		return g.serveScriptAnswer(r)
	case captchaPath:
		return scriptOf(captchaBundle), nil
	}
	return scriptOf(applicationBundle), nil
}

// plain is an answer without a body.
func plain(status int) *Response {
	return &Response{Status: status, Fields: []request.Field{{Name: "Cache-Control", Value: "no-store"}}}
}

// form reads a form or query; nil if it is none.
func form(text string) url.Values {
	if len(text) > maxForm || strings.Count(text, "&") > 12 {
		return nil
	}
	v, err := url.ParseQuery(text)
	if err != nil {
		return nil
	}
	return v
}

// posted reads the form in a body; nil if it is none.
func posted(r *request.Request) url.Values {
	kind, _ := r.Field("Content-Type")
	kind, _, _ = strings.Cut(kind, ";")
	if r.BodyTruncated || len(r.Body) > maxForm || !strings.EqualFold(strings.TrimSpace(kind), "application/x-www-form-urlencoded") {
		return nil
	}
	return form(string(r.Body))
}

// serveSolution takes the solution of a proof of work from the page's script: 204 with a token, or
// 403.
func (g *Gate) serveSolution(r *request.Request) (*Response, error) {
	v := posted(r)
	if v == nil {
		return plain(400), nil
	}
	domain, err := g.verifyWork(r, v.Get("c"), v.Get("n"))
	if err != nil {
		return plain(403), nil
	}
	return g.pass(r, 204, domain, false, readTelling(r, v))
}

// serveInputs gives the script for applications a proof of work.
func (g *Gate) serveInputs(r *request.Request, domains []string) (*Response, error) {
	host := hostOf(r.Host)
	if host == "" {
		return plain(400), nil
	}
	w, sealed, err := g.newWork(r, domainFor(host, domains))
	if err != nil {
		return nil, err
	}
	answer := plain(200)
	answer.ContentType = "application/json"
	answer.Body, err = json.Marshal(map[string]any{"seed": w.seed(), "difficulty": w.difficulty, "challenge": sealed, "verify": verifyPath})
	return answer, err
}

// scriptOf is an answer with a script.
func scriptOf(text []byte) *Response {
	return &Response{
		Status: 200, ContentType: "text/javascript; charset=utf-8", Body: text,
		Fields: []request.Field{{Name: "Cache-Control", Value: "max-age=3600"}, {Name: "X-Content-Type-Options", Value: "nosniff"}},
	}
}

// pass gives the client its token.
func (g *Gate) pass(r *request.Request, status int, domain string, puzzle bool, told *telling) (*Response, error) {
	cookie, err := g.earn(r, domain, puzzle, told)
	if err != nil {
		return nil, err
	}
	answer := plain(status)
	answer.Fields = append(answer.Fields, request.Field{Name: "Set-Cookie", Value: cookie})
	return answer, nil
}

// servePuzzle gives a puzzle to who has no script to do the work.
func (g *Gate) servePuzzle(r *request.Request, query string) (*Response, error) {
	v := form(query)
	if v == nil {
		return plain(400), nil
	}
	w, err := g.openWork(r, v.Get("c"))
	if err != nil { // too old, most likely: the page gives another
		return back(returnTo(v.Get("to"))), nil
	}
	answer := plain(200)
	if err := g.puzzlePage(answer, r, w.domain, returnTo(v.Get("to")), false); err != nil {
		return nil, err
	}
	return answer, nil
}

// back sends a browser to a place on this host.
func back(to string) *Response {
	answer := plain(303)
	answer.Fields = append(answer.Fields, request.Field{Name: "Location", Value: to})
	return answer
}

// serveAnswer takes the answer to a puzzle from its form: back to where the browser wanted with a token, or 403
// with another puzzle.
func (g *Gate) serveAnswer(r *request.Request) (*Response, error) {
	v := posted(r)
	if v == nil {
		return plain(400), nil
	}
	to := returnTo(v.Get("to"))
	domain, err := g.verifyPuzzle(r, v.Get("p"), v.Get("answer"))
	if err == nil {
		answer, err := g.pass(r, 303, domain, true, nil)
		if err != nil {
			return nil, err
		}
		answer.Fields = append(answer.Fields, request.Field{Name: "Location", Value: to})
		return answer, nil
	}
	p, err := g.openPuzzle(r, v.Get("p"))
	if err != nil {
		return back(to), nil
	}
	answer := plain(403)
	if err := g.puzzlePage(answer, r, p.domain, to, true); err != nil {
		return nil, err
	}
	return answer, nil
}

// serveProblem gives the script for puzzles one, if the page has a key for its host: else 403.
func (g *Gate) serveProblem(r *request.Request, site *Site) (*Response, error) {
	v, host := posted(r), hostOf(r.Host)
	if v == nil || host == "" {
		return plain(400), nil
	}
	if !site.admits(v.Get("k"), host) {
		return plain(403), nil
	}
	sealed, err := g.newPuzzle(r, domainFor(host, site.TokenDomains))
	if err != nil {
		return nil, err
	}
	answer := plain(200)
	answer.ContentType = "application/json"
	answer.Body, err = json.Marshal(map[string]any{
		"puzzle": sealed, "picture": picturePath + "?p=" + sealed, "sound": soundPath + "?p=" + sealed,
		"letters": pictureLength, "digits": soundLength, "max": maxTones, "seconds": int(g.lifetime.Seconds()),
	})
	return answer, err
}

// serveScriptAnswer takes the answer to a puzzle from the script for puzzles: 204 with a token, 403 if it is
// wrong, 410 if the puzzle's time is over.
func (g *Gate) serveScriptAnswer(r *request.Request) (*Response, error) {
	v := posted(r)
	if v == nil {
		return plain(400), nil
	}
	if _, err := g.openPuzzle(r, v.Get("puzzle")); err != nil {
		return plain(410), nil
	}
	domain, err := g.verifyPuzzle(r, v.Get("puzzle"), v.Get("answer"))
	if err != nil {
		return plain(403), nil
	}
	return g.pass(r, 204, domain, true, readTelling(r, v))
}

// servePart gives the picture or the sound of a puzzle.
func (g *Gate) servePart(r *request.Request, query, kind string, make func(*puzzle) ([]byte, error)) (*Response, error) {
	v := form(query)
	if v == nil {
		return plain(400), nil
	}
	p, err := g.openPuzzle(r, v.Get("p"))
	if err != nil {
		return plain(404), nil
	}
	answer := plain(200)
	answer.Fields = append(answer.Fields, request.Field{Name: "X-Content-Type-Options", Value: "nosniff"})
	answer.ContentType = kind
	answer.Body, err = make(&p)
	return answer, err
}
