package apigen

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"

	"fastness/internal/apigen/iamdata"
)

// Rules are hand-made facts about one API that its model does not carry: an entry of
// rules.json. Every fact names where it is known from.
type Rules struct {
	// HideValues leaves every value out of validation texts.
	HideValues bool `json:"hideValues"`
	// EnumWithoutList leaves the values out of the enum constraint.
	EnumWithoutList bool `json:"enumWithoutList"`
	// NullFullStop ends "Member must not be null" with a full stop.
	NullFullStop bool `json:"nullFullStop"`
	// ElementsNotNull adds "Member must not be null" to the constraints of elements.
	ElementsNotNull bool `json:"elementsNotNull"`
	// EnumOrder gives the values of enumerations in the order in which the service lists
	// them, where that is not the model's.
	EnumOrder map[string][]string `json:"enumOrder"`
	// OwnChecks are shapes whose constraints the service checks itself, because it has an
	// error of its own for them.
	OwnChecks []string `json:"ownChecks"`
	// TextEvidence says where the exceptions above are recorded.
	TextEvidence string `json:"textEvidence"`
	// ReadOnly and NotReadOnly correct the read-only flag that follows from the access
	// level of the IAM action. "*" in ReadOnly is every operation.
	ReadOnly         []string `json:"readOnly"`
	NotReadOnly      []string `json:"notReadOnly"`
	ReadOnlyEvidence string   `json:"readOnlyEvidence"`
	// DataEvents are operations that CloudTrail only logs as data events. "*" is every operation.
	DataEvents         []string `json:"dataEvents"`
	DataEventsEvidence string   `json:"dataEventsEvidence"`
	// Actions are the IAM actions (with prefix) of operations that differ from the
	// operation's name. An empty list says that the operation needs no permission.
	Actions map[string][]string `json:"actions"`
	// ActionsEvidence says where Actions is known from.
	ActionsEvidence string `json:"actionsEvidence"`
}

//go:embed rules.json
var rulesJSON []byte

// ReadRules reads rules.json, by API name.
func ReadRules() (map[string]Rules, error) {
	d := json.NewDecoder(bytes.NewReader(rulesJSON))
	d.DisallowUnknownFields()
	var rules map[string]Rules
	if err := d.Decode(&rules); err != nil {
		return nil, fmt.Errorf("rules.json: %w", err)
	}
	for name, r := range rules {
		texts := r.HideValues || r.EnumWithoutList || r.NullFullStop || r.ElementsNotNull || len(r.OwnChecks) > 0 || len(r.EnumOrder) > 0
		flags := len(r.ReadOnly)+len(r.NotReadOnly) > 0
		if texts && r.TextEvidence == "" || flags && r.ReadOnlyEvidence == "" || len(r.DataEvents) > 0 && r.DataEventsEvidence == "" || len(r.Actions) > 0 && r.ActionsEvidence == "" {
			return nil, fmt.Errorf("rules.json: %s: a fact without evidence", name)
		}
	}
	return rules, nil
}

// ActionSource gives the IAM data of a service prefix.
type ActionSource func(prefix string) (*iamdata.Service, error)
