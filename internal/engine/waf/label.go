package waf

import (
	"slices"
	"strings"

	"fastness/internal/engine/waf/pattern"
)

// maxLabels is how many labels a request can have (AWS WAF quotas); later ones are not added.
const maxLabels = 100

// awsPrefix begins every fully qualified label.
const awsPrefix = "awswaf:"

// BoundLabel is the label of a request that was not inspected whole, as it would have cost more than Options.Steps or InjectionSteps. The rule that
// then refuses it does so for want of an inspection, and not for what its name says. No rule can add it.
const BoundLabel = "fastness:waf:inspection-bound"

// placeLabel is the fixed part of a label that a country statement adds.
type placeLabel uint8

const (
	clientCountry placeLabel = iota
	clientRegion
	forwardedCountry
	forwardedRegion
	// tokenID and tokenFingerprint are no places, but labels whose end comes with the request, too;
	// it is in place.country.
	tokenID
	tokenFingerprint
)

var placeLabels = [...]string{
	"awswaf:clientip:geo:country:", "awswaf:clientip:geo:region:",
	"awswaf:forwardedip:geo:country:", "awswaf:forwardedip:geo:region:",
	"awswaf:managed:token:id:", "awswaf:managed:token:fingerprint:",
}

func (k placeLabel) isRegion() bool { return k == clientRegion || k == forwardedRegion }

// unknownPlace stands for a country or a part of one that is not known.
const unknownPlace = "XX"

// place is a label of a country statement. Its name is put together only when somebody
// wants to read it.
type place struct {
	kind            placeLabel
	country, region string // region as in ISO 3166-2, "US-WA", or empty
}

func (p place) append(dst []byte) []byte {
	dst = append(dst, placeLabels[p.kind]...)
	switch {
	case !p.kind.isRegion():
		return append(dst, p.country...)
	case p.region != "":
		return append(dst, p.region...)
	}
	dst = append(dst, p.country...)
	return append(append(dst, '-'), unknownPlace...)
}

// code tells whether the variable part of the label is s.
func (p place) code(s string) bool {
	switch {
	case !p.kind.isRegion():
		return s == p.country
	case p.region != "":
		return s == p.region
	}
	country, unknown, ok := strings.Cut(s, "-")
	return ok && country == p.country && unknown == unknownPlace
}

// labelKey is a label match statement's, or a rate-based rule's, in its context.
type labelKey struct {
	key       string
	namespace bool
	context   string // prefix of the ACL or group, if key has none
}

func newLabelKey(key string, namespace bool, context string) labelKey {
	k := labelKey{key: key, namespace: namespace}
	if !strings.HasPrefix(key, awsPrefix) {
		k.context = context
	}
	return k
}

// matches tells whether the key means the fully qualified label name.
func (k labelKey) matches(name string) bool {
	if name == BoundLabel { // of no ACL or group
		return k.key == name || k.namespace && strings.HasPrefix(name, k.key)
	}
	if k.context == "" && strings.HasPrefix(k.key, awsPrefix) {
		if k.namespace {
			return strings.HasPrefix(name, k.key)
		}
		return name == k.key
	}
	if !strings.HasPrefix(name, k.context) {
		return false
	}
	if k.namespace {
		// A namespace ends in a colon, so it never reaches into the label's own name.
		return strings.HasPrefix(name, k.key) || strings.Contains(name, ":"+k.key)
	}
	return name == k.key || strings.HasSuffix(name, ":"+k.key)
}

// matchesPlace is matches for the label of a country statement, without making its name.
func (k labelKey) matchesPlace(p place) bool {
	if !strings.HasPrefix(k.key, awsPrefix) {
		return false // they belong to no ACL or group
	}
	prefix := placeLabels[p.kind]
	if k.namespace {
		return strings.HasPrefix(prefix, k.key)
	}
	code, ok := strings.CutPrefix(k.key, prefix)
	return ok && p.code(code)
}

// seesPlaces tells whether the key can match a country statement's label at all.
func (k labelKey) seesPlaces() bool {
	return slices.ContainsFunc(placeLabels[:], func(prefix string) bool {
		return k.namespace && strings.HasPrefix(prefix, k.key) || !k.namespace && strings.HasPrefix(k.key, prefix)
	})
}

// interner numbers the labels that the rules of a program can add.
type interner struct {
	names []string
	ids   map[string]int32
}

func (n *interner) id(name string) int32 {
	id, ok := n.ids[name]
	if !ok {
		if n.ids == nil {
			n.ids = map[string]int32{}
		}
		id = int32(len(n.names))
		n.names = append(n.names, name)
		n.ids[name] = id
	}
	return id
}

// mask returns the labels that the key means.
func (n *interner) mask(k labelKey) pattern.Bits {
	m := pattern.NewBits(len(n.names))
	for i, name := range n.names {
		if k.matches(name) {
			m.Set(i)
		}
	}
	return m
}
