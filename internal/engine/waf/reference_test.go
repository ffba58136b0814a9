package waf

import (
	"bytes"
	"cmp"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/corazawaf/libinjection-go"

	"fastness/internal/engine/waf/attack"
	"fastness/internal/engine/waf/inject"
	"fastness/internal/engine/waf/request"
	"fastness/internal/engine/waf/transform"
)

// reference evaluates a specification as it is written: no compilation, nothing shared, nothing
// remembered but the counts of rate-based rules. It knows only requests at one moment, so a
// window is a count.
type reference struct {
	acl     *ACL
	sets    Sets
	places  Places
	attacks *attack.Detector
	token   Token
	counts  map[string]int64
}

// outcome is what the reference decided.
type outcome struct {
	action             ActionKind
	terminating, inner string
	matches            []string // path, action, whether it ended something
	labels             []string
	insert             []string
	status             int
	body               string
	counts             []int64
}

// evaluation is one request on its way.
type evaluation struct {
	*reference
	r       *request.Request
	o       *outcome
	context string

	lastInserted int // fields that the last action added
}

func (f *reference) evaluate(r *request.Request) *outcome {
	e := &evaluation{reference: f, r: r, o: &outcome{}, context: f.acl.LabelNamespace}
	kind := e.rules(f.acl.Rules, f.acl.Bodies, "", nil, func(path string) { e.o.terminating = path })
	if kind == 0 {
		kind = f.acl.DefaultAction.Kind
		e.respond(f.acl.DefaultAction, f.acl.Bodies)
	}
	e.o.action = kind
	return e.o
}

// rules runs rules by priority and returns the action that ended the evaluation, or 0.
func (e *evaluation) rules(rules []Rule, bodies map[string]ResponseBody, group string, over *Overrides, ended func(string)) ActionKind {
	rules = slices.Clone(rules)
	slices.SortFunc(rules, func(a, b Rule) int { return cmp.Compare(a.Priority, b.Priority) })
	for _, r := range rules {
		path := group + r.Name
		if g := r.Statement.Group; g != nil {
			spec := e.sets.Groups[g.Group]
			context, inner, before := e.context, "", *e.o
			e.context = spec.LabelNamespace
			kind := e.rules(spec.Rules, spec.Bodies, r.Name+"/", &g.Overrides, func(p string) { inner = p })
			e.context = context
			switch {
			case kind == 0:
			case r.Override == OverrideCount:
				e.match(path, Count, false)
				e.o.status, e.o.body = before.status, before.body
				e.o.insert = e.o.insert[:len(e.o.insert)-e.lastInserted]
			default:
				e.match(path, kind, true)
				e.o.inner = inner
				ended(path)
				return kind
			}
			continue
		}
		action, actionBodies := r.Action, bodies
		if over != nil {
			if a, ok := over.Actions[r.Name]; ok {
				action, actionBodies = a, e.acl.Bodies
			} else if slices.Contains(over.Excluded, r.Name) {
				action = Action{Kind: Count}
			}
		}
		if !e.applies(r.Statement, path) {
			continue
		}
		for _, l := range r.Labels {
			e.label(e.context + l)
		}
		final := action.Kind == Allow || action.Kind == Block
		if action.Kind == Captcha || action.Kind == Challenge {
			solved, immunity := e.token.ChallengeSolved, cmp.Or(r.Challenge.Duration, e.acl.Challenge.Duration, DefaultImmunity)
			if action.Kind == Captcha {
				solved, immunity = e.token.CaptchaSolved, cmp.Or(r.Captcha.Duration, e.acl.Captcha.Duration, DefaultImmunity)
			}
			valid := e.token.Status == TokenValid && solved != 0 && e.r.Time.Sub(time.Unix(solved, 0)) < immunity
			if final = !valid; final {
				action.Insert = nil
			}
		}
		e.match(path, action.Kind, final)
		e.respond(action, actionBodies)
		if final {
			ended(path)
			return action.Kind
		}
	}
	return 0
}

func (e *evaluation) match(path string, kind ActionKind, ended bool) {
	e.o.matches = append(e.o.matches, fmt.Sprint(path, " ", kind, " ", ended))
}

func (e *evaluation) respond(a Action, bodies map[string]ResponseBody) {
	e.lastInserted = len(a.Insert)
	for _, f := range a.Insert {
		e.o.insert = append(e.o.insert, f.Name+"="+f.Value)
	}
	if a.Response != nil {
		e.o.status, e.o.body = a.Response.Status, bodies[a.Response.BodyKey].Content
	}
}

func (e *evaluation) label(name string) {
	if !slices.Contains(e.o.labels, name) && len(e.o.labels) < 100 {
		e.o.labels = append(e.o.labels, name)
	}
}

// applies tells whether a rule's statement matches.
func (e *evaluation) applies(s Statement, path string) bool {
	if s.Rate == nil {
		return e.statement(s) == yes
	}
	r := s.Rate
	if r.ScopeDown != nil && e.statement(*r.ScopeDown) != yes {
		return false
	}
	key := path
	switch r.Aggregate {
	case AggregateIP:
		key += e.r.Remote.Unmap().String()
	case AggregateForwardedIP:
		a, t := e.forwarded(r.Forwarded)
		if t != nil {
			return *t == yes
		}
		key += a[0].String()
	case AggregateKeys:
		for _, k := range r.Keys {
			part, found := e.keyPart(k, r.Forwarded)
			if !found {
				return part == "match"
			}
			key += fmt.Sprintf(" %q", part)
		}
	}
	e.counts[key]++
	e.o.counts = append(e.o.counts, e.counts[key])
	return e.counts[key] > r.Limit
}

// keyPart returns a part of a key. If it is missing the result is "match" or not.
func (e *evaluation) keyPart(k RateKey, f *ForwardedIP) (part string, found bool) {
	if c, ok := (map[RateKeyKind]request.Component{
		KeyHeader: {Kind: request.SingleHeader, Name: k.Name}, KeyQueryArgument: {Kind: request.SingleQueryArgument, Name: k.Name},
		KeyCookie:      {Kind: request.Cookies, Included: []string{k.Name}, Scope: request.ScopeValue},
		KeyQueryString: {Kind: request.QueryString}, KeyURIPath: {Kind: request.URIPath}, KeyMethod: {Kind: request.Method},
	})[k.Kind]; ok {
		if v, _ := e.values(Inspect{Component: c, Transformations: k.Transformations}); len(v) > 0 {
			return string(v[0]), true
		}
		return "", false
	}
	switch k.Kind {
	case KeyIP:
		return e.r.Remote.Unmap().String(), true
	case KeyForwardedIP, KeyASN:
		a := []netip.Addr{e.r.Remote.Unmap()}
		if f != nil {
			var t *truth
			if a, t = e.forwarded(f); t != nil {
				return map[bool]string{true: "match"}[*t == yes], false
			}
		}
		if k.Kind == KeyASN {
			n := e.places.ASN(a[0])
			return fmt.Sprint(n), n != 0
		}
		return a[0].String(), true
	case KeyLabelNamespace:
		for _, l := range e.o.labels {
			if e.means(k.Name, true, l) {
				part += l + " "
			}
		}
		return part, part != ""
	}
	panic("a kind of key that the generator does not make")
}

// means tells whether a label key means a label, by the words of the documentation.
func (e *evaluation) means(key string, namespace bool, name string) bool {
	if strings.HasPrefix(key, "awswaf:") {
		return name == key || namespace && strings.HasPrefix(name, key)
	} else if !strings.HasPrefix(name, e.context) {
		return false
	}
	parts, want := strings.Split(name, ":"), strings.Split(strings.TrimSuffix(key, ":"), ":")
	if namespace {
		for i := 0; i+len(want) < len(parts); i++ {
			if slices.Equal(parts[i:i+len(want)], want) {
				return true
			}
		}
		return false
	}
	return len(want) <= len(parts) && slices.Equal(parts[len(parts)-len(want):], want)
}

// forwarded returns the addresses at a position of a header, or the outcome where there are none.
func (e *evaluation) forwarded(f *ForwardedIP) ([]netip.Addr, *truth) {
	var list []string
	for _, field := range e.r.Fields {
		if strings.EqualFold(field.Name, f.Header) {
			list = append(list, strings.Split(field.Value, ",")...)
		}
	}
	outcome := unknown
	if len(list) == 0 {
		return nil, &outcome
	}
	switch f.Position {
	case LastIP:
		list = list[len(list)-1:]
	case AnyIP:
		list = list[max(0, len(list)-10):]
	default:
		list = list[:1]
	}
	var all []netip.Addr
	for _, text := range list {
		if a, err := netip.ParseAddr(strings.Trim(text, " \t")); err == nil {
			all = append(all, a.Unmap())
		}
	}
	if len(all) > 0 {
		return all, nil
	}
	outcome = truthOf(f.MatchInvalid)
	return nil, &outcome
}

// values returns what a statement inspects, or the outcome that does not depend on it.
func (e *evaluation) values(in Inspect) ([][]byte, *truth) {
	s, err := request.Compile(in.Component)
	if err != nil {
		panic(err)
	}
	inspection := request.NewInspection(request.DefaultLimits())
	inspection.Reset(e.r)
	list, o := s.Append(nil, inspection)
	if o.Decision != request.Inspect {
		t := truthOf(o.Decision == request.Matches)
		return nil, &t
	}
	var all [][]byte
	for _, v := range list {
		b := bytes.Clone(v.Bytes)
		for _, k := range in.Transformations {
			if out, changed := transform.Append(nil, k, b); changed {
				b = out
			}
		}
		all = append(all, b)
	}
	return all, nil
}

// inspect tells whether some value of a component satisfies test.
func (e *evaluation) inspect(in Inspect, test func([]byte) bool) truth {
	values, decided := e.values(in)
	if decided != nil {
		return *decided
	}
	return truthOf(slices.ContainsFunc(values, test))
}

// list evaluates members until one is final: what comes after it is not reached.
func (e *evaluation) list(members []Statement, result, final truth) truth {
	for _, k := range members {
		if t := e.statement(k); t == final {
			return final
		} else if t == unknown {
			result = unknown
		}
	}
	return result
}

func (e *evaluation) statement(s Statement) truth {
	switch {
	case s.And != nil:
		return e.list(s.And, yes, no)
	case s.Or != nil:
		return e.list(s.Or, no, yes)
	case s.Not != nil:
		return map[truth]truth{yes: no, no: yes, unknown: unknown}[e.statement(*s.Not)]
	case s.Byte != nil:
		b := s.Byte
		return e.inspect(b.Inspect, func(v []byte) bool {
			word := func() bool {
				return regexp.MustCompile(`(?s)(^|[^A-Za-z0-9_])` + regexp.QuoteMeta(string(b.Search)) + `([^A-Za-z0-9_]|$)`).Match(v)
			}
			return b.Position == Exactly && bytes.Equal(v, b.Search) || b.Position == StartsWith && bytes.HasPrefix(v, b.Search) ||
				b.Position == EndsWith && bytes.HasSuffix(v, b.Search) || b.Position == Contains && bytes.Contains(v, b.Search) ||
				b.Position == ContainsWord && word()
		})
	case s.Regex != nil:
		return e.inspect(s.Regex.Inspect, regexp.MustCompile(s.Regex.Regex).Match)
	case s.RegexSet != nil:
		return e.inspect(s.RegexSet.Inspect, func(v []byte) bool {
			return slices.ContainsFunc(e.sets.Regexes[s.RegexSet.Set], func(x string) bool { return regexp.MustCompile(x).Match(v) })
		})
	case s.SQLi != nil:
		return e.inspect(s.SQLi.Inspect, func(v []byte) bool {
			found, _ := libinjection.IsSQLi(string(v))
			budget := inject.DefaultBudget
			return found || s.SQLi.High && inject.SQL(v, inject.High, &budget) == inject.Found
		})
	case s.XSS != nil:
		return e.inspect(s.XSS.Inspect, func(v []byte) bool { return libinjection.IsXSS(string(v)) })
	case s.Attack != nil:
		place, _ := attack.ParsePlace(s.Attack.Place)
		return e.inspect(s.Attack.Inspect, func(v []byte) bool {
			found := e.attacks.Inspect(v, place, new(attack.Scratch), nil)
			return slices.ContainsFunc(s.Attack.Families, func(name string) bool { f, _ := attack.ParseFamily(name); return found.Has(f) })
		})
	case s.Size != nil:
		return e.inspect(s.Size.Inspect, func(v []byte) bool {
			c := cmp.Compare(int64(len(v)), s.Size.Size)
			return slices.Contains(map[Comparison][]int{
				Equal: {0}, NotEqual: {-1, 1}, Less: {-1}, LessOrEqual: {-1, 0}, Greater: {1}, GreaterOrEqual: {0, 1},
			}[s.Size.Comparison], c)
		})
	case s.Label != nil:
		return truthOf(slices.ContainsFunc(e.o.labels, func(name string) bool { return e.means(s.Label.Key, s.Label.Namespace, name) }))
	}
	return e.onAddress(s)
}

func (e *evaluation) onAddress(s Statement) truth {
	var f *ForwardedIP
	switch {
	case s.Geo != nil:
		f = s.Geo.Forwarded
	case s.ASN != nil:
		f = s.ASN.Forwarded
	default:
		f = s.IPSet.Forwarded
	}
	list := []netip.Addr{e.r.Remote.Unmap()}
	if f != nil {
		var decided *truth
		if list, decided = e.forwarded(f); decided != nil {
			return *decided
		}
	}
	switch {
	case s.Geo != nil:
		country, region := e.places.Country(list[0])
		prefix := map[bool]string{true: "awswaf:forwardedip:geo:", false: "awswaf:clientip:geo:"}[f != nil]
		known := cmp.Or(country, "XX")
		e.label(prefix + "country:" + known)
		e.label(prefix + "region:" + cmp.Or(region, known+"-XX"))
		return truthOf(slices.Contains(s.Geo.Countries, country))
	case s.ASN != nil:
		return truthOf(slices.Contains(s.ASN.ASNs, e.places.ASN(list[0])))
	}
	return truthOf(slices.ContainsFunc(list, func(a netip.Addr) bool {
		return slices.ContainsFunc(e.sets.Addresses[s.IPSet.Set], func(p netip.Prefix) bool { return p.Contains(a) })
	}))
}
