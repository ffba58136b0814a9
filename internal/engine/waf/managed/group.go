package managed

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"slices"
	"strings"
	"time"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/request"
	"fastness/internal/engine/waf/transform"
)

//go:embed groups/*.json
var files embed.FS

// Updated is when the contents of the groups last changed.
var Updated = time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)

// Vendor is the vendor of all groups here.
const Vendor = "AWS"

// Group is a managed rule group.
type Group struct {
	Name        string
	Title       string // a few words
	Description string
	// Capacity is its cost in WCU.
	Capacity int64
	// LabelNamespace is the prefix of its labels: "awswaf:managed:aws:core-rule-set:".
	LabelNamespace string
	// Version is the name of its version, empty for a group that has none.
	Version string
	Rules   []Rule
	// AddressSets are the names of the sets of addresses that its rules look at.
	AddressSets []string
}

// Rule is a rule of a group.
type Rule struct {
	Name   string
	Label  string // with its namespace
	Action waf.ActionKind

	statement waf.Statement
}

// file is what a file of groups has.
type file struct {
	Name, Title, Description, Labels, Version string
	Capacity                                  int64
	Rules                                     []struct {
		Name, Label string
		Action      waf.ActionKind
		At          []string
		Attack      []string
		Regex       string
		Missing     string
		Over        int64
		Single      int64
		Set         string
	}
}

// Catalogue is all groups. It is immutable.
type Catalogue struct {
	groups []Group // by name
	feeds  func(name string) []netip.Prefix
}

var _ waf.ManagedGroups = (*Catalogue)(nil)

// New reads the built-in groups. feeds gives the addresses of a set (Group.AddressSets) at the moment
// that a program is compiled; nil is none.
func New(feeds func(name string) []netip.Prefix) (*Catalogue, error) {
	names, err := fs.Glob(files, "groups/*.json")
	if err != nil {
		return nil, fmt.Errorf("managed: %w", err)
	}
	c := &Catalogue{feeds: feeds}
	for _, name := range names {
		data, err := files.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("managed: %w", err)
		}
		g, err := parse(data)
		if err != nil {
			return nil, fmt.Errorf("managed: %s: %w", name, err)
		}
		c.groups = append(c.groups, g)
	}
	slices.SortFunc(c.groups, func(a, b Group) int { return strings.Compare(a.Name, b.Name) })
	return c, nil
}

// Groups are all groups by name. The result is shared and must not be changed.
func (c *Catalogue) Groups() []Group { return c.groups }

// ManagedGroup gives the specification of a group. The versions of a group have the same contents.
func (c *Catalogue) ManagedGroup(vendor, name, version string, _ json.RawMessage) (waf.RuleGroup, waf.Sets, error) {
	i, ok := slices.BinarySearchFunc(c.groups, name, func(g Group, n string) int { return strings.Compare(g.Name, n) })
	if vendor != Vendor || !ok {
		return waf.RuleGroup{}, waf.Sets{}, fmt.Errorf("there is no managed group %s of %s", name, vendor)
	}
	g := &c.groups[i]
	if version != "" && version != g.Version {
		return waf.RuleGroup{}, waf.Sets{}, fmt.Errorf("the managed group %s has no version %s", name, version)
	}
	out := waf.RuleGroup{Name: g.Name, LabelNamespace: g.LabelNamespace}
	for i, r := range g.Rules {
		out.Rules = append(out.Rules, waf.Rule{
			Name: r.Name, Priority: int32(i), Statement: r.statement, Action: waf.Action{Kind: r.Action},
			Labels:     []string{strings.TrimPrefix(r.Label, g.LabelNamespace)},
			Visibility: waf.Visibility{MetricName: r.Name, Metrics: true, Samples: true},
		})
	}
	sets := waf.Sets{Addresses: map[string][]netip.Prefix{}}
	for _, s := range g.AddressSets {
		var list []netip.Prefix
		if c.feeds != nil {
			list = c.feeds(s)
		}
		sets.Addresses[s] = list
	}
	return out, sets, nil
}

func parse(data []byte) (Group, error) {
	var f file
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return Group{}, err
	}
	g := Group{
		Name: f.Name, Title: f.Title, Description: f.Description, Capacity: f.Capacity, Version: f.Version,
		LabelNamespace: "awswaf:managed:aws:" + f.Labels + ":",
	}
	for _, r := range f.Rules {
		out := Rule{Name: r.Name, Label: g.LabelNamespace + r.Label, Action: r.Action}
		if out.Action == 0 {
			out.Action = waf.Block
		}
		var any []waf.Statement
		var err error
		if len(r.Attack) > 0 {
			any, err = at(r.At, func(in waf.Inspect, place string) waf.Statement {
				return waf.Statement{Attack: &waf.AttackMatch{Inspect: in, Families: r.Attack, Place: place}}
			})
			if err != nil {
				return g, fmt.Errorf("rule %s: %w", r.Name, err)
			}
		}
		switch {
		case r.Regex != "":
			var more []waf.Statement
			more, err = at(r.At, func(in waf.Inspect, _ string) waf.Statement {
				in.Transformations = []transform.Kind{transform.URLDecodeUni, transform.Lowercase}
				return waf.Statement{Regex: &waf.RegexMatch{Inspect: in, Regex: r.Regex}}
			})
			any = append(any, more...)
		case r.Missing != "":
			any = []waf.Statement{{Not: &waf.Statement{Size: &waf.SizeMatch{
				Inspect:    waf.Inspect{Component: request.Component{Kind: request.SingleHeader, Name: r.Missing}},
				Comparison: waf.Greater,
			}}}}
		case r.Over > 0:
			any, err = at(r.At, func(in waf.Inspect, _ string) waf.Statement {
				in.Component.Oversize = request.OversizeMatch
				return waf.Statement{Size: &waf.SizeMatch{Inspect: in, Comparison: waf.Greater, Size: r.Over}}
			})
			if r.Single > 0 && err == nil {
				any = []waf.Statement{{And: append(any, waf.Statement{Size: &waf.SizeMatch{
					Inspect:    waf.Inspect{Component: request.Component{Kind: request.AllQueryArguments}},
					Comparison: waf.Greater, Size: r.Single,
				}})}}
			}
		case r.Set != "":
			any = []waf.Statement{{IPSet: &waf.IPSetMatch{Set: r.Set}}}
			g.AddressSets = append(g.AddressSets, r.Set)
		case len(any) == 0:
			err = errors.New("looks for nothing")
		}
		if err == nil && len(any) == 0 {
			err = errors.New("looks at nothing")
		}
		if err != nil {
			return g, fmt.Errorf("rule %s: %w", r.Name, err)
		}
		if len(any) == 1 {
			out.statement = any[0]
		} else {
			out.statement = waf.Statement{Or: any}
		}
		g.Rules = append(g.Rules, out)
	}
	return g, nil
}

// looks are the components behind the names of parts, with the place that values have for
// package attack.
var looks = map[string][]struct {
	component request.Component
	place     string
}{
	"path": {{request.Component{Kind: request.URIPath}, "path"}},
	"query": {
		{request.Component{Kind: request.QueryArguments}, "query"},
		{request.Component{Kind: request.QueryArgumentNames}, "name"},
	},
	"body": {
		{request.Component{Kind: request.BodyArguments}, "body"},
		{request.Component{Kind: request.BodyArgumentNames}, "name"},
		{request.Component{Kind: request.FileNames}, "body"},
		{request.Component{Kind: request.OtherBody}, "whole"},
	},
	"cookie": {{request.Component{Kind: request.Cookies}, "cookie"}},
	"header": {
		{request.Component{Kind: request.Headers, Excluded: []string{"cookie", "user-agent", "referer", "authorization", "host"}, Scope: request.ScopeValue}, "field"},
		{request.Component{Kind: request.SingleHeader, Name: "user-agent"}, "user-agent"},
		{request.Component{Kind: request.SingleHeader, Name: "referer"}, "referer"},
	},
	"host":          {{request.Component{Kind: request.SingleHeader, Name: "host"}, "field"}},
	"method":        {{request.Component{Kind: request.Method}, "field"}},
	"user-agent":    {{request.Component{Kind: request.SingleHeader, Name: "user-agent"}, "user-agent"}},
	"query-string":  {{request.Component{Kind: request.QueryString}, "query"}},
	"cookie-header": {{request.Component{Kind: request.SingleHeader, Name: "cookie"}, "cookie"}},
	"body-bytes":    {{request.Component{Kind: request.OpaqueBody}, "whole"}},
}

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
