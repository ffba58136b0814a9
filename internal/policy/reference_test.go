package policy_test

// The reference evaluator: the rules of the AWS documents written down once more, as
// plainly as possible, over the JSON as encoding/json reads it. It shares no code with
// the package and is compared with it case by case (differential_test.go).

import (
	"encoding/base64"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"fastness/internal/policy"
)

// layer is a policy type and the policies of it, one level of them for SCPs and RCPs.
type layer struct {
	name string
	docs []obj
}

// decide gives the decision and, for a denial, the policy type.
func (c *refCase) decide() (policy.Decision, string) {
	w := c.who
	iam := slices.Contains([]policy.PrincipalType{policy.User, policy.RootUser, policy.RoleSession, policy.FederatedUser}, w.Type)
	same := iam && w.Account == c.account
	resource := layer{"resource-based policy", c.resourcePol}
	if c.mode == policy.ResourceTrust {
		resource.name = "role trust policy"
	}
	var ceilings []layer
	for _, docs := range c.scp {
		if iam && !w.ServiceLinked && w.Account != c.management {
			ceilings = append(ceilings, layer{"service control policy", docs})
		}
	}
	for _, docs := range c.rcp {
		if !w.ServiceLinked && c.account != c.management {
			ceilings = append(ceilings, layer{"resource control policy", docs})
		}
	}
	if c.endpoint != nil {
		ceilings = append(ceilings, layer{"VPC endpoint policy", []obj{c.endpoint}})
	}
	all := append(slices.Clone(ceilings), resource)
	boundaries := slices.DeleteFunc([]obj{c.boundary}, func(o obj) bool { return o == nil })
	if iam {
		all = append(all, layer{"identity-based policy", c.identity},
			layer{"permissions boundary", boundaries}, layer{"session policy", c.session})
	}
	for _, l := range all {
		if c.best(l.docs, "Deny") > 0 {
			return policy.ExplicitDeny, l.name
		}
	}
	for _, l := range ceilings {
		if c.best(l.docs, "Allow") == 0 {
			return policy.ImplicitDeny, l.name
		}
	}
	how := c.best(c.resourcePol, "Allow")
	identity := w.Type == policy.RootUser || strings.HasSuffix(w.IssuerARN, ":root") || c.best(c.identity, "Allow") > 0
	var missing string
	switch {
	case !iam && how == 0:
		missing = resource.name
	case !iam, same && how == 3:
		return policy.Allow, ""
	case same && how == 2:
	case same && how == 0 && c.mode != policy.ResourceOptional:
		missing = resource.name
	case !identity:
		missing = "identity-based policy"
	case !same && how == 0:
		missing = resource.name
	}
	switch {
	case missing != "" && !c.extra:
		return policy.ImplicitDeny, missing
	case !iam, c.extra && w.Type == policy.User:
		return policy.Allow, ""
	case len(boundaries) > 0 && c.best(boundaries, "Allow") == 0:
		return policy.ImplicitDeny, "permissions boundary"
	case (len(c.session) > 0 || w.Type == policy.FederatedUser) && c.best(c.session, "Allow") == 0:
		return policy.ImplicitDeny, "session policy"
	}
	return policy.Allow, ""
}

// best says how closely an applying statement names the caller: 0 none applies, 1 its
// account, 2 its role or user behind it, 3 itself (or no principal to name).
func (c *refCase) best(docs []obj, effect string) int {
	best := 0
	for _, d := range docs {
		for _, s := range items(d["Statement"]) {
			st := s.(obj)
			if st["Effect"] == effect {
				best = max(best, c.applies(st, d["Version"] == "2012-10-17"))
			}
		}
	}
	return best
}

func items(v any) []any {
	if l, ok := v.([]any); ok {
		return l
	}
	return []any{v}
}

func (c *refCase) applies(s obj, vars bool) int {
	acts := func(v any) bool {
		return slices.ContainsFunc(items(v), func(p any) bool {
			expr, _ := c.expand(p.(string), true, false)
			return match("(?i)"+expr, c.action)
		})
	}
	if a, ok := s["Action"]; ok && !acts(a) {
		return 0
	}
	if a, ok := s["NotAction"]; ok && acts(a) {
		return 0
	}
	how := 3
	if p, ok := s["Principal"]; ok {
		how = c.named(p)
	}
	if p, ok := s["NotPrincipal"]; ok && c.spared(p) {
		return 0
	}
	if how == 0 || !c.resourceMatches(s, vars) {
		return 0
	}
	if block, ok := s["Condition"].(obj); ok {
		for op, keys := range block {
			for key, want := range keys.(obj) {
				if !c.holds(op, strings.ToLower(key), items(want), vars) {
					return 0
				}
			}
		}
	}
	return how
}

func (c *refCase) listed(p any, typ string, name string) bool {
	if p == "*" {
		p = obj{"AWS": "*"}
	}
	v, ok := p.(obj)[typ]
	return ok && name != "" && slices.Contains(items(v), any(name))
}

func (c *refCase) named(p any) int {
	w := c.who
	in := func(s string) bool { return c.listed(p, "AWS", s) }
	account := in(w.Account) || w.Account != "" && in("arn:aws:iam::"+w.Account+":root") || c.listed(p, "CanonicalUser", w.CanonicalID)
	switch {
	case in("*"):
		return 3
	case w.Type == policy.Service:
		if slices.ContainsFunc(w.Services, func(s string) bool { return c.listed(p, "Service", s) }) {
			return 3
		}
	case w.Type == policy.WebIdentity:
		if c.listed(p, "Federated", w.Provider) {
			return 3
		}
	case in(w.ARN) || in(w.UserID) || account && w.Type == policy.RootUser:
		return 3
	case in(w.RoleARN) || in(w.RoleID) || in(w.IssuerID) || in(w.IssuerARN) && !strings.HasSuffix(w.IssuerARN, ":root"):
		return 2
	case account:
		return 1
	}
	return 0
}

func (c *refCase) spared(p any) bool {
	w := c.who
	in := func(s string) bool { return c.listed(p, "AWS", s) }
	if w.Type != policy.RoleSession || in("*") {
		return c.named(p) == 3 && (c.boundary == nil || w.Account == "")
	}
	return c.boundary == nil && (in(w.RoleARN) || in(w.RoleID)) &&
		(in(w.ARN) || in(w.UserID) || in(w.Account) || in("arn:aws:iam::"+w.Account+":root"))
}

func (c *refCase) resourceMatches(s obj, vars bool) bool {
	v, ok := s["Resource"]
	not := false
	if !ok {
		if v, not = s["NotResource"]; !not {
			return true
		}
	}
	for _, p := range items(v) {
		expr, ok := c.expand(p.(string), true, vars)
		switch {
		case !ok && not:
			return false
		case ok && resourceGlob(expr, c.resource):
			return !not
		}
	}
	return not
}

// resourceGlob: segments before the fifth colon, up to the last one with a ? or an
// inner *, are compared one to one; the rest as a whole.
func resourceGlob(expr, s string) bool {
	segs := strings.Split(expr, ":")
	exact := 0
	for i, seg := range segs[:min(5, len(segs))] {
		inner := strings.ReplaceAll(seg, `\.`, "") // without literal dots
		for strings.HasSuffix(inner, ".*") {
			inner = inner[:len(inner)-2]
		}
		if strings.Contains(inner, ".") {
			exact = i + 1
		}
	}
	parts := strings.SplitN(s, ":", exact+1)
	for i := range exact {
		if i >= len(parts) || !match(segs[i], parts[i]) {
			return false
		}
	}
	if exact == len(segs) {
		return len(parts) == exact
	}
	return exact < len(parts) && match(strings.Join(segs[exact:], ":"), parts[exact])
}

func (c *refCase) lookup(key string) (refValues, bool) {
	if v, ok := c.ctx[key]; ok && len(v.vals) > 0 {
		return v, true
	}
	w := c.who
	arn := w.ARN
	if w.Type == policy.RoleSession {
		arn = w.RoleARN
	}
	types := map[policy.PrincipalType]string{policy.Anonymous: "Anonymous", policy.RootUser: "Account", policy.User: "User",
		policy.RoleSession: "AssumedRole", policy.FederatedUser: "FederatedUser"}
	one := map[string]string{"aws:principalarn": arn, "aws:principalaccount": w.Account, "aws:principaltype": types[w.Type],
		"aws:userid": w.UserID, "aws:username": w.UserName, "aws:resourceaccount": c.account}
	for _, t := range w.Tags {
		one["aws:principaltag/"+strings.ToLower(t.Key)] = t.Value
	}
	s := one[key]
	return refValues{vals: []string{s}}, s != ""
}

var compiled = map[string]*regexp.Regexp{}

func match(expr, s string) bool {
	re, ok := compiled[expr]
	if !ok {
		re = regexp.MustCompile(`(?s)\A` + expr + `\z`)
		compiled[expr] = re
	}
	return re.MatchString(s)
}

// expand turns a policy string into a regular expression, variables replaced.
func (c *refCase) expand(s string, wild, vars bool) (string, bool) {
	quote := func(s string) string {
		s = regexp.QuoteMeta(s)
		if wild {
			s = strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(s)
		}
		return s
	}
	var out string
	for {
		before, rest, found := strings.Cut(s, "${")
		name, after, closed := strings.Cut(rest, "}")
		if !vars || !found || !closed {
			return out + quote(s), true
		}
		out, s = out+quote(before), after
		key, def, hasDefault := strings.Cut(name, ", '")
		v, ok := c.lookup(strings.ToLower(key))
		switch {
		case name == "*" || name == "?" || name == "$":
			out += regexp.QuoteMeta(name)
		case ok && !v.list:
			out += regexp.QuoteMeta(v.vals[0])
		case !ok && hasDefault:
			out += regexp.QuoteMeta(strings.TrimSuffix(def, "'"))
		default:
			return "", false
		}
	}
}

func (c *refCase) holds(op, key string, want []any, vars bool) bool {
	base, all := strings.CutPrefix(op, "ForAllValues:")
	base, some := strings.CutPrefix(base, "ForAnyValue:")
	base, ifExists := strings.CutSuffix(base, "IfExists")
	negated := strings.Contains(base, "Not")
	base = strings.Replace(base, "Not", "", 1)
	have, ok := c.lookup(key)
	if base == "Null" {
		return slices.ContainsFunc(want, func(w any) bool { return fmt.Sprint(w) == strconv.FormatBool(!ok) })
	}
	switch {
	case !ok:
		return ifExists || all || negated && !some
	case (all || some) && len(have.vals) == 1 && have.vals[0] == "":
		return all
	}
	matched := 0
	for _, v := range have.vals {
		hit, unknown := false, false
		for _, w := range want {
			m, known := c.compare(base, v, fmt.Sprint(w), vars)
			hit, unknown = hit || m, unknown || !known
		}
		if unknown && !hit && negated {
			return false
		}
		if hit {
			matched++
		}
	}
	if negated {
		matched = len(have.vals) - matched
	}
	if all || negated && !some {
		return matched == len(have.vals)
	}
	return matched > 0
}

func (c *refCase) compare(base, have, want string, vars bool) (matched, known bool) {
	switch base {
	case "StringEquals", "StringEqualsIgnoreCase", "StringLike", "ArnEquals", "ArnLike":
		expr, ok := c.expand(want, base == "StringLike" || strings.HasPrefix(base, "Arn"), vars)
		if base == "StringEqualsIgnoreCase" {
			expr = "(?i)" + expr
		}
		if strings.HasPrefix(base, "Arn") {
			return ok && arnGlob(expr, have), ok
		}
		return ok && match(expr, have), ok
	case "Bool":
		return strings.EqualFold(have, want), true
	case "BinaryEquals":
		b, _ := base64.StdEncoding.DecodeString(want)
		return base64.StdEncoding.EncodeToString(b) == have, true
	case "IpAddress":
		if !strings.Contains(want, "/") {
			return net.ParseIP(want).Equal(net.ParseIP(have)), true
		}
		_, block, err := net.ParseCIDR(want)
		return err == nil && block.Contains(net.ParseIP(have)), true
	}
	h, ok1 := scalar(base, have)
	w, ok2 := scalar(base, want)
	holds := strings.HasSuffix(base, "Equals") && h == w || strings.Contains(base, "Less") && h < w || strings.Contains(base, "Greater") && h > w
	return ok1 && ok2 && holds, true
}

// scalar reads a number, or a date as seconds since 1970.
func scalar(base, s string) (float64, bool) {
	if strings.HasPrefix(base, "Date") {
		for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02"} {
			if t, err := time.Parse(layout, s); err == nil {
				return float64(t.UnixMicro()) / 1e6, true
			}
		}
		n, err := strconv.ParseUint(s, 10, 63)
		return float64(n), err == nil
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}

func arnGlob(expr, s string) bool {
	segs, parts := strings.SplitN(expr, ":", 6), strings.SplitN(s, ":", 6)
	if expr == ".*" {
		return len(parts) == 6
	}
	for i := range parts {
		if len(parts) != len(segs) || len(segs) != 6 || !match(segs[i], parts[i]) {
			return false
		}
	}
	return len(segs) == 6
}
