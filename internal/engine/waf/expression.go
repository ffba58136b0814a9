package waf

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"fastness/internal/engine/waf/attack"
	"fastness/internal/engine/waf/pattern"
	"fastness/internal/engine/waf/request"
	"fastness/internal/engine/waf/transform"
)

// truth is the outcome of a statement. unknown is that of a statement that reads an address
// from a header field that is absent: AWS does not apply the rule then. It goes through and, or
// and not as in Kleene's logic, and a rule matches when its statement is true: so the NOT of
// such a statement does not match either, and an OR with it does only by another member.
// (Were the whole rule off, a client could switch off a rule that says "this address or SQL
// injection" by leaving the field out.)
//
// beyond is that of a statement that would have to look at more than one request is given steps for. It
// goes through and, or and not likewise. What refuses requests takes it for true, and everything
// else for false: what was not looked at is not let pass by a rule that says what to refuse, nor by one that
// says what to allow.
type truth uint8

const (
	no truth = iota
	yes
	unknown
	beyond
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

func (t truth) not() truth {
	switch t {
	case yes:
		return no
	case no:
		return yes
	}
	return t
}

// and joins the outcomes of two statements that both have to be true.
func (t truth) and(u truth) truth {
	switch {
	case t == no || u == no:
		return no
	case t == unknown || u == unknown: // true it cannot be, and false is as good
		return unknown
	}
	return max(t, u)
}

// or joins the outcomes of two statements of which one has to be true.
func (t truth) or(u truth) truth {
	if t == yes || u == yes {
		return yes
	}
	return max(t, u)
}

// operator of an expression.
type operator uint8

const (
	isLeaf operator = iota
	isAnd
	isOr
	isNot
)

// expr is a compiled statement.
type expr struct {
	op   operator
	leaf int32
	kids []int32
}

// leafKind says how a leaf is decided.
type leafKind uint8

const (
	patternLeaf leafKind = iota
	sqliLeaf
	xssLeaf
	attackLeaf
	sizeLeaf
	geoLeaf
	asnLeaf
	addressLeaf
	labelLeafKind
	signalLeaf
	secLangLeaf
)

// leaf is a statement without statements inside. Equal statements of an ACL are one leaf.
type leaf struct {
	kind leafKind

	// Of those that inspect a component.
	node     int32
	oversize request.Handling
	patterns []int32 // any of them
	high     bool    // SQLi sensitivity
	families attack.Set
	place    attack.Place
	aspect   uint8 // of an injection or attack
	compare  Comparison
	size     int64

	// Of those that look at an address.
	forwarded    string // header, empty: the client's address
	position     IPPosition
	matchInvalid bool
	addresses    *addressSet
	countries    *countrySet
	asns         []uint32 // sorted

	// Of signals.
	observer int
	signals  signals
	// Of SecLang.
	program int32
	secLang SecLangMatch

	// Of labels.
	key    labelKey
	places bool         // the key may match a country statement's label
	mask   pattern.Bits // of interned labels
}

// statement compiles a statement that is not a whole rule.
func (c *compiler) statement(s *Statement, depth int) (int32, error) {
	if c.statements++; c.statements > maxStatements {
		return 0, fmt.Errorf("more than %d statements", maxStatements)
	}
	if depth > maxDepth {
		return 0, fmt.Errorf("statements are nested more than %d deep", maxDepth)
	}
	if n := s.count(); n != 1 {
		return 0, fmt.Errorf("a statement with %d members", n)
	}
	switch {
	case s.Rate != nil:
		return 0, errors.New("a rate-based statement is nested in another statement")
	case s.Group != nil || s.Managed != nil:
		return 0, errors.New("a group is nested in another statement")
	case s.And != nil:
		return c.list(isAnd, s.And, depth)
	case s.Or != nil:
		return c.list(isOr, s.Or, depth)
	case s.Not != nil:
		kid, err := c.statement(s.Not, depth+1)
		return c.expr(expr{op: isNot, kids: []int32{kid}}), err
	}
	l, err := c.leaf(s)
	if err != nil {
		return 0, err
	}
	key, err := identity(s)
	if err != nil {
		return 0, err
	}
	// The same words mean something else in another group: its sets and labels are others.
	if s.IPSet != nil || s.RegexSet != nil || s.Signal != nil {
		key = fmt.Sprint(c.scope, " ", key)
	}
	if s.SecLang != nil {
		key = fmt.Sprint(c.program, " ", key)
	}
	if s.Label != nil {
		key = c.context + " " + key
	}
	id, ok := c.leafIDs[key]
	if !ok {
		id = int32(len(c.p.leaves))
		c.p.leaves = append(c.p.leaves, l)
		c.leafIDs[key] = id
		if l.kind == labelLeafKind {
			c.labelKeys = append(c.labelKeys, labelLeaf{l.key, func(m pattern.Bits) { c.p.leaves[id].mask = m }})
		}
	}
	return c.expr(expr{op: isLeaf, leaf: id}), nil
}

func (c *compiler) expr(e expr) int32 {
	c.p.exprs = append(c.p.exprs, e)
	return int32(len(c.p.exprs) - 1)
}

func (c *compiler) list(op operator, statements []Statement, depth int) (int32, error) {
	if len(statements) < 2 {
		return 0, errors.New("AND and OR need two statements")
	}
	var kids []int32
	for i := range statements {
		kid, err := c.statement(&statements[i], depth+1)
		if err != nil {
			return 0, err
		}
		kids = append(kids, kid)
	}
	return c.expr(expr{op: op, kids: kids}), nil
}

var positions = map[Position]pattern.Kind{
	Exactly: pattern.Exact, StartsWith: pattern.Prefix, EndsWith: pattern.Suffix,
	Contains: pattern.Contains, ContainsWord: pattern.ContainsWord,
}

func (c *compiler) leaf(s *Statement) (leaf, error) {
	switch {
	case s.Byte != nil:
		kind, ok := positions[s.Byte.Position]
		if !ok {
			return leaf{}, fmt.Errorf("no position is named %q", s.Byte.Position)
		}
		return c.patternLeaf(&s.Byte.Inspect, pattern.Pattern{Kind: kind, Text: string(s.Byte.Search)})
	case s.Regex != nil:
		return c.patternLeaf(&s.Regex.Inspect, pattern.Pattern{Kind: pattern.Regexp, Text: s.Regex.Regex})
	case s.RegexSet != nil:
		set, ok := c.sets.Regexes[s.RegexSet.Set]
		if !ok {
			return leaf{}, fmt.Errorf("there is no set of regular expressions %q", s.RegexSet.Set)
		}
		var all []pattern.Pattern
		for _, text := range set {
			all = append(all, pattern.Pattern{Kind: pattern.Regexp, Text: text})
		}
		return c.patternLeaf(&s.RegexSet.Inspect, all...)
	case s.SQLi != nil:
		l, err := c.inspect(&s.SQLi.Inspect)
		l.kind, l.high = sqliLeaf, s.SQLi.High
		return l, err
	case s.XSS != nil:
		l, err := c.inspect(&s.XSS.Inspect)
		l.kind = xssLeaf
		return l, err
	case s.SecLang != nil:
		return c.secLangLeaf(s.SecLang)
	case s.Attack != nil:
		return c.attackLeaf(s.Attack)
	case s.Size != nil:
		l, err := c.inspect(&s.Size.Inspect)
		l.kind, l.compare, l.size = sizeLeaf, s.Size.Comparison, s.Size.Size
		switch l.compare {
		case Equal, NotEqual, LessOrEqual, Less, GreaterOrEqual, Greater:
			return l, err
		}
		return l, fmt.Errorf("no comparison is named %q", l.compare)
	case s.Geo != nil:
		l, err := newAddressLeaf(geoLeaf, s.Geo.Forwarded, false)
		l.countries = newCountrySet(s.Geo.Countries)
		return l, err
	case s.ASN != nil:
		l, err := newAddressLeaf(asnLeaf, s.ASN.Forwarded, false)
		l.asns = slices.Sorted(slices.Values(s.ASN.ASNs))
		// Groups that look at it for themselves are not why AWS logs it.
		if c.observed == nil {
			c.p.usesASN = true
			c.p.asnHeader = cmp.Or(c.p.asnHeader, l.forwarded)
		}
		return l, err
	case s.Signal != nil:
		return c.signalLeaf(s.Signal)
	case s.IPSet != nil:
		l, err := newAddressLeaf(addressLeaf, s.IPSet.Forwarded, true)
		if err == nil {
			l.addresses, err = c.addressSet(s.IPSet.Set)
		}
		return l, err
	}
	k, err := c.labelKey(s.Label.Key, s.Label.Namespace)
	return leaf{kind: labelLeafKind, key: k, places: k.seesPlaces()}, err
}

func (c *compiler) labelKey(key string, namespace bool) (labelKey, error) {
	if key == "" {
		return labelKey{}, errors.New("a label without a name")
	}
	if ends := key[len(key)-1] == ':'; ends != namespace {
		return labelKey{}, fmt.Errorf("%q: a namespace ends in a colon, a label does not", key)
	}
	return newLabelKey(key, namespace, c.context), nil
}

func newAddressLeaf(kind leafKind, f *ForwardedIP, positions bool) (leaf, error) {
	l := leaf{kind: kind, node: -1}
	if f == nil {
		return l, nil
	}
	if f.Header == "" {
		return l, errors.New("a forwarded address without a header")
	}
	l.forwarded, l.matchInvalid, l.position = f.Header, f.MatchInvalid, cmp.Or(f.Position, FirstIP)
	switch l.position {
	case FirstIP:
		return l, nil
	case LastIP, AnyIP:
		if positions {
			return l, nil
		}
		return l, errors.New("only sets of addresses look at other positions than FIRST")
	}
	return l, fmt.Errorf("no position is named %q", f.Position)
}

func (c *compiler) patternLeaf(in *Inspect, patterns ...pattern.Pattern) (leaf, error) {
	l, err := c.inspect(in)
	l.kind = patternLeaf
	if err != nil {
		return l, err
	}
	for _, p := range patterns {
		l.patterns = append(l.patterns, c.pattern(p))
	}
	return l, nil
}

// inspect returns a leaf with the node of a component behind a chain.
func (c *compiler) inspect(in *Inspect) (leaf, error) {
	l := leaf{oversize: in.Component.Oversize}
	kinds, err := chain(in.Transformations)
	if err != nil {
		return l, err
	}
	component := in.Component
	component.Included = slices.Clone(component.Included)
	component.Excluded = slices.Clone(component.Excluded)
	component.PreParse = slices.Clone(component.PreParse)
	component.Oversize = "" // decided by each leaf: those that only differ in it share the values
	part, err := c.part(component)
	if err != nil {
		return l, err
	}
	l.node = c.p.parts[part].root
	for _, k := range kinds {
		l.node = c.child(l.node, k)
	}
	return l, nil
}

func (c *compiler) part(component request.Component) (int32, error) {
	if err := component.Validate(); err != nil {
		return 0, err
	}
	key := component.Key()
	id, ok := c.partIDs[key]
	if ok {
		return id, nil
	}
	selector, err := request.Compile(component)
	if err != nil {
		return 0, err
	}
	id = int32(len(c.p.parts))
	c.partIDs[key] = id
	c.p.parts = append(c.p.parts, part{selector: selector, root: c.node(node{part: id, parent: -1})})
	return id, nil
}

// child returns the node that has k after the transformations of parent.
func (c *compiler) child(parent int32, k transform.Kind) int32 {
	key := childKey{parent, k}
	id, ok := c.children[key]
	if !ok {
		id = c.node(node{part: c.p.nodes[parent].part, parent: parent, kind: k})
		c.children[key] = id
	}
	return id
}

func (c *compiler) node(n node) int32 {
	c.p.nodes = append(c.p.nodes, n)
	return int32(len(c.p.nodes) - 1)
}

// childKey is a node by its place in the tree of chains of a component.
type childKey struct {
	parent int32
	kind   transform.Kind
}
