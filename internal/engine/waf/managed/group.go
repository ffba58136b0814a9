package managed

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/netip"
	"slices"
	"strings"
	"time"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/account"
)

//go:embed groups/*.json groups/*.paths
var files embed.FS

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
	// Updated is when its contents last changed.
	Updated time.Time
	// Advanced groups are configured, or can be.
	Advanced bool
	Rules    []Rule
	// Labels are all that it adds, with their namespaces.
	Labels []string
	// AddressSets are the names of the sets of addresses that its rules look at.
	AddressSets []string

	contents []content
	tokens   bool // it labels what tokens are worth
}

// Rule is a rule of a group.
type Rule struct {
	Name   string
	Label  string // with its namespace; empty for a rule that is not to be told by a label
	Action waf.ActionKind
}

// Feeds are what the operator gives. Each may be nil: then there is none.
type Feeds struct {
	// Addresses gives the addresses of a set (Group.AddressSets) at the moment that a program is
	// compiled.
	Addresses func(name string) []netip.Prefix
	// Stolen gives the lists of stolen credentials at the moment that a program is compiled.
	Stolen func() *account.Stolen
}

// Catalogue is all groups. It is immutable.
type Catalogue struct {
	groups []Group // by name
	feeds  Feeds
}

var _ waf.ManagedGroups = (*Catalogue)(nil)

// New reads the built-in groups.
func New(feeds Feeds) (*Catalogue, error) {
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

// ManagedGroup gives the specification of a group. configs is AWS's ManagedRuleGroupConfigs, which some
// groups cannot do without.
func (c *Catalogue) ManagedGroup(vendor, name, version string, configs json.RawMessage) (waf.RuleGroup, waf.Sets, error) {
	i, ok := slices.BinarySearchFunc(c.groups, name, func(g Group, n string) int { return strings.Compare(g.Name, n) })
	if vendor != Vendor || !ok {
		return waf.RuleGroup{}, waf.Sets{}, fmt.Errorf("there is no managed group %s of %s", name, vendor)
	}
	g := &c.groups[i]
	if version != "" && version != g.Version {
		return waf.RuleGroup{}, waf.Sets{}, fmt.Errorf("the managed group %s has no version %s", name, version)
	}
	settings, err := settingsOf(g.Name, configs)
	if err != nil {
		return waf.RuleGroup{}, waf.Sets{}, fmt.Errorf("the managed group %s: %w", name, err)
	}
	out := waf.RuleGroup{Name: g.Name, LabelNamespace: g.LabelNamespace, Watch: settings.watch(c.feeds.Stolen)}
	for i := range g.contents {
		x := &g.contents[i]
		if x.onlyIf != "" && !settings.has(x.onlyIf) {
			continue
		}
		r := waf.Rule{Name: x.name, Priority: int32(len(out.Rules)), Statement: x.statement, Quiet: x.quiet, Labels: x.labels}
		if x.challengeable {
			r.Statement = settings.challengeable()
		}
		if !x.quiet {
			r.Action = waf.Action{Kind: x.action}
			r.Visibility = waf.Visibility{MetricName: x.name, Metrics: true, Samples: true}
		}
		out.Rules = append(out.Rules, r)
	}
	sets := waf.Sets{Addresses: map[string][]netip.Prefix{}}
	for _, s := range g.AddressSets {
		var list []netip.Prefix
		if c.feeds.Addresses != nil {
			list = c.feeds.Addresses(s)
		}
		sets.Addresses[s] = list
	}
	return out, sets, nil
}
