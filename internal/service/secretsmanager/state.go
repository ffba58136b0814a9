package secretsmanager

import (
	"slices"
	"strings"
	"time"

	"fastness/internal/call"
)

// secretRecord is one secret in one Region: a secret of its own, or the replica of one
// in another Region (then PrimaryRegion is set).
type secretRecord struct {
	Account string `json:"account"`
	Region  string `json:"region"`
	Name    string `json:"name"`
	// Suffix are the six characters behind the name in the ARN. They stay for life; a
	// secret that is made again under the same name gets others. Replicas share them.
	Suffix string `json:"suffix"`

	Type        string `json:"type,omitempty"` // of a managed external secret
	Description string `json:"description,omitempty"`
	// KMSKey is the key as the caller named it; empty means alias/aws/secretsmanager.
	KMSKey  string    `json:"kmsKey,omitempty"`
	Tags    []tag     `json:"tags,omitzero"`    // nil until there has been one
	Policy  string    `json:"policy,omitempty"` // see policies.go
	Created time.Time `json:"created"`
	// Changed is when the secret was last modified in any way.
	Changed time.Time `json:"changed"`
	// Deleted is when DeleteSecret was called, Purge when the recovery window ends; both
	// are zero for a secret that is not marked for deletion.
	Deleted time.Time `json:"deleted,omitzero"`
	Purge   time.Time `json:"purge,omitzero"`

	// Stages says which version each staging label is attached to. A version with no
	// label is deprecated.
	Stages map[string]string `json:"stages,omitempty"`
	// Versions is the number of versions, deprecated ones too.
	Versions int `json:"versions,omitempty"`

	// Rotation is the configuration of rotation; nil before the first RotateSecret.
	Rotation *rotationConfig `json:"rotation,omitempty"`
	// LastRotated is when Secrets Manager last rotated the secret.
	LastRotated time.Time `json:"lastRotated,omitzero"`
	// Replaced is when somebody last gave a secret with rotation another AWSCURRENT by
	// hand: schedules count from there as from a rotation.
	Replaced time.Time `json:"replaced,omitzero"`

	// PrimaryRegion is set on secrets that are replicated: on the replicas and, with its
	// own Region, on the primary.
	PrimaryRegion string `json:"primaryRegion,omitempty"`
	// Replicas are the replicas of a primary secret, by Region.
	Replicas []replica `json:"replicas,omitempty"`
}

// tag is one tag, in the order in which tags were added.
type tag struct {
	Key   string `json:"k"`
	Value string `json:"v"`
}

// replica is what a primary secret knows about its part in another Region.
type replica struct {
	Region  string `json:"region"`
	KMSKey  string `json:"kmsKey,omitempty"` // as the caller named it; empty: the default key
	Status  string `json:"status"`           // InSync, InProgress or Failed
	Message string `json:"message,omitempty"`
}

// rotationConfig is how a secret is rotated. The operations write Enabled, Function, the
// rules and what belongs to external secrets; the rotation engine keeps Next.
type rotationConfig struct {
	Enabled bool `json:"enabled"`
	// Function is RotationLambdaARN: a Lambda function, or a built-in rotator.
	Function string `json:"function,omitempty"`
	// AfterDays, Schedule and Duration are RotationRules as given: at most one of the
	// first two, and a window in hours ("3h").
	AfterDays int64  `json:"afterDays,omitempty"`
	Schedule  string `json:"schedule,omitempty"`
	Duration  string `json:"duration,omitempty"`
	// Interval is the days from the last rotation to the next by Schedule, which lists and
	// descriptions show as AutomaticallyAfterDays; 0 before the first rotation by these rules,
	// and where it is less than a day.
	Interval int64 `json:"interval,omitempty"`
	// Set is when the rules were set: rate() counts from there.
	Set time.Time `json:"set,omitzero"`
	// Next is the end of the next rotation window; zero when nothing is scheduled.
	Next time.Time `json:"next,omitzero"`
	// Role and Metadata belong to the rotation of managed external secrets.
	Role     string `json:"role,omitempty"`
	Metadata []tag  `json:"metadata,omitempty"`
}

// versionRecord is one version without its value: what lists and labels need.
type versionRecord struct {
	Account string `json:"account"`
	Region  string `json:"region"`
	Secret  string `json:"secret"` // secretRecord.id
	ID      string `json:"id"`     // ClientRequestToken

	Created time.Time `json:"created"`
	// Key is the ARN of the KMS key that encrypts the value; DefaultKey says that it is
	// the AWS managed one.
	Key        string `json:"key,omitempty"`
	DefaultKey bool   `json:"defaultKey,omitempty"`
	// Form is what the value is; noValue for the version that a rotation has opened and
	// not filled yet.
	Form form `json:"form,omitempty"`
}

// form is what a caller stored in a version.
type form string

const (
	noValue      form = ""
	secretString form = "string"
	secretBinary form = "binary"
)

// valueRecord is the encrypted value of a version: the data key under the KMS key, and
// the value under the data key (see cipher.go). There is none for a version without value.
type valueRecord struct {
	Account string `json:"account"`
	Region  string `json:"region"`
	Secret  string `json:"secret"`
	Version string `json:"version"`

	DataKey []byte `json:"dataKey"`
	Value   []byte `json:"value"`
}

// accessRecord are the days on which a secret and its versions were last read.
type accessRecord struct {
	Account string `json:"account"`
	Region  string `json:"region"`
	Secret  string `json:"secret"`

	Day      time.Time            `json:"day"`
	Versions map[string]time.Time `json:"versions,omitempty"`
}

// The staging labels that Secrets Manager moves by itself.
const (
	stageCurrent  = "AWSCURRENT"
	stagePrevious = "AWSPREVIOUS"
	stagePending  = "AWSPENDING"
)

// id names a secret for life, in its account and Region.
func (s *secretRecord) id() string { return s.Name + "-" + s.Suffix }

func (s *secretRecord) arn() string { return secretARN(s.Account, s.Region, s.id()) }

// secretARN takes what follows "secret:".
func secretARN(account, region, id string) string {
	return "arn:" + call.Partition + ":secretsmanager:" + region + ":" + account + ":secret:" + id
}

// name is the secret's identity in the store.
func (s *secretRecord) name() secretName { return secretName{s.Account, s.Region, s.Name} }

// secretName is where the record of a secret lies.
type secretName struct{ account, region, name string }

// doomed tells whether the secret is marked for deletion.
func (s *secretRecord) doomed() bool { return !s.Purge.IsZero() }

// isReplica tells whether the secret is the replica of one in another Region.
func (s *secretRecord) isReplica() bool {
	return s.PrimaryRegion != "" && s.PrimaryRegion != s.Region
}

// labels are those of a version, sorted.
func (s *secretRecord) labels(version string) []string {
	var labels []string
	for label, v := range s.Stages {
		if v == version {
			labels = append(labels, label)
		}
	}
	slices.Sort(labels)
	return labels
}

// labelled are the versions that have labels, each once, sorted.
func (s *secretRecord) labelled() []string {
	var versions []string
	for _, v := range s.Stages {
		versions = append(versions, v)
	}
	slices.Sort(versions)
	return slices.Compact(versions)
}

// clone is a copy of which everything may be changed.
func (s *secretRecord) clone() *secretRecord {
	c := *s
	c.Tags, c.Replicas = slices.Clone(s.Tags), slices.Clone(s.Replicas)
	c.Stages = make(map[string]string, len(s.Stages)+1)
	for k, v := range s.Stages {
		c.Stages[k] = v
	}
	if s.Rotation != nil {
		r := *s.Rotation
		r.Metadata = slices.Clone(r.Metadata)
		c.Rotation = &r
	}
	return &c
}

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

// splitID takes a secret's id, name-suffix, apart.
func splitID(id string) (name, suffix string, ok bool) {
	i := strings.LastIndexByte(id, '-')
	if i < 1 || len(id)-i-1 != suffixLength {
		return "", "", false
	}
	return id[:i], id[i+1:], true
}
