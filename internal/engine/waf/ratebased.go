package waf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"fastness/internal/engine/waf/pattern"
	"fastness/internal/engine/waf/rate"
	"fastness/internal/engine/waf/request"
)

// maxRateKeys is how many parts a custom aggregation key has (AWS API models).
const maxRateKeys = 5

// rateRule is a compiled rate-based statement; the rule's expression is its scope-down
// statement.
type rateRule struct {
	limiter      *rate.Limiter
	settings     string // what it was compiled of: the limiter goes on if this does not change
	aggregate    AggregateKey
	forwarded    string
	matchInvalid bool
	keys         []rateKey
}

// rateKey is a part of a custom key.
type rateKey struct {
	kind         RateKeyKind
	name         string
	node         int32        // of those that read a component
	label        labelKey     // of KeyLabelNamespace
	mask         pattern.Bits // of KeyLabelNamespace
	matchMissing bool
}

func (c *compiler) rateRule(r *rule, spec *RateBased) error {
	rr := &rateRule{aggregate: spec.Aggregate}
	r.info.Kind, r.info.Limit, r.info.Window, r.info.Aggregate = RateBasedRule, spec.Limit, spec.Window, spec.Aggregate
	switch spec.Window {
	case time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute:
	default:
		return fmt.Errorf("an evaluation window of %v", spec.Window)
	}
	if spec.Limit < 1 {
		return fmt.Errorf("a limit of %d requests", spec.Limit)
	}
	needsHeader := spec.Aggregate == AggregateForwardedIP
	switch spec.Aggregate {
	case AggregateIP, AggregateForwardedIP:
	case AggregateConstant:
		if spec.ScopeDown == nil {
			return errors.New("the aggregation CONSTANT needs a scope-down statement")
		}
	case AggregateKeys:
		if len(spec.Keys) < 1 || len(spec.Keys) > maxRateKeys {
			return fmt.Errorf("%d parts of an aggregation key, not 1 to %d", len(spec.Keys), maxRateKeys)
		}
	default:
		return fmt.Errorf("no aggregation is named %q", spec.Aggregate)
	}
	if spec.Aggregate != AggregateKeys && len(spec.Keys) > 0 {
		return fmt.Errorf("the aggregation %s has parts of a key", spec.Aggregate)
	}
	for i := range spec.Keys {
		k, err := c.rateKey(&spec.Keys[i])
		if err != nil {
			return err
		}
		needsHeader = needsHeader || k.kind == KeyForwardedIP
		rr.keys = append(rr.keys, k)
		if k.kind == KeyLabelNamespace {
			c.labelKeys = append(c.labelKeys, labelLeaf{k.label, func(m pattern.Bits) { rr.keys[i].mask = m }})
		}
	}
	if f := spec.Forwarded; f != nil && f.Header != "" {
		rr.forwarded, rr.matchInvalid = f.Header, f.MatchInvalid
	} else if needsHeader {
		return errors.New("the aggregation key needs the header of a forwarded address")
	}
	var err error
	if spec.ScopeDown != nil {
		if r.expr, err = c.statement(spec.ScopeDown, 0); err != nil {
			return err
		}
	}
	text, err := identity(spec)
	if err != nil {
		return err
	}
	// With another hasher the keys are others.
	rr.settings = fmt.Sprintf("%s %d %d %x", text, c.o.RateKeys, c.o.IPv6Prefix, c.p.hasher.Key([]byte("settings")))
	r.rate = rr
	c.p.rates[strings.Join(c.path, "/")] = rr
	if c.o.Previous != nil {
		if old := c.o.Previous.rates[strings.Join(c.path, "/")]; old != nil && old.settings == rr.settings {
			rr.limiter = old.limiter
			return nil
		}
	}
	rr.limiter, err = rate.New(rate.Settings{
		Limit: spec.Limit, Window: spec.Window, MaxKeys: c.o.RateKeys, Shares: c.o.ShareCounts, Budget: c.o.RateBudget,
	})
	return err
}

// rateComponents are the components of those parts that are read as rules read them.
var rateComponents = map[RateKeyKind]request.Kind{
	KeyHeader: request.SingleHeader, KeyQueryArgument: request.SingleQueryArgument, KeyQueryString: request.QueryString,
	KeyURIPath: request.URIPath, KeyCookie: request.Cookies, KeyMethod: request.Method,
	KeyJA3: request.JA3Fingerprint, KeyJA4: request.JA4Fingerprint,
}

func (c *compiler) rateKey(spec *RateKey) (rateKey, error) {
	k := rateKey{kind: spec.Kind, name: spec.Name, node: -1, matchMissing: spec.MatchMissing}
	named, transformed := false, false
	switch spec.Kind {
	case KeyHeader, KeyCookie, KeyQueryArgument:
		named, transformed = true, true
	case KeyQueryString, KeyURIPath:
		transformed = true
	case KeyLabelNamespace:
		var err error
		k.label, err = c.labelKey(spec.Name, true)
		return k, err
	case KeyMethod, KeyForwardedIP, KeyIP, KeyJA3, KeyJA4, KeyASN:
	default:
		return k, fmt.Errorf("no part of an aggregation key is named %q", spec.Kind)
	}
	if named != (spec.Name != "") {
		return k, fmt.Errorf("a part %s with the name %q", spec.Kind, spec.Name)
	}
	if !transformed && len(spec.Transformations) > 0 {
		return k, fmt.Errorf("a part %s with transformations", spec.Kind)
	}
	if kind, ok := rateComponents[spec.Kind]; ok {
		in := Inspect{Component: request.Component{Kind: kind, Name: spec.Name}, Transformations: spec.Transformations}
		if spec.Kind == KeyCookie {
			in.Component = request.Component{Kind: kind, Included: []string{spec.Name}, Scope: request.ScopeValue}
		}
		l, err := c.inspect(&in)
		k.node = l.node
		return k, err
	}
	if spec.Kind == KeyASN {
		c.p.usesASN = true
	}
	return k, nil
}

// overLimit counts a request that a rate-based rule is about and tells whether the rule
// matches.
func (s *Scratch) overLimit(r *rule) bool {
	rr := r.rate
	var key rate.Key
	state := RateState{Rule: r.info, rule: r.id}
	switch rr.aggregate {
	case AggregateIP, AggregateForwardedIP:
		header := ""
		if rr.aggregate == AggregateForwardedIP {
			header = rr.forwarded
		}
		a, t, ok := s.address(header, FirstIP, rr.matchInvalid)
		if !ok {
			return s.uncounted(state, t)
		}
		state.Address = s.p.counted(a)
		key = rate.AddressKey(state.Address)
	case AggregateKeys:
		t, ok := s.compositeKey(rr)
		if !ok {
			return s.uncounted(state, t)
		}
		key = s.p.hasher.Key(s.key)
	}
	if s.trace != nil {
		state.Count = rr.limiter.Peek(key, s.now) + 1
	} else {
		state.Count = rr.limiter.Count(key, s.now)
	}
	state.Limited = state.Count > r.info.Limit
	s.verdict.Rates = append(s.verdict.Rates, state)
	return state.Limited
}

// uncounted notes a rule whose key the request does not have, and tells whether it matches.
func (s *Scratch) uncounted(state RateState, fallback truth) bool {
	if fallback != yes {
		return false
	}
	state.Limited, state.Uncounted = true, true
	s.verdict.Rates = append(s.verdict.Rates, state)
	return true
}

// counted returns the address that stands for a, when only a prefix counts.
func (p *Program) counted(a netip.Addr) netip.Addr {
	if p.v6Bits == 0 || !a.Is6() {
		return a
	}
	prefix, err := a.Prefix(p.v6Bits)
	if err != nil {
		return a
	}
	return prefix.Addr()
}

// compositeKey writes the parts of a custom key to s.key, so that different parts never give
// the same bytes. Where a part is missing, ok is false and t is the outcome.
func (s *Scratch) compositeKey(rr *rateRule) (t truth, ok bool) {
	s.key = s.key[:0]
	for i := range rr.keys {
		k := &rr.keys[i]
		switch k.kind {
		case KeyIP, KeyForwardedIP, KeyASN:
			header := ""
			if k.kind == KeyForwardedIP || k.kind == KeyASN {
				header = rr.forwarded
			}
			a, t, ok := s.address(header, FirstIP, rr.matchInvalid)
			if !ok {
				return t, false
			}
			if k.kind == KeyASN {
				var n uint32
				if s.p.places != nil {
					n = s.p.places.ASN(a)
				}
				if n == 0 {
					return no, false
				}
				s.key = binary.BigEndian.AppendUint32(s.key, n)
				continue
			}
			b := s.p.counted(a).As16()
			s.key = append(s.key, b[:]...)
		case KeyLabelNamespace:
			if !s.labelPart(k) {
				return no, false
			}
		default:
			if s.part(s.p.nodes[k.node].part).n == 0 {
				return truthOf(k.matchMissing), false
			}
			s.key = appendPart(s.key, s.forms[s.form(k.node, 0)].bytes)
		}
	}
	return no, true
}

// appendPart writes a text with its length before it.
func appendPart[T string | []byte](dst []byte, text T) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(text))), text...)
}

// labelPart writes the labels that are in a namespace; there must be one.
func (s *Scratch) labelPart(k *rateKey) bool {
	count := 0
	at := len(s.key)
	s.key = append(s.key, 0)
	for i := range s.labelOrder {
		l := &s.labelOrder[i]
		if l.id >= 0 {
			if k.mask.Has(int(l.id)) {
				s.key = binary.BigEndian.AppendUint32(append(s.key, 0), uint32(l.id))
				count++
			}
			continue
		}
		if k.label.matchesPlace(l.place) {
			s.key = append(s.key, 1, byte(l.place.kind))
			s.key = appendPart(s.key, l.place.country)
			s.key = appendPart(s.key, l.place.region)
			count++
		}
	}
	s.key[at] = byte(count)
	return count > 0
}

// RateValue is a part of the key that a request was counted by.
type RateValue struct {
	Kind  RateKeyKind
	Name  string // of a header, cookie, query argument; the label namespace
	Value string // after the transformations
}

// RateValues returns the parts of the key of a rate-based rule that counted the request by a
// custom key, for logs. Labels that later rules added to a namespace are among them. What it
// returns is not redacted.
func (v *Verdict) RateValues(state *RateState) []RateValue {
	s := v.scratch
	rr := s.p.rules[state.rule].rate
	var all []RateValue
	for i := range rr.keys {
		k := &rr.keys[i]
		value := RateValue{Kind: k.kind, Name: k.name}
		header := ""
		if k.kind == KeyForwardedIP || k.kind == KeyASN {
			header = rr.forwarded
		}
		switch k.kind {
		case KeyIP, KeyForwardedIP:
			if a, _, ok := s.address(header, FirstIP, false); ok {
				value.Value = s.p.counted(a).String()
			}
		case KeyASN:
			if a, _, ok := s.address(header, FirstIP, false); ok && s.p.places != nil {
				value.Value = strconv.FormatUint(uint64(s.p.places.ASN(a)), 10)
			}
		case KeyLabelNamespace:
			var names []string
			for _, name := range v.AppendLabels(nil) {
				if k.label.matches(name) {
					names = append(names, name)
				}
			}
			value.Value = strings.Join(names, ",")
		default:
			if s.part(s.p.nodes[k.node].part).n > 0 {
				value.Value = string(s.forms[s.form(k.node, 0)].bytes)
			}
		}
		all = append(all, value)
	}
	return all
}

// Errors of Limited.
var (
	// ErrNoRateRule tells that the ACL has no such rate-based rule.
	ErrNoRateRule = errors.New("waf: the ACL has no such rate-based rule")
	// ErrAggregation tells that a rule does not count by address alone, so that its keys
	// cannot be listed.
	ErrAggregation = errors.New("waf: the rule does not aggregate on addresses alone")
)

// Limited returns the addresses that a rate-based rule limits at now, those with the highest
// counts first, at most limit of them. rule is the rule's name, or that of the rule that refers
// to a group, a slash, and the rule's name in the group. The errors are ErrNoRateRule and
// ErrAggregation.
func (p *Program) Limited(rule string, now time.Time, limit int) ([]netip.Addr, error) {
	rr := p.rates[rule]
	switch {
	case rr == nil:
		return nil, ErrNoRateRule
	case rr.aggregate != AggregateIP && rr.aggregate != AggregateForwardedIP:
		return nil, ErrAggregation
	}
	var all []netip.Addr
	for _, l := range rr.limiter.Limited(now, limit) {
		all = append(all, l.Address())
	}
	return all, nil
}
