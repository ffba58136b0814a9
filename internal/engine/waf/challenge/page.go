package challenge

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"

	"fastness/internal/engine/waf/request"
)

// The pages are whole: they load nothing but the puzzle's picture and sound.
var (
	//go:embed assets/page.html
	pageText string
	//go:embed assets/core.js
	coreScript string
	//go:embed assets/work.js
	workScript string
	//go:embed assets/challenge.js
	applicationScript string
	//go:embed assets/words.js
	wordsScript string
	//go:embed assets/captcha.js
	captchaScript string
	//go:embed assets/page.css
	style string

	pageTemplate = template.Must(template.New("page").Parse(pageText))

	// The scripts for applications: tokens alone, and with puzzles.
	applicationBundle = []byte(coreScript + applicationScript)
	captchaBundle     = []byte(coreScript + applicationScript + wordsScript + captchaScript)

	script        = coreScript + workScript
	scriptElement = template.HTML("<script>" + script + "</script>")
	styleElement  = template.HTML("<style>" + style + "</style>")

	// workPolicy and puzzlePolicy are what the pages may do: CSP Level 3, W3C.
	workPolicy = fmt.Sprintf("default-src 'none'; script-src %s; style-src %s; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'",
		hashSource(script), hashSource(style))
	puzzlePolicy = fmt.Sprintf("default-src 'none'; style-src %s; img-src 'self'; media-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'",
		hashSource(style))
)

func hashSource(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// page is what the template shows.
type page struct {
	Style, Script template.HTML
	Work          bool // or the puzzle
	Wrong         bool // the answer to the one before was
	// Sealed is the challenge or the puzzle, To where to return.
	Sealed, To  string
	Seed        string
	Difficulty  int
	Verify      string
	Puzzle      string
	Picture     string
	Sound       string
	Letters     int
	Digits, Max int
}

func (g *Gate) workPage(answer *Response, r *request.Request, domain, to string) error {
	w, sealed, err := g.newWork(r, domain)
	if err != nil {
		return err
	}
	return answer.show(workPolicy, &page{
		Style: styleElement, Script: scriptElement, Work: true, Sealed: sealed, To: to,
		Seed: w.seed(), Difficulty: int(w.difficulty), Verify: verifyPath, Puzzle: puzzlePath,
	})
}

func (g *Gate) puzzlePage(answer *Response, r *request.Request, domain, to string, wrong bool) error {
	sealed, err := g.newPuzzle(r, domain)
	if err != nil {
		return err
	}
	return answer.show(puzzlePolicy, &page{
		Style: styleElement, Wrong: wrong, Sealed: sealed, To: to, Puzzle: puzzlePath,
		Picture: picturePath + "?p=" + sealed, Sound: soundPath + "?p=" + sealed,
		Letters: pictureLength, Digits: soundLength, Max: maxTones,
	})
}

// show has the answer be the page.
func (answer *Response) show(policy string, p *page) error {
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, p); err != nil {
		return fmt.Errorf("challenge: page: %w", err)
	}
	answer.Fields = append(answer.Fields,
		request.Field{Name: "Content-Security-Policy", Value: policy},
		request.Field{Name: "X-Content-Type-Options", Value: "nosniff"},
		request.Field{Name: "Referrer-Policy", Value: "same-origin"},
	)
	answer.ContentType, answer.Body = "text/html; charset=utf-8", b.Bytes()
	return nil
}
