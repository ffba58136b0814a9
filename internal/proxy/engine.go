package proxy

import (
	"context"
	"fmt"
	"runtime"
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

	memory memory
	quiet  sync.Pool // of *quiet
}

// memory keeps the memory of evaluations for those to come, what was used last first: that is nearest to
// the processor. As many as can run at once are kept whatever the garbage collector does, because
// each takes many allocations to grow again; more are left to it.
type memory struct {
	most  int // of free
	mu    sync.Mutex
	free  []*evaluation
	extra sync.Pool // of *evaluation
}

func (m *memory) get() *evaluation {
	m.mu.Lock()
	if n := len(m.free) - 1; n >= 0 {
		e := m.free[n]
		m.free[n], m.free = nil, m.free[:n]
		m.mu.Unlock()
		return e
	}
	m.mu.Unlock()
	e, _ := m.extra.Get().(*evaluation)
	return e
}

func (m *memory) put(e *evaluation) {
	m.mu.Lock()
	kept := len(m.free) < m.most
	if kept {
		m.free = append(m.free, e)
	}
	m.mu.Unlock()
	if !kept {
		m.extra.Put(e)
	}
}

// NewEngine makes an Engine with the limits of AWS WAF.
func NewEngine(o waf.Options, tokens waf.Tokens) *Engine {
	return &Engine{Options: o, Tokens: tokens, Limits: request.DefaultLimits(), memory: memory{most: runtime.GOMAXPROCS(0)}}
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

// quiet is the verdict on a request that no rule has anything to say about: nearly every one. The memory of its
// evaluation, which is a hundred times as large, is another request's while the target answers, so that
// it stays where the processor is near it.
type quiet struct {
	verdict waf.Verdict
	release func() // made once
}

// Inspect implements Inspector.
func (p *program) Inspect(_ context.Context, r *request.Request, v *Verdict) error {
	m := p.engine.memory.get()
	if m == nil {
		m = &evaluation{scratch: waf.NewScratch(p.engine.Limits)}
		made, engine := m, p.engine
		m.release = func() { engine.memory.put(made) }
	}
	v.Release = m.release
	decided, err := p.Evaluate(r, p.engine.Tokens, m.scratch)
	if err != nil {
		return err
	}
	q, _ := p.engine.quiet.Get().(*quiet)
	if q == nil {
		q = &quiet{}
		engine := p.engine
		q.release = func() {
			q.verdict = waf.Verdict{}
			engine.quiet.Put(q)
		}
	}
	if decided.Detach(&q.verdict) {
		m.release()
		decided, m = &q.verdict, nil
		v.Release, v.Detached = q.release, true
	} else {
		q.release()
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
	if m == nil {
		return nil
	}
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
