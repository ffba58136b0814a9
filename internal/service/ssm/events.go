package ssm

import (
	"encoding/json"
	"fmt"

	"fastness/internal/api/ssmapi"
	"fastness/internal/eventlog"
	"fastness/internal/store"
)

// The kinds of events (AWS Systems Manager user guide, "Setting up notifications or
// triggering actions based on Parameter Store events").
const (
	changeEvent = "Parameter Store Change"
	policyEvent = "Parameter Store Policy Action"
)

// change is the detail of a Parameter Store Change.
type change struct {
	// Exception says why a version of the data type aws:ec2:image did not come to be.
	Exception   string               `json:"exception,omitempty"`
	DataType    string               `json:"dataType,omitempty"` // of aws:ec2:image alone
	Name        string               `json:"name"`
	Type        ssmapi.ParameterType `json:"type"`
	Label       string               `json:"label,omitempty"`
	Description string               `json:"description,omitempty"`
	// Operation is Create, Update, Delete or LabelParameterVersion.
	Operation string `json:"operation"`
}

// report adds a change of a parameter to the events of its account.
func (s *Service) report(tx store.Txn, p *parameterRecord, detail change) error {
	detail.Description = p.Latest.Description
	if p.Latest.DataType == dataImage {
		detail.DataType = dataImage
	}
	return s.reportChange(tx, p, p.Latest.Type, detail)
}

func (s *Service) reportChange(tx store.Txn, p *parameterRecord, kind ssmapi.ParameterType, detail change) error {
	detail.Name, detail.Type = p.Name, kind
	return s.emit(tx, p.key(), changeEvent, detail)
}

// policyAction is the detail of a Parameter Store Policy Action.
type policyAction struct {
	Name    string               `json:"parameter-name"`
	Type    ssmapi.ParameterType `json:"parameter-type"`
	Policy  string               `json:"policy-type"`
	Content string               `json:"policy-content"` // the policy's JSON
	Status  string               `json:"action-status"`
	Reason  string               `json:"action-reason,omitempty"`
}

func (s *Service) emit(tx store.Txn, name parameterName, kind string, detail any) error {
	b, err := json.Marshal(detail)
	if err != nil {
		return fmt.Errorf("ssm: event: %w", err)
	}
	return s.events.Append(tx, eventlog.Event{
		Account: name.account, Region: name.region, Time: s.clock.Now().UTC(), Source: "aws.ssm", DetailType: kind,
		Resources: []string{parameterARN(name.account, name.region, name.name)}, Detail: b,
	})
}
