package proxy

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/rate"
	"fastness/internal/engine/waf/request"
	"fastness/internal/http1"
)

// Engine makes inspectors that run package waf. It is safe for concurrent use.
type Engine struct {
	// Options of the compilation; Sets come with the web ACL.
	Options waf.Options
	// Tokens reads the tokens of challenges; nil: no client has one.
	Tokens waf.Tokens
	// Limits bound what is taken apart of a request.
	Limits request.Limits

	memory sync.Pool // of *evaluation
}

// NewEngine makes an Engine with the limits of AWS WAF.
func NewEngine(o waf.Options, tokens waf.Tokens) *Engine {
	return &Engine{Options: o, Tokens: tokens, Limits: request.DefaultLimits()}
}

// Compile makes the inspector of a web ACL; see Options.Compile of a Proxy. The Detail of its
// verdicts is a *waf.Verdict, valid until it is released.
func (e *Engine) Compile(acl *WebACL, previous Inspector) (Inspector, error) {
	o := e.Options
	o.Sets = acl.Sets
	if before, ok := previous.(*program); ok {
		o.Previous = before.Program
	}
	if n := len(acl.CountSecret); n == rate.SecretSize {
		o.Hasher = rate.NewHasherWith(acl.CountSecret)
	} else if n > 0 {
		return nil, fmt.Errorf("proxy: a secret of %d bytes for counts, not %d", n, rate.SecretSize)
	}
	compiled, err := waf.Compile(&acl.ACL, o)
	if err != nil {
		return nil, err
	}
	return &program{compiled, e}, nil
}

// program is an Inspector.
type program struct {
	*waf.Program
	engine *Engine
}

// TokenDomains are the token domains of the web ACL of an inspector, none if it is not an Engine's. They are not
// to be changed.
func TokenDomains(i Inspector) []string {
	if p, ok := i.(*program); ok {
		return p.ACL().TokenDomains
	}
	return nil
}

// evaluation is the memory of one evaluation.
type evaluation struct {
	scratch  *waf.Scratch
	response Response
	fields   []http1.Field
	insert   []http1.Field
	release  func() // made once
}

// Inspect implements Inspector.
func (p *program) Inspect(_ context.Context, r *request.Request, v *Verdict) error {
	m, _ := p.engine.memory.Get().(*evaluation)
	if m == nil {
		m = &evaluation{scratch: waf.NewScratch(p.engine.Limits)}
		m.release = func() { p.engine.memory.Put(m) }
	}
	v.Release = m.release
	decided, err := p.Evaluate(r, p.engine.Tokens, m.scratch)
	if err != nil {
		return err
	}
	v.Detail = decided
	switch decided.Action {
	case waf.Block:
		v.Act = Block
		if decided.Response != nil {
			v.Response = m.custom(decided)
		}
	case waf.Captcha:
		v.Act = Captcha
	case waf.Challenge:
		v.Act = Challenge
	}
	switch list := decided.Answered; len(list) {
	case 0:
	case 1:
		v.Answered = list[0]
	default:
		list = slices.Clone(list)
		v.Answered = func(a *waf.Answer) {
			for _, answered := range list {
				answered(a)
			}
		}
	}
	v.AnswerBody = decided.AnswerBody
	m.insert = fieldsFrom(m.insert[:0], decided.Insert)
	v.Insert = m.insert
	return nil
}

// custom is a custom response.
func (m *evaluation) custom(v *waf.Verdict) *Response {
	m.fields = fieldsFrom(m.fields[:0], v.Response.Headers)
	m.response = Response{Status: v.Response.Status, Fields: m.fields}
	if v.Body != nil {
		m.response.Body = []byte(v.Body.Content)
		m.response.ContentType = responseTypes[v.Body.ContentType]
	}
	return &m.response
}

// responseTypes are the content types of custom bodies.
var responseTypes = map[string]string{
	"TEXT_PLAIN": "text/plain", "TEXT_HTML": "text/html", "APPLICATION_JSON": "application/json",
}

func fieldsFrom(into []http1.Field, from []waf.HeaderField) []http1.Field {
	for _, f := range from {
		into = append(into, http1.Field(f))
	}
	return into
}
