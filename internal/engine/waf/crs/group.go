package crs

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"sync"
	"time"

	rules "github.com/corazawaf/coraza-coreruleset/v4"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/seclang"
)

// The names of the group.
const (
	Vendor = "OWASP"
	Name   = "CoreRuleSet"
	// LabelNamespace is what its labels begin with.
	LabelNamespace = "awswaf:managed:owasp:core-rule-set:"
	// Capacity is in web ACL capacity units.
	Capacity = 2000
)

// Updated is when the rules in the binary were released.
var Updated = time.Date(2026, 3, 28, 0, 0, 0, 0, time.UTC)

// thresholds are the scores for which there is a rule; the first blocks.
var thresholds = []int{5, 10, 15, 20, 30, 40}

// Notice is what the licence of the rules in the binary asks to be told.
//
//go:embed NOTICE
var Notice string

// Embedded are the rules in the binary.
func Embedded() fs.FS { return rules.FS }

// Group is the managed rule group in all its versions.
type Group struct {
	Versions []*Version // the default one first
}

// Version is the rule set with a paranoia level.
type Version struct {
	Name  string
	Rules []Rule

	specs   []waf.Rule
	compile func() (*seclang.Program, error)
	program func() (*seclang.Program, error) // compiled once
}

// Rule is a rule of the group.
type Rule struct {
	Name   string
	Label  string // with its namespace
	Action waf.ActionKind
}

// New reads the rules; they are compiled for the first web ACL that refers to them.
func New(fsys fs.FS) (*Group, error) {
	sources, _, err := seclang.CoreRuleSet(fsys, seclang.Config{})
	if err != nil {
		return nil, fmt.Errorf("crs: %w", err)
	}
	parsed, err := seclang.Parse(sources)
	if err != nil {
		return nil, fmt.Errorf("crs: %w", err)
	}
	g := &Group{}
	for level := 1; level <= 4; level++ {
		v, err := newVersion(fsys, sources, parsed, level)
		if err != nil {
			return nil, fmt.Errorf("crs: %w", err)
		}
		g.Versions = append(g.Versions, v)
	}
	return g, nil
}

func newVersion(fsys fs.FS, sources []seclang.Source, parsed *seclang.Rules, level int) (*Version, error) {
	_, options, err := seclang.CoreRuleSet(fsys, seclang.Config{Paranoia: level, Detect: true})
	if err != nil {
		return nil, err
	}
	version := seclang.Version(sources)
	if version == "" {
		return nil, errors.New("the rules do not say which version they are")
	}
	list, err := parsed.List(options)
	if err != nil {
		return nil, err
	}
	v := &Version{
		Name: fmt.Sprintf("%s-PL%d", version, level),
		compile: func() (*seclang.Program, error) {
			p, err := seclang.Compile(sources, options)
			if err == nil {
				learn(p)
			}
			return p, err
		},
	}
	v.program = sync.OnceValues(v.compile)
	for i := range list {
		r := &list[i]
		// The rules of blocking compare the score, which ours do themselves.
		if r.ID == 0 || strings.Contains(r.File, "BLOCKING-EVALUATION") {
			continue
		}
		v.add(strconv.Itoa(r.ID), kindOf(r)+":"+strconv.Itoa(r.ID), waf.Count, waf.SecLangMatch{Rule: r.ID})
	}
	for i, n := range thresholds {
		action := waf.Count
		if i == 0 {
			action = waf.Block
		}
		v.add(fmt.Sprintf("AnomalyScore_%d", n), fmt.Sprintf("anomaly-score:%d", n), action, waf.SecLangMatch{Score: n})
	}
	return v, nil
}

// kindOf is the kind of attack that a rule is about, by its tag.
func kindOf(r *seclang.RuleInfo) string {
	for _, t := range r.Tags {
		if strings.HasPrefix(t, "attack-") {
			return t
		}
	}
	return "rule"
}

func (v *Version) add(name, label string, action waf.ActionKind, match waf.SecLangMatch) {
	v.Rules = append(v.Rules, Rule{Name: name, Label: LabelNamespace + label, Action: action})
	v.specs = append(v.specs, waf.Rule{
		Name: name, Priority: int32(len(v.specs)), Statement: waf.Statement{SecLang: &match}, Action: waf.Action{Kind: action},
		Labels:     []string{label},
		Visibility: waf.Visibility{MetricName: name, Metrics: true, Samples: true},
	})
}

// Check compiles the rules of all levels, to see that they can be, and keeps nothing of it.
func (g *Group) Check() error {
	if _, err := g.Versions[len(g.Versions)-1].compile(); err != nil {
		return fmt.Errorf("crs: %w", err)
	}
	return nil
}

// ManagedGroup gives the specification of the group in a version; see waf.ManagedGroups.
func (g *Group) ManagedGroup(vendor, name, version string, _ json.RawMessage) (waf.RuleGroup, waf.Sets, error) {
	if vendor != Vendor || name != Name {
		return waf.RuleGroup{}, waf.Sets{}, fmt.Errorf("there is no managed group %s of %s", name, vendor)
	}
	for _, v := range g.Versions {
		if version == "" || version == v.Name {
			program, err := v.program()
			return waf.RuleGroup{Name: Name, LabelNamespace: LabelNamespace, Rules: v.specs, SecLang: program}, waf.Sets{}, err
		}
	}
	return waf.RuleGroup{}, waf.Sets{}, fmt.Errorf("the managed group %s of %s has no version %s", name, vendor, version)
}
