package waf

import (
	"encoding/json"
	"net/netip"
)

// Sets is what the rules of an ACL refer to by name; the names are the caller's, ARNs for
// example.
type Sets struct {
	Addresses map[string][]netip.Prefix `json:",omitempty"`
	Regexes   map[string][]string       `json:",omitempty"`
	Groups    map[string]RuleGroup      `json:",omitempty"`
}

// ManagedGroups provides the managed groups.
type ManagedGroups interface {
	// ManagedGroup returns the specification of a group in a version ("" is the default one)
	// that is configured by configs (ManagedGroup.Configs). Sets that the group's rules refer
	// to are looked up in the second result, not among the ACL's.
	ManagedGroup(vendor, name, version string, configs json.RawMessage) (RuleGroup, Sets, error)
}

// Places tells where an address is. It is called on the request path: no blocking, no
// allocation. What it returns lives as long as the program.
type Places interface {
	// Country returns the ISO 3166-1 alpha-2 code of the country and the ISO 3166-2 code of its
	// part ("US-WA"); what is not known is empty.
	Country(netip.Addr) (country, region string)
	// ASN returns the number of the autonomous system that announces the address, 0 if none is
	// known.
	ASN(netip.Addr) uint32
}
