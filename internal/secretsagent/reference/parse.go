package reference

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// MaxReferences bounds the dynamic references in one value; it is CloudFormation's bound
// for a template.
const MaxReferences = 60

// Reference is a reference to a secret or a parameter.
type Reference struct {
	// Text is what was written.
	Text string
	// Parameter tells whether it is a parameter; else it is a secret.
	Parameter bool
	// Name is the name or the ARN.
	Name string
	// Key is the member of the secret's JSON object, "" for the whole secret.
	Key string
	// Stage and Version of a secret. Version of a parameter is a number or a label.
	Stage, Version string
	// Plain refuses a SecureString.
	Plain bool
}

// part is a piece of a value: text, or a reference.
type part struct {
	text string
	ref  *Reference
}

// Value is the value of a variable: text with references in it.
type Value struct{ parts []part }

// HasReferences tells whether there is anything to resolve.
func (v Value) HasReferences() bool {
	for _, p := range v.parts {
		if p.ref != nil {
			return true
		}
	}
	return false
}

// References returns the references in the value, in order.
func (v Value) References() []Reference {
	var all []Reference
	for _, p := range v.parts {
		if p.ref != nil {
			all = append(all, *p.ref)
		}
	}
	return all
}

// What references begin with.
const (
	secretPrefix    = "secretsmanager:"
	parameterPrefix = "ssm:"
	open            = "{{resolve:"
	closing         = "}}"
)

// maxName bounds names and ARNs, in bytes.
const maxName = 2048

// The characters of names: those of the APIs, which ARNs add only colons to. Parameters
// below /aws/reference/secretsmanager/ have the names of secrets.
var (
	secretName    = regexp.MustCompile(`^[A-Za-z0-9/_+=.@!-]{1,512}$`)
	secretARN     = regexp.MustCompile(`^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@!-]{1,520}$`)
	parameterName = regexp.MustCompile(`^[A-Za-z0-9_./+=@!-]+$`)
	parameterARN  = regexp.MustCompile(`^arn:aws[a-z-]*:ssm:[a-z0-9-]*:[0-9]{0,12}:parameter/[A-Za-z0-9_./+=@!-]+$`)
	number        = regexp.MustCompile(`^[1-9][0-9]{0,17}$`)
	label         = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,100}$`)
	stage         = regexp.MustCompile(`^[!-~]{1,256}$`)
	versionID     = regexp.MustCompile(`^[!-~]{32,64}$`)
	uuid          = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)
)

// Parse reads a value. One without references is text and no error.
func Parse(s string) (Value, error) {
	if rest, ok := strings.CutPrefix(s, secretPrefix); ok {
		r, err := parseSecret(rest)
		return whole(s, r, err)
	}
	if rest, ok := strings.CutPrefix(s, parameterPrefix); ok {
		r, err := parseParameter(rest)
		return whole(s, r, err)
	}
	var v Value
	refs := 0
	for s != "" {
		before, rest, found := strings.Cut(s, open)
		if before != "" {
			v.parts = append(v.parts, part{text: before})
		}
		if !found {
			break
		}
		body, after, ended := strings.Cut(rest, closing)
		if !ended {
			return Value{}, fmt.Errorf("%s without %s", open, closing)
		}
		r, err := parseDynamic(body)
		if err != nil {
			return Value{}, err
		}
		if refs++; refs > MaxReferences {
			return Value{}, fmt.Errorf("more than %d references", MaxReferences)
		}
		r.Text = open + body + closing
		v.parts = append(v.parts, part{ref: r})
		s = after
	}
	return v, nil
}

// whole is a value that is one reference.
func whole(text string, r *Reference, err error) (Value, error) {
	if err != nil {
		return Value{}, err
	}
	r.Text = text
	return Value{[]part{{ref: r}}}, nil
}

// parseSecret reads what follows secretsmanager: in the short form.
func parseSecret(s string) (*Reference, error) {
	name, rest, err := splitSecretName(s)
	if err != nil {
		return nil, err
	}
	if len(rest) > 3 {
		return nil, errors.New("more parts than secretsmanager:NAME:JSON-KEY:STAGE-OR-VERSION")
	}
	r := &Reference{Name: name, Key: at(rest, 0), Stage: at(rest, 1), Version: at(rest, 2)}
	if r.Version == "" && uuid.MatchString(r.Stage) {
		r.Stage, r.Version = "", r.Stage
	}
	return r, checkVersion(r)
}

// parseParameter reads what follows ssm: in the short form.
func parseParameter(s string) (*Reference, error) {
	name, rest, err := splitParameterName(s)
	if err != nil {
		return nil, err
	}
	if len(rest) > 1 || len(rest) == 1 && !label.MatchString(rest[0]) {
		return nil, errors.New("after the parameter's name there is something else than a version or a label")
	}
	return &Reference{Parameter: true, Name: name, Version: at(rest, 0)}, nil
}

// parseDynamic reads what is between {{resolve: and }}.
func parseDynamic(s string) (*Reference, error) {
	service, key, _ := strings.Cut(s, ":")
	switch service {
	case "secretsmanager":
		name, rest, err := splitSecretName(key)
		if err != nil {
			return nil, err
		}
		if len(rest) > 4 {
			return nil, errors.New("more parts than NAME:SecretString:JSON-KEY:STAGE:VERSION-ID")
		}
		if at(rest, 0) != "" && rest[0] != "SecretString" {
			return nil, errors.New("after the secret's name there is something else than SecretString")
		}
		r := &Reference{Name: name, Key: at(rest, 1), Stage: at(rest, 2), Version: at(rest, 3)}
		return r, checkVersion(r)
	case "ssm", "ssm-secure":
		name, rest, err := splitParameterName(key)
		if err != nil {
			return nil, err
		}
		if len(rest) > 1 || len(rest) == 1 && !number.MatchString(rest[0]) {
			return nil, errors.New("after the parameter's name there is something else than the number of a version")
		}
		return &Reference{Parameter: true, Name: name, Version: at(rest, 0), Plain: service == "ssm"}, nil
	}
	return nil, errors.New("the service is not secretsmanager, ssm or ssm-secure")
}

// checkVersion checks how a secret's version is named.
func checkVersion(r *Reference) error {
	switch {
	case r.Stage != "" && r.Version != "":
		return errors.New("both a staging label and a version's id")
	case r.Stage != "" && !stage.MatchString(r.Stage):
		return errors.New("what is in the place of a staging label is none")
	case r.Version != "" && !versionID.MatchString(r.Version):
		return errors.New("what is in the place of a version's id is none")
	}
	return nil
}

// splitSecretName splits off the name or ARN of a secret, and the other parts at colons.
func splitSecretName(s string) (name string, rest []string, err error) {
	parts := strings.Split(s, ":")
	if parts[0] == "arn" {
		const colons = 7 // arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME
		if len(parts) < colons || !secretARN.MatchString(strings.Join(parts[:colons], ":")) {
			return "", nil, errors.New("not the ARN of a secret")
		}
		return strings.Join(parts[:colons], ":"), parts[colons:], nil
	}
	if !secretName.MatchString(parts[0]) {
		return "", nil, errors.New("not the name of a secret")
	}
	return parts[0], parts[1:], nil
}

// splitParameterName splits off the name or ARN of a parameter.
func splitParameterName(s string) (name string, rest []string, err error) {
	parts := strings.Split(s, ":")
	if parts[0] == "arn" {
		const colons = 6 // arn:aws:ssm:REGION:ACCOUNT:parameter/NAME
		if len(parts) < colons || len(s) > maxName || !parameterARN.MatchString(strings.Join(parts[:colons], ":")) {
			return "", nil, errors.New("not the ARN of a parameter")
		}
		return strings.Join(parts[:colons], ":"), parts[colons:], nil
	}
	if len(parts[0]) > maxName || !parameterName.MatchString(parts[0]) {
		return "", nil, errors.New("not the name of a parameter")
	}
	return parts[0], parts[1:], nil
}

func at(parts []string, i int) string {
	if i < len(parts) {
		return parts[i]
	}
	return ""
}
