package iam

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"fastness/internal/call"
	"fastness/internal/policy"
)

// kind is one of the kinds of named things.
type kind struct {
	word     string // as sentences have it
	title    string
	segment  string // of keys and ARNs
	idPrefix string
	// perAccount is the quota and its name.
	perAccount      int
	perAccountQuota string
	// attachedQuota names the quota of attached managed policies.
	attachedQuota string
	// inlineSize bounds the characters of all inline policies.
	inlineSize int
	tagsQuota  string
	cloudTrail string // CloudTrail's resource type
}

var (
	userKind = &kind{word: "user", title: "User", segment: "user", idPrefix: userPrefix, perAccount: 5000, perAccountQuota: "UsersPerAccount",
		attachedQuota: "PoliciesPerUser", inlineSize: 2048, tagsQuota: "TagsPerUser", cloudTrail: "AWS::IAM::User"}
	groupKind = &kind{word: "group", title: "Group", segment: "group", idPrefix: groupPrefix, perAccount: 300, perAccountQuota: "GroupsPerAccount",
		attachedQuota: "PoliciesPerGroup", inlineSize: 5120, cloudTrail: "AWS::IAM::Group"}
	roleKind = &kind{word: "role", title: "Role", segment: "role", idPrefix: rolePrefix, perAccount: 1000, perAccountQuota: "RolesPerAccount",
		attachedQuota: "PoliciesPerRole", inlineSize: 10240, tagsQuota: "TagsPerRole", cloudTrail: "AWS::IAM::Role"}
	policyKind = &kind{word: "policy", title: "Policy", segment: "policy", idPrefix: policyPrefix, perAccount: 1500, perAccountQuota: "PoliciesPerAccount",
		tagsQuota: "TagsPerPolicy", cloudTrail: "AWS::IAM::Policy"}
	profileKind = &kind{word: "instance profile", title: "Instance Profile", segment: "instance-profile", idPrefix: profilePrefix, perAccount: 1000,
		perAccountQuota: "InstanceProfilesPerAccount", tagsQuota: "TagsPerInstanceProfile", cloudTrail: "AWS::IAM::InstanceProfile"}
)

// The other quotas ("IAM and AWS STS quotas").
const (
	maxKeysPerUser     = 2
	maxAttached        = 10
	maxGroupsPerUser   = 10
	maxVersions        = 5
	maxRolesPerProfile = 1
	maxTags            = 50
	maxPolicySize      = 6144
	maxTrustSize       = 2048
	defaultMaxSession  = 3600 // seconds
	awsAccount         = "aws"
)

// entity is a user, group, role, managed policy or instance profile.
type entity interface {
	base() *head
	kind() *kind
}

// holder is an entity that has policies.
type holder interface {
	entity
	held() *grants
}

// head is what all kinds have.
type head struct {
	ID      string    `json:"id"`
	Account string    `json:"account"`
	Name    string    `json:"name"`
	Path    string    `json:"path"`
	Created time.Time `json:"created"`
	Tags    []tag     `json:"tags,omitempty"`
}

func (h *head) base() *head { return h }

type tag struct {
	Key   string `json:"k"`
	Value string `json:"v"`
}

// tagMap is tags by key, nil when there are none.
func tagMap(tags []tag) map[string]string {
	if len(tags) == 0 {
		return nil
	}
	m := make(map[string]string, len(tags))
	for _, t := range tags {
		m[t.Key] = t.Value
	}
	return m
}

// used are the ARNs of all policies, the boundary included.
func (g *grants) used() []string {
	if g.Boundary == "" {
		return g.Attached
	}
	return append([]string{g.Boundary}, g.Attached...)
}

// grants are the policies of a user, group or role.
type grants struct {
	Inline   []inline `json:"inline,omitempty"`   // by name
	Attached []string `json:"attached,omitempty"` // ARNs, in the order they were attached
	Boundary string   `json:"boundary,omitempty"` // ARN
}

func (g *grants) held() *grants { return g }

type inline struct {
	Name string    `json:"name"`
	Doc  *document `json:"doc"`
}

// findInline is the place of an inline policy.
func (g *grants) findInline(name string) (int, bool) {
	return slices.BinarySearchFunc(g.Inline, name, func(p inline, n string) int { return strings.Compare(p.Name, n) })
}

// uses tells whether the policy is attached.
func (g *grants) uses(arn string) bool { return slices.Contains(g.Attached, arn) }

type user struct {
	head
	grants
	Groups []string `json:"groups,omitempty"` // ids
	Keys   []string `json:"keys,omitempty"`   // access key ids, oldest first
}

type group struct {
	head
	grants
}

type role struct {
	head
	grants
	Description string `json:"description,omitempty"`
	MaxSession  int32  `json:"maxSession"` // seconds
	// Trust is the trust policy with principals by unique id.
	Trust *document `json:"trust"`
}

// instanceProfile holds a role for machines.
type instanceProfile struct {
	head
	Roles []string `json:"roles,omitempty"` // ids, at most maxRolesPerProfile
}

type managed struct {
	head
	Description string    `json:"description,omitempty"`
	Updated     time.Time `json:"updated"`
	Versions    []version `json:"versions"` // oldest first
	Default     int       `json:"default"`  // number of the version in force
	Next        int       `json:"next"`     // number of the next version
}

type version struct {
	Number  int       `json:"n"`
	Created time.Time `json:"created"`
	Doc     *document `json:"doc"`
}

func (v version) id() string { return fmt.Sprintf("v%d", v.Number) }

func (*user) kind() *kind            { return userKind }
func (*group) kind() *kind           { return groupKind }
func (*role) kind() *kind            { return roleKind }
func (*managed) kind() *kind         { return policyKind }
func (*instanceProfile) kind() *kind { return profileKind }

// inForce is the document of the default version.
func (m *managed) inForce() *document {
	for i := range m.Versions {
		if m.Versions[i].Number == m.Default {
			return m.Versions[i].Doc
		}
	}
	return nil
}

// findVersion is the place of a version by its id, or -1.
func (m *managed) findVersion(id string) int {
	return slices.IndexFunc(m.Versions, func(v version) bool { return v.id() == id })
}

// accessKey is a long-term access key. UserID is empty for keys of the root user.
type accessKey struct {
	ID      string    `json:"id"`
	Account string    `json:"account"`
	UserID  string    `json:"user,omitempty"`
	Secret  []byte    `json:"secret"`
	Active  bool      `json:"active"`
	Created time.Time `json:"created"`
}

// account is an account's own record. Counts are by kind segment.
type account struct {
	ID      string         `json:"id"`
	Created time.Time      `json:"created"`
	Keys    []string       `json:"keys,omitempty"` // of the root user
	Counts  map[string]int `json:"counts,omitempty"`
	Alias   string         `json:"alias,omitempty"`
}

// lastUse is when, and with which service, a key or role was last used.
type lastUse struct {
	Account string    `json:"account"`
	ID      string    `json:"id"` // of the key or role
	Time    time.Time `json:"time"`
	Service string    `json:"service"`
	Region  string    `json:"region"`
}

// document is the text of a policy and, once someone needs it, its compiled form.
type document struct {
	text string
	file string // where the text is, for AWS managed policies

	once     sync.Once
	compiled *policy.Policy
	err      error
}

func newDocument(text string) *document { return &document{text: text} }

// source is the text.
func (d *document) source() string {
	if d.file == "" {
		return d.text
	}
	text, err := awsPolicyFiles.ReadFile(d.file)
	if err != nil {
		return "" // no policy, so it is refused when it is compiled; a test reads them all
	}
	return string(text)
}

// policy compiles the document at the first use. id is how results name it.
func (d *document) policy(kind policy.Kind, id string) (*policy.Policy, error) {
	d.once.Do(func() {
		if d.compiled, d.err = policy.New(kind, id, []byte(d.source())); d.err != nil {
			d.err = fmt.Errorf("iam: stored policy %s: %w", id, d.err)
		}
	})
	return d.compiled, d.err
}

// MarshalJSON writes the text.
func (d *document) MarshalJSON() ([]byte, error) { return json.Marshal(d.source()) }

// UnmarshalJSON reads the text.
func (d *document) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, &d.text) }

// arnOf is the ARN of an entity.
func arnOf(e entity) string {
	h := e.base()
	return entityARN(h.Account, e.kind(), h.Path, h.Name)
}

func entityARN(account string, k *kind, path, name string) string {
	return "arn:" + call.Partition + ":iam::" + account + ":" + k.segment + path + name
}

func rootARN(account string) string {
	return "arn:" + call.Partition + ":iam::" + account + ":root"
}

// ref names a record: what it is, whose, and its name in lower case or its id.
// Names in lower case are unique without regard to case.
type ref struct{ segment, account, name string }

// The segments of records that are not entities.
const (
	segmentAccount = "account"
	segmentKey     = "access-key"
	segmentUse     = "last-use"
)

// refOf names a record.
func refOf(record any) ref {
	switch r := record.(type) {
	case entity:
		return ref{r.kind().segment, r.base().Account, strings.ToLower(r.base().Name)}
	case *accessKey:
		return ref{segmentKey, r.Account, r.ID}
	case *account:
		return ref{segmentAccount, r.ID, ""}
	case *lastUse:
		return ref{segmentUse, r.Account, r.ID}
	}
	return ref{}
}
