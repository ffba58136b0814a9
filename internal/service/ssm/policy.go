package ssm

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"

	"fastness/internal/api/ssmapi"
)

// The types of parameter policies (AWS Systems Manager user guide, "Assigning parameter
// policies in Parameter Store").
const (
	expiration             = "Expiration"
	expirationNotification = "ExpirationNotification"
	noChangeNotification   = "NoChangeNotification"
)

const (
	// maxPolicies is how many policies a parameter can have.
	maxPolicies = 10
	// maxPeriod bounds the period of a notification, in its unit.
	maxPeriod = 100_000
)

// The states of a policy.
const (
	policyPending  = "Pending"
	policyFinished = "Finished"
)

// policyState is a policy of a version: what it says, and whether it has acted.
type policyState struct {
	Type   string `json:"type"`
	Text   string `json:"text"` // compact JSON
	Status string `json:"status"`
	// At is the time of an Expiration; Period is that of a notification.
	At     time.Time     `json:"at,omitzero"`
	Period time.Duration `json:"period,omitempty"`
}

// setPolicies sets the policies of a new version: those of the request, or else those of
// the version before, which begin anew.
func (s *Service) setPolicies(v, was *version, text *string) (err error) {
	if text == nil || *text == "" {
		for _, p := range was.Policies {
			p.Status = policyPending
			v.Policies = append(v.Policies, p)
		}
		return nil
	}
	v.Policies, err = parsePolicies(*text, v.Modified)
	return err
}

// parsePolicies reads a JSON array of policies. "[{}]" is none at all. An Expiration must lie
// after now.
func parsePolicies(text string, now time.Time) ([]policyState, error) {
	var raw []json.RawMessage
	if err := json.Unmarshal([]byte(text), &raw); err != nil || raw == nil {
		return nil, invalid("Invalid policies input: " + text + ".")
	}
	var states []policyState
	for _, r := range raw {
		if bytes.Equal(bytes.TrimSpace(r), []byte("{}")) && len(raw) == 1 {
			return nil, nil
		}
		p, err := parsePolicy(r, text)
		if err != nil {
			return nil, err
		}
		states = append(states, p)
	}
	if len(states) > maxPolicies {
		return nil, &ssmapi.PoliciesLimitExceededException{Message: new("You specified more than the maximum number of allowed policies for the parameter. The maximum is " + strconv.Itoa(maxPolicies) + ".")}
	}
	expirations, warnings := 0, 0
	for i := range states {
		switch p := &states[i]; p.Type {
		case expiration:
			expirations++
			if !p.At.After(now) {
				return nil, badAttribute("The expiration timestamp must be in the future.")
			}
		case expirationNotification:
			warnings++
		}
	}
	if expirations > 1 {
		return nil, incompatible("You can't, for example, specify two Expiration policies for a parameter.")
	}
	if warnings > 0 && expirations == 0 {
		return nil, incompatible("You can't specify an ExpirationNotification policy without an Expiration policy.")
	}
	return states, nil
}

func incompatible(what string) error {
	return &ssmapi.IncompatiblePolicyException{Message: new("There is a conflict in the policies specified for this parameter. " + what + " Review your policies, and try again.")}
}

func badAttribute(what string) error {
	return &ssmapi.InvalidPolicyAttributeException{Message: new("A policy attribute or its value is invalid. " + what)}
}

// parsePolicy reads one policy; all is the text of the whole array, for AWS's refusal.
func parsePolicy(raw json.RawMessage, all string) (policyState, error) {
	var in struct {
		Type, Version *string
		Attributes    map[string]json.RawMessage
	}
	p := policyState{Status: policyPending}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	var compact bytes.Buffer
	if err := d.Decode(&in); err != nil || json.Compact(&compact, raw) != nil || bytes.Equal(raw, []byte("null")) {
		return p, invalid("Invalid policies input: " + all + ".")
	}
	p.Type, p.Text = value(in.Type), compact.String()
	var err error
	switch p.Type {
	case expiration:
		p.At, err = timestamp(in.Attributes)
	case expirationNotification:
		p.Period, err = period(in.Attributes, "Before")
	case noChangeNotification:
		p.Period, err = period(in.Attributes, "After")
	default:
		return p, &ssmapi.InvalidPolicyTypeException{Message: new("The policy type isn't supported. Parameter Store supports the following policy types: " +
			expiration + ", " + expirationNotification + ", and " + noChangeNotification + ".")}
	}
	if err == nil && value(in.Version) != "1.0" {
		err = badAttribute("The version of a policy is 1.0.")
	}
	return p, err
}

// timeForms are ISO_INSTANT and ISO_OFFSET_DATE_TIME of Java, whose offsets may have seconds
// and whose times may lack them.
var timeForms = [...]string{
	"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05Z07:00:00", "2006-01-02T15:04Z07:00", "2006-01-02T15:04Z07:00:00",
}

func timestamp(attributes map[string]json.RawMessage) (time.Time, error) {
	text, err := attribute(attributes, "Timestamp", 1)
	if err != nil {
		return time.Time{}, err
	}
	for _, form := range timeForms {
		if at, err := time.Parse(form, text); err == nil && at.Year() > 0 && at.Year() <= 9999 {
			return at.UTC(), nil
		}
	}
	return time.Time{}, badAttribute("The value of Timestamp isn't a date and time in the format of ISO 8601.")
}

func period(attributes map[string]json.RawMessage, name string) (time.Duration, error) {
	text, err := attribute(attributes, name, 2)
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxPeriod {
		return 0, badAttribute("The value of " + name + " isn't a positive number.")
	}
	unit, err := attribute(attributes, "Unit", 2)
	switch {
	case err != nil:
		return 0, err
	case unit == "Days":
		return time.Duration(n) * 24 * time.Hour, nil
	case unit == "Hours":
		return time.Duration(n) * time.Hour, nil
	}
	return 0, badAttribute("The value of Unit is either Days or Hours.")
}

// attribute reads a string, or a number as one, from a policy that has count attributes.
func attribute(attributes map[string]json.RawMessage, name string, count int) (string, error) {
	raw, ok := attributes[name]
	if !ok || len(attributes) != count {
		return "", badAttribute("The policy needs the attribute " + name + " and takes no others than those documented.")
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text, nil
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		return n.String(), nil
	}
	return "", badAttribute("The value of " + name + " isn't text.")
}

// due is when a policy of a version acts.
func (v *version) due(p *policyState) time.Time {
	switch p.Type {
	case expiration:
		return p.At
	case noChangeNotification:
		return v.Modified.Add(p.Period)
	}
	for i := range v.Policies {
		if v.Policies[i].Type == expiration {
			return v.Policies[i].At.Add(-p.Period)
		}
	}
	return time.Time{}
}

// inline are the policies as the API shows them.
func (v *version) inline() (all []ssmapi.ParameterInlinePolicy) {
	for _, p := range v.Policies {
		all = append(all, ssmapi.ParameterInlinePolicy{PolicyText: new(p.Text), PolicyType: new(p.Type), PolicyStatus: new(p.Status)})
	}
	return all
}
