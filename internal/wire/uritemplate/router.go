package uritemplate

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"fastness/internal/wire"
	"fastness/internal/wire/form"
)

// Errors of Match.
var (
	// ErrNoRoute: no operation has this path.
	ErrNoRoute = errors.New("no operation has this path")
	// ErrMethod: operations have this path, but not with this method.
	ErrMethod = errors.New("no operation has this path with this method")
	// ErrEscape: a label's percent-encoding is incomplete or is not UTF-8.
	ErrEscape = errors.New("the path is not valid percent-encoded UTF-8")
	// ErrTooLong: the path has more segments than any template could want.
	ErrTooLong = errors.New("the path has too many segments")
)

// maxSegments bounds the work for one path. S3 keys are at most 1024 bytes.
const maxSegments = 2048

// Router finds the operation of a request. It is immutable.
type Router struct {
	routes []*route
}

type route struct {
	op       *wire.Operation
	segments []segment
	greedy   int // index of the greedy segment, or -1
	literals []literal
	query    []string // required query members
	headers  []string // required header members
}

type segmentKind uint8

const (
	isLiteral segmentKind = iota
	isLabel
	isGreedy
)

type segment struct {
	kind segmentKind
	text string // of a literal
}

type literal struct {
	name, value string
	hasValue    bool
}

// New makes the router of all operations of an API. It fails on a template it cannot
// read and on two operations that no request could tell apart.
func New(api *wire.API) (*Router, error) {
	r := new(Router)
	for i := range api.Operations {
		rt, err := parse(&api.Operations[i])
		if err != nil {
			return nil, fmt.Errorf("operation %s: %w", api.Operations[i].Name, err)
		}
		r.routes = append(r.routes, rt)
	}
	slices.SortStableFunc(r.routes, compare)
	for i, a := range r.routes {
		for _, b := range r.routes[i+1:] {
			if a.same(b) {
				return nil, fmt.Errorf("operations %s and %s have the same requests", a.op.Name, b.op.Name)
			}
		}
	}
	return r, nil
}

// same tells whether no request can be for one of two routes and not for the other.
func (rt *route) same(o *route) bool {
	return rt.op.Method == o.op.Method && slices.Equal(rt.segments, o.segments) &&
		sameSet(rt.literals, o.literals) && sameSet(rt.query, o.query) && sameSet(rt.headers, o.headers)
}

func sameSet[E comparable](a, b []E) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(e E) bool { return !slices.Contains(b, e) })
}

func parse(op *wire.Operation) (*route, error) {
	rt := &route{op: op, greedy: -1}
	path, query, _ := strings.Cut(op.Path, "?")
	if !strings.HasPrefix(path, "/") {
		return nil, fmt.Errorf("template %q does not begin with a slash", op.Path)
	}
	for i, text := range strings.Split(path[1:], "/") {
		s := segment{text: text}
		if strings.ContainsAny(text, "{}") {
			if len(text) < 3 || text[0] != '{' || strings.IndexByte(text, '}') != len(text)-1 {
				return nil, fmt.Errorf("template %q: %q is not one label", op.Path, text)
			}
			s = segment{kind: isLabel}
			if text[len(text)-2] == '+' {
				if rt.greedy >= 0 {
					return nil, fmt.Errorf("template %q has two greedy labels", op.Path)
				}
				s.kind, rt.greedy = isGreedy, i
			}
		}
		rt.segments = append(rt.segments, s)
	}
	for field := range strings.SplitSeq(query, "&") {
		name, value, hasValue := strings.Cut(field, "=")
		// x-id only repeats the operation's name; not all clients send it.
		if name == "" || name == "x-id" {
			continue
		}
		rt.literals = append(rt.literals, literal{name, value, hasValue})
	}
	if in := op.Input(); in != nil {
		for i := range in.Members {
			m := &in.Members[i]
			switch {
			case m.Required && m.Location == wire.InQuery:
				rt.query = append(rt.query, m.WireName)
			case m.Required && m.Location == wire.InHeader:
				rt.headers = append(rt.headers, m.WireName)
			}
		}
	}
	return rt, nil
}

// compare orders routes from the most to the least specific.
func compare(a, b *route) int {
	for i := range min(len(a.segments), len(b.segments)) {
		if c := int(a.segments[i].kind) - int(b.segments[i].kind); c != 0 {
			return c
		}
	}
	if c := len(b.segments) - len(a.segments); c != 0 {
		return c
	}
	if c := len(b.literals) - len(a.literals); c != 0 {
		return c
	}
	return len(b.query) + len(b.headers) - len(a.query) - len(a.headers)
}

// Match finds the operation of a request. path is as received, still escaped; query
// is raw, without the question mark. labels are unescaped, in the order of the
// template.
func (r *Router) Match(method, path, query string, header http.Header) (op *wire.Operation, labels []string, err error) {
	if !strings.HasPrefix(path, "/") {
		return nil, nil, ErrNoRoute
	}
	params := parameters(query)
	op, labels, err = r.match(method, path, params, header)
	if err != ErrNoRoute {
		return op, labels, err
	}
	// AWS takes a path with and without the slash at its end.
	if trimmed, ok := strings.CutSuffix(path, "/"); ok && trimmed != "" {
		return r.match(method, trimmed, params, header)
	}
	return r.match(method, path+"/", params, header)
}

func (r *Router) match(method, path string, params []literal, header http.Header) (*wire.Operation, []string, error) {
	if strings.Count(path, "/") > maxSegments {
		return nil, nil, ErrTooLong
	}
	raw := strings.Split(path[1:], "/")
	decoded := make([]string, len(raw))
	for i, s := range raw {
		d, err := unescape(s)
		if err != nil {
			return nil, nil, err
		}
		decoded[i] = d
	}
	var fallback *route
	otherMethod := false
	for _, rt := range r.routes {
		if !rt.matchPath(decoded) || !rt.matchLiterals(params) {
			continue
		}
		if rt.op.Method != method {
			otherMethod = true
			continue
		}
		if !rt.matchRequired(params, header) {
			// Of equally specific routes the last asks for least.
			if fallback == nil || compareDemands(rt, fallback) {
				fallback = rt
			}
			continue
		}
		if fallback != nil && !sameShape(rt, fallback) {
			break
		}
		return rt.op, rt.labels(decoded), nil
	}
	if fallback != nil {
		return fallback.op, fallback.labels(decoded), nil
	}
	if otherMethod {
		return nil, nil, ErrMethod
	}
	return nil, nil, ErrNoRoute
}

// compareDemands tells whether a asks for less than b at the same path and literals.
func compareDemands(a, b *route) bool {
	return sameShape(a, b) && len(a.query)+len(a.headers) < len(b.query)+len(b.headers)
}

// sameShape tells whether two routes have equally specific paths and query literals.
func sameShape(a, b *route) bool {
	if len(a.segments) != len(b.segments) || len(a.literals) != len(b.literals) {
		return false
	}
	for i := range a.segments {
		if a.segments[i] != b.segments[i] {
			return false
		}
	}
	return true
}

func (rt *route) matchPath(path []string) bool {
	if rt.greedy < 0 {
		return len(path) == len(rt.segments) && matchSegments(rt.segments, path)
	}
	if len(path) < len(rt.segments) {
		return false
	}
	tail := rt.segments[rt.greedy+1:]
	rest := path[len(path)-len(tail):]
	middle := path[rt.greedy : len(path)-len(tail)]
	if len(middle) == 1 && middle[0] == "" {
		return false
	}
	return matchSegments(rt.segments[:rt.greedy], path[:rt.greedy]) && matchSegments(tail, rest)
}

func matchSegments(want []segment, have []string) bool {
	for i, s := range want {
		if s.kind == isLiteral && s.text != have[i] || s.kind == isLabel && have[i] == "" {
			return false
		}
	}
	return true
}

func (rt *route) labels(path []string) []string {
	var out []string
	extra := len(path) - len(rt.segments)
	for i, s := range rt.segments {
		switch {
		case s.kind == isGreedy:
			out = append(out, strings.Join(path[i:i+extra+1], "/"))
		case s.kind == isLabel && rt.greedy >= 0 && i > rt.greedy:
			out = append(out, path[i+extra])
		case s.kind == isLabel:
			out = append(out, path[i])
		}
	}
	return out
}

func (rt *route) matchLiterals(params []literal) bool {
	for _, l := range rt.literals {
		if !slices.ContainsFunc(params, func(p literal) bool {
			return p.name == l.name && (!l.hasValue || p.value == l.value)
		}) {
			return false
		}
	}
	return true
}

func (rt *route) matchRequired(params []literal, header http.Header) bool {
	for _, name := range rt.query {
		if !slices.ContainsFunc(params, func(p literal) bool { return p.name == name }) {
			return false
		}
	}
	for _, name := range rt.headers {
		if len(header.Values(name)) == 0 {
			return false
		}
	}
	return true
}

// parameters reads a query string for routing. Escapes that cannot be read match no
// literal; the codec refuses them.
func parameters(query string) []literal {
	var out []literal
	for len(out) < form.MaxParameters && query != "" {
		var field string
		field, query, _ = strings.Cut(query, "&")
		name, value, has := strings.Cut(field, "=")
		name, err1 := form.Unescape(name)
		value, err2 := form.Unescape(value)
		if err1 == nil && err2 == nil && name != "" {
			out = append(out, literal{name, value, has})
		}
	}
	return out
}

// unescape decodes a path segment once. A plus sign stands for itself.
func unescape(s string) (string, error) {
	if strings.IndexByte(s, '%') < 0 {
		if !utf8.ValidString(s) {
			return "", ErrEscape
		}
		return s, nil
	}
	out, err := form.Unescape(strings.ReplaceAll(s, "+", "%2B"))
	if err != nil {
		return "", ErrEscape
	}
	return out, nil
}
