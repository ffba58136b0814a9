package policy

import (
	"strings"
)

const (
	legacyParsing = "The policy failed legacy parsing"
	noVendor      = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
)

// validate checks what the grammar alone does not say. The order is the one in which
// AWS reports: version, legacy parsing, statement ids, presence of actions and
// resources, form of resources, form of actions.
func (r *reader) validate(d *Document) {
	if r.rules.version2012 && d.Version != Version2012 {
		r.fail(FaultVersion, Position{Line: 1, Column: 1}, "Policy document must be version 2012-10-17 or greater.")
	}
	for i := range d.Statements {
		r.conditionValues(&d.Statements[i])
		r.legacyResources(&d.Statements[i])
	}
	r.sids(d)
	for i := range d.Statements {
		r.presence(&d.Statements[i])
	}
	for i := range d.Statements {
		r.resources(&d.Statements[i])
	}
	for i := range d.Statements {
		r.actions(&d.Statements[i])
	}
}

func (r *reader) conditionValues(s *Statement) {
	for _, c := range s.Conditions {
		if !strings.Contains(c.Key, ":") {
			r.fail(FaultCondition, c.Pos, noVendor)
		}
		op, _ := parseOperator(c.Operator)
		for _, v := range c.Values {
			if !op.accepts(v) {
				r.fail(FaultCondition, c.Pos, legacyParsing)
			}
		}
	}
}

func (r *reader) sids(d *Document) {
	seen := make(map[string]bool, len(d.Statements))
	for _, s := range d.Statements {
		if r.rules.plainSid && !alphanumeric(s.Sid) {
			if r.rules.older {
				r.fail(FaultSid, s.Pos, "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*")
			} else {
				r.fail(FaultSid, s.Pos, "The following Statement Ids are invalid: %s", s.Sid)
			}
		}
		if s.Sid != "" && seen[s.Sid] {
			if r.rules.older {
				r.fail(FaultSid, s.Pos, "Statement IDs (SID) in a single policy must be unique.")
			} else {
				r.fail(FaultSid, s.Pos, "The Statement Ids in the policy are not unique")
			}
		}
		seen[s.Sid] = true
	}
}

func alphanumeric(s string) bool {
	for i := range len(s) {
		if c := s[i]; !(c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z') {
			return false
		}
	}
	return true
}

func (r *reader) presence(s *Statement) {
	// Compile gives a statement without actions or resources no effect. An empty list is
	// not an element left out: an empty NotAction would mean every action.
	inert := func(list []string, not bool) bool { return r.rules.inert && list == nil && !not }
	if len(s.Actions) == 0 && !inert(s.Actions, s.NotAction) {
		if r.rules.older {
			r.fail(FaultMissing, s.Pos, "Policy statement must contain actions.")
		} else {
			r.fail(FaultMissing, s.Pos, "Missing required field Action")
		}
	}
	if r.rules.resource == required && len(s.Resources) == 0 && !inert(s.Resources, s.NotResource) {
		if r.rules.older {
			r.fail(FaultMissing, s.Pos, "Policy statement must contain resources.")
		} else {
			r.fail(FaultMissing, s.Pos, "Missing required field Resource")
		}
	}
	// "The NotPrincipal element must be used with "Effect":"Deny"."
	if s.NotPrincipal && s.Effect == EffectAllow {
		r.fail(FaultProhibited, s.Pos, "Has prohibited field NotPrincipal")
	}
}

func (r *reader) actions(s *Statement) {
	for _, a := range s.Actions {
		vendor, _, ok := strings.Cut(a, ":")
		switch {
		case r.rules.stsOnly && !strings.EqualFold(vendor, "sts"):
			r.fail(FaultAction, s.Pos, "AssumeRole policy may only specify STS AssumeRole actions.")
		case a == "*":
		case !ok:
			r.fail(FaultAction, s.Pos, noVendor)
		case strings.Count(a, ":") > 1:
			r.fail(FaultAction, s.Pos, "Actions/Condition can contain only one colon.")
		case vendor != "*" && !vendorName(vendor):
			r.fail(FaultAction, s.Pos, "Vendor %s is not valid", vendor)
		}
	}
}

// vendorName reports whether s is letters, digits, hyphens and dots.
func vendorName(s string) bool {
	for i := range len(s) {
		if c := s[i]; c != '-' && c != '.' && !alphanumeric(s[i:i+1]) {
			return false
		}
	}
	return s != ""
}

// legacyResources refuses ARNs the oldest of AWS's parsers cannot read: those with
// an empty part and too few parts, or without a service.
func (r *reader) legacyResources(s *Statement) {
	if !r.rules.older {
		return
	}
	for _, res := range s.Resources {
		parts := strings.Split(res, ":")
		if len(parts) < 2 {
			continue // resources reports it
		}
		if len(parts) < 6 && strings.Contains(res, "::") || len(parts) > 2 && parts[2] == "" {
			r.fail(FaultResource, s.Pos, legacyParsing)
		}
	}
}

// iamPaths are the beginnings of an IAM resource.
var iamPaths = [...]string{"user/", "federated-user/", "role/", "group/", "instance-profile/", "mfa/",
	"server-certificate/", "policy/", "sms-mfa/", "saml-provider/", "oidc-provider/", "report/", "access-report/"}

func (r *reader) resources(s *Statement) {
	for _, res := range s.Resources {
		if r.err != nil {
			return
		}
		if res != "*" {
			r.resource(s, res)
		}
	}
}

func (r *reader) resource(s *Statement, res string) {
	arn, rest, ok := strings.Cut(res, ":")
	if !ok || arn != "arn" {
		r.fail(FaultResource, s.Pos, "Resource %s must be in ARN format or \"*\".", res)
		return
	}
	partition, rest, ok := strings.Cut(rest, ":")
	if !validPartition(partition) {
		parts := strings.SplitN(rest, ":", 4)
		for len(parts) < 4 {
			parts = append(parts, "*")
		}
		r.fail(FaultResource, s.Pos, "Partition %q is not valid for resource \"arn:%s:%s\".",
			partition, partition, strings.Join(parts, ":"))
		return
	}
	if !ok {
		r.fail(FaultResource, s.Pos, "Resource vendor must be fully qualified and cannot contain regexes.")
		return
	}
	service, rest, _ := strings.Cut(rest, ":")
	if !r.rules.older || rest == "*" || rest == "" {
		return
	}
	if !strings.HasPrefix(rest, ":") {
		switch service {
		case "iam":
			r.fail(FaultResource, s.Pos, "IAM resource %s cannot contain region information.", res)
			return
		case "s3": // access points and the like have an account, and then a Region
			if _, account, _ := strings.Cut(rest, ":"); strings.HasPrefix(account, ":") {
				r.fail(FaultResource, s.Pos, "Resource %s can not contain region information.", res)
				return
			}
		}
	}
	parts := strings.SplitN(rest, ":", 3)
	if service == "iam" && len(parts) == 3 && !iamPath(parts[2]) {
		r.fail(FaultResource, s.Pos, "IAM resource path must either be \"*\" or start with %s.", strings.Join(iamPaths[:], ", "))
	}
}

func iamPath(path string) bool {
	if path == "*" || path == "root" || strings.HasPrefix(path, "${") {
		return true
	}
	for _, p := range iamPaths {
		// A wildcard may stand where the beginning has not ended yet: "user*", "ro*".
		head, _, wild := strings.Cut(path, "*")
		if strings.HasPrefix(path, p) || wild && strings.HasPrefix(p, head) {
			return true
		}
	}
	return false
}

func validPartition(p string) bool {
	switch p {
	case "aws", "aws-cn", "aws-us-gov", "aws-eusc", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "*", "aws*", "aws-*":
		return true
	}
	return false
}

// valid checks the form of a principal. Wildcards are allowed only as "*" alone.
func (e PrincipalEntry) valid() bool {
	v := e.Value
	switch e.Type {
	case PrincipalAWS:
		if v == "*" || accountID(v) || uniqueID(v) {
			return true
		}
		parts := strings.SplitN(v, ":", 6)
		if len(parts) != 6 || parts[0] != "arn" || parts[1] == "*" || !validPartition(parts[1]) || parts[3] != "" {
			return false
		}
		if !accountID(parts[4]) && parts[4] != "cloudfront" || strings.ContainsAny(parts[5], "*?") {
			return false
		}
		head, name, _ := strings.Cut(parts[5], "/")
		switch parts[2] {
		case "iam":
			return parts[5] == "root" || (head == "user" || head == "role") && name != ""
		case "sts":
			role, session, ok := strings.Cut(name, "/")
			return head == "federated-user" && name != "" || head == "assumed-role" && ok && role != "" && session != ""
		}
		return false
	case PrincipalService:
		if v == "*" {
			return false
		}
		return strings.Contains(v, ".") && vendorName(v)
	case PrincipalFederated, PrincipalCanonical:
		return v != "" && !strings.ContainsAny(v, "*?")
	}
	return false
}

func (e PrincipalEntry) everybody() bool { return e.Type == PrincipalAWS && e.Value == "*" }

func accountID(s string) bool {
	if len(s) != 12 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// uniqueID recognises the ids IAM puts in the place of user and role ARNs: AIDA…,
// AROA…, and AROA…:session for one session of a role.
func uniqueID(s string) bool {
	id, session, ok := strings.Cut(s, ":")
	if ok && (session == "" || !strings.HasPrefix(id, "AROA")) {
		return false
	}
	return len(id) >= 16 && len(id) <= 128 && alphanumeric(id) &&
		(strings.HasPrefix(id, "AIDA") || strings.HasPrefix(id, "AROA"))
}
