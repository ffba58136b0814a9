package waf

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"fastness/internal/engine/waf/attack"
	"fastness/internal/engine/waf/inject"
	"fastness/internal/engine/waf/pattern"
	"fastness/internal/engine/waf/rate"
	"fastness/internal/engine/waf/seclang"
	"fastness/internal/engine/waf/transform"
)

// Bounds of a specification, beyond AWS's own, which whoever makes it has checked.
const (
	maxDepth      = 64      // of nested statements
	maxStatements = 100_000 // of an ACL with its groups
	maxChain      = 10      // transformations of a statement
	maxEncodings  = 2       // transformations of a statement that make every value longer
)

// Options of Compile.
type Options struct {
	Sets    Sets
	Managed ManagedGroups // nil: there are none
	Places  Places        // nil: no place is known
	// Attacks is what statements on attacks ask. Without it there may be none.
	Attacks *attack.Detector
	// MemoBytes bounds the memo of verdicts on values, 0 is 32 MiB, negative is no memo. A quarter as much bounds, beside that,
	// what is remembered of whole requests.
	MemoBytes int
	// RateKeys bounds the keys that each rate-based rule keeps, 0 is rate.DefaultMaxKeys.
	RateKeys int
	// RateBudget, if set, bounds the memory of all rate-based rules of the programs that are compiled with it.
	RateBudget *rate.Budget
	// ShareCounts has rate-based rules keep their counts for TakeCounts.
	ShareCounts bool
	// Hasher makes the keys of custom aggregations. Programs with the same secret can add their counts up; nil
	// is one of the program's own, or that of Previous.
	Hasher *rate.Hasher
	// IPv6Prefix is how many bits of an IPv6 address rate-based rules tell apart, 0 is all.
	IPv6Prefix int
	// Steps bounds the work for one request, in steps of package pattern, 0 is DefaultSteps.
	// What is beyond the bound is not looked at, and refused by rules that may refuse it (see truth).
	Steps uint64
	// Reserve is how many steps the program's requests may take beyond that, all together and once: 0 is
	// DefaultReserve, negative is none. Those with bodies of more than 64 KiB have half as much again, and no part in it; programs of
	// SecLang have reserves of their own, likewise.
	Reserve int64
	// InjectionSteps is how many of the steps the detectors of injections may take, 0 is inject.DefaultBudget. What is more is
	// beyond the bound, likewise.
	InjectionSteps int
	// Previous is the program that this one takes the place of. Rate-based rules whose
	// settings did not change go on counting where they are; others begin anew.
	Previous *Program
}

// DefaultSteps is what a request may cost, whatever it is made of: some 10 to 20 ms of a core where it is
// made to be slow, and 23 at worst where a search was made for bodies of more than 64 KiB (BENCHMARKS.md). It is a bound on steps, not on time.
const DefaultSteps = 5_000_000

// DefaultReserve is what the requests of a program may cost beyond their steps, all together: some third of a second of a core, once. The automata of a program that was just
// compiled learn while they match, and an ordinary request with tens of kilobytes of text may cost several times DefaultSteps until they have.
const DefaultReserve = 150_000_000

// longBody is the length in bytes above which a body takes nothing of what others may take of the reserve.
const longBody = 64 << 10

// SpecError says what is wrong with a specification.
type SpecError struct {
	Rule string // names of the rules on the way, with slashes
	Err  error
}

func (e *SpecError) Error() string {
	if e.Rule == "" {
		return "waf: " + e.Err.Error()
	}
	return fmt.Sprintf("waf: rule %s: %v", e.Rule, e.Err)
}

func (e *SpecError) Unwrap() error { return e.Err }

// Program is a compiled ACL. It is immutable and safe for any number of goroutines.
type Program struct {
	acl      ACL
	top      sequence
	rules    []*rule // all, in the order of compilation: Match.rule
	infos    []*RuleInfo
	exprs    []expr
	leaves   []leaf
	parts    []part
	nodes    []node
	labels   []string
	set      *pattern.Set
	patterns []pattern.Pattern // of set
	words    int               // of a bit set of patterns
	lwords   int               // of a bit set of labels
	hasher   *rate.Hasher
	places   Places
	attacks  *attack.Detector
	memo     *memo
	repeats  *repeats             // of requests; nil: they are not remembered
	rates    map[string]*rateRule // by the names of their rules
	// observers are those of groups, by the names of the rules that refer to them.
	observers map[string]*observed
	bodies    map[string]*ResponseBody // the ACL's
	v6Bits    int
	budget    inject.Budget
	steps     uint64
	reserve   *pattern.Reserve
	// longReserve is that of requests with long bodies, so that these leave the others theirs.
	longReserve *pattern.Reserve
	boundLabel  int32
	programs    []*seclang.Program // of managed groups
	usesASN     bool
	// asnHeader has the addresses of those who forwarded, if a rule looks at the system of one; else it is empty.
	asnHeader string
}

// rule is a compiled rule of the ACL or of a group.
type rule struct {
	info     *RuleInfo
	id       int32
	expr     int32 // -1 for a group without a scope-down and a rate-based rule without one
	action   Action
	own      ActionKind // own action if overridden
	excluded bool
	labels   []int32
	immunity time.Duration // of the action, if it is Captcha or Challenge
	bodies   map[string]*ResponseBody
	group    *sequence
	observed *observed // of a group, or nil
	count    bool      // a group whose decision only counts
	quiet    bool      // only labels
	rate     *rateRule
}

// compiler holds what is needed while a program is made.
type compiler struct {
	o          Options
	p          *Program
	sets       *Sets
	scope      int // number of sets: names mean something else in those of a managed group
	scopes     int
	context    string // prefix of labels
	program    int32  // of SecLang, -1: none
	path       []string
	observed   *observed // of the group that is compiled
	statements int
	labels     interner
	patterns   []pattern.Pattern
	patternOf  []string // path of the first rule that uses it
	patternIDs map[string]int32
	partIDs    map[string]int32
	children   map[childKey]int32
	leafIDs    map[string]int32
	addresses  map[scopedName]*addressSet
	labelKeys  []labelLeaf
}

// scopedName is a name in one of the sets.
type scopedName struct {
	scope int
	name  string
}

// labelLeaf is a key whose mask is made once all labels are known.
type labelLeaf struct {
	key labelKey
	set func(pattern.Bits)
}

// Compile makes a program of the ACL. It keeps no reference to what can be changed. The
// error is a *SpecError.
func Compile(acl *ACL, o Options) (*Program, error) {
	c := &compiler{
		o: o, sets: &o.Sets, context: acl.LabelNamespace, program: -1,
		p: &Program{
			acl: *acl, hasher: rate.NewHasher(), places: o.Places, v6Bits: o.IPv6Prefix, rates: map[string]*rateRule{}, attacks: o.Attacks,
			observers: map[string]*observed{},
			budget:    cmp.Or(inject.Budget(o.InjectionSteps), inject.DefaultBudget),
			steps:     cmp.Or(o.Steps, DefaultSteps),
			reserve:   pattern.NewReserve(cmp.Or(o.Reserve, DefaultReserve)), longReserve: pattern.NewReserve(cmp.Or(o.Reserve, DefaultReserve) / 2),
			bodies: pointers(acl.Bodies),
		},
		patternIDs: map[string]int32{}, partIDs: map[string]int32{}, children: map[childKey]int32{},
		leafIDs: map[string]int32{}, addresses: map[scopedName]*addressSet{},
	}
	switch {
	case o.Hasher != nil:
		c.p.hasher = o.Hasher
	case o.Previous != nil:
		c.p.hasher = o.Previous.hasher
	}
	if err := c.compile(acl); err != nil {
		return nil, &SpecError{Rule: joinPath(c.path), Err: err}
	}
	return c.p, nil
}

// joinPath is the name of a rule with those on the way to it.
func joinPath(path []string) string { return strings.Join(path, "/") }

func (c *compiler) compile(acl *ACL) error {
	p := c.p
	if k := acl.DefaultAction.Kind; k != Allow && k != Block {
		return fmt.Errorf("the default action is %v", k)
	}
	if c.o.IPv6Prefix < 0 || c.o.IPv6Prefix > 128 {
		return fmt.Errorf("an IPv6 prefix of %d bits", c.o.IPv6Prefix)
	}
	p.acl.Rules = nil // the specification of the rules is not needed any more
	p.acl.Bodies = nil
	p.acl.DefaultAction = acl.DefaultAction.clone()
	p.acl.TokenDomains = slices.Clone(acl.TokenDomains)
	p.acl.BodyLimits = maps.Clone(acl.BodyLimits)
	p.acl.DataProtection = slices.Clone(acl.DataProtection)
	for i := range p.acl.DataProtection {
		d := &p.acl.DataProtection[i]
		d.Keys = slices.Clone(d.Keys)
	}
	if err := c.checkResponse(&acl.DefaultAction, p.bodies); err != nil {
		return err
	}
	var err error
	if p.top, err = c.sequence(acl.Rules, p.bodies, nil, nil); err != nil {
		return err
	}
	p.boundLabel = c.labels.id(BoundLabel)
	p.labels = c.labels.names
	p.lwords = (len(p.labels) + 63) / 64
	for _, l := range c.labelKeys {
		l.set(c.labels.mask(l.key))
	}
	p.words = (len(c.patterns) + 63) / 64
	if p.set, err = pattern.Compile(c.patterns, pattern.Options{}); err != nil {
		if e := (*pattern.Error)(nil); errors.As(err, &e) {
			c.path = []string{c.patternOf[e.Index]}
		}
		return err
	}
	p.patterns = c.patterns
	c.masks()
	for _, r := range p.rules {
		if r.group != nil {
			c.blocks(r.group)
		}
	}
	c.blocks(&p.top)
	if c.o.MemoBytes >= 0 {
		bytes := cmp.Or(c.o.MemoBytes, defaultMemoBytes)
		p.memo, p.repeats = newMemo(bytes), newRepeats(p, bytes/repeatShare)
	}
	return nil
}

// sequence compiles the rules of the ACL, or of a group (ref is the rule that refers to it).
func (c *compiler) sequence(specs []Rule, bodies map[string]*ResponseBody, ref *RuleInfo, overrides *Overrides) (sequence, error) {
	specs = slices.Clone(specs)
	slices.SortStableFunc(specs, func(a, b Rule) int { return cmp.Compare(a.Priority, b.Priority) })
	var s sequence
	for i := range specs {
		spec := &specs[i]
		c.path = append(c.path, spec.Name)
		if i > 0 && specs[i-1].Priority == spec.Priority {
			return s, fmt.Errorf("the priority %d is that of rule %s, too", spec.Priority, specs[i-1].Name)
		}
		r, err := c.rule(spec, bodies, ref, overrides)
		if err != nil {
			return s, err
		}
		s.rules = append(s.rules, r)
		c.path = c.path[:len(c.path)-1]
	}
	return s, nil
}

func (c *compiler) rule(spec *Rule, bodies map[string]*ResponseBody, ref *RuleInfo, overrides *Overrides) (*rule, error) {
	p := c.p
	r := &rule{
		info: &RuleInfo{
			Name: spec.Name, Priority: spec.Priority, Action: spec.Action.Kind,
			Visibility: spec.Visibility, Kind: RegularRule, Group: ref,
		},
		id: int32(len(p.rules)), expr: -1, action: spec.Action.clone(), bodies: bodies,
	}
	p.rules = append(p.rules, r)
	p.infos = append(p.infos, r.info)
	if spec.Statement.Group != nil || spec.Statement.Managed != nil {
		return r, c.groupRule(r, spec, ref)
	}
	if spec.Override != "" {
		return nil, errors.New("only a rule that refers to a group has an override")
	}
	if r.quiet = spec.Quiet; r.quiet {
		if spec.Statement.Rate != nil || spec.Action.Kind != 0 {
			return nil, errors.New("a rule that only labels counts requests or has an action")
		}
		r.action.Kind = Count
	} else if overrides != nil {
		if a, ok := overrides.Actions[spec.Name]; ok {
			r.own, r.action = r.action.Kind, a.clone()
			r.bodies = p.bodies // a response of the override is the ACL's
		} else if slices.Contains(overrides.Excluded, spec.Name) {
			r.own, r.action, r.excluded = r.action.Kind, Action{Kind: Count}, true
		}
	}
	if k := r.action.Kind; k < Allow || k > Challenge {
		return nil, errors.New("the rule has no action")
	}
	if err := c.checkResponse(&r.action, r.bodies); err != nil {
		return nil, err
	}
	switch r.action.Kind {
	case Captcha:
		r.immunity = cmp.Or(spec.Captcha.Duration, p.acl.Captcha.Duration, DefaultImmunity)
	case Challenge:
		r.immunity = cmp.Or(spec.Challenge.Duration, p.acl.Challenge.Duration, DefaultImmunity)
	}
	for _, l := range spec.Labels {
		name := l
		if !strings.HasPrefix(l, awsPrefix) {
			name = c.context + l
		}
		r.labels = append(r.labels, c.labels.id(name))
	}
	r.info.Injection = spec.Statement.detectsInjection()
	var err error
	if spec.Statement.Rate != nil {
		if n := spec.Statement.count(); n != 1 {
			return nil, fmt.Errorf("a statement with %d members", n)
		}
		return r, c.rateRule(r, spec.Statement.Rate)
	}
	r.expr, err = c.statement(&spec.Statement, 0)
	return r, err
}

func (c *compiler) groupRule(r *rule, spec *Rule, ref *RuleInfo) error {
	if n := spec.Statement.count(); n != 1 {
		return fmt.Errorf("a statement with %d members", n)
	}
	if ref != nil {
		return errors.New("a group refers to a group")
	}
	if spec.Action.Kind != 0 {
		return errors.New("a rule that refers to a group has an action of its own")
	}
	switch spec.Override {
	case "", OverrideNone:
	case OverrideCount:
		r.count = true
	default:
		return fmt.Errorf("no override is named %q", spec.Override)
	}
	if len(spec.Labels) > 0 {
		return errors.New("a rule that refers to a group has labels of its own")
	}
	var (
		group     RuleGroup
		sets      = c.sets
		overrides Overrides
		err       error
	)
	if g := spec.Statement.Group; g != nil {
		var ok bool
		if group, ok = c.sets.Groups[g.Group]; !ok {
			return fmt.Errorf("there is no group %q", g.Group)
		}
		r.info.Kind, r.info.GroupName, overrides = GroupRule, g.Group, g.Overrides
		for name := range overrides.Actions {
			if !slices.ContainsFunc(group.Rules, func(r Rule) bool { return r.Name == name }) {
				return fmt.Errorf("the override of rule %q is for no rule of the group", name)
			}
		}
	} else {
		m := spec.Statement.Managed
		if c.o.Managed == nil {
			return fmt.Errorf("there is no managed group %s of %s", m.Name, m.Vendor)
		}
		sets = new(Sets)
		if group, *sets, err = c.o.Managed.ManagedGroup(m.Vendor, m.Name, m.Version, m.Configs); err != nil {
			return err
		}
		r.info.Kind, r.info.GroupName, overrides = ManagedGroupRule, m.Vendor+"#"+m.Name, m.Overrides
		if m.Version != "" {
			r.info.GroupName += "#" + m.Version
		}
		if m.ScopeDown != nil {
			if r.expr, err = c.statement(m.ScopeDown, 0); err != nil {
				return err
			}
		}
	}
	if group.Watch != nil {
		m := spec.Statement.Managed
		if r.observed, err = c.observer(fmt.Sprintf("%s %s %s %s %d", m.Vendor, m.Name, m.Version, m.Configs, c.o.IPv6Prefix), group.Watch); err != nil {
			return err
		}
	}
	outerSets, outerScope, outerContext := c.sets, c.scope, c.context
	c.observed = r.observed
	if sets != c.sets {
		c.scopes++
		c.scope = c.scopes
	}
	c.sets, c.context = sets, group.LabelNamespace
	if group.SecLang != nil {
		c.program = int32(len(c.p.programs))
		program := group.SecLang.Without(silenced(&overrides))
		if c.o.Reserve < 0 {
			program = program.WithoutReserve()
		}
		c.p.programs = append(c.p.programs, program)
	}
	s, err := c.sequence(group.Rules, pointers(group.Bodies), r.info, &overrides)
	if err != nil {
		return err
	}
	c.sets, c.scope, c.context, c.observed, c.program = outerSets, outerScope, outerContext, nil, -1
	r.group = &s
	return nil
}

func (c *compiler) checkResponse(a *Action, bodies map[string]*ResponseBody) error {
	if a.Response == nil {
		return nil
	}
	if a.Kind != Block {
		return fmt.Errorf("the action %v has a response", a.Kind)
	}
	if s := a.Response.Status; s < 200 || s > 599 {
		return fmt.Errorf("a response with the status %d", s)
	}
	if k := a.Response.BodyKey; k != "" {
		if _, ok := bodies[k]; !ok {
			return fmt.Errorf("there is no response body %q", k)
		}
	}
	return nil
}

// pointers copies the bodies, each to a place of its own.
func pointers(bodies map[string]ResponseBody) map[string]*ResponseBody {
	m := make(map[string]*ResponseBody, len(bodies))
	for name, b := range bodies {
		m[name] = &b
	}
	return m
}

// count returns how many members of the statement are set.
func (s *Statement) count() int {
	n := 0
	for _, set := range []bool{
		s.SecLang != nil, s.Byte != nil, s.Regex != nil, s.RegexSet != nil, s.SQLi != nil, s.XSS != nil, s.Attack != nil, s.Signal != nil, s.Size != nil, s.Geo != nil,
		s.ASN != nil, s.IPSet != nil, s.Label != nil, s.Rate != nil, s.Group != nil, s.Managed != nil,
		s.And != nil, s.Or != nil, s.Not != nil,
	} {
		if set {
			n++
		}
	}
	return n
}

// addressSet compiles a set of addresses once.
func (c *compiler) addressSet(name string) (*addressSet, error) {
	key := scopedName{c.scope, name}
	if s, ok := c.addresses[key]; ok {
		return s, nil
	}
	prefixes, ok := c.sets.Addresses[name]
	if !ok {
		return nil, fmt.Errorf("there is no set of addresses %q", name)
	}
	s, err := newAddressSet(prefixes)
	if err != nil {
		return nil, fmt.Errorf("set of addresses %q: %w", name, err)
	}
	c.addresses[key] = s
	return s, nil
}

// pattern returns the number of a pattern in the program's set.
func (c *compiler) pattern(p pattern.Pattern) int32 {
	key := fmt.Sprintf("%d %d %t %q %q", p.Kind, p.Syntax, p.Fold, p.Text, p.Texts)
	id, ok := c.patternIDs[key]
	if !ok {
		id = int32(len(c.patterns))
		c.patterns = append(c.patterns, p)
		c.patternIDs[key] = id
		c.patternOf = append(c.patternOf, strings.Join(c.path, "/"))
	}
	return id
}

// identity is a text that two values share exactly when they are equal.
func identity(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}

// chain returns the transformations that do something.
func chain(kinds []transform.Kind) ([]transform.Kind, error) {
	if len(kinds) > maxChain {
		return nil, fmt.Errorf("%d transformations, at most %d", len(kinds), maxChain)
	}
	longer := 0
	for _, k := range kinds {
		if k == transform.Base64Encode || k == transform.HexEncode || k == transform.URLEncode {
			longer++
		}
	}
	if longer > maxEncodings {
		return nil, fmt.Errorf("%d transformations that make a value longer, at most %d", longer, maxEncodings)
	}
	return slices.DeleteFunc(slices.Clone(kinds), func(k transform.Kind) bool { return k == transform.None }), nil
}
