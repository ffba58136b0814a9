package wafv2

import (
	"slices"
	"strings"
	"time"

	"fastness/internal/api/wafv2api"
	"fastness/internal/store"
)

// ManagedGroup is a managed rule group as customers see it.
type ManagedGroup struct {
	Vendor, Name string
	// Title, Description, ProductID and Link describe the product; each may be empty.
	Title, Description, ProductID, Link string
	// Topic is the ARN of the SNS topic that reports new versions; may be empty.
	Topic string
	// LabelNamespace is what its labels begin with: "awswaf:managed:aws:core-rule-set:".
	LabelNamespace string
	// Versioned groups have named versions; another one has a single version without a name.
	Versioned bool
	// Advanced groups need a configuration, or can have one.
	Advanced bool
	// Default is the name of the version that those have who name none.
	Default string
	// Versions are all versions, the newest first. There is at least one.
	Versions []ManagedVersion
}

// ManagedVersion is a version of a managed rule group.
type ManagedVersion struct {
	Name     string
	Updated  time.Time
	Expires  time.Time // zero: it does not
	Capacity int64     // WCU
	Rules    []ManagedRule
	// Labels are those that its rules add, with their namespace, Consumed those they match
	// against.
	Labels, Consumed []string
	// RuleGroup is the ARN of the rule group that a vendor here has published as the version; empty
	// for the platform's own.
	RuleGroup string
}

// ManagedRule is a rule of a managed rule group.
type ManagedRule struct {
	Name   string
	Action wafv2api.RuleAction
}

// Catalogue has the managed rule groups of the platform.
type Catalogue interface {
	// ManagedGroups are all groups, ordered by vendor and name. The result is shared and must not be
	// changed.
	ManagedGroups() []ManagedGroup
}

// emptyCatalogue is the catalogue where none is given.
type emptyCatalogue struct{}

func (emptyCatalogue) ManagedGroups() []ManagedGroup { return nil }

// version returns the version of a name, the default one for "", or nil.
func (g *ManagedGroup) version(name string) *ManagedVersion {
	if !g.Versioned {
		if name != "" {
			return nil
		}
		return &g.Versions[0]
	}
	if name == "" {
		name = g.Default
	}
	for i := range g.Versions {
		if g.Versions[i].Name == name {
			return &g.Versions[i]
		}
	}
	return nil
}

// managedGroups are the groups that there are in a Region for a scope: the platform's, and those
// that accounts here have published.
func (s *Service) managedGroups(r store.Reader, region string, sc wafv2api.Scope) ([]ManagedGroup, error) {
	all := slices.Clone(s.catalogue.ManagedGroups())
	published, err := s.publishedGroups(r, region, sc)
	if err != nil {
		return nil, err
	}
	all = append(all, published...)
	slices.SortFunc(all, func(a, b ManagedGroup) int {
		if c := strings.Compare(a.Vendor, b.Vendor); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	return all, nil
}

// managedGroupOf finds a group, or returns nil.
func (s *Service) managedGroupOf(r store.Reader, region string, sc wafv2api.Scope, vendor, name string) (*ManagedGroup, error) {
	for _, g := range s.catalogue.ManagedGroups() {
		if g.Vendor == vendor && g.Name == name {
			return &g, nil
		}
	}
	return s.publishedGroup(r, region, sc, vendor, name)
}

// managedVersion finds a version of a group, the default one for "". Either is nil if there is
// none.
func (s *Service) managedVersion(r store.Reader, region string, sc wafv2api.Scope, vendor, name, version string) (*ManagedGroup, *ManagedVersion, error) {
	g, err := s.managedGroupOf(r, region, sc, vendor, name)
	if err != nil || g == nil {
		return nil, nil, err
	}
	return g, g.version(version), nil
}

func (s *Service) expired(v *ManagedVersion) bool {
	return !v.Expires.IsZero() && !s.clock.Now().Before(v.Expires)
}
