package managed

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/request"
	"fastness/internal/engine/waf/transform"
)

// file is what a file of groups has; the package's documentation explains it.
type file struct {
	Name, Title, Description, Labels, Version, Updated string
	Capacity                                           int64
	Advanced, Tokens                                   bool
	Bots                                               []bot
	Rules                                              []fileRule
}

// fileRule is a rule in a file.
type fileRule struct {
	Name, Label string
	Labels      []string
	Quiet       bool
	If          string
	Action      waf.ActionKind

	// What it looks for: any of these, …
	At             []string
	Attack         []string
	Regex, Missing string
	Paths          string
	Over, Run      int64
	Set            string
	ASNs           []uint32
	NoBrowser      bool
	Challengeable  bool
	// … and these.
	Signal, Has, And, Without []string
}

// content is a rule made ready.
type content struct {
	name          string
	labels        []string // as in waf.Rule
	quiet         bool
	onlyIf        string
	action        waf.ActionKind
	statement     waf.Statement
	challengeable bool // the statement comes with the configuration
}

func parse(data []byte) (Group, error) {
	var f file
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return Group{}, err
	}
	g := Group{
		Name: f.Name, Title: f.Title, Description: f.Description, Capacity: f.Capacity, Version: f.Version, Advanced: f.Advanced,
		LabelNamespace: "awswaf:managed:aws:" + f.Labels + ":", tokens: f.Tokens,
	}
	var err error
	if g.Updated, err = time.Parse(time.DateOnly, f.Updated); err != nil {
		return g, err
	}
	if g.tokens {
		g.tokenLabels()
	}
	g.bots(f.Bots)
	for i := range f.Rules {
		if err := g.add(&f.Rules[i]); err != nil {
			return g, fmt.Errorf("rule %s: %w", f.Rules[i].Name, err)
		}
	}
	slices.Sort(g.AddressSets)
	g.AddressSets = slices.Compact(g.AddressSets)
	slices.Sort(g.Labels)
	g.Labels = slices.Compact(g.Labels)
	return g, nil
}

// add adds a rule of a file.
func (g *Group) add(r *fileRule) error {
	x := content{name: r.Name, labels: r.Labels, quiet: r.Quiet, onlyIf: r.If, action: r.Action, challengeable: r.Challengeable}
	if r.Label != "" {
		x.labels = append([]string{r.Label}, r.Labels...)
	}
	if x.action == 0 {
		x.action = waf.Block
	}
	if !x.challengeable {
		var err error
		if x.statement, err = g.statement(r); err != nil {
			return err
		}
	}
	g.content(x)
	if r.Quiet || slices.ContainsFunc(g.Rules, func(known Rule) bool { return known.Name == r.Name }) {
		return nil
	}
	public := Rule{Name: r.Name, Action: x.action}
	if r.Label != "" {
		public.Label = g.LabelNamespace + r.Label
	}
	g.Rules = append(g.Rules, public)
	return nil
}

// content adds a rule made ready.
func (g *Group) content(x content) {
	for _, l := range x.labels {
		g.Labels = append(g.Labels, g.full(l))
	}
	g.contents = append(g.contents, x)
}

// full is a label with its namespace.
func (g *Group) full(label string) string {
	if strings.HasPrefix(label, "awswaf:") {
		return label
	}
	return g.LabelNamespace + label
}

// tokenLabels adds the rules that label what tokens are worth (AWS WAF Developer Guide, "Types of token
// labels in AWS WAF").
func (g *Group) tokenLabels() {
	for _, name := range waf.TokenSignals() {
		g.content(content{
			name: "(" + name + ")", labels: []string{"awswaf:managed:" + name}, quiet: true,
			statement: waf.Statement{Signal: &waf.SignalMatch{Names: []string{name}}},
		})
	}
}

// statement is what a rule looks for.
func (g *Group) statement(r *fileRule) (waf.Statement, error) {
	found, err := g.looksFor(r)
	if err != nil {
		return waf.Statement{}, err
	}
	var all []waf.Statement
	if len(found) > 0 {
		all = append(all, either(found))
	}
	if len(r.Signal) > 0 {
		all = append(all, waf.Statement{Signal: &waf.SignalMatch{Names: r.Signal}})
	}
	for _, labels := range [][]string{r.Has, r.And} {
		if len(labels) > 0 {
			all = append(all, either(g.labelled(labels)))
		}
	}
	if len(r.Without) > 0 {
		without := either(g.labelled(r.Without))
		all = append(all, waf.Statement{Not: &without})
	}
	switch len(all) {
	case 0:
		if r.If == never {
			return waf.Statement{}, nil
		}
		return waf.Statement{}, errors.New("looks for nothing")
	case 1:
		return all[0], nil
	}
	return waf.Statement{And: all}, nil
}

// labelled are statements on labels of the group.
func (g *Group) labelled(labels []string) (all []waf.Statement) {
	for _, l := range labels {
		all = append(all, waf.Statement{Label: &waf.LabelMatch{Key: g.full(l), Namespace: strings.HasSuffix(l, ":")}})
	}
	return all
}

// either is that one of the statements holds.
func either(all []waf.Statement) waf.Statement {
	if len(all) == 1 {
		return all[0]
	}
	return waf.Statement{Or: all}
}

// looksFor are the statements of a rule of which one has to hold; none if it looks for none of that.
func (g *Group) looksFor(r *fileRule) (any []waf.Statement, err error) {
	if len(r.Attack) > 0 {
		any, err = at(r.At, func(in waf.Inspect, place string) waf.Statement {
			return waf.Statement{Attack: &waf.AttackMatch{Inspect: in, Families: r.Attack, Place: place}}
		})
		if err != nil {
			return nil, err
		}
	}
	text := r.Regex
	if r.Paths != "" {
		kinds, err := pathsIn(r.Paths)
		if err != nil {
			return nil, err
		}
		text = expression(kinds)
	}
	switch {
	case text != "":
		more, err := at(r.At, func(in waf.Inspect, _ string) waf.Statement { return regex(in.Component, text) })
		if err != nil {
			return nil, err
		}
		any = append(any, more...)
	case r.Missing != "":
		any = []waf.Statement{missing(r.Missing)}
	case r.Over > 0:
		any, err = at(r.At, func(in waf.Inspect, _ string) waf.Statement {
			in.Component.Oversize = request.OversizeMatch
			return waf.Statement{Size: &waf.SizeMatch{Inspect: in, Comparison: waf.Greater, Size: r.Over}}
		})
		if run, ok := runs[strings.Join(r.At, " ")]; ok && r.Run > 0 && err == nil {
			any = []waf.Statement{{And: append(any, waf.Statement{Size: &waf.SizeMatch{
				Inspect: waf.Inspect{Component: request.Component{Kind: run}}, Comparison: waf.Greater, Size: r.Run,
			}})}}
		}
	case r.NoBrowser:
		any = notABrowser()
	}
	if r.Set != "" {
		any = append(any, g.from(r.Set))
	}
	if len(r.ASNs) > 0 {
		any = append(any, waf.Statement{ASN: &waf.ASNMatch{ASNs: r.ASNs}})
	}
	if err == nil && len(any) == 0 && (len(r.At) > 0 || len(r.Attack) > 0) {
		err = errors.New("looks at nothing")
	}
	return any, err
}

// from is that the client is in a set of addresses.
func (g *Group) from(set string) waf.Statement {
	g.AddressSets = append(g.AddressSets, set)
	return waf.Statement{IPSet: &waf.IPSetMatch{Set: set}}
}

// regex is that a component has an expression in it, in lower case.
func regex(c request.Component, text string) waf.Statement {
	return waf.Statement{Regex: &waf.RegexMatch{
		Inspect: waf.Inspect{Component: c, Transformations: []transform.Kind{transform.URLDecodeUni, transform.Lowercase}}, Regex: text,
	}}
}

// missing is that a header field is not there, or empty.
func missing(field string) waf.Statement {
	return waf.Statement{Not: &waf.Statement{Size: &waf.SizeMatch{
		Inspect:    waf.Inspect{Component: request.Component{Kind: request.SingleHeader, Name: field}},
		Comparison: waf.Greater,
	}}}
}

// looks are the components behind the names of parts, with the place that values have for
// package attack.
var looks = map[string][]struct {
	component request.Component
	place     string
}{
	"path": {{request.Component{Kind: request.URIPath, Pieces: true}, "path"}},
	"query": {
		{request.Component{Kind: request.QueryArguments}, "query"},
		{request.Component{Kind: request.QueryArgumentNames}, "name"},
	},
	"body": {
		{request.Component{Kind: request.BodyArguments}, "body"},
		{request.Component{Kind: request.BodyArgumentNames, Pieces: true}, "name"},
		{request.Component{Kind: request.FileNames}, "file-name"},
		{request.Component{Kind: request.FileTexts}, "body"},
		{request.Component{Kind: request.OtherBody}, "whole"},
	},
	"cookie": {{request.Component{Kind: request.Cookies}, "cookie"}},
	"header": {
		{request.Component{Kind: request.Headers, Excluded: []string{"cookie", "user-agent", "referer", "authorization", "host"}, Scope: request.ScopeValue}, "field"},
		{request.Component{Kind: request.SingleHeader, Name: "user-agent"}, "user-agent"},
		{request.Component{Kind: request.SingleHeader, Name: "referer", Pieces: true}, "referer"},
	},
	"host":          {{request.Component{Kind: request.SingleHeader, Name: "host"}, "field"}},
	"method":        {{request.Component{Kind: request.Method}, "field"}},
	"user-agent":    {{request.Component{Kind: request.SingleHeader, Name: "user-agent"}, "user-agent"}},
	"query-string":  {{request.Component{Kind: request.QueryString}, "query"}},
	"cookie-header": {{request.Component{Kind: request.SingleHeader, Name: "cookie"}, "cookie"}},
	"body-bytes":    {{request.Component{Kind: request.OpaqueBody}, "whole"}},
}

// runs are the longest pieces without a sign of the parts that have some.
var runs = map[string]request.Kind{"path": request.PathRun, "query-string": request.QueryRun}

func at(parts []string, statement func(in waf.Inspect, place string) waf.Statement) ([]waf.Statement, error) {
	var all []waf.Statement
	for _, p := range parts {
		list, ok := looks[p]
		if !ok {
			return nil, fmt.Errorf("no part of a request is named %q", p)
		}
		for _, l := range list {
			all = append(all, statement(waf.Inspect{Component: l.component}, l.place))
		}
	}
	return all, nil
}
